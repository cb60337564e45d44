"""One plain conversation: reads messages and commands, follows runs, asks, until the input ends."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from holdfast.cli import selecting
from holdfast.cli.calling import open_workbench
from holdfast.cli.chatting.commands import Commands
from holdfast.cli.chatting.console import PlainConsole
from holdfast.cli.chatting.input import Input
from holdfast.cli.chatting.speaking import SpokenAsker, SpokenReporter
from holdfast.cli.running.execute import usage_errors
from holdfast.cli.running.following import COMPLETED, FAILED, INTERRUPTED, Follower
from holdfast.cli.running.progress import Progress
from holdfast.cli.running.request import RunRequest, attach, find_agent, message_parts, needs_trust
from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import HoldfastError, InvalidError, NotFoundError, UnavailableError
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.values import new_id
from holdfast.core.services.workbench import Workbench
from holdfast.tui.presenters.draft import Draft

LEAVE = "Ctrl+D on an empty line, or /quit, leaves."


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The command line of `holdfast chat`, read and checked."""

    session: str | None = None
    agent: str | None = None
    project: str = ""
    """On the engine's machine; empty: the user's own one there."""
    options: RunOptions = field(default_factory=RunOptions)


def chat(request: ChatRequest) -> int:
    """Holds the conversation on stdin and stdout and returns the exit status."""

    async def held() -> int:
        async with open_workbench() as workbench:
            given = Input(sys.stdin.fileno(), is_seen=sys.stdout.isatty())
            return await Chat(workbench, request, PlainConsole(sys.stdout), given).run()

    try:
        return asyncio.run(held())
    except asyncio.CancelledError:
        return INTERRUPTED


