"""One turn: a message and its run, from the prompt until the run has ended or asks for the person's words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from acp import RequestError
from acp.helpers import update_agent_message_text
from acp.interfaces import Client
from acp.schema import AllowedOutcome, StopReason

from holdfast.acp.permissions import (
    action_of,
    approval_call,
    approval_options,
    choice_of,
    decision_of,
    question_call,
    question_options,
    question_words,
)
from holdfast.acp.updates import Translator, Update
from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.errors import (
    ConflictError,
    ErrorInfo,
    HoldfastError,
    NotFoundError,
    UnavailableError,
)
from holdfast.core.domain.events import (
    RUN_ENDS,
    AnyEvent,
    ApprovalRequested,
    ApprovalResolved,
    ChildRunStarted,
    EventFilter,
    LoggedEvent,
    MessageAdded,
    QuestionAnswered,
    QuestionAsked,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
)
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import Session
from holdfast.core.domain.session_events import (
    MessageDequeued,
    SessionDeleted,
    SessionModeChanged,
    SessionRenamed,
)
from holdfast.core.domain.text import sanitize
from holdfast.core.domain.tools import Question
from holdfast.core.domain.values import new_id
from holdfast.core.services.workbench import Workbench

_STOPPED: dict[str, StopReason] = {"length": "max_tokens", "content_filter": "refusal"}


class RunError(Exception):
    """The run has failed; `info` says why."""

    def __init__(self, info: ErrorInfo) -> None:
        super().__init__(info.message)
        self.info = info


class Turn:
    """Follows one run of a session for an editor, and those of the agents that it is handed over to. `after`
    is the last event that the editor knows of."""

    def __init__(
        self, workbench: Workbench, client: Client, session: Session, translator: Translator, after: int
    ) -> None:
        self._workbench = workbench
        self._client = client
        self._session = session
        self._translator = translator
        self._after = after
        self._message_id = ""
        self._run_id: str | None = None
        self._cancelled = False
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._below: dict[str, asyncio.Task[None]] = {}
        """What follows the sessions that sub-agents work in, by their ids."""
        self.question: Question | None = None
        """What the run waits for, when the turn has ended because only a text can answer it."""
        self.handed_over = False
        """Whether another agent has taken the conversation over since."""
        self._another = asyncio.Event()
        self.ended = asyncio.Event()
        """Whether nothing is followed now."""

    @property
    def after(self) -> int:
        """The last event that was looked at."""
        return self._after

    @property
    def run_id(self) -> str | None:
        """The run, once there is one."""
        return self._run_id

    async def send(self, parts: tuple[UserPart, ...]) -> StopReason:
        """Sends a message and follows its run. Raises `RunError` when it fails, and `HoldfastError`."""
        self._message_id = new_id()
        submitted = await self._workbench.runs.send(self._session.id, parts, None, self._message_id)
        self._run_id = submitted.run_id
        if self._cancelled:
            await self._stop()
        return await self.follow()

    async def watch(self, run_id: str) -> StopReason:
        """Follows a run that is under way, and asks about what waits in it. Raises as `send` does."""
        self._run_id = run_id
        for approval in (await self._workbench.approvals.list(self._session.id)).items:
            if approval.run_id == run_id:
                self._ask(approval.id, partial(self._ask_approval, approval))
        for question in (await self._workbench.runs.questions(self._session.id)).items:
            if question.run_id == run_id:
                self._ask(question.id, partial(self._ask_question, question))
        for child_id in (await self._workbench.runs.get(run_id)).child_runs:
            child = await self._workbench.runs.get(child_id)
            if not child.status.ended:
                self._follow_below(child.session_id)
        return await self.follow()

    async def answer(self, words: str) -> None:
        """Answers the question that the turn has ended with; `follow` then goes on. Raises `ConflictError`
        and `NotFoundError` when it waits no more."""
        assert self.question is not None, "the turn has ended with a question"
        await self._workbench.runs.answer(self.question.id, words)
        self.question = None
        self._another.clear()

    async def follow(self) -> StopReason:
        """Follows the run to its end, or to a question that the next prompt has to answer."""
        self.ended.clear()
        reading = asyncio.create_task(self._until_end())
        another = asyncio.create_task(self._another.wait())
        try:
            await asyncio.wait({reading, another}, return_when=asyncio.FIRST_COMPLETED)
            return await reading if reading.done() else "end_turn"
        finally:
            tasks = [reading, another, *self._asking.values(), *self._below.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._asking.clear()
            self._below.clear()
            self.ended.set()

    async def cancel(self) -> None:
        """Cancels the run, or pulls its message back; the turn then ends as cancelled."""
        self._cancelled = True
        if self._message_id or self._run_id:
            await self._stop()

    async def _stop(self) -> None:
        if self._run_id is not None:
            await self._workbench.runs.cancel(self._run_id)
            return
        try:
            await self._workbench.sessions.pull_back(self._session.id, self._message_id)
        except NotFoundError:
            return  # it was sent or handed over this instant: the run is cancelled at its first event

    async def _until_end(self) -> StopReason:
        only = EventFilter(session_id=self._session.id)
        async for logged in self._workbench.events.follow(only, self._after):
            ended = await self._take(logged)
            if ended is not None:
                return "cancelled" if self._cancelled else ended
        raise UnavailableError("The engine has ended; what the run did until then is kept.")

    async def _take(self, logged: LoggedEvent) -> StopReason | None:
        """Shows an event; returns why the turn ends when it was the last one."""
        self._after = logged.id
        event = logged.event
        match event:
            case MessageAdded() if self._run_id is None and event.message_id == self._message_id:
                await self._found(event.run_id)
            case RunStarted() if self._run_id is None and self.handed_over and event.hand_overs:
                await self._found(event.run_id)
            case MessageDequeued(reason="pulled_back") if event.message_id == self._message_id:
                return "cancelled"
            case SessionDeleted():
                raise NotFoundError("The session was deleted.", code="session_not_found")
        if isinstance(event, SessionRenamed | SessionModeChanged) or (
            self._run_id is not None and event.run_id == self._run_id
        ):
            for update in self._translator.take(event):
                await self._show(update)
            self._keep_asking(event)
            if isinstance(event, RunCompleted) and event.reason == "handed_over":
                self._run_id, self.handed_over = None, True  # what the other agent does is the reply
                return None
            return self._end(event)
        return None

    async def _found(self, run_id: str) -> None:
        self._run_id = run_id
        if self._cancelled:
            await self._stop()

    def _end(self, event: AnyEvent) -> StopReason | None:
        match event:
            case RunCompleted():
                return _STOPPED.get(event.reason, "end_turn")
            case RunCancelled():
                return "cancelled"
            case RunFailed() if event.error.code == "step_limit":
                return "max_turn_requests"
            case RunFailed() if not self._cancelled:
                raise RunError(event.error)
            case RunFailed():
                return "cancelled"
            case _:
                return None

    async def _show(self, update: Update) -> None:
        await self._client.session_update(session_id=self._session.id, update=update)

    async def say(self, text: str) -> None:
        """Shows a word of ours in the conversation."""
        await self._show(update_agent_message_text(f"\n\n{sanitize(text)}\n\n"))

    # --- what waits for the person

    def _keep_asking(self, event: AnyEvent) -> None:
        """Asks about what has begun to wait, and takes back what was settled elsewhere."""
        match event:
            case ApprovalRequested():
                self._ask(event.approval.id, partial(self._ask_approval, event.approval))
            case QuestionAsked():
                self._ask(event.question.id, partial(self._ask_question, event.question))
            case ApprovalResolved():
                self._settled(event.approval_id)
            case QuestionAnswered():
                self._settled(event.question_id)
            case ChildRunStarted():
                self._follow_below(event.child_session_id)

    def _follow_below(self, session_id: str) -> None:
        """Asks about what waits in the session of a sub-agent, too."""
        if session_id not in self._below:
            self._below[session_id] = asyncio.create_task(self._ask_below(session_id))

    async def _ask_below(self, session_id: str) -> None:
        try:
            async for logged in self._workbench.events.follow(EventFilter(session_id=session_id), 0):
                self._keep_asking(logged.event)
                if logged.event.type in RUN_ENDS:
                    return
        except HoldfastError as error:
            await self.say(error.message)

    def _ask(self, id: str, ask: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if id not in self._asking:  # what waited already may be among the events, too
            self._asking[id] = asyncio.create_task(ask())

    def _settled(self, id: str) -> None:
        task = self._asking.get(id)
        if task is not None:
            task.cancel()

    async def _ask_approval(self, approval: Approval) -> None:
        call = approval_call(approval, self._session.workspace)
        try:
            answer = await self._client.request_permission(
                session_id=self._session.id, tool_call=call, options=approval_options(approval)
            )
        except RequestError as error:
            await self.say(f"The editor cannot ask ({error}): `holdfast approvals list` shows what waits.")
            return
        if not isinstance(answer.outcome, AllowedOutcome):
            await self._left()
            return
        decision = decision_of(answer.outcome.option_id)
        try:
            await self._workbench.approvals.decide(approval.id, decision)
        except ConflictError:
            return  # somebody else was quicker, and what came of it is among the events
        except HoldfastError as error:
            await self.say(error.message)

    async def _ask_question(self, question: Question) -> None:
        """Lets the person choose; where there is nothing to choose from, the next prompt is the answer."""
        options = question_options(question)
        if not options:
            self.question = question  # before it is read: an answer may come at once
            await self.say(question.text)
            self._wait_for_words(question)
            return
        try:
            answer = await self._client.request_permission(
                session_id=self._session.id, tool_call=question_call(question), options=options
            )
        except RequestError as error:
            if question.acted:
                await self.say(f"{question_words(question)}\n(The editor cannot ask: {error}.)")
                return
            await self.say("\n".join([question.text, *(f"- {choice}" for choice in question.choices)]))
            self._wait_for_words(question)
            return
        if not isinstance(answer.outcome, AllowedOutcome):
            await self._left()
            return
        action = action_of(answer.outcome.option_id) if question.acted else None
        choice = "" if action is not None else choice_of(question, answer.outcome.option_id)
        if choice is None:
            self._wait_for_words(question)
            return
        try:
            await self._workbench.runs.answer(question.id, choice, action)
        except ConflictError:
            return
        except HoldfastError as error:
            await self.say(error.message)

    def _wait_for_words(self, question: Question) -> None:
        self.question = question
        self._another.set()

    async def _left(self) -> None:
        """The editor has taken the request back: that is how it cancels a turn."""
        try:
            await self.cancel()
        except HoldfastError as error:
            await self.say(error.message)
