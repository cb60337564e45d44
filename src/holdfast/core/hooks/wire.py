"""What programs that are hooks are told, and how their answers are read.

An answer is an object `{action, message, modified_input, modified_output}`, of which nothing is needed;
`modified_input` has the shape of the `data` that was sent.
"""

from __future__ import annotations

import json
from typing import Any

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.hooks import OUTPUT_POINTS, HookCall, HookPoint, HookSpec, HookVerdict
from holdfast.core.domain.nesting import MAX_DEPTH, nested_deeper
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.domain.values import utc_now

MAX_ANSWER = 2**20
"""Bytes of an answer."""
_LONGEST_REASON = 1_000


def told(hook: HookSpec, call: HookCall) -> dict[str, Any]:
    """Returns what a hook is told of a call, as JSON."""
    return {
        "event": call.point.value,
        "hook_id": hook.id,
        "session_id": call.session_id,
        "run_id": call.run_id,
        "agent": call.agent,
        "agent_id": call.agent_id,
        "call_id": call.call_id,
        "tool_name": call.tool,
        "data": call.data,
        **({} if call.output is None else {"output": call.output}),
        "ts": utc_now().isoformat().replace("+00:00", "Z"),
    }


def read_answer(text: str, call: HookCall) -> HookVerdict:
    """Returns the verdict that an answer says; an empty one, or `null`, allows. Raises `InvalidError`."""
    if not text.strip():
        return HookVerdict()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidError(f"The answer is not JSON ({error}).") from error
    if value is None:
        return HookVerdict()
    if not isinstance(value, dict) or nested_deeper(value, MAX_DEPTH):
        raise InvalidError("The answer is no JSON object, or nested too deep.")
    return _verdict(value, call)


def _verdict(value: dict[str, Any], call: HookCall) -> HookVerdict:
    action = value.get("action", "allow")
    if action not in ("allow", "deny", "modify"):
        raise InvalidError("The answer's `action` is neither allow nor deny nor modify.")
    reason = shorten(sanitize_line(_text(value.get("message") or "")), _LONGEST_REASON)
    if action == "deny":
        return HookVerdict("deny", reason)
    data, output = value.get("modified_input"), value.get("modified_output")
    if data is None and output is None:
        return HookVerdict(reason=reason)
    if output is not None:
        if call.point not in OUTPUT_POINTS:
            raise InvalidError(f"The answer has a `modified_output`, but {call.point.value} has no output.")
        return HookVerdict("modify", reason, output=sanitize(_text(output)))
    if call.point in (*OUTPUT_POINTS, HookPoint.AFTER_RUN) or not isinstance(data, dict):
        raise InvalidError("The answer has a `modified_input` that nothing can be done with.")
    return HookVerdict("modify", reason, data=data)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidError("The answer has something else where a text belongs.")
    return value
