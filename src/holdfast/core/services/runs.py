"""Runs and the people who steer them; the approvals that wait; the events that tell."""

from __future__ import annotations

from collections.abc import AsyncIterator

from holdfast.core.approvals.policy_file import PolicyFile
from holdfast.core.domain.approvals import Approval, ApprovalStatus, Decision, Rules
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import Run, RunOptions, Submitted
from holdfast.core.domain.tools import Question
from holdfast.core.domain.values import new_id
from holdfast.core.runs.broker import Broker
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.store.log import EventLog


class RunService:
    """Implements the `Runs` of a workbench."""

    def __init__(self, log: EventLog, supervisor: Supervisor, broker: Broker) -> None:
        self._log = log
        self._supervisor = supervisor
        self._broker = broker

    async def send(
        self,
        session_id: str,
        parts: tuple[UserPart, ...],
        options: RunOptions | None = None,
        message_id: str | None = None,
    ) -> Submitted:
        if not parts:
            raise InvalidError("A message needs a text or a file.", code="empty_message")
        return await self._supervisor.send(
            session_id, tuple(parts), options or RunOptions(), message_id or new_id()
        )

    async def get(self, run_id: str) -> Run:
        run = await self._log.reader.run(run_id)
        if run is None:
            raise NotFoundError(f"There is no run {run_id}.", code="run_not_found")
        return run

    async def list(self, session_id: str, limit: int = 100, before: int | None = None) -> tuple[Run, ...]:
        return await self._log.reader.runs(session_id, limit, before)

    async def cancel(self, run_id: str) -> Run:
        await self._supervisor.cancel(run_id)
        return await self.get(run_id)

    async def pause(self, run_id: str) -> Run:
        self._supervisor.pause(run_id)
        return await self.get(run_id)

    async def resume(self, run_id: str) -> Run:
        self._supervisor.resume(run_id)
        return await self.get(run_id)

    async def finish(self, run_id: str) -> Run:
        self._supervisor.finish(run_id)
        return await self.get(run_id)

    async def steer(self, run_id: str, parts: tuple[UserPart, ...]) -> None:
        self._supervisor.steer(run_id, tuple(parts))

    async def go_on(self, session_id: str, options: RunOptions | None = None) -> Submitted:
        return await self._supervisor.go_on(session_id, options or RunOptions())

    async def questions(self, session_id: str | None = None) -> tuple[Question, ...]:
        return await self._log.reader.questions(session_id)

    async def answer(self, question_id: str, answer: str) -> None:
        if not await self._log.reader.question_exists(question_id):
            raise NotFoundError(f"There is no question {question_id}.", code="question_not_found")
        await self._broker.answer(question_id, answer)


class ApprovalService:
    """Implements the `Approvals` of a workbench."""

    def __init__(self, log: EventLog, broker: Broker, policy: PolicyFile) -> None:
        self._log = log
        self._broker = broker
        self._policy = policy

    async def list(self, session_id: str | None = None, pending: bool = True) -> tuple[Approval, ...]:
        return await self._log.reader.approvals(session_id, pending)

    async def get(self, approval_id: str) -> Approval:
        approval = await self._log.reader.approval(approval_id)
        if approval is None:
            raise NotFoundError(f"There is no approval {approval_id}.", code="approval_not_found")
        return approval

    async def decide(self, approval_id: str, decision: Decision) -> Approval:
        approval = await self.get(approval_id)
        if approval.status != ApprovalStatus.PENDING:
            raise ConflictError(f"This approval is {approval.status} already.", code="approval_decided")
        await self._broker.known(approval_id)
        await self._broker.decide(approval_id, decision)
        return await self.get(approval_id)

    async def rules(self) -> Rules:
        return self._policy.read()

    async def policy_path(self) -> str:
        return str(self._policy.path)


class EventService:
    """Implements the `Events` of a workbench."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def read(self, filter: EventFilter, after: int = 0, limit: int = 1000) -> tuple[LoggedEvent, ...]:
        return tuple(await self._log.read(filter, after, min(limit, 10_000)))

    async def page_before(
        self, session_id: str, before: int | None = None, limit: int = 200
    ) -> tuple[LoggedEvent, ...]:
        return tuple(await self._log.reader.page_before(session_id, before, min(limit, 10_000)))

    def follow(self, filter: EventFilter, after: int | None = None) -> AsyncIterator[LoggedEvent]:
        return self._log.follow(filter, after)
