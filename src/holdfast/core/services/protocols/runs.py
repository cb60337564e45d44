"""The noun `runs` of a workbench."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from pydantic import AwareDatetime, Field

from holdfast.core.domain.context import Compaction, RunContext
from holdfast.core.domain.forms import FormAction
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.run_log import MAX_TEXT, RunMap, RunReport, RunsFound, RunSort
from holdfast.core.domain.runs import FollowUpKind, QueuedMessage, Run, RunOptions, RunStatus, Submitted
from holdfast.core.domain.tools import Question
from holdfast.core.domain.values import Cursor, EventId, Limit, Page
from holdfast.core.services.needs import needs


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
        message_id: str | None = None,
    ) -> QueuedMessage:
        """Puts a message into the session's queue that starts no run while the session is idle: it enters the
        run under way, or else the next one, before a step of it or behind its answer, as one message with all
        others that wait so. `options` are those of a run that it begins, where the one that it waited for was
        cancelled or could not take it in. The id may be chosen by the caller; one that was pulled back is
        free again. Raises `ConflictError` (`message_exists`)."""
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
