"""What can be done in a plain chat beside talking: the words after a slash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from holdfast.cli import selecting
from holdfast.cli.output import ago, amount, counted
from holdfast.core.domain.approvals import Approval, ApproveMode
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.text import sanitize_line

if TYPE_CHECKING:
    from holdfast.cli.chatting.chat import Chat
    from holdfast.core.domain.tools import Question

MOST = 20
"""Sessions and models that a list names; words narrow it down."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: how its argument is called, and what it does."""

    argument: str
    help: str


COMMANDS: dict[str, Command] = {
    "help": Command("", "name the commands"),
    "new": Command("[agent]", "begin a new session"),
    "agent": Command("[name]", "choose who answers from now on"),
    "model": Command("[name]", "choose the model for the rest of this chat; default goes back"),
    "sessions": Command("[words]", "list sessions, and open one"),
    "open": Command("[id]", "open a session by its id or the start of it; last is the latest"),
    "where": Command("", "say who answers, and in which session"),
    "rename": Command("title", "give the session a title"),
    "history": Command("", "read the whole session"),
    "repeat": Command("", "read the last reply again"),
    "mode": Command("[ask, edits, plan or auto]", "choose how much is done in this session without asking"),
    "approve": Command("", "decide what waits, in all sessions"),
    "files": Command("", "list the session's files"),
    "attach": Command("path", "send a file along with the next message"),
    "undo": Command("", "take back what the last run changed in files"),
    "redo": Command("", "bring back what undo took"),
    "quit": Command("", "leave; runs go on"),
}


MODES = {
    "ask": "asks for everything that no rule allows",
    "edits": "writes files of the workspace without asking",
    "plan": "only reads, and replies with a plan",
    "auto": "does everything that no rule denies, until a limit is reached",
}


