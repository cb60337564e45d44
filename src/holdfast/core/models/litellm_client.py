"""The adapter to LiteLLM: one streamed call, in our words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from holdfast.core.domain.errors import ModelError, ModelStreamCut, ModelUnavailable
from holdfast.core.domain.messages import FilePart, ImagePart, ToolResultPart
from holdfast.core.domain.models import (
    Finished,
    ModelDelta,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from holdfast.core.models.credentials import Addresses, Keys, Target, target_of
from holdfast.core.models.errors import translate
from holdfast.core.models.loading import Loaded, load, loaded
from holdfast.core.models.pieces import ChunkReader
from holdfast.core.models.prices import Facts, facts
from holdfast.core.models.prompts import Abilities, instruction_for, to_openai

IDLE_TIMEOUT_S = 600.0
"""Longest silence of a provider, in seconds; models that reason may say nothing for minutes."""

MAX_REPLY = 8_000_000
"""Characters of one reply, reasoning and calls included: a server that never ends one would fill the disk."""


class LiteLLMClient:
    """Calls models through LiteLLM in this process. The engine uses it in its model worker."""

    def __init__(
        self,
        keys: Keys,
        read_blob: Callable[[str], bytes],
        addresses: Addresses | None = None,
        *,
        idle_timeout_s: float = IDLE_TIMEOUT_S,
    ) -> None:
        self._keys = keys
        self._read_blob = read_blob
        self._addresses = addresses or Addresses()
        self._idle_timeout_s = idle_timeout_s

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelDelta]:
        """Yields the deltas of one call; see `ModelClient`."""
        known = await asyncio.to_thread(facts, request.model)
        target = await asyncio.to_thread(target_of, request, self._keys, self._addresses)
        arguments = await self._arguments(request, target, known)
        lib = loaded()
        if lib is None:
            lib = await asyncio.to_thread(load)
        secrets = (target.key,) if target.key else ()
        response: Any = None
        left = MAX_REPLY
        try:
            response = await lib.litellm.acompletion(**arguments)
            async for delta in _deltas(lib, response, target, request.model):
                left -= _length(delta)
                if left < 0:
                    raise _endless(request.model)
                yield delta
        except lib.errors as error:
            raise translate(
                error, model=request.model, provider=target.provider, secrets=secrets
            ) from None  # the original may hold the request, and the key with it
        finally:
            if response is not None:
                await _close(response)

    async def close(self) -> None:
        """Lets go of connections of the current event loop."""
        lib = loaded()
        if lib is not None:
            await lib.litellm.close_litellm_async_clients()

    async def _arguments(self, request: ModelRequest, target: Target, known: Facts | None) -> dict[str, Any]:
        abilities = Abilities(known.images, known.pdf) if known else Abilities()

        def build() -> list[dict[str, Any]]:
            return to_openai(
                request.messages, model=request.model, abilities=abilities, read_blob=self._read_blob
            )

        messages = await asyncio.to_thread(build) if _has_blobs(request) else build()
        return arguments_for(request, target, known, messages, self._idle_timeout_s)


def arguments_for(
    request: ModelRequest,
    target: Target,
    known: Facts | None,
    messages: list[dict[str, Any]],
    idle_timeout_s: float,
) -> dict[str, Any]:
    """Returns the keyword arguments of LiteLLM's completion call."""
    settings = request.settings
    found: dict[str, Any] = {
        "model": target.model,
        "messages": messages,
        "api_key": target.key,
        "api_base": target.api_base,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "max_tokens": settings.max_output_tokens,
        "reasoning_effort": _effort(request, target),
        "seed": settings.seed,
        "stop": list(settings.stop) or None,
        "timeout": idle_timeout_s,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_retries": 0,  # retries are the run's own and stand in its log
        "num_retries": 0,
        # Else any call with tools imports LiteLLM's MCP gateway, which needs a package more.
        "_skip_mcp_handler": True,
    }
    if request.tools:
        found["tools"] = [{"type": "function", "function": t.model_dump()} for t in request.tools]
        found["parallel_tool_calls"] = settings.parallel_tool_calls
    if request.response_format is not None:
        if known is not None and known.json_schema:
            schema = {"name": "reply", "schema": request.response_format}
            found["response_format"] = {"type": "json_schema", "json_schema": schema}
        else:
            found["messages"] = [
                *messages,
                {"role": "system", "content": instruction_for(request.response_format)},
            ]
    return {name: value for name, value in found.items() if value is not None}


