"""Questions on the socket as what the REST API asks, which they are."""

from __future__ import annotations

from typing import Any

from holdfast.core.domain.errors import InvalidError
from holdfast.server.dialects.h2ogpte.wire_client import Question
from holdfast.server.kit.reading import json_value

_AS_THEY_ARE = (
    "system_prompt",
    "pre_prompt_query",
    "prompt_query",
    "image_batch_image_prompt",
    "image_batch_final_prompt",
    "llm",
    "include_chat_history",
    "tags",
    "metadata_filter",
)
_IN_TEXT = ("llm_args", "rag_config", "self_reflection_config")


def asked_of(question: Question) -> dict[str, Any]:
    """Returns the body that asks the same for a completion. Raises `InvalidError` for text that is to be JSON
    and is none, `TooLargeError` for one of too many values."""
    said = {name: getattr(question, name) for name in _AS_THEY_ARE}
    said |= {name: _object(name, getattr(question, name)) for name in _IN_TEXT}
    given = {name: value for name, value in said.items() if value is not None}
    return {"message": question.body, "stream": True, **given}


def _object(name: str, given: Any) -> dict[str, Any] | None:
    if isinstance(given, str):
        given = json_value(given, name) if given.strip() else None
    if given is not None and not isinstance(given, dict):
        raise InvalidError(f"{name} must be an object.", code="invalid_request")
    return given
