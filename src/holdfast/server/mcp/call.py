"""A call of a tool: follows its run until the client can be told something.

That is when the run has ended, when it waits for a person who cannot be asked here, or when the time of the
call is over: the run goes on then, and can be fetched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from anyio import CancelScope
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ElicitRequest, ElicitResult, InputRequiredResult, InputResponse
from pydantic import ValidationError

from holdfast.core.domain.errors import ConflictError, HoldfastError, InvalidError, UnavailableError
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.runs import Run
from holdfast.core.domain.tools import Question
from holdfast.core.services.workbench import Workbench
from holdfast.server.mcp.caller import Asking, Caller
from holdfast.server.mcp.forms import answer_of, decision_of, form_of
from holdfast.server.mcp.results import result_of
from holdfast.server.tasks.reader import Reader
from holdfast.server.tasks.watched import Waiting, Watched

_TOGETHER_S = 0.05
"""For what else the same step asks, so that it is asked in one round."""


class Call:
    """One call, to be closed. The run may have begun long before."""

    def __init__(self, workbench: Workbench, caller: Caller, run: Run, wait_s: float) -> None:
        """`wait_s` is how long the client waits, in seconds, not counting the time in which its person is
        asked."""
        self._workbench = workbench
        self._caller = caller
        self._changed = asyncio.Event()
        self._run_id = run.id
        self._wait_s = wait_s
        self._watched = Watched(run)
        self._reader = Reader(workbench, self._watched, self._hear, self._changed.set)
        self._seen: set[str] = set()
        """What was given to the client's person, or cannot be."""
        self._left: set[str] = set()
        """Of these, what others have to decide."""
        self._asking: dict[str, asyncio.Task[None]] = {}
        """Forms that are open."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        self._failed: HoldfastError | None = None
        self._since = 0.0

    @property
    def run_id(self) -> str:
        """The run that goes on: another one than in the beginning when it was handed over."""
        return self._watched.run_id

    async def take_up(self, responses: Mapping[str, InputResponse] | None) -> None:
        """Takes up a run where an earlier call has left it, with what the client's person has answered in
        between. Raises `HoldfastError`."""
        await self._reader.catch_up()
        for id, response in (responses or {}).items():
            waiting = self._watched.waiting.get(id)
            if waiting is not None and isinstance(response, ElicitResult):
                await self._take(waiting, response)

    async def result(self, *, patient: bool = False) -> CallToolResult | InputRequiredResult:
        """Returns what the client is told. A `patient` one that cannot ask knows what waits now, and waits
        for others to decide it.

        Raises `HoldfastError`.
        """
        known = set(self._watched.waiting) if patient and self._caller.asking is Asking.NEVER else set()
        if not self._watched.ended:
            following = asyncio.create_task(self._reader.follow())
            following.add_done_callback(lambda _: self._changed.set())
            self._following = following
            if (forms := await self._until_told(following, known)) is not None:
                return forms
        run = await self._workbench.runs.get(self.run_id)
        return result_of(run, self._watched, self._run_id)

    async def close(self) -> None:
        """Ends what goes on beside the call; a decision that is under way is made."""
        cancelled = [*self._asking.values(), *([self._following] if self._following else [])]
        for task in cancelled:
            task.cancel()
        with CancelScope(shield=True):  # else a cancelled call is cancelled here once more
            await asyncio.gather(*cancelled, *self._tasks, return_exceptions=True)

    async def _until_told(self, following: asyncio.Task[None], known: set[str]) -> InputRequiredResult | None:
        """Waits until there is something to tell; returns what has to be asked for that in a round."""
        now = asyncio.get_running_loop().time
        self._since = now()
        while not self._watched.ended:
            self._changed.clear()
            self._take_back()
            if self._caller.asking is Asking.ROUNDS and self._watched.waiting.keys() - self._seen:
                await asyncio.sleep(_TOGETHER_S)
            if forms := self._keep_asking():
                return InputRequiredResult(input_requests=forms, request_state=self._run_id)
            if self._failed is not None:
                raise self._failed
            if not self._asking and self._watched.waiting.keys() & self._left - known:
                return None
            if following.done():
                following.result()
                raise UnavailableError("The engine is stopping", code="engine_stopping", retryable=True)
            try:
                async with asyncio.timeout(None if self._asking else self._since + self._wait_s - now()):
                    await self._changed.wait()
            except TimeoutError:
                return None
        return None

    async def _hear(self, logged: LoggedEvent, line: str) -> None:
        if line and self._following is not None:  # what it was told in an earlier call it knows
            await self._caller.tell(line)

    # --- what waits for the person

    def _keep_asking(self) -> dict[str, ElicitRequest]:
        """Asks about what has begun to wait; returns the forms for those who are asked in rounds."""
        forms: dict[str, ElicitRequest] = {}
        asking = self._caller.asking
        for id, waiting in self._watched.waiting.items():
            if id in self._seen:
                continue
            self._seen.add(id)
            form = None if asking is Asking.NEVER else form_of(waiting)
            if form is None:
                self._left.add(id)
            elif asking is Asking.ROUNDS:
                forms[id] = form
            else:
                task = asyncio.create_task(self._ask(waiting, form))
                self._asking[id] = task
                self._tasks.add(task)
        return forms

    async def _ask(self, waiting: Waiting, form: ElicitRequest) -> None:
        try:
            answer = await self._caller.ask(form)
        except (MCPError, ValidationError):  # it cannot, after all, or answers what is no answer
            answer = ElicitResult(action="cancel")
        finally:
            self._asking.pop(waiting.id, None)
            self._since = asyncio.get_running_loop().time()  # the client waits anew
        try:
            await self._take(waiting, answer)
        except HoldfastError as error:
            self._failed = error
        finally:
            self._changed.set()

    def _take_back(self) -> None:
        """Closes the forms of what was settled elsewhere."""
        for id in self._asking.keys() - self._watched.waiting.keys():
            self._asking.pop(id).cancel()
            self._since = asyncio.get_running_loop().time()

    async def _take(self, waiting: Waiting, answer: ElicitResult) -> None:
        """Hands on what the person has said, if it says something."""
        self._seen.add(waiting.id)
        try:
            settled = await self._settle(waiting, answer)
        except InvalidError:  # it is no answer to that question
            settled = False
        except ConflictError:  # somebody else was quicker: what came of it is among the events
            settled = True
        if settled:
            self._watched.waiting.pop(waiting.id, None)
        else:
            self._left.add(waiting.id)

    async def _settle(self, waiting: Waiting, answer: ElicitResult) -> bool:
        """Says whether the person has said something. Raises what the services raise."""
        if isinstance(waiting, Question):
            said = answer_of(waiting, answer)
            if said is not None:
                await self._workbench.runs.answer(waiting.id, **said)
            return said is not None
        decision = decision_of(answer)
        if decision is not None:
            await self._workbench.approvals.decide(waiting.id, decision)
        return decision is not None
