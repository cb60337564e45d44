"""Mistakes in requests as Zod 3 tells them, which is what Dexto's clients read.

Source: the issue codes and default messages of Zod 3 (`ZodIssueCode`, its English error map).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from holdfast.core.domain.errors import InvalidError

Issue = dict[str, Any]

OWN = "zod"
"""Type of pydantic errors that say their issue themselves, in their context's `issue`."""

_MOST = 100

_EXPECTED = {
    "string_type": "string",
    "string_sub_type": "string",
    "int_type": "number",
    "int_parsing": "number",
    "float_type": "number",
    "float_parsing": "number",
    "bool_type": "boolean",
    "bool_parsing": "boolean",
    "dict_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
    "list_type": "array",
    "tuple_type": "array",
    "none_required": "null",
}
_BOUNDS = {
    "greater_than": ("too_small", "minimum", "gt", False, "greater than"),
    "greater_than_equal": ("too_small", "minimum", "ge", True, "greater than or equal to"),
    "less_than": ("too_big", "maximum", "lt", False, "less than"),
    "less_than_equal": ("too_big", "maximum", "le", True, "less than or equal to"),
}
_LENGTHS = {
    "string_too_short": ("too_small", "minimum", "min_length", "String", "character(s)", "at least"),
    "string_too_long": ("too_big", "maximum", "max_length", "String", "character(s)", "at most"),
    "too_short": ("too_small", "minimum", "min_length", "Array", "element(s)", "at least"),
    "too_long": ("too_big", "maximum", "max_length", "Array", "element(s)", "at most"),
}


def zod_error(issue: Issue) -> PydanticCustomError:
    """Returns what a validator raises to say an issue itself; its path is put before it."""
    return PydanticCustomError(OWN, "{said}", {"said": issue["message"].replace("{", "("), "issue": issue})


def custom_issue(message: str, *path: str | int) -> Issue:
    """Returns the issue of a rule that no type says."""
    return {"code": "custom", "message": message, "path": list(path)}


def refused(error: ValidationError) -> InvalidError:
    """Returns the error that tells of the mistakes in what was sent: its `details.issues`."""
    count = error.error_count()
    if count > _MOST:
        issues = [custom_issue(f"There are {count} mistakes in the request")]
    else:
        issues = list(issues_of(error.errors(include_url=False)))
    return InvalidError(str(issues[0]["message"]), code="invalid_request", details={"issues": issues})


def issues_of(mistakes: list[ErrorDetails]) -> Iterator[Issue]:
    """Yields pydantic's mistakes as issues; the unknown keys of one object are one."""
    unknown: dict[tuple[int | str, ...], list[str]] = {}
    for mistake in mistakes:
        *parent, last = mistake["loc"] or ("",)
        if mistake["type"] == "extra_forbidden":
            unknown.setdefault(tuple(parent), []).append(str(last))
        else:
            yield _issue(mistake)
    for place, keys in unknown.items():
        shown = ", ".join(f"'{key}'" for key in keys)
        message = f"Unrecognized key(s) in object: {shown}"
        yield {"code": "unrecognized_keys", "keys": keys, "path": list(place), "message": message}


def _issue(mistake: ErrorDetails) -> Issue:
    kind, context, given = mistake["type"], mistake.get("ctx", {}), mistake["input"]
    path = list(mistake["loc"])
    if kind == OWN:
        own: Issue = context["issue"]
        return {**own, "path": [*path, *own.get("path", ())]}
    if kind == "missing":
        return {**_type("unknown", "undefined"), "path": path, "message": "Required"}
    if kind in _EXPECTED:
        return {**_type(_EXPECTED[kind], received(given)), "path": path}
    if kind == "int_from_float":
        return {**_type("integer", "float"), "path": path}
    return {**(_bound(kind, context) or _choice(kind, context, given) or _other(mistake)), "path": path}


def _type(expected: str, got: str) -> Issue:
    message = f"Expected {expected}, received {got}"
    return {"code": "invalid_type", "expected": expected, "received": got, "message": message}


def received(value: Any) -> str:
    """Returns what JavaScript calls the type of a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list | tuple) else "object"


def _bound(kind: str, context: Mapping[str, Any]) -> Issue | None:
    if kind in _BOUNDS:
        code, name, key, inclusive, words = _BOUNDS[kind]
        limit = context[key]
        message = f"Number must be {words} {limit}"
        return {**_limit(code, name, limit, "number", inclusive=inclusive), "message": message}
    if kind in _LENGTHS:
        code, name, key, what, unit, words = _LENGTHS[kind]
        limit = context[key]
        message = f"{what} must contain {words} {limit} {unit}"
        return {**_limit(code, name, limit, what.lower(), inclusive=True), "message": message}
    return None


def _limit(code: str, name: str, limit: Any, type: str, *, inclusive: bool) -> Issue:
    return {"code": code, name: limit, "type": type, "inclusive": inclusive, "exact": False}


def _choice(kind: str, context: Mapping[str, Any], given: Any) -> Issue | None:
    if kind not in ("literal_error", "enum", "union_tag_invalid"):
        return None
    said = str(context.get("expected") or context.get("expected_tags", ""))
    options = [one.strip().strip("'") for one in said.replace(" or ", ", ").split(", ")]
    shown = " | ".join(f"'{one}'" for one in options)
    if kind == "union_tag_invalid":
        message = f"Invalid discriminator value. Expected {shown}"
        return {"code": "invalid_union_discriminator", "options": options, "message": message}
    if not isinstance(given, str):
        return _type(shown, received(given))
    message = f"Invalid enum value. Expected {shown}, received '{given}'"
    return {"code": "invalid_enum_value", "received": given, "options": options, "message": message}


def _other(mistake: ErrorDetails) -> Issue:
    if mistake["type"] == "string_pattern_mismatch":
        return {"code": "invalid_string", "validation": "regex", "message": "Invalid"}
    if mistake["type"].startswith("url_"):
        return {"code": "invalid_string", "validation": "url", "message": "Invalid url"}
    return {"code": "custom", "message": mistake["msg"].removeprefix("Value error, ")}
