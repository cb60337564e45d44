"""Asks a person on the terminal: approvals with their previews, questions of agents, trust."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.cli.editing import edit_file, editor, parse_arguments
from holdfast.cli.previews import preview_lines
from holdfast.cli.running.console import Console
from holdfast.cli.running.forms import asked_form
from holdfast.cli.running.terminal import Person
from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.approvals import Approval, Decision
from holdfast.core.domain.errors import ConflictError, HoldfastError, InvalidError
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import Question
from holdfast.core.services.workbench import Workbench


class Asker:
    """Asks one thing after the other and tells the services what the person said."""

    def __init__(self, workbench: Workbench, console: Console, person: Person) -> None:
        self._workbench = workbench
        self._console = console
        self._person = person
        self.editing = False
        """An editor has the terminal: a ^C is for it."""
        self.deciding = False
        """The person has answered: what follows must not be broken off."""

    async def ask(self, item: Approval | Question) -> bool:
        """Asks until it is settled, here or elsewhere; False when the person has ended the input."""
        try:
            if isinstance(item, Approval):
                return await self._ask_approval(item)
            return await self._ask_question(item)
        except ConflictError as settled:
            self._console.line(settled.message)
            return True

    async def ask_trust(self, info: AgentInfo, project: str) -> None:
        """Asks once whether the project's agents may allow themselves things, and records the answer."""
        self._console.line(f"The agent {info.name!r} comes from this project: {sanitize_line(info.path)}")
        self._console.line("Do you trust this folder's agents? Only then do their `allow` rules count,")
        self._console.line("and may they search your collections and your memory.")
        answer = await self._read("trust? y yes · n no > ")
        if answer is None:
            return
        await self._workbench.agents.trust(project, answer.lower() in ("y", "yes"))

    async def _ask_approval(self, approval: Approval) -> bool:
        self.show(approval)
        while True:
            answer = await self._read(self.menu(approval))
            if answer is None:
                return False
            try:
                decision = await self._decision(self.letter(answer.strip(), approval), approval)
                if decision is None:
                    continue
                await self._decide(approval, decision)
            except ConflictError:
                raise
            except HoldfastError as refused:
                self._console.line(refused.message, "bad")
                continue
            return True

    def show(self, approval: Approval) -> None:
        """Writes what waits."""
        show_approval(self._console, approval)

    def menu(self, approval: Approval) -> str:
        """Returns the prompt: the letters that decide."""
        return _menu(approval)

    def show_question(self, question: Question) -> None:
        """Writes what an agent asks."""
        who = f"{sanitize_line(question.agent)}, a sub-agent, asks: " if question.agent else ""
        who = f"The MCP server {sanitize_line(question.server)} asks: " if question.server else who
        self._console.line(f"? {who}{question.text}", "ask")
        if question.url is not None:
            self._console.line(f"  {sanitize_line(question.url)}")
        for number, choice in enumerate(question.choices, start=1):
            self._console.line(f"  {number} {sanitize_line(choice)}")

    def letter(self, answer: str, approval: Approval) -> str:
        """Returns the letter that was meant."""
        return answer

    async def _decide(self, approval: Approval, decision: Decision) -> None:
        with self._deciding():
            await self._workbench.approvals.decide(approval.id, decision)
            if decision.scope == "always":
                path = await self._workbench.approvals.policy_path()
                self._console.line(f"  rule added to {path}: {sanitize_line(approval.rule)}")

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        self.deciding = True
        try:
            yield
        finally:
            self.deciding = False

    async def _decision(self, answer: str, approval: Approval) -> Decision | None:
        """Returns the decision that `answer` says; None when it says none and is to be asked again."""
        match answer.lower():
            case "y" | "yes":
                return Decision(outcome="approve")
            case "s":
                return Decision(outcome="approve", scope="session")
            case "a" if approval.rule:
                return Decision(outcome="approve", scope="always")
            case "n" | "no":
                return Decision(outcome="deny")
            case "r":
                reason = await self._read("reason > ")
                return None if reason is None else Decision(outcome="deny", reason=reason.strip())
            case "e":
                arguments = await self._edited(approval.arguments)
                return None if arguments is None else Decision(outcome="approve", arguments=arguments)
            case _:
                return None

    async def _edited(self, arguments: dict[str, Any]) -> dict[str, Any] | None:
        text = json.dumps(arguments, indent=2)
        if editor() is None:
            self._console.line(text)
            answer = await self._read("arguments as JSON > ")
            return parse_arguments(answer) if answer else None
        changed = parse_arguments(await self._in_editor(text))
        if changed == arguments:
            self._console.line("The arguments are as they were.")
            return None
        self._console.line(json.dumps(changed, indent=2))
        return changed

    async def _in_editor(self, text: str) -> str:
        with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
            path = Path(folder) / "arguments.json"
            path.write_text(text + "\n", encoding="utf-8")
            self.editing = True
            try:
                await asyncio.to_thread(edit_file, path)
            finally:
                self.editing = False
            return path.read_text(encoding="utf-8", errors="replace")

    async def _ask_question(self, question: Question) -> bool:
        self.show_question(question)
        if question.acted:
            return await self._ask_form(question)
        while True:
            answer = await self._read("answer > ")
            if answer is None:
                return False
            chosen = chosen_answer(question, answer)
            if chosen is None:
                continue
            with self._deciding():
                await self._workbench.runs.answer(question.id, chosen)
            return True

    async def _ask_form(self, question: Question) -> bool:
        """Asks for each field; what the engine does not take is said, and all is asked again."""
        while True:
            given = await asked_form(question, self._console, self._read)
            if given is None:
                return False
            try:
                with self._deciding():
                    await self._workbench.runs.answer(question.id, "", given.action, given.fields or None)
            except InvalidError as refused:
                self._console.line(refused.message, "bad")
                continue
            return True

    async def _read(self, prompt: str) -> str | None:
        self._console.prompt(prompt)
        try:
            line = await self._person.read_line()
        except asyncio.CancelledError:
            self._console.withdraw()
            raise
        self._console.answered()
        return line


def show_approval(console: Console, approval: Approval) -> None:
    """Writes what waits, why, and exactly what it would do."""
    console.line(
        f"? {approval.tool} ({approval.risk.value}): {sanitize_line(approval.reason)}".rstrip(": "), "ask"
    )
    for line in preview_lines(approval):
        console.line(f"  {line.text}", line.tone)
    if approval.expires_at is not None:
        console.line(f"  expires at {approval.expires_at.astimezone():%T}, then: {approval.on_expiry}")


def chosen_answer(question: Question, typed: str) -> str | None:
    """Returns the choice of the typed number or text, or the free text; None when it is none of them."""
    typed = typed.strip()
    if typed.isdecimal() and 1 <= int(typed) <= len(question.choices):
        return question.choices[int(typed) - 1]
    if typed in question.choices:
        return typed
    free = question.free_text or not question.choices
    return typed if typed and free else None


def _menu(approval: Approval) -> str:
    always = f" · a always ({approval.rule})" if approval.rule else ""
    return f"y once · s this session{always} · n deny · r deny with a reason · e edit > "
