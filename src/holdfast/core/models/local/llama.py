"""Runs models in GGUF files by llama.cpp. The only place that imports it, in the worker's process alone."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from holdfast.core.domain.errors import (
    ContextTooLong,
    ModelRequestRefused,
    ModelUnavailable,
)
from holdfast.core.domain.models import Finished, ModelDelta, ModelRequest, UsageReport
from holdfast.core.models.errors import scrub
from holdfast.core.models.gguf import read_head
from holdfast.core.models.local.pieces import TaggedText
from holdfast.core.models.prompts import Abilities, to_openai

_BATCH = 512
"""Tokens of the prompt that are read at once; between them a call can be stopped."""


class Llamas:
    """Implements `Runner`: keeps the model in memory that was asked for last."""

    def __init__(self) -> None:
        self._lib: Any = import_module("llama_cpp")
        self._loaded: tuple[str, int] | None = None
        self._model: Any = None
        self._takes_tools = False

    def deltas(
        self,
        request: ModelRequest,
        file: str,
        window: int,
        read_blob: Callable[[str], bytes],
        stopped: Callable[[], bool],
    ) -> Iterator[ModelDelta]:
        """Yields the deltas of one call. Raises `ModelError`."""
        self._load(request.model, file, window)
        # Before the next batch or token is worked on, and inside of one.
        abort = self._lib.llama_cpp.ggml_abort_callback(lambda _: stopped())
        self._lib.llama_cpp.llama_set_abort_callback(self._model.ctx, abort, None)
        try:
            yield from self._said(request, read_blob, stopped)
        except (ValueError, RuntimeError) as error:
            if stopped():
                return
            raise _translated(error, request.model) from None
        finally:
            none = self._lib.llama_cpp.ggml_abort_callback()
            self._lib.llama_cpp.llama_set_abort_callback(self._model.ctx, none, None)

    def _load(self, name: str, file: str, window: int) -> None:
        if self._loaded == (file, window):
            return
        self._loaded = self._model = None
        gc.collect()  # the memory of the model before is free before the next one takes its own
        head = read_head(Path(file))
        lib = self._lib
        try:
            self._model = lib.Llama(
                model_path=file,
                n_ctx=window,
                n_batch=_BATCH,
                n_gpu_layers=-1 if lib.llama_supports_gpu_offload() else 0,
                chat_format="chat_template.default" if head.has_template else "chatml",
                verbose=False,
            )
        except (ValueError, RuntimeError, MemoryError, OSError) as error:
            raise ModelRequestRefused(
                f"llama.cpp cannot load the file of {name}: {scrub(str(error) or type(error).__name__)}",
                code="model_file_refused",
                details={"model": name},
            ) from None
        self._loaded, self._takes_tools = (file, window), head.takes_tools

    def _said(
        self, request: ModelRequest, read_blob: Callable[[str], bytes], stopped: Callable[[], bool]
    ) -> Iterator[ModelDelta]:
        text = TaggedText(tools=bool(request.tools))
        said, reason = 0, "stop"
        for chunk in self._model.create_chat_completion(**self._arguments(request, read_blob)):
            if stopped():
                return
            choice = chunk["choices"][0]
            reason = choice["finish_reason"] or reason
            if piece := choice["delta"].get("content"):
                said += 1
                yield from text.read(piece)
        yield from text.end()
        total = int(self._model.n_tokens)
        yield UsageReport(input_tokens=max(total - said, 0), output_tokens=said, cost_usd=0.0)
        ended = "length" if reason == "length" else "tool_calls" if text.calls else "stop"
        yield Finished.model_validate({"reason": ended})

    def _arguments(self, request: ModelRequest, read_blob: Callable[[str], bytes]) -> dict[str, Any]:
        settings = request.settings
        plain = Abilities(images=False, pdf=False)
        messages = to_openai(request.messages, model=request.model, abilities=plain, read_blob=read_blob)
        found: dict[str, Any] = {
            "messages": [_for_template(each) for each in messages],
            "stream": True,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": settings.max_output_tokens,
            "seed": settings.seed,
            "stop": list(settings.stop) or None,
        }
        if request.tools and self._takes_tools:
            found["tools"] = [{"type": "function", "function": each.model_dump()} for each in request.tools]
        if request.response_format is not None:
            found["response_format"] = {"type": "json_object", "schema": request.response_format}
        return {name: value for name, value in found.items() if value is not None}


def _for_template(message: dict[str, Any]) -> dict[str, Any]:
    """Returns a message as templates of models read them: texts as texts, arguments as objects."""
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(part["text"] for part in content if part.get("type") == "text")
    made = {**message, "content": content or ""}
    if calls := message.get("tool_calls"):
        made["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": _object(call["function"]["arguments"])}}
            for call in calls
        ]
    return made


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _translated(error: Exception, model: str) -> Exception:
    words, details = scrub(str(error)), {"model": model}
    if "exceed context window" in words:
        return ContextTooLong(f"The conversation is too long for {model}: {words}", details=details)
    if isinstance(error, RuntimeError):
        return ModelUnavailable(f"llama.cpp failed with {model}: {words}", details=details)
    return ModelRequestRefused(f"llama.cpp refused the request to {model}: {words}", details=details)
