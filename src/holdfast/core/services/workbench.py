"""The one door to the core: nouns with their methods, grouped as a `Workbench`.

Two implementations: `LocalWorkbench` in the engine's own process, and the client of the native API.
Everything that goes in or comes out is a domain type, so that both can be used alike; errors are the
`HoldfastError` tree in both. The nouns that say more stand in `protocols/`, a file each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from typing import Annotated, Any, Protocol, get_type_hints

from pydantic import AwareDatetime, Field

from holdfast.core.domain.agents import AgentInfo, AgentSource, AvailableAgent, Trust
from holdfast.core.domain.context import Compaction, RunContext
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.forms import FormAction
from holdfast.core.domain.idempotency import KeptAnswers
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.models import ModelChoice, ModelInfo
from holdfast.core.domain.own_models import (
    Forgotten,
    ModelFile,
    ModelLookup,
    OllamaServer,
    OwnModel,
    OwnModelState,
)
from holdfast.core.domain.providers import ProviderInfo
from holdfast.core.domain.run_log import MAX_TEXT, RunMap, RunReport, RunsFound, RunSort
from holdfast.core.domain.runs import (
    FollowUpKind,
    QueuedMessage,
    Run,
    RunOptions,
    RunStatus,
    Submitted,
)
from holdfast.core.domain.tools import Question
from holdfast.core.domain.values import Cursor, EventId, Limit, Page
from holdfast.core.services.needs import needs
from holdfast.core.services.protocols.approvals import Approvals
from holdfast.core.services.protocols.engine import Engine
from holdfast.core.services.protocols.files import Files
from holdfast.core.services.protocols.hooks import Hooks
from holdfast.core.services.protocols.identity import Keys, Users
from holdfast.core.services.protocols.knowledge import Jobs, Knowledge
from holdfast.core.services.protocols.mcp import Mcp
from holdfast.core.services.protocols.memory import Memory
from holdfast.core.services.protocols.prompts import Prompts
from holdfast.core.services.protocols.sessions import Sessions, Trash
from holdfast.core.services.protocols.skills import Skills
from holdfast.core.services.protocols.tools import Tools
from holdfast.core.services.protocols.usage import UsageReports
from holdfast.core.services.protocols.webhooks import Webhooks


class Agents(Protocol):
    """Agents: those of the project folder, the user's own, and those that come with Holdfast."""

    @needs(Scope.READ)
    async def list(self, project: str | None = None) -> tuple[AgentInfo, ...]:
        """Returns the agents that can be seen from the folder `project`, invalid files included."""
        ...

    @needs(Scope.READ)
    async def get(self, name: str, project: str | None = None) -> AgentInfo:
        """Returns the agent of a name or an id. Raises `NotFoundError` with the nearest names."""
        ...

    @needs(Scope.READ)
    async def source(self, name: str, project: str | None = None) -> AgentSource:
        """Returns an agent's file as it is written. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def validate(self, path: str) -> tuple[Diagnostic, ...]:
        """Returns every mistake in the agent file at `path` of the engine's machine; empty when it is
        valid."""
        ...

    @needs(Scope.ADMIN)
    async def read(self, path: str) -> str:
        """Returns the text of the YAML file at `path` of the engine's machine, which only an administrator can
        name: an agent file, also of another system. Raises `NotFoundError`, `InvalidError` for what is none."""
        ...

    @needs(Scope.READ)
    async def check(
        self, yaml: str, name: str | None = None, project: str | None = None
    ) -> tuple[Diagnostic, ...]:
        """Returns every mistake that `yaml` would have as an agent of the user's own; with `name`, in the
        place of that agent's text, seen from the folder `project`. Raises `NotFoundError` for such a name."""
        ...

    @needs(Scope.READ)
    async def schema(self) -> dict[str, Any]:
        """Returns the JSON Schema of an agent file, with the names of the tools that there are."""
        ...

    @needs(Scope.READ)
    async def template(self, name: str) -> str:
        """Returns a commented agent file to start from, valid as it is. Raises `InvalidError` for a name that
        is none."""
        ...

    @needs(Scope.ADMIN)
    async def create(self, yaml: str) -> AgentInfo:
        """Makes an agent of the user's own; without an `id` it gets one, written into its text.

        Raises `AgentFileError` with every mistake, `ConflictError` when its name or its id is taken.
        """
        ...

    @needs(Scope.ADMIN)
    async def update(
        self, name: str, yaml: str, expected: str | None = None, project: str | None = None
    ) -> AgentInfo:
        """Replaces the text of an agent, named by name or id: of the user's own, or of the folder `project`.
        Its id stays; the text before is kept beside the file, in `FILE.bak`.

        `expected` is the digest of the text that is meant to be replaced. Raises `ConflictError` when it
        has changed since, `ForbiddenError` for an agent that comes with Holdfast, `NotFoundError`, and
        what `create` raises.
        """
        ...

    @needs(Scope.ADMIN)
    async def compose(self, values: dict[str, Any]) -> AgentInfo:
        """Makes an agent of the user's own from the keys of an agent file; without a `name` it gets one that
        is free, made of its `display_name`. Raises what `create` raises, and `InvalidError`."""
        ...

    @needs(Scope.ADMIN)
    async def edit(
        self, name: str, changes: dict[str, Any], expected: str | None = None, project: str | None = None
    ) -> AgentInfo:
        """Changes keys of an agent's own text, whose comments, order and other keys stay. Dots in a key lead
        into mappings, as in `model_settings.temperature`; null takes a key out.

        Raises what `update` raises, and `InvalidError` for a key that cannot be changed in such a text.
        """
        ...

    @needs(Scope.ADMIN)
    async def delete(self, name: str) -> None:
        """Puts an agent of the user's own into the trash; its sessions stay, and can be given another one.

        Raises `ForbiddenError` for an agent that comes with Holdfast, `NotFoundError`.
        """
        ...

    @needs(Scope.READ)
    async def available(self) -> tuple[AvailableAgent, ...]:
        """Returns the agents that come with Holdfast, and says which the user has installed."""
        ...

    @needs(Scope.ADMIN)
    async def install(self, source: str) -> AgentInfo:
        """Makes a copy of an agent that comes with Holdfast the user's own; or of a file, by its whole path
        on the engine's machine, which only an administrator can name, and of its script beside it.

        Raises `NotFoundError`, `ForbiddenError`, and what `create` raises.
        """
        ...

    @needs(Scope.ADMIN)
    async def uninstall(self, name: str) -> None:
        """Puts an installed agent into the trash. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def trust(self, path: str, trusted: bool) -> Trust:
        """Records the user's word on the project folder `path`."""
        ...

    @needs(Scope.READ)
    async def trusted(self, path: str) -> Trust | None:
        """Returns the user's word on the folder, or None when it was not asked for yet."""
        ...


