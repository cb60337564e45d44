"""Forms from JSON Schemas: which fields one has, and what each is about.

Whoever wrote the schema may be hostile: there are at most so many fields and choices, texts are sanitised and
cut, and what is no schema of a plain object becomes one field of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from holdfast.core.domain.text import sanitize, sanitize_line, shorten

Kind = Literal["text", "number", "integer", "choice", "choices", "json"]
Raw = str | int | tuple[int, ...] | None
"""What stands in a field: a text; of `choice` the place of the chosen one, of `choices` the places."""

MOST_FIELDS = 40
MOST_CHOICES = 60
WHOLE = ""
"""The name of the one field of a form that is `whole`; a schema may have a field of that name too."""
_LABEL, _ABOUT, _CHOICE = 60, 400, 80
_WORDS = {"text": "text", "number": "number", "integer": "whole number", "json": "JSON"}
_NOTHING: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values that a field can have."""

    value: Any
    label: str


YES, NO = Option(True, "yes"), Option(False, "no")


@dataclass(frozen=True, slots=True)
class Field:
    """One value of the object; texts are sanitised."""

    name: str
    """Its key, as the schema has it."""
    label: str
    kind: Kind
    schema: Mapping[str, Any]
    """What the values are held against, references resolved."""
    required: bool = False
    about: str = ""
    hint: str = ""
    """What fits, in a few words: the kind and its limits."""
    options: tuple[Option, ...] = ()
    begin: Raw = ""
    """What stands in it at first: the schema's default, if that fits."""
    secret: bool = False
    """Whether what is typed is not shown: a text of the format `password`."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of an object, in the schema's order, those that are needed first."""

    fields: tuple[Field, ...]
    whole: bool = False
    """Whether its one field is all of the object, as the schema could not be taken apart."""

    def begin(self) -> dict[str, Raw]:
        """Returns what stands in the fields at first, by their names."""
        return {one.name: one.begin for one in self.fields}


def form_of(schema: Mapping[str, Any], without: Collection[str] = ()) -> Form:
    """Returns the form of an object that `schema` (JSON Schema) describes; `without` names keys that are not
    asked for."""
    found = schema.get("properties")
    if not isinstance(found, dict):
        return Form((_whole(),), whole=True)
    known = {name: one for name, one in found.items() if name not in without}
    if len(known) > MOST_FIELDS or (not known and _takes_more(schema)):
        return Form((_whole(),), whole=True)
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    fields = [_field(name, _plain(one, schema), name in needed) for name, one in known.items()]
    return Form(tuple(sorted(fields, key=lambda one: not one.required)))


def _takes_more(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("additionalProperties")) or any(
        key in schema for key in ("anyOf", "oneOf", "$ref")
    )


def _whole() -> Field:
    schema = {"type": "object"}
    return Field(WHOLE, "all of it", "json", schema, True, hint=_hint("json", schema), begin="{}")


def _plain(one: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the schema of a field without a reference, and without the `null` beside what it else is."""
    if not isinstance(one, dict):
        return _NOTHING
    target = _target(one.get("$ref"), root)
    if target is not None:
        one = {**target, **{key: value for key, value in one.items() if key != "$ref"}}
    choices = one.get("anyOf") or one.get("oneOf")
    if isinstance(choices, list):
        some = [each for each in choices if isinstance(each, dict) and each.get("type") != "null"]
        if len(some) == 1 and len(some) < len(choices):
            rest = {key: value for key, value in one.items() if key not in ("anyOf", "oneOf")}
            inner: dict[str, Any] = _target(some[0].get("$ref"), root) or some[0]
            return {**inner, **rest}
    kinds = one.get("type")
    if isinstance(kinds, list) and len(some := [each for each in kinds if each != "null"]) == 1:
        return {**one, "type": some[0]}
    plain: dict[str, Any] = one
    return plain


def _target(ref: Any, root: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns what a reference inside the schema leads to; one that leads elsewhere is not followed."""
    if not isinstance(ref, str) or not ref.startswith("#/"):
        return None
    at: Any = root
    for step in ref[2:].split("/"):
        at = at.get(step) if isinstance(at, dict) else None
    return at if isinstance(at, dict) else None


# --- one field


def _field(name: str, schema: Mapping[str, Any], required: bool) -> Field:
    options, many = _options(schema)
    kind: Kind = "choices" if many else "choice" if options else _kind(schema)
    title = schema.get("title")
    # A title that is made of the name says nothing more, and the name is what models and rules know.
    same = not isinstance(title, str) or title.replace(" ", "_").lower() == name.lower()
    label = sanitize_line(name if same else str(title))
    about = schema.get("description")
    return Field(
        name=name,
        label=shorten(label, _LABEL) or "(no name)",
        kind=kind,
        schema=schema,
        required=required,
        about=shorten(sanitize(about).strip(), _ABOUT) if isinstance(about, str) else "",
        hint=_hint(kind, schema),
        options=options,
        begin=_begin(kind, schema, options),
        secret=kind == "text" and schema.get("format") == "password",
    )


def _kind(schema: Mapping[str, Any]) -> Kind:
    kinds: dict[Any, Kind] = {"string": "text", "number": "number", "integer": "integer"}
    kind = schema.get("type")
    return kinds.get(kind, "json") if isinstance(kind, str) else "json"


def _options(schema: Mapping[str, Any]) -> tuple[tuple[Option, ...], bool]:
    """Returns the values that there are to choose from, none where there are no or too many; and whether
    several can be chosen."""
    if schema.get("type") == "boolean":
        return (YES, NO), False
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, dict):
        several = _listed(items)
        return tuple(several), bool(several)
    return tuple(_listed(schema)), False


