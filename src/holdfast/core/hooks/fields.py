"""The texts that rules look at, and those that a hook has put in their places."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from holdfast.core.domain.hooks import AFTER_CALL, BEFORE_CALL, OUTPUT_POINTS, HookCall, HookPoint


def values_of(call: HookCall, field: str) -> tuple[str, ...]:
    """Returns the texts that a condition on `field` looks at; none where the call has no such field.

    `output` is the result or the reply, `message` what goes to the model; other names are arguments, with
    dots into objects.
    """
    if field == "output" and call.point in OUTPUT_POINTS:
        return (call.output or "",)
    if call.point is HookPoint.BEFORE_RUN:
        return (str(call.data.get("message", "")),) if field == "message" else ()
    if call.point is HookPoint.BEFORE_MODEL:
        return _texts(call.data) if field == "message" else ()
    if call.point not in (*BEFORE_CALL, *AFTER_CALL):
        return ()
    value: Any = call.data
    for name in field.split("."):
        if not isinstance(value, dict) or name not in value:
            return ()
        value = value[name]
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),)


def changeable(call: HookCall) -> tuple[str, ...]:
    """Returns the texts that a rule can replace in."""
    if call.point in OUTPUT_POINTS:
        return (call.output or "",)
    return values_of(call, "message")


def with_texts(call: HookCall, texts: Sequence[str]) -> tuple[dict[str, Any] | None, str | None]:
    """Returns the data and the output of the call with other texts in the places of `changeable`."""
    if call.point in OUTPUT_POINTS:
        return None, texts[0]
    if call.point is HookPoint.BEFORE_RUN:
        return {**call.data, "message": texts[0]}, None
    messages = [{**message, "text": text} for message, text in zip(call.data["messages"], texts, strict=True)]
    return {**call.data, "messages": messages}, None


def _texts(data: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(message["text"]) for message in data["messages"])
