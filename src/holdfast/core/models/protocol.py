"""What the engine and its model worker say to each other: one JSON object a line.

To the worker, on its standard input::

    {"op": "call", "id": N, "request": ModelRequest, "key": KEY or null, "blobs": {SHA-256: BASE64}}
    {"op": "embed", "id": N, "model": NAME, "texts": [...], "query": BOOL, "api_base": URL or null,
     "key": KEY or null}
    {"op": "cancel", "id": N}

From the worker, on its standard output::

    {"ready": true}
    {"id": N, "deltas": [ModelDelta, ...]}
    {"id": N, "end": true}              after the last delta
    {"id": N, "rows": ROWS, "vectors": BASE64}      the answer to `embed`; see `workers.vectors`
    {"id": N, "error": ErrorInfo, "class": NAME}    instead of the end

The worker of models in files (`local/`) is asked alike; its calls also have the `file` and the `window`.
Calls run side by side, told apart by their ids. The worker ends when its standard input closes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from holdfast.core.domain.errors import ErrorInfo, ModelError, ModelRateLimited
from holdfast.core.domain.models import ModelDelta, ModelRequest

PUBLIC = "--public-only"
"""What the model worker is told that may reach no private network."""
MAX_LINE = 512 * 1024 * 1024
"""Longest line in bytes: a request may hold many images and files."""

_ERRORS = {cls.__name__: cls for cls in ModelError.__subclasses__()}
DELTAS: TypeAdapter[list[ModelDelta]] = TypeAdapter(list[ModelDelta])


def encode(message: dict[str, Any]) -> bytes:
    """Returns a message as a line."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def encode_call(
    call_id: int,
    request: ModelRequest,
    key: str | None,
    blobs: dict[str, str],
    more: Mapping[str, Any] = MappingProxyType({}),
) -> bytes:
    """Returns the line that starts a call; `more` is what only some workers are told."""
    asked = {"op": "call", "id": call_id, "request": request.model_dump(mode="json"), "key": key}
    return encode({**asked, "blobs": blobs, **more})


def encode_deltas(call_id: int, deltas: list[ModelDelta]) -> bytes:
    """Returns the line that brings deltas of a call."""
    return b'{"id":%d,"deltas":%b}\n' % (call_id, DELTAS.dump_json(deltas))


def encode_error(call_id: int, error: ModelError) -> bytes:
    """Returns the line that ends a call with an error."""
    info = error.info.model_dump(mode="json")
    return encode({"id": call_id, "error": info, "class": type(error).__name__})


def decode_error(message: dict[str, Any]) -> ModelError:
    """Returns the error that a call ended with."""
    info = ErrorInfo.model_validate(message["error"])
    error = _ERRORS.get(message["class"], ModelError)(
        info.message, code=info.code, details=info.details, retryable=info.retryable
    )
    if isinstance(error, ModelRateLimited):
        error.retry_after_s = info.details.get("retry_after_s")
    return error