class Chat:
    """What is said to and fro. Commands change `agent`, `session` and `attached`."""

    def __init__(
        self, workbench: Workbench, request: ChatRequest, console: PlainConsole, given: Input
    ) -> None:
        self.workbench = workbench
        self.console = console
        self.project = request.project
        self.options = request.options
        self.agent = request.agent or ""
        self.session: Session | None = None
        self.attached: list[str] = []
        """Files that go along with the next message."""
        self.last_reply = ""
        self.given = given
        # Without a terminal nobody is asked: a line of a pipe is a message, never a decision.
        asked = given.is_terminal and request.options.approve is not ApproveMode.NONE
        self.asker = SpokenAsker(workbench, console, given) if asked else None
        self._wanted = request.session

    async def run(self) -> int:
        """Returns 0 when a person leaves; without a terminal, the status of the last run.

        Raises `InvalidError` when the request cannot be, and without a terminal what else goes wrong.
        """
        with usage_errors():
            await self._begin()
        status = await self.join() if self.session is not None else COMPLETED
        commands = Commands(self)
        while (text := await self._read_message()) is not None:
            if text.startswith("/"):
                if not await self._give(commands, text):
                    break
            elif text.strip():
                status = await self._say(text)
                if not self.given.is_terminal and status != COMPLETED:
                    break
        if self.given.is_terminal:
            self.console.line("Goodbye. Runs go on in the engine.")
            return COMPLETED
        return status

    async def _begin(self) -> None:
        if self._wanted is not None:
            self.session = await selecting.session(self.workbench, self._wanted, self.agent or None)
            self.agent = self.session.agent
        if not self.agent:
            self.agent = (await self.workbench.engine.settings(self.project or None)).default_agent
        await self.settle_agent()
        if self.given.is_terminal:
            self.console.line("Plain chat. Type a message and press Enter. /help lists the commands.")
            self.console.line(LEAVE)
        await self.describe()

    async def describe(self) -> None:
        """Says who answers, and in which session."""
        model = self.options.model or (self.session.model if self.session is not None else None)
        if model is None:
            chosen = await self.workbench.models.choose(self.agent, self.project or None, None)
            model = f"{chosen.model} ({chosen.hint})" if chosen.hint else chosen.model
        self.console.line(f"Agent: {self.agent}. Model: {model}.")
        if self.session is None:
            self.console.line("A new session.")
        else:
            title = sanitize_line(self.session.title) or "without a title"
            self.console.line(f"Session: {title}. Messages so far: {self.session.messages}.")

    async def settle_agent(self) -> None:
        """Checks that the agent can be asked, and asks whether its folder is trusted where that is open.

        Raises `NotFoundError`, or `AgentFileError` when its file is invalid.
        """
        wanted = RunRequest(self.agent, "", None, self.project, (), self.options)
        agent = await find_agent(self.workbench, wanted)
        if not needs_trust(agent):
            return
        if self.asker is not None and await self.workbench.agents.trusted(self.project) is None:
            await self.asker.ask_trust(agent, self.project)
        else:
            self.console.line(f"{agent.name} comes from a folder that you have not trusted: it asks first.")

    # --- a message and its run

    async def _say(self, text: str) -> int:
        """Sends a message and follows its run; returns its status."""
        try:
            return await self._sent(text)
        except HoldfastError as error:
            if not self.given.is_terminal or isinstance(error, UnavailableError):
                raise
            self.console.line(f"Error: {error.message}")
            return FAILED

    async def _sent(self, text: str) -> int:
        session = await self.ensure_session()
        parts = await message_parts(self.workbench, session.id, text, self.attached)
        self.attached.clear()
        if self.given.is_terminal:  # what comes through a pipe may be somebody else's text
            parts += await self._mentioned(session.id, text)
        progress = Progress(new_id(), None)
        reporter = SpokenReporter(self.console, None, as_json=False)
        follower = Follower(self.workbench, session.id, self.console, reporter, progress, self.asker)
        with follower.interrupts():
            after = (await self.workbench.sessions.get(session.id)).last_event_id
            submitted = await self.workbench.runs.send(session.id, parts, self.options, progress.message_id)
            progress.run_id = submitted.run_id
            self.console.line(f"{self.agent}:")
            return await self._followed(follower, reporter, after)

    async def _mentioned(self, session_id: str, text: str) -> tuple[UserPart, ...]:
        """Returns the files that a message names behind `@`, as in the app; says which go along."""
        parts: list[UserPart] = []
        for mention in Draft().mentions(text):
            path = sanitize_line(mention.path)
            try:
                parts.append(await attach(self.workbench, session_id, mention.path))
                self.console.line(f"Sent along: {path}.")
            except (NotFoundError, InvalidError):
                if "." in path or "/" in path:
                    self.console.line(f"There is no file {path}: it is sent as text.")
        return tuple(parts)

    async def _followed(self, follower: Follower, reporter: SpokenReporter, after: int) -> int:
        status = await follower.follow(after)
        self.last_reply = reporter.last
        if status == INTERRUPTED:
            self.console.line("The run was stopped. What it has done stays.")
        elif status == COMPLETED and not reporter.last:
            self.console.line("The run has ended without words.")
        return status

    async def ensure_session(self) -> Session:
        """Returns the session; makes one when there is none yet."""
        if self.session is None:
            self.session = await self.workbench.sessions.create(self.agent, self.project)
        return self.session

    async def join(self) -> int:
        """Follows what runs or waits in the session that was opened."""
        session = self.session
        if session is None or session.run_id is None or session.status is None or session.status.ended:
            return COMPLETED
        runs = await self.workbench.runs.list(session.id)
        run = next((each for each in runs.items if each.id == session.run_id), None)
        if run is None:
            return COMPLETED
        self.console.line("A run is under way in this session. From its beginning:")
        reporter = SpokenReporter(self.console, None, as_json=False)
        progress = Progress("", run.id)
        follower = Follower(self.workbench, session.id, self.console, reporter, progress, self.asker)
        with follower.interrupts():
            return await self._followed(follower, reporter, max(0, run.first_event_id - 1))

    # --- what the person types

    async def ask(self, question: str) -> str | None:
        """Asks for a line; None when the person has ended the input instead."""
        self.console.prompt(question)
        line = await self.given.next_line()
        self.console.answered()
        return None if line is None else line.strip()

    async def _read_message(self) -> str | None:
        """Returns the next message or command; a line that ends with a backslash goes on in the next one."""
        lines: list[str] = []
        with self._hint_on_interrupt():
            while True:
                if self.given.is_terminal:
                    self.console.prompt("You: " if not lines else "Go on: ")
                line = await self.given.next_line()
                if line is not None:
                    self.console.answered()
                if line is None or not line.endswith("\\"):
                    break
                lines.append(line.removesuffix("\\"))
        if line is None:
            self.console.withdraw()
            return "\n".join(lines) if lines else None
        return "\n".join([*lines, line])

    @contextmanager
    def _hint_on_interrupt(self) -> Iterator[None]:
        """While nothing runs, a ^C leaves nothing: it says how to leave."""
        if not self.given.is_terminal:
            yield
            return
        loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)

        def hint() -> None:
            self.console.line(f"Nothing runs. {LEAVE}")
            self.console.prompt("You: ")

        loop.add_signal_handler(signal.SIGINT, hint)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)

    async def _give(self, commands: Commands, text: str) -> bool:
        """Gives a command; False when it was to leave."""
        try:
            return await commands.give(text)
        except HoldfastError as error:
            if not self.given.is_terminal or isinstance(error, UnavailableError):
                raise
            self.console.line(f"Error: {error.message}")
            return True
