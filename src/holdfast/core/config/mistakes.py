"""Pydantic's errors, told in the words of the file: where, what was expected, the nearest valid key."""

from __future__ import annotations

import difflib
import types
import uuid
from collections.abc import Iterable
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from holdfast.core.config.nodes import Document, Key, Plain, key_path
from holdfast.core.domain.agents import ID_PATTERN, NAME_PATTERN
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.prompts import ARGUMENT_PATTERN
from holdfast.core.domain.skills import CHOICE_PATTERN

_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "mcp_assignment": "a server's name, or a mapping {server: NAME, …}",
    "tool_assignment": "a tool's name, or a mapping {tool: NAME, id: UUID}",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}

_LENGTHS = {
    "string_too_long": ("the text is too long", "at most {max_length} characters"),
    "string_too_short": ("the text is too short", "a length of at least {min_length}"),
    "too_long": ("the list is too long", "at most {max_length} entries"),
}
_PATTERNS = {
    NAME_PATTERN: "small letters, digits, - and _, at most 64 of them",
    ID_PATTERN: "a UUID in small letters",
    ARGUMENT_PATTERN: "letters, digits, - and _, at most 64 of them",
    CHOICE_PATTERN: "the name of a skill, or `*` in quotes for all",
}
MAX_MISTAKES = 100
"""Mistakes told of one file; more of them help nobody."""
_LONGEST_WORD = 80
"""Longer words are not compared: it would take long, and nobody meant a key by them."""


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Returns the choice that `word` was most likely meant to be, or None."""
    if len(word) > _LONGEST_WORD:
        return None
    found = difflib.get_close_matches(word.lower(), list(choices), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Returns the hint for a misspelt word, or an empty text when nothing is near."""
    found = nearest(word, choices)
    return f"did you mean `{found}`?" if found else ""


def mistakes(model: type[BaseModel], document: Document, error: ValidationError) -> list[Diagnostic]:
    """Returns a diagnostic for each of pydantic's errors about the values of `document`."""
    found = error.errors(include_url=False, include_context=True, include_input=False)
    return [_mistake(model, document, details) for details in found[:MAX_MISTAKES]]


def _mistake(model: type[BaseModel], document: Document, details: ErrorDetails) -> Diagnostic:
    path = details["loc"]
    if details["type"] == "extra_forbidden":
        return _unknown_key(model, document, path)
    if details["type"] == "missing":
        return document.mistake(path, "the required key is missing", expected=_choices_at(model, path))
    node = document.find(path)
    if node is not None and node.value is None:
        return document.mistake(
            path,
            "the key has no value",
            expected=_expected(details),
            hint="write a value, or remove the key",
            of_key=True,
        )
    return document.mistake(
        path,
        _message(details, node.value if node else None),
        expected=_expected(details),
        hint=_hint(details, node.value if node else None),
    )


def _unknown_key(model: type[BaseModel], document: Document, path: tuple[Key, ...]) -> Diagnostic:
    word = str(path[-1])
    owner = _model_at(model, path[:-1])
    valid = list(owner.model_fields) if owner else []
    hint = did_you_mean(word, valid)
    if not hint and (home := _home_of(word, model, ())) is not None:
        hint = f"did you mean `{key_path(home)}`?"
    return document.mistake(
        path, "the key is unknown", expected="one of " + ", ".join(valid), hint=hint, of_key=True
    )


def _message(details: ErrorDetails, value: Plain) -> str:
    kind = details["type"]
    if kind in ("literal_error", "enum"):
        return f"{_shown(value)} is not one of the values that are known"
    if kind in _BOUNDS:
        return f"{_shown(value)} is out of range"
    if kind == "string_pattern_mismatch":
        return f"{_shown(value)} is not written as it must be"
    if kind in _LENGTHS:
        return _LENGTHS[kind][0]
    if kind in _EXPECTED:
        return f"{_kind_of(value)} stands here"
    return str(details["msg"])


def _expected(details: ErrorDetails) -> str:
    context: dict[str, Any] = details.get("ctx", {})
    kind = details["type"]
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    if kind in ("literal_error", "enum"):
        return str(context.get("expected", ""))
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"{words} {context.get(name)}"
    if kind in _LENGTHS:
        return _LENGTHS[kind][1].format(**context)
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern"))
        return _PATTERNS.get(pattern, f"text like {pattern}")
    return ""


def _hint(details: ErrorDetails, value: Plain) -> str:
    kind = details["type"]
    if kind == "string_type" and isinstance(value, (bool, int, float)):
        return "put it in quotes"
    if kind == "string_pattern_mismatch" and details.get("ctx", {}).get("pattern") == ID_PATTERN:
        return _id_hint(str(value))
    if kind in ("tuple_type", "list_type") and isinstance(value, str):
        return "write it as [a, b], or with a line `- a` for each"
    if kind in ("literal_error", "enum") and isinstance(value, str):
        expected = str(details.get("ctx", {}).get("expected", ""))
        if value == expected:
            return "write it without quotes"
        return did_you_mean(value, [part for part in expected.split("'")[1::2] if part])
    return ""


def _id_hint(value: str) -> str:
    try:
        return f"write it as `{uuid.UUID(value)}`"
    except ValueError:
        return "leave it out, and one is made of the name"


def _choices_at(model: type[BaseModel], path: tuple[Key, ...]) -> str:
    owner = _model_at(model, path[:-1])
    field = owner.model_fields.get(str(path[-1])) if owner else None
    choices = get_args(field.annotation) if field else ()
    if choices and all(isinstance(choice, (str, int)) for choice in choices):
        return " or ".join(f"`{path[-1]}: {choice}`" for choice in choices)
    return ""


def _model_at(model: type[BaseModel], path: tuple[Key, ...]) -> type[BaseModel] | None:
    current: Any = model
    for key in path:
        current = _step(current, key)
    found = _unwrapped(current)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _step(annotation: Any, key: Key) -> Any:
    current = _unwrapped(annotation)
    if isinstance(current, type) and issubclass(current, BaseModel):
        field = current.model_fields.get(str(key))
        return field.annotation if field else None
    arguments = get_args(current)
    if not arguments:
        return None
    return arguments[0] if isinstance(key, int) else arguments[-1]


def _unwrapped(annotation: Any) -> Any:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return _unwrapped(members[0]) if len(members) == 1 else annotation
    return annotation


def _home_of(word: str, model: type[BaseModel], path: tuple[Key, ...]) -> tuple[Key, ...] | None:
    if path and word in model.model_fields:
        return (*path, word)
    for name in model.model_fields:
        inner = _model_at(model, (name,))
        if inner is not None and (found := _home_of(word, inner, (*path, name))) is not None:
            return found
    return None


def _kind_of(value: Plain) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return "nothing"


def _shown(value: Plain) -> str:
    if isinstance(value, (list, dict)) or value is None:
        return _kind_of(value)
    text = str(value)
    return f"`{text}`" if len(text) <= 60 and text.isprintable() else _kind_of(value)
