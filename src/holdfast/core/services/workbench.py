"""The one door to the core: nouns with their methods, grouped as a `Workbench`.

Two implementations: `LocalWorkbench` in the engine's own process, and the client of the native API.
Everything that goes in or comes out is a domain type, so that both can be used alike; errors are the
`HoldfastError` tree in both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol

from holdfast.core.config.settings import Settings
from holdfast.core.domain.agents import AgentInfo, Trust
from holdfast.core.domain.approvals import Approval, Decision, Rules
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.files import FileContent, FileEntry
from holdfast.core.domain.messages import FilePart, ImagePart, UserPart
from holdfast.core.domain.models import ModelChoice, ModelInfo
from holdfast.core.domain.runs import (
    QueuedMessage,
    Run,
    RunOptions,
    SearchHit,
    Session,
    Submitted,
)
from holdfast.core.domain.status import CheckResult, EngineStatus
from holdfast.core.domain.tools import Question


class Agents(Protocol):
    async def list(self, project: str | None = None) -> tuple[AgentInfo, ...]:
        """Returns the agents that can be seen from the folder `project`, invalid files included."""
        ...

    async def get(self, name: str, project: str | None = None) -> AgentInfo:
        """Returns one agent. Raises `NotFoundError` with the nearest names."""
        ...

    async def validate(self, path: str) -> tuple[Diagnostic, ...]:
        """Returns every mistake in the agent file at `path`; empty when it is valid."""
        ...

    async def trust(self, path: str, trusted: bool) -> Trust:
        """Records the user's word on the project folder `path`."""
        ...

    async def trusted(self, path: str) -> Trust | None:
        """Returns the user's word on the folder, or None when it was not asked for yet."""
        ...


class Sessions(Protocol):
    async def list(self, query: str = "", limit: int = 200, offset: int = 0) -> tuple[Session, ...]:
        """Returns sessions, latest first; `query` filters by words in the title."""
        ...

    async def create(
        self,
        agent: str,
        project: str,
        title: str = "",
        model: str | None = None,
        id: str | None = None,
    ) -> Session:
        """Makes a session of `agent`, started in the folder `project`. The id may be chosen by the caller."""
        ...

    async def get(self, session_id: str) -> Session:
        """Returns a session. Raises `NotFoundError`."""
        ...

    async def rename(self, session_id: str, title: str) -> Session:
        """Gives the session another title."""
        ...

    async def configure(self, session_id: str, agent: str | None = None, model: str | None = None) -> Session:
        """Changes the agent or the model for the runs that start later; model "" goes back to the order."""
        ...

    async def delete(self, session_id: str) -> None:
        """Deletes the session with its events and its own files. Raises `ConflictError` while it runs."""
        ...

    async def fork(self, session_id: str, before: int | None = None) -> Session:
        """Returns a new session with the events of ids under `before` (all when None) and their files."""
        ...

    async def search(self, query: str, limit: int = 50) -> tuple[SearchHit, ...]:
        """Returns the places in all sessions where the words of `query` stand, best first."""
        ...

    async def export(self, session_id: str, format: Literal["markdown", "json"]) -> str:
        """Returns the whole session as a document."""
        ...

    async def queue(self, session_id: str) -> tuple[QueuedMessage, ...]:
        """Returns the messages that wait, oldest first."""
        ...

    async def pull_back(self, session_id: str, message_id: str) -> QueuedMessage:
        """Takes a waiting message out of the queue. Raises `NotFoundError` when it was sent already."""
        ...


class Runs(Protocol):
    async def send(
        self,
        session_id: str,
        parts: tuple[UserPart, ...],
        options: RunOptions | None = None,
        message_id: str | None = None,
    ) -> Submitted:
        """Starts a run with a message, or queues the message while one is busy."""
        ...

    async def get(self, run_id: str) -> Run:
        """Returns a run. Raises `NotFoundError`."""
        ...

    async def list(self, session_id: str, limit: int = 100, before: int | None = None) -> tuple[Run, ...]:
        """Returns the runs of a session, latest first; `before` is the `first_event_id` to page from."""
        ...

    async def cancel(self, run_id: str) -> Run:
        """Ends the run as cancelled, and its processes; an ended run is returned as it is."""
        ...

    async def pause(self, run_id: str) -> Run:
        """Holds the run before its next step."""
        ...

    async def resume(self, run_id: str) -> Run:
        """Lets a paused run go on. Raises `ConflictError` when it is not under way."""
        ...

    async def finish(self, run_id: str) -> Run:
        """Lets the model conclude: the next step is the last and has no tools."""
        ...

    async def steer(self, run_id: str, parts: tuple[UserPart, ...]) -> None:
        """Gives the run a message that enters before its next step."""
        ...

    async def go_on(self, session_id: str, options: RunOptions | None = None) -> Submitted:
        """Starts a run that continues the session's last one, which failed or was cancelled."""
        ...

    async def questions(self, session_id: str | None = None) -> tuple[Question, ...]:
        """Returns the questions of agents that wait for an answer."""
        ...

    async def answer(self, question_id: str, answer: str) -> None:
        """Answers a question. Raises `ConflictError` when it was answered already."""
        ...