class Commands:
    """The commands of one chat."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._say = chat.console.line
        self._workbench = chat.workbench

    async def give(self, text: str) -> bool:
        """Does what the line says; False when it is to leave. Raises the services' `HoldfastError`."""
        word, _, argument = text[1:].partition(" ")
        if word in ("quit", "exit"):
            return False
        if word not in COMMANDS:
            near = get_close_matches(word, COMMANDS, 1)
            hint = f" Did you mean /{near[0]}?" if near else ""
            self._say(f"There is no command /{sanitize_line(word)}.{hint} /help lists them.")
            return True
        does: Callable[[str], Awaitable[None]] = getattr(self, f"_{word}")
        await does(argument.strip())
        return True

    async def _help(self, _: str) -> None:
        self._say("Whatever does not begin with a slash is a message. A backslash at its end continues it.")
        self._say("@path in a message that is typed sends the file along with it.")
        self._say("Ctrl+C stops a run.")
        for name, command in COMMANDS.items():
            self._say(f"/{name} {command.argument}".rstrip() + f": {command.help}.")

    async def _new(self, name: str) -> None:
        if name:
            await self._take_agent(name)
        self._chat.session = None
        await self._chat.describe()

    async def _agent(self, name: str) -> None:
        known = await self._workbench.agents.list(self._chat.project or None)
        valid = [each for each in known if each.spec is not None]
        lines = [": ".join(filter(None, (each.name, sanitize_line(each.description)))) for each in valid]
        chosen = name or await self._choose("Agents", [each.name for each in valid], lines)
        if chosen is None:
            return
        await self._take_agent(chosen)
        session = self._chat.session
        if session is not None:
            self._chat.session = await self._workbench.sessions.configure(session.id, agent=chosen)
        await self._chat.describe()

    async def _take_agent(self, name: str) -> None:
        before, self._chat.agent = self._chat.agent, name
        try:
            await self._chat.settle_agent()
        except (NotFoundError, InvalidError):
            self._chat.agent = before
            raise

    async def _model(self, name: str) -> None:
        if not name:
            models = [each for each in await self._workbench.models.list() if each.available][:MOST]
            names = [each.name for each in models]
            chosen = await self._choose("Models", names, names)
            if chosen is None:
                return
            name = chosen
        options = self._chat.options
        self._chat.options = options.model_copy(update={"model": None if name == "default" else name})
        await self._chat.describe()

    async def _sessions(self, words: str) -> None:
        found = (await self._workbench.sessions.list(words, MOST)).items
        lines = [
            f"{sanitize_line(each.title) or 'without a title'}, {each.agent}, {ago(each.updated_at)}"
            + (f", {counted(each.pending, 'thing')} to decide" if each.pending else "")
            for each in found
        ]
        chosen = await self._choose("Sessions", [each.id for each in found], lines)
        if chosen is not None:
            await self._open(chosen)

    async def _open(self, text: str) -> None:
        self._chat.session = await selecting.session(self._workbench, text or selecting.LAST)
        self._chat.agent = self._chat.session.agent
        await self._chat.describe()
        await self._chat.join()

    async def _where(self, _: str) -> None:
        if self._chat.session is not None:
            self._chat.session = await self._workbench.sessions.get(self._chat.session.id)
        await self._chat.describe()

    async def _rename(self, title: str) -> None:
        if not title:
            raise InvalidError("write the title behind /rename")
        self._chat.session = await self._workbench.sessions.rename(self._need_session(), title)
        self._say("Renamed.")

    async def _history(self, _: str) -> None:
        self._say(await self._workbench.sessions.export(self._need_session(), "markdown"))

    async def _repeat(self, _: str) -> None:
        self._say(self._chat.last_reply or "There is no reply yet in this chat.")

    async def _mode(self, name: str) -> None:
        session = await self._chat.ensure_session()
        lines = [f"{mode}: {what}" for mode, what in MODES.items()]
        chosen = name or await self._choose("Modes", list(MODES), lines)
        if chosen is None:
            return
        if chosen not in MODES:
            raise InvalidError(f"there is no mode {chosen!r}; there are {', '.join(MODES)}")
        mode = await self._workbench.approvals.set_mode(session.id, ApproveMode(chosen))
        self._say(f"Mode: {chosen}, {MODES[chosen]}.")
        if mode.limits is not None:
            cost = f", ${mode.limits.cost_usd:g}" if mode.limits.cost_usd is not None else ""
            self._say(f"Limits: {mode.limits.steps} steps, {mode.limits.minutes:g} minutes{cost}.")

    async def _approve(self, _: str) -> None:
        asker = self._chat.asker
        if asker is None:
            raise InvalidError("nobody can be asked here: decide with `holdfast approvals`")
        approvals = (await self._workbench.approvals.list()).items
        waiting: list[Approval | Question] = [*approvals, *await selecting.questions(self._workbench)]
        if not waiting:
            self._say("Nothing waits.")
        for item in waiting:
            session = await self._workbench.sessions.get(item.session_id)
            self._say(f"In the session: {sanitize_line(session.title) or session.id}.")
            if not await asker.ask(item):
                return

    async def _files(self, _: str) -> None:
        files = await self._workbench.files.list(self._need_session())
        self._say(f"{counted(len(files), 'file')}." if files else "There are no files.")
        for each in files:
            size = "" if each.state == "deleted" else f", {amount(each.size)}"
            self._say(f"{sanitize_line(each.path)}{size}, {each.state}.")

    async def _attach(self, path: str) -> None:
        if not path:
            raise InvalidError("write the path behind /attach")
        self._chat.attached.append(path)
        self._say(f"{sanitize_line(path)} goes along with the next message.")

    async def _undo(self, _: str) -> None:
        await self._workbench.files.undo(self._need_session())
        await self._files("")

    async def _redo(self, _: str) -> None:
        await self._workbench.files.redo(self._need_session())
        await self._files("")

    def _need_session(self) -> str:
        if self._chat.session is None:
            raise InvalidError("no session is open yet: send a message first, or /open one")
        return self._chat.session.id

    async def _choose(self, title: str, values: Sequence[str], lines: Sequence[str]) -> str | None:
        """Lists choices and asks for a number or a name; None when nothing was chosen."""
        if not values:
            self._say(f"{title}: none.")
            return None
        self._say(f"{title}:")
        for number, shown in enumerate(lines, start=1):
            self._say(f"{number}. {shown}")
        if not self._chat.given.is_terminal:
            return None
        answer = await self._chat.ask(f"Number, 1 to {len(values)}, or nothing: ")
        if not answer:
            self._say("Nothing was chosen.")
            return None
        if answer.isdecimal() and 1 <= int(answer) <= len(values):
            return values[int(answer) - 1]
        if answer in values:
            return answer
        raise InvalidError(f"{answer!r} is none of them")
