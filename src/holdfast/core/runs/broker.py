"""Pending approvals and questions: who waits for a person, and what happens when one decides.

The records are in the log; the broker only knows the runs that wait in this process. A run that is taken
up after a restart registers again, so a decision finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from holdfast.core.approvals.policy import covers
from holdfast.core.domain.approvals import Approval, ApprovalStatus, Decision, Rule, Rules, Verdict
from holdfast.core.domain.errors import ConflictError, ForbiddenError, HoldfastError, InvalidError
from holdfast.core.domain.events import ApprovalResolved, QuestionAnswered
from holdfast.core.domain.forms import FormAnswer
from holdfast.core.domain.tools import Question, Tool, ToolContext
from holdfast.core.domain.values import utc_now
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.answers import checked_answer
from holdfast.core.tools.registry import validate_arguments

Scope = Literal["once", "session", "always"]

_POLL_S = 0.02
_TAKE_UP_POLLS = 100


@dataclass(slots=True)
class Waiting:
    """A call that waits for a decision."""

    run: ActiveRun
    tool: Tool
    context: ToolContext
    approval: Approval
    decided: asyncio.Event = field(default_factory=asyncio.Event)
    deciding: bool = False
    overdue: bool = False
    """It expired while somebody was deciding."""


@dataclass(slots=True)
class Asked:
    """A question that waits for an answer."""

    run: ActiveRun
    question: Question
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    given: FormAnswer | None = None
    """Of a form."""


class Broker:
    """Matches decisions and answers with the runs that wait for them."""

    def __init__(self) -> None:
        self._approvals: dict[str, Waiting] = {}
        self._questions: dict[str, Asked] = {}
        self._grants: dict[str, dict[str, Scope]] = {}

    # --- grants

    def grants(self, session_id: str, user: Rules) -> tuple[str, ...]:
        """Returns the rules that are granted in the session. What was allowed always is, for as long as the
        user's own allow list still has it: a rule that is taken out of there is gone."""
        known = self._grants.get(session_id, {})
        return tuple(rule for rule, scope in known.items() if scope == "session" or rule in user.allow)

    def knows(self, session_id: str) -> bool:
        """Says whether the grants of a session were read already."""
        return session_id in self._grants

    def remember(self, session_id: str, approvals: tuple[Approval, ...]) -> None:
        """Takes the grants of a session from all its decided approvals, in the place of what was known."""
        self._grants[session_id] = {}
        for approval in approvals:
            decision = approval.decision
            if approval.status == ApprovalStatus.APPROVED and decision is not None:
                self._grant(session_id, approval.rule, decision.scope)

    def _grant(self, session_id: str, rule: str, scope: Scope) -> None:
        known = self._grants.setdefault(session_id, {})
        if rule and scope != "once" and known.get(rule) != "session":
            known[rule] = scope

    def drop_grants(self, session_id: str, rules: Collection[str]) -> None:
        """Takes granted rules back."""
        for rule in rules:
            self._grants.get(session_id, {}).pop(rule, None)

    def forget(self, session_id: str) -> None:
        """Drops what is known of a deleted session."""
        self._grants.pop(session_id, None)

    # --- approvals

    async def wait(self, waiting: Waiting) -> None:
        """Waits until the approval is decided or expires; the run's state then says which."""
        approval = waiting.approval
        self._approvals[approval.id] = waiting
        try:
            with waiting.run.timer.waiting():
                if approval.expires_at is None:
                    await waiting.decided.wait()
                    return
                left = (approval.expires_at - utc_now()).total_seconds()
                try:
                    async with asyncio.timeout(max(0.0, left)):
                        await waiting.decided.wait()
                except TimeoutError:
                    await self._expire(waiting)
        finally:
            self._approvals.pop(approval.id, None)

    async def _expire(self, waiting: Waiting) -> None:
        if waiting.deciding:
            waiting.overdue = True  # the decision may be refused, and then this is done behind it
            await waiting.decided.wait()
            return
        waiting.deciding = True
        await self._resolve(waiting, "expired", None)

    def watch(self, waiting: Waiting) -> None:
        """Makes an approval decidable before its run comes to wait for it."""
        self._approvals[waiting.approval.id] = waiting

    def waiting(self, approval_id: str) -> Waiting | None:
        """Returns who waits for the approval in this process."""
        return self._approvals.get(approval_id)

    def drop(self, run_id: str) -> None:
        """Forgets all that waits for a run that has ended."""
        for approval_id, waiting in list(self._approvals.items()):
            if waiting.run.run_id == run_id:
                del self._approvals[approval_id]
        for question_id, asked in list(self._questions.items()):
            if asked.run.run_id == run_id:
                del self._questions[question_id]

    async def known(self, approval_id: str) -> None:
        """Waits a moment for the run of an approval that is pending: one that is taken up after a restart
        comes to it soon after the engine answers."""
        for _ in range(_TAKE_UP_POLLS):
            if approval_id in self._approvals:
                return
            await asyncio.sleep(_POLL_S)

    async def decide(self, approval_id: str, decision: Decision) -> None:
        """Carries a decision out.

        Raises `ConflictError` when it is decided already or what it would do has changed since it was
        shown (it is asked again then), `InvalidError` for edited arguments that do not fit the tool,
        `ForbiddenError` when policy denies the edited call.
        """
        waiting = self._approvals.get(approval_id)
        if waiting is None or waiting.deciding:
            raise ConflictError("This approval has been decided already.", code="approval_decided")
        expires_at = waiting.approval.expires_at
        if expires_at is not None and expires_at <= utc_now():
            # Its run may still execute an earlier call, and expire it only when it comes to it.
            raise ConflictError("This approval has expired.", code="approval_expired")
        async with self._deciding(waiting):
            await self._decide(waiting, decision)

    @asynccontextmanager
    async def _deciding(self, waiting: Waiting) -> AsyncIterator[None]:
        """Lets nobody else decide inside the block, which may end without a decision. What expires meanwhile
        does so behind it."""
        waiting.deciding = True
        try:
            yield
        finally:
            waiting.deciding = False
            if waiting.overdue and waiting.approval.id in self._approvals:
                await self._expire(waiting)

    async def _decide(self, waiting: Waiting, decision: Decision) -> None:
        if decision.outcome == "deny":
            await self._resolve(waiting, "denied", decision)
            return
        arguments = self._arguments(waiting, decision)
        if not await self._still_as_shown(waiting, arguments, edited=decision.arguments is not None):
            await self._resolve(waiting, "stale", None)
            raise ConflictError(
                f"What `{waiting.approval.tool}` would do has changed since it was shown. "
                "It is asked again with the new preview.",
                code="approval_stale",
            )
        rule = waiting.approval.rule
        if decision.scope != "once" and (not rule or decision.arguments is not None):
            raise InvalidError(
                "No single rule covers this call, so it can be allowed only once."
                if not rule
                else "An edited call can be allowed only once.",
                code="no_rule",
            )
        if decision.scope == "always":
            await asyncio.to_thread(waiting.run.allow_always, rule)
        # "Always" is a grant for this session too: a wider ask rule of the user's own may outrank the file's
        # new line, and the person has just said yes.
        self._grant(waiting.run.root.session_id, rule, decision.scope)
        await self._resolve(waiting, "approved", decision)
        if decision.scope != "once":
            await self._release_covered(waiting, decision)

    def _arguments(self, waiting: Waiting, decision: Decision) -> BaseModel:
        values: dict[str, Any] = (
            waiting.approval.arguments if decision.arguments is None else decision.arguments
        )
        arguments = validate_arguments(waiting.tool, values)
        answer = waiting.run.judge(waiting.tool, arguments)
        if decision.arguments is not None and answer.verdict == Verdict.DENY:
            raise ForbiddenError(f"Policy denies the edited call: {answer.reason}.", code="policy_denied")
        return arguments

    async def _still_as_shown(self, waiting: Waiting, arguments: BaseModel, *, edited: bool) -> bool:
        try:
            preview = await waiting.tool.preview(arguments, waiting.context)
        except (HoldfastError, OSError) as error:
            if edited:
                reason = error.message if isinstance(error, HoldfastError) else error.strerror
                raise InvalidError(f"The edited call cannot work: {reason}") from error
            return False
        return edited or preview.fingerprint == waiting.approval.fingerprint

    async def _resolve(self, waiting: Waiting, status: Any, decision: Decision | None) -> None:
        approval = waiting.approval
        # Looking at the call again takes time: its run may have closed it meanwhile.
        if self._approvals.pop(approval.id, None) is None:
            raise ConflictError("This was settled before it was decided.", code="approval_decided")
        try:
            await waiting.run.emitter.emit(
                ApprovalResolved(
                    **waiting.run.ids,
                    approval_id=approval.id,
                    call_id=approval.call_id,
                    status=status,
                    decision=decision,
                ),
                durable=True,
            )
        finally:
            # Also when the client went away or the disk was full: the run itself must get to know.
            waiting.decided.set()

    async def _release_covered(self, granted: Waiting, decision: Decision) -> None:
        """Lets other waiting calls go that the new rule allows: those of the session, and for "always" those
        of the user. What waits for another reason goes on waiting, and what is another's always does."""
        rule = Rule.parse(granted.approval.rule)
        same = Decision(
            outcome="approve",
            reason=f"covered by the rule {granted.approval.rule}",
            decided_by=decision.decided_by,
            client=decision.client,
        )
        for waiting in list(self._approvals.values()):
            if waiting.deciding or waiting.approval.hook_id:
                continue
            if not _reached(waiting.run, granted.run, decision.scope):
                continue
            tool, run = waiting.tool, waiting.run
            arguments = validate_arguments(tool, waiting.approval.arguments)
            subjects = run.subjects(tool, arguments)
            allowed = run.judge(tool, arguments).verdict == Verdict.ALLOW
            if not (allowed and covers(rule, tool.name, tool.risk, subjects)):
                continue
            async with self._deciding(waiting):
                fresh = await self._still_as_shown(waiting, arguments, edited=False)
                if waiting.approval.id in self._approvals:  # else its run ended meanwhile
                    await self._resolve(waiting, "approved" if fresh else "stale", same if fresh else None)

    # --- questions

    async def ask(
        self, run: ActiveRun, question: Question, announce: Awaitable[object] | None = None
    ) -> FormAnswer | None:
        """Waits until the question is answered; the run's state then has the answer. Returns what was given
        for a form, None when it was taken back.

        `announce` makes it known, once it can be answered.
        """
        asked = Asked(run, question)
        self._questions[question.id] = asked
        try:
            if announce is not None:
                await announce
            with run.timer.waiting():
                await asked.answered.wait()
        finally:
            self._questions.pop(question.id, None)
        return asked.given

    def take_back(self, id: str) -> None:
        """Makes a question or an approval undecidable, and lets go who waits for it still; its event is the
        caller's to emit."""
        asked, waiting = self._questions.pop(id, None), self._approvals.pop(id, None)
        if asked is not None:
            asked.answered.set()
        if waiting is not None:
            waiting.decided.set()

    async def answer(self, question_id: str, answer: str, given: FormAnswer | None = None) -> None:
        """Answers a question, a form with what was `given` for it. Raises `ConflictError` when nobody waits
        for it any more, `InvalidError` for an answer that it does not take, with each mistake."""
        asked = self._questions.get(question_id)
        if asked is None:
            raise ConflictError("This question has been answered already.", code="question_answered")
        run, question = asked.run, asked.question
        said = await asyncio.to_thread(checked_answer, question, answer, given)
        if self._questions.pop(question_id, None) is None:
            raise ConflictError("This question has been answered already.", code="question_answered")
        asked.given = given
        try:
            await run.emitter.emit(
                QuestionAnswered(
                    **run.ids,
                    question_id=question_id,
                    call_id=question.call_id,
                    answer=said,
                    action=given.action if given is not None else None,
                ),
                durable=True,
            )
        finally:
            asked.answered.set()


def _reached(run: ActiveRun, granted: ActiveRun, scope: Scope) -> bool:
    """Says whether what was granted in one run is granted in another, too."""
    if scope == "always":
        return run.owner == granted.owner
    return run.root.session_id == granted.root.session_id