def _listed(schema: Mapping[str, Any]) -> list[Option]:
    named = _named(schema)
    if "const" in schema:
        values: Any = [schema["const"]]
    else:
        values = schema.get("enum")
    if named:
        return named if len(named) <= MOST_CHOICES else []
    if not isinstance(values, list) or not 0 < len(values) <= MOST_CHOICES:
        return []
    names = schema.get("enumNames")
    labels = names if isinstance(names, list) and len(names) == len(values) else values
    return [Option(value, _said(label)) for value, label in zip(values, labels, strict=True)]


def _named(schema: Mapping[str, Any]) -> list[Option]:
    """Returns choices that are written with a title each: `oneOf: [{const, title}]`."""
    each = schema.get("oneOf") or schema.get("anyOf")
    if not isinstance(each, list) or not all(isinstance(one, dict) and "const" in one for one in each):
        return []
    return [Option(one["const"], _said(one.get("title", one["const"]))) for one in each]


def _said(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return shorten(sanitize_line(text), _CHOICE) or "(empty)"


def _hint(kind: Kind, schema: Mapping[str, Any]) -> str:
    if kind in ("choice", "choices"):
        return "any of them" if kind == "choices" else ""
    if kind == "json":
        shape = {"array": "a list: [ … ]", "object": "an object: { … }"}.get(str(schema.get("type")))
        return f"JSON, {shape}" if shape else "JSON"
    form = schema.get("format")
    if form == "password":
        return ", ".join(("not shown", *_limits(kind, schema)))
    words = f"{_WORDS[kind]} ({shorten(sanitize_line(form), 20)})" if isinstance(form, str) else _WORDS[kind]
    return ", ".join((words, *_limits(kind, schema)))


def _limits(kind: Kind, schema: Mapping[str, Any]) -> Iterator[str]:
    low, high = ("minLength", "maxLength") if kind == "text" else ("minimum", "maximum")
    least, most = _number(schema.get(low)), _number(schema.get(high))
    unit = " characters" if kind == "text" else ""
    if least is not None and most is not None:
        yield f"{least:,} to {most:,}{unit}"
    elif most is not None:
        yield f"at most {most:,}{unit}"
    elif least is not None and (kind != "text" or least > 1):
        yield f"at least {least:,}{unit}"


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _begin(kind: Kind, schema: Mapping[str, Any], options: tuple[Option, ...]) -> Raw:
    default = schema.get("default")
    if kind == "choices":
        chosen = default if isinstance(default, list) else []
        return tuple(place for value in chosen if (place := place_of(options, value)) is not None)
    if kind == "choice":
        known = [schema[key] for key in ("default", "const") if key in schema]
        return place_of(options, known[0]) if known else None
    if default is None:
        return ""
    if kind == "json":
        return sanitize(json.dumps(default, ensure_ascii=False, default=str))
    wanted = str if kind == "text" else int | float
    fits = isinstance(default, wanted) and not isinstance(default, bool)
    return sanitize(str(default)) if fits else ""


def place_of(options: tuple[Option, ...], value: Any) -> int | None:
    """Returns the place of a value among choices; None where it is none of them. True is not 1."""
    same = (at for at, one in enumerate(options) if type(one.value) is type(value) and one.value == value)
    return next(same, None)