class Runs(Protocol):
    """What a message starts. A run belongs to the engine and goes on whoever listens."""

    @needs(Scope.CHAT)
    async def send(
        self,
        session_id: str,
        parts: tuple[UserPart, ...],
        options: RunOptions | None = None,
        message_id: str | None = None,
    ) -> Submitted:
        """Starts a run with a message, or queues the message while one is busy."""
        ...

    @needs(Scope.READ)
    async def get(self, run_id: str) -> Run:
        """Returns a run. Raises `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def of_message(self, message_id: str) -> Run:
        """Returns the run that a message has begun, or has entered. Raises `NotFoundError`, also for one that
        still waits in a queue."""
        ...

    @needs(Scope.READ)
    async def list(self, session_id: str, limit: Limit = 100, cursor: Cursor | None = None) -> Page[Run]:
        """Returns the runs of a session, latest first."""
        ...

    @needs(Scope.CHAT)
    async def cancel(self, run_id: str) -> Run:
        """Ends the run as cancelled, and its processes; an ended run is returned as it is."""
        ...

    @needs(Scope.CHAT)
    async def pause(self, run_id: str) -> Run:
        """Holds the run before its next step."""
        ...

    @needs(Scope.CHAT)
    async def resume(self, run_id: str) -> Run:
        """Lets a paused run go on. Raises `ConflictError` when it is not under way."""
        ...

    @needs(Scope.CHAT)
    async def finish(self, run_id: str) -> Run:
        """Lets the model conclude: the next step is the last and has no tools."""
        ...

    @needs(Scope.CHAT)
    async def steer(self, run_id: str, parts: tuple[UserPart, ...]) -> None:
        """Gives the run a message that enters before its next step; from another key than the run's it waits
        for a run of its own. Raises `RateLimitedError`, also where a budget is used up."""
        ...

    @needs(Scope.CHAT)
    async def follow_up(
        self,
        session_id: str,
        parts: tuple[UserPart, ...],
        kind: FollowUpKind = "default",
        options: RunOptions | None = None,
    ) -> QueuedMessage:
        """Puts a message into the session's queue that starts no run while the session is idle: it enters the
        run under way, or else the next one, before a step of it or behind its answer, as one message with all
        others that wait so. `options` are those of a run that it begins, where the one that it waited for was
        cancelled or could not take it in."""
        ...

    @needs(Scope.CHAT)
    async def go_on(self, session_id: str, options: RunOptions | None = None) -> Submitted:
        """Starts a run that continues the session's last one, which failed or was cancelled."""
        ...

    @needs(Scope.READ)
    async def search(  # noqa: PLR0913 (a filter each, all optional)
        self,
        text: Annotated[str, Field(max_length=MAX_TEXT)] = "",
        agent: str | None = None,
        session: str | None = None,
        parent: str | None = None,
        status: RunStatus | None = None,
        since: AwareDatetime | None = None,
        sort: RunSort = "time",
        descending: bool = True,
        offset: Annotated[int, Field(ge=0, le=2**31)] = 0,
        limit: Limit = 100,
    ) -> RunsFound:
        """Returns the user's runs, sorted and from the `offset`th on, and how many there are in all. Those of
        sub-agents are below another one, the `parent`.

        Each word of `text` stands in the name of the agent, or begins a word of the message that a run was
        started with. `since`: those that have ended since then, and those that go on. An agent is named by
        name or id. Raises `NotFoundError`.
        """
        ...

    @needs(Scope.READ)
    async def report(self, run_id: str) -> RunReport:
        """Returns a run in full: what was asked and answered, and each step, tool call, approval and
        sub-agent with what it took. Where the agent's logging is off, without a word of what was said.
        Raises `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def map(
        self, session_id: str, limit: Annotated[int, Field(ge=1, le=100)] = 50, before: Cursor | None = None
    ) -> RunMap:
        """Returns the last runs of a session as `report` does, with all that sub-agents have made for them;
        `before` is the `older` of the map that shows what comes after. Raises `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def context(self, run_id: str, step: int | None = None) -> RunContext:
        """Returns what the model was shown in a step of the run, part by part with the very texts; `step`
        None: in its last one. Raises `NotFoundError`, also where the run has not asked its model yet."""
        ...

    @needs(Scope.READ)
    async def compaction(self, run_id: str, event_id: EventId) -> Compaction:
        """Returns what the compaction that the event `event_id` of the run tells of took out of the model's
        sight, and what it left. Raises `NotFoundError`."""
        ...

    @needs(Scope.CHAT)
    async def compact(self, session_id: str, focus: str = "") -> Submitted:
        """Starts a run that does nothing but put a summary in the place of the older messages that the model
        sees; the log keeps them. `focus` is what the summary must keep above all.

        Raises `ConflictError`: `busy` while a run is under way, `nothing_to_compact`.
        """
        ...

    @needs(Scope.CHAT)
    async def suggest(self, session_id: str, count: int = 3) -> tuple[str, ...]:
        """Returns questions that the person could ask next, `count` (1 to 10) at most, from a run that does
        nothing but ask the session's model for them. Raises `ConflictError` (`busy`, `nothing_said` where
        there is no reply yet), and what that run fails with."""
        ...

    @needs(Scope.READ)
    async def questions(
        self, session_id: str | None = None, limit: Limit = 200, cursor: Cursor | None = None
    ) -> Page[Question]:
        """Returns the questions of agents that wait for an answer, oldest first; of a session with its
        sub-agents'."""
        ...

    @needs(Scope.CHAT)
    async def answer(
        self,
        question_id: str,
        answer: str = "",
        action: FormAction | None = None,
        fields: dict[str, Any] | None = None,
    ) -> None:
        """Answers a question: one in words with `answer`, a form with an `action`, and where that is `accept`
        with its `fields`. The actions `decline` and `cancel` put one in words away unanswered.

        Raises `ConflictError` when it was answered already, `InvalidError` for an answer that it does not
        take; `details.problems` has the path of each mistake in the fields.
        """
        ...


class Events(Protocol):
    """The log of all that happens."""

    @needs(Scope.READ)
    async def read(self, filter: EventFilter, after: EventId = 0, limit: Limit = 1000) -> Page[LoggedEvent]:
        """Returns the next committed events with ids over `after`, oldest first.

        `next_cursor` is the `after` of the next page. The log grows: when there is none, go on later with
        the id of the last event. A filter for a session or a run that does not exist admits nothing.
        """
        ...

    @needs(Scope.READ)
    async def page_before(
        self, session_id: str, before: EventId | None = None, limit: Limit = 200
    ) -> Page[LoggedEvent]:
        """Returns the last events of a session with ids under `before` (None: the end), oldest first.

        Deltas of ended parts and calls are left out. The page is extended backwards to the start of a
        run, so that each page can be presented alone, and may so be longer than `limit`; empty when there
        is nothing before. `next_cursor` is the `before` of the page that comes before this one.
        """
        ...

    @needs(Scope.READ)
    def follow(self, filter: EventFilter, after: EventId | None = None) -> AsyncIterator[LoggedEvent]:
        """Yields committed events with ids over `after` (None: from now), for ever: no gap, no repetition."""
        ...


class Models(Protocol):
    """The models that runs can use."""

    @needs(Scope.READ)
    async def list(self) -> tuple[ModelInfo, ...]:
        """Returns the models that are known, those that can be used now first."""
        ...

    @needs(Scope.READ, Role.ADMIN)
    async def providers(self) -> tuple[ProviderInfo, ...]:
        """Returns the providers of models that can be added, and what is known of each: where its key comes
        from, never the key; of servers of one's own, the models that they have now."""
        ...

    @needs(Scope.READ)
    async def look_up(self, model: str) -> ModelLookup:
        """Returns what is known of a model by its name, also of one behind a gateway
        (`openrouter/VENDOR/MODEL`): from the table of models that is installed, nobody is asked."""
        ...

    @needs(Scope.READ, Role.ADMIN)
    async def own(self) -> tuple[OwnModelState, ...]:
        """Returns the models of one's own by name: on servers, behind gateways, and in files."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def keep(self, model: OwnModel, key: str | None = None) -> OwnModel:
        """Adds a model of one's own, or replaces the one of its name, with its key: None: what is kept stays;
        empty: it has none any more. All users' runs can name it from now on, as `own/NAME` or `local/NAME`.

        Raises `InvalidError` for what cannot be a model, `NotFoundError` and `ForbiddenError` for a file that
        is not there or cannot be read.
        """
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def forget(self, name: str, file: bool = False) -> Forgotten:
        """Removes a model of one's own with its key; with `file` its file is deleted too, unless something
        else stands there now. Raises `NotFoundError`, `ForbiddenError`."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def check_file(self, path: str) -> ModelFile:
        """Returns what the GGUF file at `path` of the engine's machine says of its model. Raises
        `InvalidError`, `NotFoundError`, `ForbiddenError`."""
        ...

    @needs(Scope.READ, Role.ADMIN)
    async def ollama(self, url: str | None = None) -> OllamaServer:
        """Returns what an Ollama has: the one that is used, or with a key of scope `admin` the one at `url`.
        Raises `InvalidError`, `ForbiddenError`."""
        ...

    @needs(Scope.READ)
    async def choose(self, agent: str, project: str | None = None, flag: str | None = None) -> ModelChoice:
        """Returns the model that a new session of `agent` would use, and why."""
        ...


class Workbench(Protocol):
    """All services."""

    @property
    def agents(self) -> Agents: ...

    @property
    def sessions(self) -> Sessions: ...

    @property
    def runs(self) -> Runs: ...

    @property
    def approvals(self) -> Approvals: ...

    @property
    def events(self) -> Events: ...

    @property
    def files(self) -> Files: ...

    @property
    def tools(self) -> Tools: ...

    @property
    def mcp(self) -> Mcp: ...

    @property
    def skills(self) -> Skills: ...

    @property
    def prompts(self) -> Prompts: ...

    @property
    def knowledge(self) -> Knowledge: ...

    @property
    def jobs(self) -> Jobs: ...

    @property
    def memory(self) -> Memory: ...

    @property
    def models(self) -> Models: ...

    @property
    def keys(self) -> Keys: ...

    @property
    def users(self) -> Users: ...

    @property
    def usage(self) -> UsageReports: ...

    @property
    def hooks(self) -> Hooks: ...

    @property
    def webhooks(self) -> Webhooks: ...

    @property
    def trash(self) -> Trash: ...

    @property
    def engine(self) -> Engine: ...

    async def close(self) -> None:
        """Lets go of connections; of a local workbench: stops everything."""
        ...


class Host(Workbench, Protocol):
    """The workbench in the engine's own process: it knows who asks, and has a view for each."""

    def as_principal(self, principal: Principal) -> Workbench:
        """Returns what `principal` sees; its methods raise `ForbiddenError` beyond role and scope."""
        ...

    async def authenticate(self, secret: str) -> Principal:
        """Returns who shows `secret`, a key's or a login's. Raises `UnauthenticatedError`."""
        ...

    async def until_refused(self, secret: str) -> None:
        """Returns when `secret` is not let in, or no longer: revoked, expired, its user gone."""
        ...

    @property
    def answers(self) -> KeptAnswers:
        """What was answered to requests that may be repeated."""
        ...


@cache
def nouns() -> dict[str, type]:
    """Returns the nouns of a workbench, each with its protocol."""
    return {
        noun: get_type_hints(accessor.fget)["return"]
        for noun, accessor in vars(Workbench).items()
        if isinstance(accessor, property)
    }
