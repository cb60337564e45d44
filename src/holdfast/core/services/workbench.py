"""The one door to the core: nouns with their methods, grouped as a `Workbench`.

Two implementations: `LocalWorkbench` in the engine's own process, and the client of the native API.
Everything that goes in or comes out is a domain type, so that both can be used alike; errors are the
`HoldfastError` tree in both. The nouns that say more stand in `protocols/`, a file each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from typing import Any, Protocol, get_type_hints

from holdfast.core.domain.agents import AgentInfo, AgentShare, AgentSource, AvailableAgent, Trust
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.idempotency import KeptAnswers
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.models import ModelChoice, ModelInfo
from holdfast.core.domain.own_models import (
    Ability,
    AddedModel,
    Forgotten,
    ModelFile,
    ModelLookup,
    OllamaServer,
    OwnModel,
    OwnModelCheck,
    OwnModelState,
)
from holdfast.core.domain.providers import ProviderInfo
from holdfast.core.domain.values import EventId, Limit, Page
from holdfast.core.services.needs import needs
from holdfast.core.services.protocols.accounts import Accounts
from holdfast.core.services.protocols.agent_files import AgentFiles
from holdfast.core.services.protocols.approvals import Approvals
from holdfast.core.services.protocols.drafts import Drafts
from holdfast.core.services.protocols.engine import Engine
from holdfast.core.services.protocols.files import Files
from holdfast.core.services.protocols.hooks import Hooks
from holdfast.core.services.protocols.identity import Keys, Users
from holdfast.core.services.protocols.knowledge import Jobs, Knowledge
from holdfast.core.services.protocols.mcp import Mcp
from holdfast.core.services.protocols.memory import Memory
from holdfast.core.services.protocols.oauth import AuthorizationServer, OAuth
from holdfast.core.services.protocols.objects import Objects
from holdfast.core.services.protocols.prompts import Prompts
from holdfast.core.services.protocols.releases import Releases
from holdfast.core.services.protocols.runs import Runs
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
        """Returns the text of the YAML file at `path` of the engine's machine, which only an administrator
        can name: an agent file, also of another system. Raises `NotFoundError`, `InvalidError` for what is
        none."""
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
        """Puts an agent of the user's own into the trash; its sessions stay, and can be given another one. It
        is shared no longer, also when it comes back.

        Raises `ForbiddenError` for an agent that comes with Holdfast, `NotFoundError`.
        """
        ...

    @needs(Scope.ADMIN)
    async def share(self, name: str, users: tuple[str, ...]) -> tuple[AgentShare, ...]:
        """Shares an agent of the user's own with these users, by name or id, and no others; returns them.
        They see it, read it without its secrets, and run it under their own rules as what nobody vouches for;
        only its owner changes it. Raises `NotFoundError`, `ForbiddenError` for an agent that is not the
        user's own, `ConflictError` (`agent_id_shared`) for one with the id of an agent that another user
        shares."""
        ...

    @needs(Scope.READ)
    async def shared_with(self, name: str) -> tuple[AgentShare, ...]:
        """Returns with whom an agent of the user's own is shared. Raises what `share` raises."""
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

    @needs(Scope.READ)
    async def own(self) -> tuple[OwnModelState, ...]:
        """Returns the models that you alone have, by name, and for an administrator after them the engine's:
        on servers, behind gateways, and in files."""
        ...

    @needs(Scope.ADMIN)
    async def keep(self, model: OwnModel, key: str | None = None, private: bool | None = None) -> OwnModel:
        """Adds a model of one's own, or replaces the one of its name, with its key: None: what is kept stays,
        unless the model is asked for somewhere else now; empty: it has none any more.

        An administrator's is the engine's: all users' runs can name it from now on, as `own/NAME` or
        `local/NAME`. Another user's, and with `private` an administrator's too, is seen and used by nobody
        else, and comes before the engine's of that name.

        Raises `InvalidError` for what cannot be a model, `NotFoundError` and `ForbiddenError` for a file that
        is not there or cannot be read, `ForbiddenError` (`admin_only`) for a file, an Ollama or a provider's
        key where one is no administrator, (`private_address`) for an address of a private network then.
        """
        ...

    @needs(Scope.ADMIN)
    async def add(self, model: OwnModel, key: str) -> AddedModel:
        """Adds a model that you alone have, by the name or the name with a number that is free; one with the
        same address, model and key is told instead. Raises as `keep`."""
        ...

    @needs(Scope.ADMIN)
    async def check(
        self, model: OwnModel, key: str | None = None, abilities: tuple[Ability, ...] = ()
    ) -> OwnModelCheck:
        """Asks a model on a server once, and once more for each of `abilities`; it need not be kept. Key
        None: that of the model of its id, where you have it and it goes to the same server. Raises
        `UnsupportedError` for a model of another kind, and what `keep` raises."""
        ...

    @needs(Scope.ADMIN)
    async def forget(self, name: str, file: bool = False, private: bool | None = None) -> Forgotten:
        """Removes a model of one's own with its key, `private` as for `keep`; with `file` its file is deleted
        too, unless something else stands there now. Raises `NotFoundError`, `ForbiddenError`."""
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
    def agent_files(self) -> AgentFiles: ...

    @property
    def drafts(self) -> Drafts: ...

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
    def accounts(self) -> Accounts: ...

    @property
    def oauth(self) -> OAuth: ...

    @property
    def releases(self) -> Releases: ...

    @property
    def objects(self) -> Objects: ...

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
    def authorization(self) -> AuthorizationServer:
        """What browsers and clients are answered that ask by OAuth 2.0."""
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
