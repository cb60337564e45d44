"""One step: a model call with its retries and fall-backs, streamed into the log."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

from holdfast.core.domain.context import request_tokens
from holdfast.core.domain.errors import (
    ContextTooLong,
    ForbiddenError,
    ModelAuthError,
    ModelError,
    ModelNotFound,
    ModelRateLimited,
    ModelStreamCut,
    ModelUnavailable,
)
from holdfast.core.domain.events import (
    ModelFellBack,
    ModelRetried,
    PartKind,
    StepCompleted,
    StepPurpose,
    StepStarted,
    ToolCallRequested,
)
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import (
    Finished,
    ModelClient,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    Timing,
    ToolCallDelta,
    ToolSchema,
    UsageReport,
)
from holdfast.core.domain.nesting import MAX_DEPTH, nested_deeper
from holdfast.core.domain.tools import BlobStore
from holdfast.core.domain.values import new_call_id
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.metering import metered
from holdfast.core.runs.projections.state import CallState
from holdfast.core.tools.registry import near_names, schema

_LONGEST_WAIT_S = 60.0
_FALL_BACK = (ModelAuthError, ModelNotFound, ModelRateLimited, ModelUnavailable)
"""Errors of a model that another model need not have."""

Reason = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(slots=True)
class StepResult:
    """What a step gave: the calls to execute, or none when the model is done."""

    reason: Reason
    text: str
    calls: list[CallState]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a step is asked for in the place of the session's context."""

    messages: tuple[Message, ...]
    reply: bool
    """Whether its text is the run's reply; else it is told as what was thought on the way."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call as a model has written it."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What comes of a step about tools."""

    calls: Sequence[Wanted] = ()
    """Those that are to be made."""
    chosen: tuple[str, ...] = ()
    """Names of the tools that were chosen."""


Settle = Callable[[Sequence[Wanted], str], Awaitable[Settled]]
"""Looks at the calls and the text of a step."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What a step about tools is asked for, in the place of a reply."""

    purpose: StepPurpose
    instruction: str
    """Stands behind the system prompt."""
    tools: tuple[ToolSchema, ...]
    """What the model is offered."""
    settle: Settle
    """Says while the step is open what comes of it."""


@dataclass(slots=True)
class _Reply:
    """What has come of the reply so far."""

    began: float
    kind: PartKind = "text"
    """What its text is."""
    calling: bool = True
    """Whether it may hold calls."""
    request_ms: float = 0.0
    first_ms: float | None = None
    texts: list[str] = field(default_factory=list)
    calls: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    reason: Reason | None = None

    def milliseconds(self) -> float:
        return round((time.perf_counter() - self.began) * 1000, 2)


