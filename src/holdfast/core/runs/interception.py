"""The hooks of one run: asked at their points, one after the other, and each written into the log.

The first that denies ends its chain; each sees what those before it have changed. What a hook changes is
checked like what it replaces: arguments by the tool's schema, and the call by policy, which judges it behind
the hooks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from pydantic import BaseModel

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.delegating import DELEGATE, HAND_OVER
from holdfast.core.domain.errors import ForbiddenError, InvalidError
from holdfast.core.domain.events import HookCompleted
from holdfast.core.domain.hooks import (
    BEFORE_CALL,
    HookCall,
    HookDecider,
    HookPlace,
    HookPoint,
    HookSpec,
    HookType,
    HookVerdict,
    failed,
)
from holdfast.core.domain.messages import TextPart, text_of
from holdfast.core.domain.models import ModelRequest
from holdfast.core.domain.tools import Tool, ToolOutput
from holdfast.core.runs.emitter import Emitter
from holdfast.core.runs.projections.state import CallState
from holdfast.core.runs.prompt_texts import texts_of, with_texts
from holdfast.core.runs.timer import WorkTimer
from holdfast.core.tools.registry import validate_arguments

_DELEGATIONS = (DELEGATE, HAND_OVER)
_HOLDING = (HookPoint.AFTER_MODEL, HookPoint.BEFORE_RESPONSE)


class Seen(Protocol):
    """A call of a tool, as rules and hooks see it."""

    def subjects(self, tool: Tool, arguments: BaseModel) -> tuple[str, ...]: ...

    def plain(self, tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]: ...


class RunHooks:
    """The hooks that a run has, in the order in which they act."""

    def __init__(
        self,
        hooks: Sequence[HookSpec],
        decider: HookDecider,
        place: HookPlace,
        agent: AgentSpec,
        emitter: Emitter,
        timer: WorkTimer,
        handed_down: tuple[HookSpec, ...] = (),
    ) -> None:
        self.handed_down = handed_down
        """Those that the runs of sub-agents below have as well."""
        self._hooks = tuple(hook for hook in hooks if hook.enabled)
        self._decider = decider
        self._place = place
        self._agent = agent
        self._emitter = emitter
        self._timer = timer

    @property
    def holds_replies(self) -> bool:
        """Whether a reply is shown only when it is whole, for a hook may change or refuse it."""
        return any(hook.point in _HOLDING for hook in self._hooks)

    def approval_timeout_s(self, hook_id: str) -> float | None:
        """Returns the seconds after which an approval that a hook asks for is denied; None: it says none."""
        return next((hook.timeout_s for hook in self._hooks if hook.id == hook_id), None)

    # --- runs

    async def before_run(self) -> None:
        """Looks at the run's message, once. Raises `ForbiddenError` (`hook_denied`)."""
        state = self._emitter.state
        for hook in self._at(HookPoint.BEFORE_RUN):
            if hook.id in state.hooks_passed:
                continue
            data = {"message": self._emitter.context.message_text}
            verdict = await self._decide(hook, self._call(HookPoint.BEFORE_RUN, data), _check_message)
            _refuse(hook, verdict, "the message")

    async def after_run(self, content: str) -> None:
        """Tells that the run completes; no answer changes that."""
        data = {"status": "completed", "steps": self._emitter.state.step, "content": content}
        for hook in self._at(HookPoint.AFTER_RUN):
            await self._decide(hook, self._call(HookPoint.AFTER_RUN, data), _check_nothing)

    # --- model calls

    async def before_model(self, request: ModelRequest) -> ModelRequest:
        """Returns the request as it goes to the model. Raises `ForbiddenError` (`hook_denied`)."""
        for hook in self._at(HookPoint.BEFORE_MODEL):
            texts = texts_of(request)
            data = {"model": request.model, "messages": texts}
            check = partial(_check_messages, len(texts))
            verdict = await self._decide(hook, self._call(HookPoint.BEFORE_MODEL, data), check)
            _refuse(hook, verdict, "the model call")
            if verdict.data is not None:
                request = with_texts(request, [each["text"] for each in verdict.data["messages"]])
        return request

    async def reply(self, text: str, calls: list[dict[str, Any]], *, final: bool) -> tuple[str, bool]:
        """Returns a step's text as it is to be shown, and whether a hook withheld it, which can be where it
        is the `final` one. Raises `ForbiddenError` (`hook_denied`) where one refuses the whole reply."""
        for hook in self._at(HookPoint.AFTER_MODEL):
            call = replace(self._call(HookPoint.AFTER_MODEL, {"calls": calls}), output=text)
            verdict = await self._decide(hook, call, _check_output)
            _refuse(hook, verdict, "the reply")
            text = text if verdict.output is None else verdict.output
        return await self.response(text) if final else (text, False)

    async def response(self, text: str) -> tuple[str, bool]:
        """Returns a reply as it is to be shown, and whether a hook withheld it."""
        for hook in self._at(HookPoint.BEFORE_RESPONSE):
            call = replace(self._call(HookPoint.BEFORE_RESPONSE, {}), output=text)
            verdict = await self._decide(hook, call, _check_output)
            if verdict.outcome == "deny":
                return f"The reply was withheld: {verdict.reason}", True
            text = text if verdict.output is None else verdict.output
        return text, False

    # --- tool calls

    async def before_call(self, call: CallState, tool: Tool, seen: Seen) -> None:
        """Asks the hooks that this call has not passed yet; the call's state then says what came of it.

        Not while a person is asked. Raises `InvalidError` for arguments that the tool does not take.
        """
        if call.waiting:
            return
        for hook in self._of_call(tool, before=True):
            if call.refused is not None or hook.id in call.hooks_passed:
                continue
            if hook.type is HookType.APPROVAL and call.decision is not None:
                continue  # a person has just allowed the arguments that they wrote themselves
            arguments = validate_arguments(tool, call.wanted)
            if not hook.matches(tool.name, seen.subjects(tool, arguments)):
                continue
            looked = self._call(hook.point, seen.plain(tool, call.wanted), call.call_id, tool.name)
            await self._decide(hook, looked, partial(_check_arguments, tool))

    async def after_call(
        self, call: CallState, tool: Tool, arguments: BaseModel, seen: Seen, output: ToolOutput
    ) -> ToolOutput:
        """Returns what a call gave as the model is to see it."""
        data = seen.plain(tool, arguments.model_dump(mode="json", exclude_unset=True))
        subjects = seen.subjects(tool, arguments)
        for hook in self._of_call(tool, before=False):
            if not hook.matches(tool.name, subjects):
                continue
            texts = tuple(part for part in output.content if isinstance(part, TextPart))
            looked = replace(self._call(hook.point, data, call.call_id, tool.name), output=text_of(texts))
            verdict = await self._decide(hook, looked, _check_output)
            if verdict.outcome == "deny":
                return ToolOutput.text(f"The result was withheld: {verdict.reason}", is_error=True)
            if verdict.output is not None:
                others = tuple(part for part in output.content if not isinstance(part, TextPart))
                # Without what people were to see: that was made of the result as it was.
                output = ToolOutput(
                    content=(TextPart(text=verdict.output), *others), is_error=output.is_error
                )
        return output

    # --- the chain

    def _at(self, point: HookPoint) -> list[HookSpec]:
        return [hook for hook in self._hooks if hook.point is point]

    def _of_call(self, tool: Tool, *, before: bool) -> list[HookSpec]:
        own = HookPoint.BEFORE_TOOL if before else HookPoint.AFTER_TOOL
        delegation = HookPoint.BEFORE_DELEGATION if before else HookPoint.AFTER_DELEGATION
        more = self._at(delegation) if tool.name in _DELEGATIONS else []
        return [*self._at(own), *more]

    def _call(self, point: HookPoint, data: dict[str, Any], call_id: str = "", tool: str = "") -> HookCall:
        state = self._emitter.state
        return HookCall(
            point=point,
            session_id=state.session_id,
            run_id=state.run_id,
            agent=self._agent.name,
            agent_id=self._agent.id or "",
            call_id=call_id,
            tool=tool,
            data=data,
        )

    async def _decide(self, hook: HookSpec, call: HookCall, check: Check) -> HookVerdict:
        """Asks one hook, and writes down what it decided. Raises `DeadlineError` when the run's time is
        over."""
        began = time.perf_counter()
        limit = asyncio.timeout(None if call.point is HookPoint.AFTER_RUN else self._timer.remaining_s)
        try:
            async with limit:
                verdict = await self._decider.decide(hook, call, self._place)
        except TimeoutError:
            if not limit.expired():
                raise  # somebody else's
            raise self._timer.expired() from None
        try:
            if verdict.outcome == "modify":
                check(verdict)
            elif verdict.outcome == "deny" and call.point is HookPoint.AFTER_RUN:
                raise InvalidError("The run has ended: there is nothing to refuse.")
        except InvalidError as error:
            verdict = failed(hook, error.message)
        await self._write(hook, call, verdict, (time.perf_counter() - began) * 1000)
        return verdict

    async def _write(self, hook: HookSpec, call: HookCall, verdict: HookVerdict, duration_ms: float) -> None:
        data = verdict.data or {}
        await self._emitter.emit(
            HookCompleted(
                session_id=call.session_id,
                run_id=call.run_id,
                point=hook.point,
                hook_id=hook.id or "",
                hook_type=hook.type,
                name=hook.name,
                outcome=verdict.outcome,
                reason=verdict.reason,
                error=verdict.error,
                duration_ms=round(duration_ms, 1),
                call_id=call.call_id or None,
                tool=call.tool,
                arguments=verdict.data if call.point in BEFORE_CALL else None,
                message=data.get("message") if call.point is HookPoint.BEFORE_RUN else None,
            ),
            durable=call.point in BEFORE_CALL,
        )