class Approvals(Protocol):
    async def list(self, session_id: str | None = None, pending: bool = True) -> tuple[Approval, ...]:
        """Returns approvals, oldest first: those that wait, or all."""
        ...

    async def get(self, approval_id: str) -> Approval:
        """Returns an approval, decided or not. Raises `NotFoundError`."""
        ...

    async def decide(self, approval_id: str, decision: Decision) -> Approval:
        """Decides. Raises `ConflictError` when it was decided already, `InvalidError` for bad arguments."""
        ...

    async def rules(self) -> Rules:
        """Returns the user's policy."""
        ...

    async def policy_path(self) -> str:
        """Returns the path of the user's policy file."""
        ...


class Events(Protocol):
    async def read(self, filter: EventFilter, after: int = 0, limit: int = 1000) -> tuple[LoggedEvent, ...]:
        """Returns the next committed events with ids over `after`, oldest first."""
        ...

    async def page_before(
        self, session_id: str, before: int | None = None, limit: int = 200
    ) -> tuple[LoggedEvent, ...]:
        """Returns the last events of a session with ids under `before` (None: the end), oldest first.

        Deltas of ended parts and calls are left out. The page is extended backwards to the start of a
        run, so that each page can be presented alone; empty when there is nothing before.
        """
        ...

    def follow(self, filter: EventFilter, after: int | None = None) -> AsyncIterator[LoggedEvent]:
        """Yields committed events with ids over `after` (None: from now), for ever: no gap, no repetition."""
        ...


class Files(Protocol):
    async def list(self, session_id: str) -> tuple[FileEntry, ...]:
        """Returns the files of the session's workspace, deleted ones that runs had included."""
        ...

    async def read(self, session_id: str, path: str) -> FileContent:
        """Returns a file for a preview."""
        ...

    async def attach(self, session_id: str, path: str) -> ImagePart | FilePart:
        """Takes in a file for a message; a relative path is of the workspace, then of the project."""
        ...

    async def complete(self, session_id: str, prefix: str, limit: int = 20) -> tuple[str, ...]:
        """Returns paths for `@prefix`, best first, fuzzy."""
        ...

    async def undo(self, session_id: str, run_id: str | None = None) -> tuple[FileEntry, ...]:
        """Takes back one run's changes (None: the last run that has some). Raises `ConflictError` where a
        file was changed since, naming it; then nothing is changed."""
        ...

    async def redo(self, session_id: str, run_id: str | None = None) -> tuple[FileEntry, ...]:
        """Brings back what `undo` took."""
        ...


class Models(Protocol):
    async def list(self) -> tuple[ModelInfo, ...]:
        """Returns the models that are known, those that can be used now first."""
        ...

    async def choose(self, agent: str, project: str | None = None, flag: str | None = None) -> ModelChoice:
        """Returns the model that a new session of `agent` would use, and why."""
        ...


class Keys(Protocol):
    async def providers(self) -> dict[str, str]:
        """Returns where each known provider's key comes from (`environment`, `keyring`, `file`)."""
        ...

    async def set_provider(self, provider: str, key: str) -> str:
        """Stores a provider's key; returns where. It is used from the next model call on."""
        ...

    async def remove_provider(self, provider: str) -> None:
        """Forgets a stored key; one in the environment stays."""
        ...


class Engine(Protocol):
    async def status(self) -> EngineStatus:
        """Returns what the engine says of itself."""
        ...

    async def settings(self, project: str | None = None) -> Settings:
        """Returns the settings that hold in the folder `project`, whose own file may set a few of them.

        Raises `InvalidError` for a mistake in the user's file.
        """
        ...

    async def stop(self) -> None:
        """Asks the engine to stop; runs that execute become `interrupted`."""
        ...

    async def check(self, repair: bool = False) -> tuple[CheckResult, ...]:
        """Checks database, index, files, permissions and models; repairs what it can when told."""
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
    def models(self) -> Models: ...

    @property
    def keys(self) -> Keys: ...

    @property
    def engine(self) -> Engine: ...

    async def close(self) -> None:
        """Lets go of connections; of a local workbench: stops everything."""
        ...