class Stepper:
    """Makes the model calls of runs."""

    def __init__(
        self,
        client: ModelClient,
        blobs: BlobStore,
        redact: Callable[[str], str],
        *,
        retries: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._blobs = blobs
        self._redact = redact
        self._retries = retries
        self._sleep = sleep

    def request(self, run: ActiveRun, *, tools: bool = True, phase: Phase | None = None) -> ModelRequest:
        """Returns the request of the run's next step."""
        messages = run.emitter.context.with_preface(run.preface)
        if phase is not None:
            return ModelRequest(
                model=run.model,
                messages=(_system((*run.system(), phase.instruction)), *messages),
                tools=phase.tools,
                settings=run.spec.model_settings,
            )
        return ModelRequest(
            model=run.model,
            messages=(_system(run.system()), *messages),
            tools=offered(run) if tools else (),
            settings=run.spec.model_settings,
            response_format=run.options.response_format,
        )

    async def step(
        self,
        run: ActiveRun,
        *,
        tools: bool = True,
        window: int | None = None,
        asked: Asked | None = None,
        phase: Phase | None = None,
    ) -> StepResult:
        """Makes one model call; `window` is how many tokens the model takes, as far as that is known. With
        `asked` it has those messages and no tools, with `phase` only what that offers. Raises `ModelError`
        when no model of the run can answer; then the step is still open, and the run's closing completes
        it."""
        began = time.perf_counter()
        request = self.request(run, tools=tools, phase=phase) if asked is None else _asking(run, asked)
        request = await run.hooks.before_model(request)
        prompt = await asyncio.to_thread(self._keep, request)
        await run.emitter.emit(
            StepStarted(
                **run.ids,
                step=run.state.step + 1,
                model=run.model,
                prompt=prompt,
                tokens=request_tokens(request),
                window=window,
                purpose="reply" if phase is None else phase.purpose,
            )
        )
        # A model that only decides on tools, before the reply or a script has its turn, does not reply.
        replies = run.spec.script is None if asked is None else asked.reply
        replies = replies and phase is None
        calling = asked is None and (phase is not None or not run.phased)
        reply = _Reply(began, kind="text" if replies else "reasoning", calling=calling)
        reply.request_ms = reply.milliseconds()
        await self._stream_with_retries(run, request, reply)
        return await self._complete(run, reply, None if phase is None else phase.settle)

    def _keep(self, request: ModelRequest) -> str:
        return self._blobs.put(self._redact(request.model_dump_json()).encode())

    async def _stream_with_retries(self, run: ActiveRun, request: ModelRequest, reply: _Reply) -> None:
        attempt = 0
        while True:
            try:
                await self._stream(run, request.model_copy(update={"model": run.model}), reply)
                return
            except ModelError as error:
                if reply.first_ms is not None or isinstance(error, ContextTooLong):
                    raise  # what has been shown cannot be taken back; a long context is for the loop
                attempt += 1
                if error.retryable and attempt <= self._retries and not _too_long(run, error):
                    await self._retry(run, attempt, error)
                elif isinstance(error, _FALL_BACK) and run.model_index + 1 < len(run.models):
                    attempt = 0
                    await self._fall_back(run, error)
                else:
                    raise

    async def _retry(self, run: ActiveRun, attempt: int, error: ModelError) -> None:
        delay = min(_LONGEST_WAIT_S, 0.5 * 2**attempt) * random.uniform(0.8, 1.2)
        asked = error.retry_after_s if isinstance(error, ModelRateLimited) else None
        if asked is not None:
            delay = min(max(delay, asked), 2 * _LONGEST_WAIT_S)
        await run.emitter.emit(
            ModelRetried(
                **run.ids, model=run.model, attempt=attempt, delay_s=round(delay, 2), error=error.info
            )
        )
        await self._sleep(delay)

    async def _fall_back(self, run: ActiveRun, error: ModelError) -> None:
        old = run.model
        run.model_index += 1
        await run.emitter.emit(ModelFellBack(**run.ids, from_model=old, to_model=run.model, error=error.info))

    async def _stream(self, run: ActiveRun, request: ModelRequest, reply: _Reply) -> None:
        emitter = run.emitter
        async with aclosing(metered(run, self._client, request)) as deltas:
            async for delta in deltas:
                if reply.first_ms is None and not isinstance(delta, UsageReport):
                    reply.first_ms = reply.milliseconds()
                match delta:
                    case TextDelta(text=text):
                        reply.texts.append(text)
                        if not run.hooks.holds_replies:
                            await emitter.text(reply.kind, text)
                    case ReasoningDelta(text=text, summary=summary):
                        await emitter.text("reasoning_summary" if summary else "reasoning", text)
                    case ToolCallDelta() if reply.calling:
                        reply.calls.setdefault(delta.key, []).append(delta.arguments)
                        if delta.name:
                            reply.names.setdefault(delta.key, delta.name)
                    case Finished(reason=reason):
                        reply.reason = reason
        if reply.reason is None:
            raise ModelStreamCut("The model's reply ended in the middle. Continue to ask it to go on.")

    async def _complete(self, run: ActiveRun, reply: _Reply, settle: Settle | None) -> StepResult:
        assert reply.reason is not None
        if run.hooks.holds_replies:
            await self._release(run, reply)
        wanted = [
            Wanted(reply.names.get(key, ""), "".join(fragments)) for key, fragments in reply.calls.items()
        ]
        settled = Settled(wanted) if settle is None else await settle(wanted, "".join(reply.texts))
        calls = [await self._call(run, each.name, each.arguments) for each in settled.calls]
        timing = Timing(
            request_ms=reply.request_ms, first_delta_ms=reply.first_ms, total_ms=reply.milliseconds()
        )
        reason: Reason = "tool_calls" if calls else reply.reason
        await run.emitter.emit(
            StepCompleted(**run.ids, step=run.state.step, reason=reason, timing=timing, chosen=settled.chosen)
        )
        return StepResult(reason, "".join(reply.texts), calls)

    async def _release(self, run: ActiveRun, reply: _Reply) -> None:
        """Shows the text that was held for the hooks, as they leave it. Raises `ForbiddenError`."""
        calls = [
            {"name": reply.names.get(key, ""), "arguments": "".join(fragments)}
            for key, fragments in reply.calls.items()
        ]
        final = reply.kind == "text" and not calls
        text, withheld = await run.hooks.reply("".join(reply.texts), calls, final=final)
        if withheld and run.options.response_format is not None:
            raise ForbiddenError(text, code="hook_denied")
        if withheld:
            reply.reason = "content_filter"
        reply.texts = [text]
        if text:
            await run.emitter.text(reply.kind, text)
            await run.emitter.close_part()

    async def _call(self, run: ActiveRun, name: str, text: str) -> CallState:
        call_id = new_call_id()
        arguments, invalid = parsed_arguments(text)
        known = (*run.tools, *(tool.name for tool in run.options.client_tools))
        if name not in known:
            invalid = f"There is no tool {name!r}.{near_names(name, known)}"
        await run.emitter.emit(
            ToolCallRequested(
                **run.ids,
                call_id=call_id,
                step=run.state.step,
                name=name,
                arguments=arguments,
                invalid=invalid,
            )
        )
        return run.state.calls[call_id]


def offered(run: ActiveRun) -> tuple[ToolSchema, ...]:
    """Returns the tools of a run as a model sees them."""
    return (*map(schema, run.tools.values()), *run.options.client_tools)


def _asking(run: ActiveRun, asked: Asked) -> ModelRequest:
    return ModelRequest(model=run.model, messages=asked.messages, settings=run.spec.model_settings)


def _system(sections: tuple[str, ...]) -> Message:
    """Returns the first message: a part for each section, so that the kept prompt tells them apart. Its text
    has a blank line between two."""
    last = len(sections) - 1
    texts = (f"{text}\n" if index < last else text for index, text in enumerate(sections))
    return Message(role="system", parts=tuple(TextPart(text=text) for text in texts))


def _too_long(run: ActiveRun, error: ModelError) -> bool:
    """Says whether the model asks for a longer wait than the next one is worth."""
    asked = error.retry_after_s if isinstance(error, ModelRateLimited) else None
    return asked is not None and asked > _LONGEST_WAIT_S and run.model_index + 1 < len(run.models)


def parsed_arguments(text: str) -> tuple[dict[str, Any], str]:
    """Returns the arguments that a model wrote, and what is wrong with them if they are no JSON object."""
    if not text.strip():
        return {}, ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also for a number of thousands of digits
        return {}, f"The arguments are not valid JSON ({error}). Nothing was executed; call again."
    if nested_deeper(value, MAX_DEPTH):
        return {}, "The arguments are nested too deep. Nothing was executed; call again."
    if not isinstance(value, dict):
        return {}, "The arguments must be a JSON object. Nothing was executed; call again."
    return value, ""
