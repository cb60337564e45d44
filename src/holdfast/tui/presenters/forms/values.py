"""What was filled into a form, as the object that it stands for; or what is wrong, by field."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from holdfast.core.domain.nesting import MAX_DEPTH, nested_deeper
from holdfast.core.domain.text import shorten
from holdfast.tui.presenters.forms.fields import WHOLE, Field, Form, Raw, place_of

NEEDED = "Fill this in."
_LEFT_OUT = object()
_INTEGER = re.compile(r"[+-]?\d{1,30}")
_NUMBER_LENGTH = 60
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class _Wrong(Exception):
    """Says what is wrong with a value."""


def read_form(form: Form, raw: Mapping[str, Raw]) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns the object, and what is wrong by the fields' names; the object is whole where that is empty.

    Fields that are left empty and are not needed are left out. An expression (`pattern`) is left to who takes
    the object: it may be made to take for ever.
    """
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for one in form.fields:
        try:
            value = _value(one, raw.get(one.name))
        except _Wrong as error:
            wrong[one.name] = str(error)
            continue
        if value is not _LEFT_OUT:
            values[one.name] = value
    if wrong:
        return {}, wrong
    return (values[WHOLE] if form.whole else values), wrong


def raw_of(form: Form, values: Mapping[str, Any]) -> dict[str, Raw]:
    """Returns what stands in the fields for an object; what it does not have stands as at first."""
    filled = form.begin()
    if form.whole:
        return {WHOLE: json.dumps(values, indent=2, ensure_ascii=False)}
    for one in form.fields:
        if one.name in values:
            value = values[one.name]
            if one.kind == "choice":
                filled[one.name] = place_of(one.options, value)
            elif one.kind == "choices":
                places = (place_of(one.options, each) for each in value)
                filled[one.name] = tuple(place for place in places if place is not None)
            else:
                text = one.kind == "text" and isinstance(value, str)
                filled[one.name] = value if text else json.dumps(value, ensure_ascii=False)
    return filled


def _value(one: Field, raw: Raw) -> Any:
    if one.kind == "choice":
        if not isinstance(raw, int):
            return _absent(one)
        return one.options[raw].value
    if one.kind == "choices":
        places = raw if isinstance(raw, tuple) else ()
        if not places and not one.required:
            return _LEFT_OUT
        return _counted(one, [one.options[place].value for place in sorted(places)])
    text = raw if isinstance(raw, str) else ""
    if not text.strip() and not (one.kind == "text" and text):
        return _absent(one)
    if one.kind == "text":
        return _text(one, text)
    return _json(one, text) if one.kind == "json" else _number(one, text.strip())


def _absent(one: Field) -> Any:
    if one.required:
        raise _Wrong(NEEDED if one.kind != "choice" else "Choose one.")
    return _LEFT_OUT


def _text(one: Field, text: str) -> str:
    schema = one.schema
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int) and len(text) < least:
        raise _Wrong(f"Needs {least:,} characters at least; these are {len(text):,}.")
    if isinstance(most, int) and len(text) > most:
        raise _Wrong(f"Takes {most:,} characters at most; these are {len(text):,}.")
    values = schema.get("enum")
    if isinstance(values, list) and text not in values:  # too many to be listed
        raise _Wrong("Is none of the values that there are.")
    _check_format(str(schema.get("format")), text.strip())
    return text


def _check_format(form: str, text: str) -> None:
    if form == "email" and not _MAIL.fullmatch(text):
        raise _Wrong("Is no address of mail: somebody@example.org.")
    if form == "uri" and not _ADDRESS.fullmatch(text):
        raise _Wrong("Is no address: https://example.org.")
    try:
        if form == "date":
            date.fromisoformat(text)
        elif form == "date-time":
            datetime.fromisoformat(text)
    except ValueError:
        example = "2026-03-14" if form == "date" else "2026-03-14T15:09:26Z"
        raise _Wrong(f"Is no {'date' if form == 'date' else 'time'}: {example}.") from None


def _number(one: Field, text: str) -> int | float:
    value = _parsed(one, text)
    limits: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
        ("minimum", lambda limit: value < limit, "at least"),
        ("maximum", lambda limit: value > limit, "at most"),
        ("exclusiveMinimum", lambda limit: value <= limit, "more than"),
        ("exclusiveMaximum", lambda limit: value >= limit, "less than"),
    )
    for key, is_over, words in limits:
        limit = one.schema.get(key)
        if isinstance(limit, int | float) and not isinstance(limit, bool) and is_over(limit):
            raise _Wrong(f"Must be {words} {limit:,}.")
    return value


def _parsed(one: Field, text: str) -> int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if one.kind == "integer":
        raise _Wrong("Is no whole number.")
    try:
        value = float(text) if len(text) <= _NUMBER_LENGTH else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _Wrong("Is no number.")
    return value


def _json(one: Field, text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise _Wrong("Is nested too deep.") from None
    except ValueError as error:
        raise _Wrong(f"Is not JSON: {error}") from None
    if nested_deeper(value, MAX_DEPTH):
        raise _Wrong("Is nested too deep.")
    kind = one.schema.get("type")
    if kind == "object" and not isinstance(value, dict):
        raise _Wrong("Must be an object: { … }")
    if kind == "array":
        if not isinstance(value, list):
            raise _Wrong("Must be a list: [ … ]")
        return _counted(one, value)
    return value


def _no_number(text: str) -> Any:
    raise ValueError(f"{shorten(text, 40)} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


def _counted(one: Field, values: list[Any]) -> list[Any]:
    least, most = one.schema.get("minItems"), one.schema.get("maxItems")
    if isinstance(least, int) and len(values) < least:
        raise _Wrong(f"Needs {least:,} at least.")
    if isinstance(most, int) and len(values) > most:
        raise _Wrong(f"Takes {most:,} at most.")
    return values