def _length(delta: ModelDelta) -> int:
    match delta:
        case TextDelta(text=text) | ReasoningDelta(text=text):
            return len(text)
        case ToolCallDelta(key=key, name=name, arguments=arguments):
            return len(key) + len(name) + len(arguments)
    return 0


def _endless(model: str) -> ModelError:
    return ModelError(
        f"The reply of {model} has more than {MAX_REPLY:,} characters: it is cut here",
        code="reply_too_long",
        details={"model": model},
    )


def _effort(request: ModelRequest, target: Target) -> str | dict[str, str] | None:
    effort = request.settings.reasoning_effort
    if effort is None or effort == "none" or not _summarises(target):
        return effort
    return {"effort": effort, "summary": "auto"}  # the Responses API gives summaries only when asked


def _summarises(target: Target) -> bool:
    """Says whether reasoning arrives as a summary: through OpenAI's Responses API."""
    return target.provider in ("openai", "azure") and "/responses/" in target.model


def _bridged(response: Any) -> bool:
    """Says whether LiteLLM went to the Responses API by itself, as it does for newer models with tools."""
    return "responses" in type(response.completion_stream).__module__


async def _deltas(lib: Loaded, response: Any, target: Target, model: str) -> AsyncIterator[ModelDelta]:
    reader = ChunkReader(summaries=_summarises(target) or _bridged(response))
    usage: Any = None
    async for chunk in response:
        usage = getattr(chunk, "usage", None) or usage
        if not chunk.choices:
            continue
        for delta in reader.read(chunk.choices[0].delta):
            yield delta
    reason = response.received_finish_reason or response.intermittent_finish_reason
    if reason is None:
        # LiteLLM ends such a stream with an invented "stop".
        details = {"model": model, "provider": target.provider}
        if not reader.saw_anything:
            raise ModelUnavailable(f"{model} ended its reply before it began", details=details)
        raise ModelStreamCut(f"The reply of {model} ended without a finish reason", details=details)
    if usage is not None:
        yield _usage(lib, response, target, usage)
    yield Finished(reason=reader.finish(reason))


def _usage(lib: Loaded, response: Any, target: Target, usage: Any) -> UsageReport:
    # When the provider said nothing, LiteLLM counts by itself and does not tell.
    reported = any(getattr(chunk, "usage", None) is not None for chunk in response.chunks)
    prompt = getattr(usage, "prompt_tokens_details", None)
    completion = getattr(usage, "completion_tokens_details", None)
    return UsageReport(
        input_tokens=usage.prompt_tokens or 0,
        output_tokens=usage.completion_tokens or 0,
        cached_tokens=getattr(prompt, "cached_tokens", None) or 0,
        reasoning_tokens=getattr(completion, "reasoning_tokens", None) or 0,
        cost_usd=_cost(lib, target, usage),
        estimated=not reported,
    )


def _cost(lib: Loaded, target: Target, usage: Any) -> float | None:
    known = facts(target.model)
    if target.provider == "ollama_chat":
        return 0.0
    if known is None or known.input_usd_per_million is None:
        return None
    try:
        costs: tuple[float, float] = lib.litellm.cost_per_token(model=known.name, usage_object=usage)
    except (ValueError, TypeError, KeyError):  # a price it cannot work with: none, not a lost reply
        return None
    return round(sum(costs), 10)


def _has_blobs(request: ModelRequest) -> bool:
    return any(
        isinstance(p, ImagePart | FilePart)
        or (isinstance(p, ToolResultPart) and any(isinstance(c, ImagePart) for c in p.content))
        for m in request.messages
        for p in m.parts
    )


async def _close(response: Any) -> None:
    """Ends the provider's stream, so that a cancelled call stops costing money."""
    close = getattr(response, "aclose", None)
    if close is not None:
        await close()
