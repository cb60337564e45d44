"""Forms: fields that a person is asked to fill in, as a JSON Schema of a flat object says them.

Who describes a form may be hostile (an MCP server), so what is read here is bounded, and what is shown of it
passes the sanitiser where it is shown. This module imports nothing heavy: the terminal app uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from holdfast.core.domain.values import Value

MAX_FIELDS = 50
MAX_CHOICES = 500

FieldKind = Literal["text", "number", "integer", "boolean", "choice", "choices"]
FormAction = Literal["accept", "decline", "cancel"]
"""`accept`: the fields are given; `decline`: they are not; `cancel`: the question is put away unanswered."""

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class FormChoice(Value):
    """One of the values that a field takes."""

    value: str
    title: str = ""
    """What people read instead of it."""


class FormField(Value):
    """One field of a form."""

    name: str
    title: str = ""
    """What people read instead of the name."""
    description: str = ""
    kind: FieldKind
    required: bool = False
    default: Any = None
    choices: tuple[FormChoice, ...] = ()
    format: str = ""
    """Of a text: `email`, `uri`, `date` or `date-time`."""

    @property
    def label(self) -> str:
        """What people call it."""
        return self.title or self.name


class FormProblem(Value):
    """A mistake in what was given."""

    path: str
    """The field, dotted with indexes where it lies deeper; empty for the whole."""
    message: str


class FormAnswer(Value):
    """What a person gave for a form."""

    action: FormAction
    fields: dict[str, Any] = Field(default_factory=dict)
    """By name; only where it is accepted."""


def form_fields(schema: Mapping[str, Any]) -> tuple[FormField, ...]:
    """Returns the fields that a schema describes, in its order.

    Raises `ValueError` for what is no form: it says which field, and what of it cannot be asked for.
    """
    properties = schema.get("properties", {})
    if schema.get("type", "object") != "object" or not isinstance(properties, Mapping):
        raise ValueError("a form is an object with properties")
    if len(properties) > MAX_FIELDS:
        raise ValueError(f"a form has at most {MAX_FIELDS} fields")
    listed = schema.get("required", ())
    required = set(map(str, listed)) if isinstance(listed, (list, tuple)) else set()
    if unknown := required - properties.keys():
        raise ValueError(f"the field {min(unknown)[:80]!r} is required and not described")
    return tuple(_field(name, one, name in required) for name, one in properties.items())


def _field(name: str, schema: Any, required: bool) -> FormField:
    if not isinstance(schema, Mapping):
        raise ValueError(f"the field {name[:80]!r} is not described by an object")
    kind, choices = _kind(name, schema)
    return FormField(
        name=name,
        title=_text(schema.get("title")),
        description=_text(schema.get("description")),
        kind=kind,
        required=required,
        default=schema.get("default"),
        choices=choices,
        format=_text(schema.get("format")) if kind == "text" else "",
    )


def _kind(name: str, schema: Mapping[str, Any]) -> tuple[FieldKind, tuple[FormChoice, ...]]:
    match schema.get("type"):
        case "string":
            choices = _choices(name, schema)
            return ("choice" if choices else "text"), choices
        case "number":
            return "number", ()
        case "integer":
            return "integer", ()
        case "boolean":
            return "boolean", ()
        case "array":
            items = schema.get("items")
            choices = _choices(name, items) if isinstance(items, Mapping) else ()
            if choices:
                return "choices", choices
    raise ValueError(f"the field {name[:80]!r} is no text, number, yes or no, or choice")


def _choices(name: str, schema: Mapping[str, Any]) -> tuple[FormChoice, ...]:
    named = schema.get("oneOf", schema.get("anyOf"))
    if isinstance(named, (list, tuple)):
        found = [
            FormChoice(value=each["const"], title=_text(each.get("title")))
            for each in named[: MAX_CHOICES + 1]
            if isinstance(each, Mapping) and isinstance(each.get("const"), str)
        ]
        plain = len(found) == len(named[: MAX_CHOICES + 1])
    else:
        values = schema.get("enum", ())
        values = values if isinstance(values, (list, tuple)) else ()
        titles = schema.get("enumNames", ())
        told = titles if isinstance(titles, (list, tuple)) and len(titles) == len(values) else ()
        found = [
            FormChoice(value=value, title=_text(told[at]) if told else "")
            for at, value in enumerate(values[: MAX_CHOICES + 1])
            if isinstance(value, str)
        ]
        plain = len(found) == len(values[: MAX_CHOICES + 1])
    if not plain or len(found) > MAX_CHOICES:
        raise ValueError(f"the field {name[:80]!r} has choices that are no texts, or more than {MAX_CHOICES}")
    return tuple(found)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def field_value(field: FormField, typed: str) -> Any:
    """Returns what was typed as the value that the field takes; None where nothing was.

    A choice may be typed by its value, its title or its number from 1; several with commas between them.
    Raises `ValueError` with what is expected.
    """
    text = typed.strip()
    if not text:
        return None
    match field.kind:
        case "text":
            return typed
        case "integer":
            return _number(text, int, "a whole number")
        case "number":
            return _number(text, float, "a number")
        case "boolean":
            return _boolean(text)
        case "choice":
            return _choice(field, text)
        case "choices":
            return list(dict.fromkeys(_choice(field, each) for each in text.split(",") if each.strip()))


def _number(text: str, parse: type[int] | type[float], what: str) -> float:
    try:
        value = parse(text)
        int(value)  # neither infinite nor not a number: JSON has no such thing
    except (ValueError, OverflowError):
        raise ValueError(f"{what} is expected") from None
    return value


def _boolean(text: str) -> bool:
    if text.lower() in ("y", "yes", "true", "1"):
        return True
    if text.lower() in ("n", "no", "false", "0"):
        return False
    raise ValueError("yes or no is expected")


def _choice(field: FormField, typed: str) -> str:
    text = typed.strip()
    for each in field.choices:
        if text == each.value:
            return each.value
    for each in field.choices:
        if each.title and text.lower() == each.title.lower():
            return each.value
    if text.isdecimal() and len(text) < 5 and 1 <= int(text) <= len(field.choices):
        return field.choices[int(text) - 1].value
    raise ValueError("one of the choices is expected")


def format_problems(fields: Iterable[FormField], given: Mapping[str, Any]) -> tuple[FormProblem, ...]:
    """Returns what of the texts given is not written as its field says (`format`): JSON Schema leaves that
    to who validates."""
    found = []
    for field in fields:
        value = given.get(field.name)
        if isinstance(value, str) and not _formatted(field.format, value):
            found.append(FormProblem(path=field.name, message=f"is no {field.format}"))
    return tuple(found)


def _formatted(form: str, value: str) -> bool:
    match form:
        case "email":
            return _ADDRESS.fullmatch(value) is not None
        case "uri":
            return _URI.fullmatch(value) is not None
        case "date" | "date-time":
            try:
                _ = date.fromisoformat(value) if form == "date" else datetime.fromisoformat(value)
            except ValueError:
                return False
    return True
