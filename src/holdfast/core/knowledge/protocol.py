"""What the engine and its knowledge worker say to each other: one JSON object a line.

To the worker, on its standard input::

    {"op": METHOD, "id": N, "args": {NAME: VALUE, ...}, "settings": KnowledgeSettings}
    {"op": "cancel", "id": N}
    {"op": "vectors", "id": M, "rows": ROWS, "data": BASE64}        float32, row after row
    {"op": "vectors", "id": M, "error": ERROR}                      instead

From the worker, on its standard output::

    {"id": N, "result": VALUE}
    {"id": N, "error": ERROR}                                       instead
    {"want": M, "model": MODEL, "texts": [...], "query": BOOL}      answered by `vectors`

METHOD is one of `KnowledgeIndex`; its type hints say what its arguments and its result look like. ERROR is
an `ErrorInfo` with the name of its class. Calls run side by side, told apart by their ids. The worker ends
when its standard input closes.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from holdfast.core.domain.errors import (
    ConflictError,
    ErrorInfo,
    HoldfastError,
    InvalidError,
    KnowledgeUnavailable,
    ModelError,
    NotFoundError,
    from_info,
)
from holdfast.core.domain.indexing import KnowledgeIndex

MAX_LINE = 512 * 1024 * 1024
"""Longest line in bytes."""


class Operation:
    """One method of the port, as JSON."""

    def __init__(self, name: str) -> None:
        hints = get_type_hints(getattr(KnowledgeIndex, name))
        self._result: TypeAdapter[Any] = TypeAdapter(hints.pop("return"))
        self._arguments: dict[str, TypeAdapter[Any]] = {key: TypeAdapter(hint) for key, hint in hints.items()}

    def dump_arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self._arguments[name].dump_python(value, mode="json") for name, value in arguments.items()
        }

    def load_arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._arguments[name].validate_python(value) for name, value in arguments.items()}

    def dump_result(self, value: Any) -> Any:
        return self._result.dump_python(value, mode="json")

    def load_result(self, value: Any) -> Any:
        return self._result.validate_python(value)


@functools.cache
def operation(name: str) -> Operation:
    """Returns the method of that name."""
    return Operation(name)


def encode(message: Mapping[str, Any]) -> bytes:
    """Returns a message as a line, in ASCII: halves of surrogate pairs, as in names of files, go through."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def dump_error(error: HoldfastError) -> dict[str, Any]:
    return {"class": type(error).__name__, **error.info.model_dump(mode="json")}


def load_error(data: Mapping[str, Any]) -> HoldfastError:
    """Returns the error that `dump_error` has written."""
    info = ErrorInfo.model_validate({key: value for key, value in data.items() if key != "class"})
    cls = _PLAIN.get(data["class"])
    if cls is None:
        return from_info(info)
    return cls(info.message, code=info.code, details=info.details, retryable=info.retryable)


_CLASSES: tuple[type[HoldfastError], ...] = (
    KnowledgeUnavailable,
    ConflictError,
    InvalidError,
    NotFoundError,
    ModelError,
    *ModelError.__subclasses__(),
)
_PLAIN = {cls.__name__: cls for cls in _CLASSES}
"""What is made from its data alone, whatever its code is; the rest is found by code and kind."""
