"""Mistakes in requests as Zod 3 tells them, which is what Dexto's clients read.

Source: the issue codes and default messages of Zod 3 (`ZodIssueCode`, its English error map).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import AnyUrl, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from holdfast.core.domain.errors import InvalidError
from holdfast.server.dialects.dexto.zod_places import Places, Schema, places_of

Issue = dict[str, Any]

OWN = "zod"
"""Type of pydantic errors that say their issue themselves, in their context's `issue`."""

_MOST = 100
_URL: TypeAdapter[AnyUrl] = TypeAdapter(AnyUrl)

_EXPECTED = {
    "string_type": "string",
    "string_sub_type": "string",
    "int_type": "number",
    "float_type": "number",
    "bool_type": "boolean",
    "bool_parsing": "boolean",
    "dict_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
    "list_type": "array",
    "tuple_type": "array",
    "none_required": "null",
}
_NOT_A_NUMBER = ("int_parsing", "float_parsing")
"""Of queries alone: texts of which numbers are made."""
_TAGS = ("union_tag_invalid", "union_tag_not_found")
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


def number(value: Any) -> Any:
    """Lets neither a text nor true or false pass for a number, as pydantic would."""
    if isinstance(value, str | bool):
        raise zod_error(_type("number", received(value)))
    return value


def length_issue(code: str, limit: int, message: str) -> Issue:
    """Returns the issue of a text that is `too_small` or `too_big`, in words of its own."""
    name = "minimum" if code == "too_small" else "maximum"
    return {**_limit(code, name, limit, "string", inclusive=True), "message": message}


def checked_url(text: str) -> str:
    """Returns an address as it was written."""
    try:
        _URL.validate_python(text)
    except ValidationError:
        issue = {"code": "invalid_string", "validation": "url", "message": "Invalid url"}
        raise zod_error(issue) from None
    return text


def refused(error: ValidationError, kind: Any) -> InvalidError:
    """Returns the error that tells of the mistakes in what was sent as a `kind`: its `details.issues`."""
    count = error.error_count()
    if count > _MOST:
        issues = [custom_issue(f"There are {count} mistakes in the request")]
    else:
        issues = list(issues_of(error.errors(include_url=False), kind))
    return InvalidError(str(issues[0]["message"]), code="invalid_request", details={"issues": issues})


def issues_of(mistakes: list[ErrorDetails], kind: Any) -> Iterator[Issue]:
    """Yields pydantic's mistakes in a `kind` as issues; the unknown keys of one object are one."""
    places = places_of(kind)
    unknown: dict[tuple[int | str, ...], list[str]] = {}
    for mistake in mistakes:
        if mistake["type"] == "extra_forbidden":
            *parent, last = mistake["loc"] or ("",)
            unknown.setdefault(tuple(places.at(parent)[0]), []).append(str(last))
        else:
            yield _issue(mistake, places)
    for place, keys in unknown.items():
        shown = ", ".join(f"'{key}'" for key in keys)
        message = f"Unrecognized key(s) in object: {shown}"
        yield {"code": "unrecognized_keys", "keys": keys, "path": list(place), "message": message}


def _issue(mistake: ErrorDetails, places: Places) -> Issue:
    kind, context, given = mistake["type"], mistake.get("ctx", {}), mistake["input"]
    path, schema = places.at(mistake["loc"])
    if kind == OWN:
        return _under(path, context["issue"])
    if kind == "missing":
        return _under(path, _missing(places.expected(schema)))
    if kind in _TAGS:
        return {**_tagged(schema), "path": [*path, str(context["discriminator"]).strip("'")]}
    if kind in _NOT_A_NUMBER:
        return {**_type("number", "nan"), "path": path}
    if kind in _EXPECTED:
        return {**_type(_EXPECTED[kind], received(given)), "path": path}
    if kind == "int_from_float":
        return {**_type("integer", "float"), "path": path}
    return {**(_bound(kind, context) or _choice(kind, context, given) or _other(mistake)), "path": path}


def _under(path: list[int | str], issue: Issue) -> Issue:
    """Returns an issue, and those of the forms of a union in it, with their paths from the top."""
    made = {**issue, "path": [*path, *issue.get("path", ())]}
    if "unionErrors" in made:
        made["unionErrors"] = [
            {**each, "issues": [_under(path, one) for one in each["issues"]]} for each in made["unionErrors"]
        ]
    return made


def union_issue(forms: Iterable[list[Issue]]) -> Issue:
    """Returns the issue of what is none of several forms, from what is wrong with it as each of them."""
    errors = [{"issues": issues, "name": "ZodError"} for issues in forms]
    return {"code": "invalid_union", "message": "Invalid input", "unionErrors": errors}


def _missing(expected: tuple[str, ...]) -> Issue:
    each = [{**_type(one, "undefined"), "message": "Required"} for one in expected]
    return each[0] if len(each) == 1 else union_issue([one] for one in each)


def _tagged(schema: Schema) -> Issue:
    named = {form: tag for tag, form in schema.get("discriminator", {}).get("mapping", {}).items()}
    options = [named[each["$ref"]] for each in schema.get("oneOf", ())]
    shown = " | ".join(f"'{one}'" for one in options)
    message = f"Invalid discriminator value. Expected {shown}"
    return {"code": "invalid_union_discriminator", "options": options, "message": message}


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
        message = f"Number must be {words} {limit:g}"
        return {**_limit(code, name, limit, "number", inclusive=inclusive), "message": message}
    if kind in _LENGTHS:
        code, name, key, what, unit, words = _LENGTHS[kind]
        limit = context[key]
        message = f"{what} must contain {words} {limit} {unit}"
        return {**_limit(code, name, limit, what.lower(), inclusive=True), "message": message}
    return None


def _limit(code: str, name: str, limit: Any, type: str, *, inclusive: bool) -> Issue:
    if isinstance(limit, float) and limit.is_integer():
        limit = int(limit)
    return {"code": code, name: limit, "type": type, "inclusive": inclusive, "exact": False}


def _choice(kind: str, context: Mapping[str, Any], given: Any) -> Issue | None:
    if kind not in ("literal_error", "enum"):
        return None
    said = str(context.get("expected", ""))
    options = [one.strip().strip("'") for one in said.replace(" or ", ", ").split(", ")]
    shown = " | ".join(f"'{one}'" for one in options)
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
