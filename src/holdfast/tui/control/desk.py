"""The controllers together: what the app dispatches to once the domain is loaded.

Imported after the first paint, because everything here needs the domain's types.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.copies import Copies
from holdfast.core.domain.errors import HoldfastError, UnauthenticatedError, UnavailableError
from holdfast.core.domain.events import LoggedEvent
from holdfast.tui.control.accounts import AccountControl, AdminControl
from holdfast.tui.control.administration import AdministrationControl
from holdfast.tui.control.again import AgainControl
from holdfast.tui.control.agents import AgentsControl
from holdfast.tui.control.base import LOST, Context
from holdfast.tui.control.connection import Connection
from holdfast.tui.control.context import ContextControl
from holdfast.tui.control.decisions import DecisionsControl
from holdfast.tui.control.details import DetailsControl
from holdfast.tui.control.engine import EngineControl
from holdfast.tui.control.files import FilesControl
from holdfast.tui.control.first_run import FirstRunControl
from holdfast.tui.control.hooks import HooksControl
from holdfast.tui.control.ingesting import IngestingControl
from holdfast.tui.control.keeping import KeepingControl
from holdfast.tui.control.knowledge import KnowledgeControl
from holdfast.tui.control.listed import ListedControl
from holdfast.tui.control.listing import ListingControl
from holdfast.tui.control.memory import MemoryControl
from holdfast.tui.control.models import ModelsControl
from holdfast.tui.control.modes import ModesControl
from holdfast.tui.control.playground import PlaygroundControl
from holdfast.tui.control.policy import PolicyControl
from holdfast.tui.control.prompts import PromptsControl
from holdfast.tui.control.reading import ReadingControl
from holdfast.tui.control.run_log import RunLogControl, SessionMapControl
from holdfast.tui.control.runs import RunsControl
from holdfast.tui.control.searching import SearchingControl
from holdfast.tui.control.servers import ServersControl
from holdfast.tui.control.sessions import LARGE_PAGE, PAGE, SessionsControl
from holdfast.tui.control.skills import SkillsControl
from holdfast.tui.control.terminal import TerminalControl
from holdfast.tui.control.tools import ToolsControl
from holdfast.tui.control.tour import TourControl
from holdfast.tui.control.transcript import TranscriptControl
from holdfast.tui.control.trust import AgreementsControl, KeysControl
from holdfast.tui.control.undoing import UndoingControl
from holdfast.tui.control.usage import UsageControl
from holdfast.tui.presenters.commands import BY_NAME

if TYPE_CHECKING:
    from holdfast.core.config.settings import TuiSettings
    from holdfast.tui.app import HoldfastApp
    from holdfast.tui.control.author import AuthorControl

Action = Callable[[str], Awaitable[None]]


class Desk:
    """All controllers, and the table of what each command does."""

    def __init__(self, app: HoldfastApp) -> None:
        self.context = Context(app)
        self.connection = Connection(self.context, app.start.connect)
        self.sessions = SessionsControl(self.context, self.connection)
        self.listing = ListingControl(self.context)
        self.undoing = UndoingControl(self.context)
        self.keeping = KeepingControl(self.context, self.sessions, self.undoing)
        self.searching = SearchingControl(self.context)
        self.decisions = DecisionsControl(self.context)
        self.runs = RunsControl(self.context, self.sessions, self.decisions)
        self.modes = ModesControl(self.context, self.runs)
        self.policy = PolicyControl(self.context, self.sessions)
        self.files = FilesControl(self.context, self.sessions)
        self.agents = AgentsControl(self.context, self.sessions)
        self.knowledge = KnowledgeControl(self.context)
        self.ingesting = IngestingControl(self.context, self.knowledge, self.undoing)
        self.reading = ReadingControl(self.context)
        self.memory = MemoryControl(self.context, self.undoing)
        self.tools = ToolsControl(self.context, self.sessions, self.undoing)
        self.hooks = HooksControl(self.context)
        self.servers = ServersControl(self.context)
        self.skills = SkillsControl(self.context, self.undoing, self.agents.trust)
        self.prompts = PromptsControl(self.context, self.sessions, self.runs, self.undoing)
        self.playground = PlaygroundControl(self.context)
        self.run_log = RunLogControl(self.context, self.sessions)
        self.map = SessionMapControl(self.context, self.sessions)
        self.models = ModelsControl(self.context, self.agents)
        self.keys = KeysControl(self.context)
        self.agreements = AgreementsControl(self.context)
        self.admin = AdminControl(self.context)
        self.details = DetailsControl(self.context, self.agents, self.agreements, self.playground)
        self._listed: tuple[ListedControl[Any], ...] = (
            self.knowledge, self.memory, self.tools, self.hooks, self.servers, self.skills, self.prompts,
            self.playground, self.models, self.keys, self.agreements,
            self.admin, self.details,
            self.run_log, self.map,
        )  # fmt: skip
        self.again = AgainControl(self.context, self.sessions)
        self.runs.before_sending = self.again.before_sending
        self.first_run = FirstRunControl(self.context, self.agents)
        self.tour = TourControl(self.context)
        self.usage = UsageControl(self.context)
        self.transcript = TranscriptControl(self.context, self.sessions)
        self._first = app.start.session
        self._copies = Copies()
        self.engine = EngineControl(self.context)
        self.administration = AdministrationControl(self.context, self.agents)
        self.terminal = TerminalControl(self.context)
        self.agents.on_settings = self._apply
        self.undoing.after += [self.memory.resume, self.knowledge.resume]
        self.undoing.after += [self.skills.resume, self.tools.resume, self.prompts.resume]
        self.connection.on_met = self.engine.meet
        self.connection.on_ready = self._read
        self.connection.on_event = self._take
        self.actions: dict[str, Action] = {
            "new": self.agents.new,
            "agent": self.agents.change_agent,
            "agent.edit": lambda name: self._author.edit(name),
            "agent.new": lambda name: self._author.new(name),
            "model": self.agents.change_model,
            "trust": self.agents.trust,
            "open": app.palette.open_session,
            "rename": self.sessions.rename,
            "fork": self.sessions.fork,
            "older": self._older,
            "reconnect": self._reconnect,
            "restart": self.engine.restart,
            "later": self.engine.later,
            "decide": self.decisions.decide,
            "interrupt": self.runs.interrupt,
            "pause": self.runs.pause,
            "resume": self.runs.resume,
            "finish": self.runs.finish,
            "steer": self.runs.steer,
            "continue": self.runs.go_on,
            "pull_back": self.runs.pull_back,
            "files.reload": self.files.reload,
            "preview": self.files.preview,
            "edit": self.files.edit,
            "undo": self.files.undo,
            "redo": self.files.redo,
            "sources": self.reading.sources,
            "mouse": self.terminal.mouse,
            **self.listing.actions,
            **self.keeping.actions,
            **self.undoing.actions,
            **self.searching.actions,
            **self.administration.actions,
            **self.modes.actions,
            **self.policy.actions,
            **self.decisions.batches.actions,
            **self.knowledge.actions,
            **self.ingesting.actions,
            **self.memory.actions,
            **self.tools.actions,
            **self.hooks.actions,
            **self.servers.actions,
            **self.skills.actions,
            **self.prompts.actions,
            **self.playground.actions,
            **self.run_log.actions,
            **self.map.actions,
            **self.models.actions,
            **self.keys.actions,
            **self.agreements.actions,
            **self.admin.actions,
            **AccountControl(self.context, self.connection).actions,
            **self.details.actions,
            **self.transcript.actions,
            **self.again.actions,
            **self.usage.actions,
            **ContextControl(self.context).actions,
            **self.first_run.actions,
            **self.tour.actions,
        }

    @cached_property
    def _author(self) -> AuthorControl:
        from holdfast.tui.control.author import AuthorControl  # start-up time: it needs YAML

        return AuthorControl(self.context, self.agents)

    def _apply(self, settings: TuiSettings) -> None:
        """Takes what the settings say of the app, each time that they are read."""
        self.terminal.apply(settings)
        self.transcript.apply(settings)

    async def close(self) -> None:
        """Lets go of the engine; what goes on there goes on."""
        self.terminal.close()
        await self.sessions.tidy()
        await self.connection.close()

    async def perform(self, name: str, argument: str = "") -> None:
        """Does what a command says, and shows what went wrong."""
        command = BY_NAME.get(name)
        if command is not None and command.does is not None:
            name, argument = command.does
        await self.guarded(partial(self.actions[name], argument))
        self.tour.did(name, argument)

    async def guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does `work`; an error is shown, a lost engine is looked for again."""
        try:
            await work()
        except UnavailableError as error:
            self.context.view.say_error(error.message)
            if error.code in LOST:
                self.connection.broken()
        except UnauthenticatedError as error:
            self.context.view.say_error(error.message)
            if error.code != "wrong_password":
                self.connection.broken()  # the login has ended: the connection says what to do
        except HoldfastError as error:
            self.context.view.say_error(error.message)

    async def _reconnect(self, _: str) -> None:
        self.connection.try_again()

    async def _older(self, how_many: str) -> None:
        await self.sessions.older(LARGE_PAGE if how_many == "all" else PAGE)

    async def _read(self) -> None:
        """Reads what the panes show, each time that the engine is reached."""
        await self.listing.reload()
        await self.decisions.reload()
        await self._open_first()
        await self.agents.load()
        self.context.app.work(self.first_run.load, "first run")
        self.context.app.work(self.usage.load, "limits")
        await self.tour.begin()
        await self.sessions.resume()
        for listed in self._listed:
            await listed.resume()
        await self.guarded(self.runs.flush_outbox)
        self.context.view.box.ask_for_files()

    async def _open_first(self) -> None:
        first, self._first = self._first, None
        if first is None:
            return
        if first == "last":
            rows = self.context.model.sessions.rows(self.context.app.start.now(), None)
            first = rows[0].id if rows else None
        if first is not None:
            await self.guarded(partial(self.sessions.open, first))

    def _take(self, logged: LoggedEvent) -> None:
        copy = self._copies.has(logged.event)
        self.listing.take(logged)
        self.sessions.take(logged)
        if not copy:  # what is copied was decided long ago: nobody is called for it, or told of it
            self.decisions.take(logged)
            self.tools.trying.take(logged)
            self.playground.take(logged)
            self.hooks.take(logged)
            self.terminal.take(logged)
        self.modes.take(logged)
        self.policy.take(logged)
        self.engine.take(logged)
        self.tour.take(logged)
        self.usage.take(logged)
        self.knowledge.take(logged)
        self.memory.take(logged)
        self.run_log.take(logged)
        self.map.take(logged)