Check = Callable[[HookVerdict], None]
"""Raises `InvalidError` where what a hook wants in the place of something cannot stand there."""


def _check_nothing(verdict: HookVerdict) -> None:
    raise InvalidError("The run has ended: there is nothing to change.")


def _check_output(verdict: HookVerdict) -> None:
    if verdict.output is None:
        raise InvalidError("The hook says `modify`, but not to which output.")


def _check_message(verdict: HookVerdict) -> None:
    if not isinstance((verdict.data or {}).get("message"), str):
        raise InvalidError("The hook says `modify`, but not to which message.")


def _check_messages(count: int, verdict: HookVerdict) -> None:
    given = (verdict.data or {}).get("messages")
    each = given if isinstance(given, list) else []
    if len(each) != count or not all(
        isinstance(one, dict) and isinstance(one.get("text"), str) for one in each
    ):
        raise InvalidError(f"The hook must give a text for each of the {count} messages, in their order.")


def _check_arguments(tool: Tool, verdict: HookVerdict) -> None:
    if verdict.data is None:
        raise InvalidError("The hook says `modify`, but not to which arguments.")
    validate_arguments(tool, verdict.data)


def _refuse(hook: HookSpec, verdict: HookVerdict, what: str) -> None:
    if verdict.outcome == "deny":
        why = verdict.reason or "it gives no reason"
        raise ForbiddenError(f"The hook {hook.title!r} refused {what}: {why}.", code="hook_denied")
