"""The form in which a new hook is described, and what was filled in as a hook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from holdfast.core.domain.hooks import BEFORE_CALL, CALL_POINTS, HookPoint, HookSpec, HookType
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.forms.fields import Form, form_of
from holdfast.tui.presenters.server_form import pairs

KINDS: tuple[tuple[HookType, str, str], ...] = (
    (HookType.RULE, "A rule", "A condition on arguments or texts: allow, deny, change."),
    (HookType.APPROVAL, "A question", "A person is asked, even where the rules allow the call."),
    (HookType.WEBHOOK, "A webhook", "A program is asked over HTTP; what goes wrong there allows."),
    (HookType.PYTHON, "A function", "In a Python file of the engine's machine; what goes wrong denies."),
)
_RULE = {
    "when": {
        "type": "string",
        "description": 'A condition: command CONTAINS "rm -rf". On an argument, message or output; '
        "left empty: always.",
    },
    "action": {"enum": ["deny", "allow", "modify"], "default": "deny"},
    "reason": {"type": "string", "description": "Of a denial: the model sees it."},
    "set": {"type": "object", "description": "Of modify, before a call: arguments that it gets instead."},
    "replace": {"type": "string", "description": "Of modify, of a text: an expression whose matches go."},
    "replacement": {"type": "string", "description": "What stands in their place."},
}
_TIMEOUT = {"type": "number", "description": "Seconds that it may take: 5 for a webhook, 10 for others."}
_OF_TYPE: dict[HookType, dict[str, Any]] = {
    HookType.RULE: _RULE,
    HookType.APPROVAL: {"message": {"type": "string", "description": "Why it is asked."}},
    HookType.WEBHOOK: {
        "url": {"type": "string", "title": "address", "description": "https://example.org/hook"},
        "headers": {"type": "string", "description": "NAME: VALUE, each in a line."},
        "timeout_s": _TIMEOUT,
    },
    HookType.PYTHON: {
        "file": {"type": "string", "description": "A file with one function; see holdfast hooks."},
        "timeout_s": _TIMEOUT,
    },
}
_NEEDED = {HookType.WEBHOOK: ["url"], HookType.PYTHON: ["file"]}


def hook_form(kind: HookType) -> Form:
    """Returns the form of a hook of a type."""
    points = BEFORE_CALL if kind is HookType.APPROVAL else tuple(HookPoint)
    common = {
        "name": {"type": "string", "description": "What people are told that it is.", "maxLength": 100},
        "point": {"enum": [each.value for each in points], "default": HookPoint.BEFORE_TOOL.value},
        "matcher": {
            "type": "string",
            "default": "*",
            "description": "Of which calls: run_command, write_file(*.md), mcp__*",
        },
    }
    order = {"order": {"type": "integer", "default": 0, "description": "The smallest acts first."}}
    return form_of(
        {
            "properties": {**common, **_OF_TYPE[kind], **order},
            "required": ["point", *_NEEDED.get(kind, ())],
        }
    )


def hook_spec(kind: HookType, filled: Mapping[str, Any]) -> tuple[HookSpec | None, dict[str, str] | str]:
    """Returns the hook that was filled in; or what is wrong, by the form's fields or with all of it."""
    headers, problem = pairs(str(filled.get("headers", "")), ":", "NAME: VALUE")
    if problem:
        return None, {"headers": problem}
    given = {key: value for key, value in filled.items() if key not in _RULE and key != "headers"}
    if kind is HookType.RULE:
        given["rules"] = [{key: filled[key] for key in _RULE if key in filled}]
    if HookPoint(filled["point"]) not in CALL_POINTS:
        given.pop("matcher", None)  # there is no tool
    try:
        return HookSpec.model_validate({**given, "type": kind, "headers": headers}), ""
    except ValidationError as error:
        first = error.errors()[0]
        named = [one for one in first["loc"] if isinstance(one, str) and one in filled]
        text = sanitize_line(str(first["msg"]))
        return None, {named[-1]: text} if named else text
