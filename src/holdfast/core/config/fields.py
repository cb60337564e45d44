"""What each setting is, read from the settings model: what is shown cannot differ from what is taken."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from holdfast.core.config.mistakes import did_you_mean
from holdfast.core.config.settings import Settings
from holdfast.core.config.texts import field_texts
from holdfast.core.domain.configuring import SettingKind, SettingsSection, SettingValue
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.text import sanitize_line, shorten

_KINDS: dict[type, SettingKind] = {bool: "boolean", int: "integer", float: "number", str: "text"}
_WORDS = {"boolean": "true or false", "integer": "a whole number", "number": "a number", "text": "text"}
_LIST, _LIST_OF_MAPPINGS = "a list: a, b, c", "a list of keys with their values: {a: x, b: y}, {a: z}"
_BOUNDS = (("ge", "at least {}"), ("gt", "more than {}"), ("le", "at most {}"), ("lt", "less than {}"))


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting as the model has it."""

    path: tuple[str, ...]
    about: str
    kind: SettingKind
    expected: str
    choices: tuple[str, ...]
    optional: bool
    default: SettingValue

    @property
    def key(self) -> str:
        return ".".join(self.path)


def leaves(model: type[BaseModel] = Settings) -> Iterator[Leaf]:
    """Yields every setting, those without a section first."""
    inner = []
    texts = field_texts(model)
    for name, field in model.model_fields.items():
        if _section_of(field) is None:
            yield _leaf((name,), field, texts.get(name, ""))
        else:
            inner.append((name, field))
    for name, field in inner:
        section = _section_of(field)
        if section is not None:
            texts = field_texts(section)
            for each, one in section.model_fields.items():
                yield _leaf((name, each), one, texts.get(each, ""))


def sections() -> tuple[SettingsSection, ...]:
    """Returns the sections, the one without a name first."""
    found = [SettingsSection(name="", about="What stands in no section.")]
    texts = field_texts(Settings)
    for name, field in Settings.model_fields.items():
        section = _section_of(field)
        if section is not None:
            about = texts.get(name) or " ".join((inspect.getdoc(section) or "").split())
            found.append(SettingsSection(name=name, about=about))
    return tuple(found)


def leaf_of(key: str) -> tuple[Leaf, tuple[str, ...]]:
    """Returns the setting that `key` names, and its path in a file: of a mapping, a key of it may be named.

    Raises `NotFoundError` with the nearest that there is.
    """
    known = {leaf.key: leaf for leaf in leaves()}
    if key in known:
        return known[key], known[key].path
    for leaf in known.values():
        if leaf.kind == "mapping" and key.startswith(f"{leaf.key}.") and len(key) > len(leaf.key) + 1:
            return leaf, (*leaf.path, key[len(leaf.key) + 1 :])
    name = shorten(sanitize_line(key), 80)
    hint = did_you_mean(key, known) or "`holdfast settings list` shows all of them."
    raise NotFoundError(f"There is no setting {name}; {hint}", code="setting_not_found")


def _leaf(path: tuple[str, ...], field: FieldInfo, about: str) -> Leaf:
    annotation, optional = _unwrapped(field.annotation)
    kind, choices = _kind(annotation)
    default = to_jsonable_python(field.get_default(call_default_factory=True))
    expected = _expected(kind, choices, field, optional)
    if kind == "list" and _section_of_each(annotation):
        expected = expected.replace(_LIST, _LIST_OF_MAPPINGS)
    return Leaf(path, about, kind, expected, choices, optional, default)


def _section_of_each(annotation: Any) -> bool:
    """Says whether the entries of a list have keys of their own."""
    return any(isinstance(each, type) and issubclass(each, BaseModel) for each in get_args(annotation))


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _unwrapped(annotation: Any) -> tuple[Any, bool]:
    """Returns a type without None, and whether None was in it."""
    if get_origin(annotation) is Literal or not get_args(annotation):
        return annotation, False
    members = [each for each in get_args(annotation) if each is not type(None)]
    is_union = len(members) != len(get_args(annotation)) or get_origin(annotation) is Union
    return (members[0], True) if is_union and len(members) == 1 else (annotation, False)


def _kind(annotation: Any) -> tuple[SettingKind, tuple[str, ...]]:
    if get_origin(annotation) is Literal:
        return "choice", tuple(str(each) for each in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "choice", tuple(str(each.value) for each in annotation)
    if annotation in _KINDS:
        return _KINDS[annotation], ()
    return ("mapping" if get_origin(annotation) is dict else "list"), ()


def _expected(kind: SettingKind, choices: tuple[str, ...], field: FieldInfo, optional: bool) -> str:
    bounds = [
        words.format(f"{value:g}")
        for name, words in _BOUNDS
        for each in field.metadata
        if isinstance(value := getattr(each, name, None), int | float)
    ]
    patterns = [each.pattern for each in field.metadata if getattr(each, "pattern", None)]
    if kind == "choice":
        text = f"one of {', '.join(choices)}"
    elif kind == "list":
        text = _LIST
    elif kind == "mapping":
        text = "keys with their values: {a: x, b: y}"
    else:
        text = f"text like {patterns[0]}" if patterns else _WORDS[kind]
    return ", ".join([text, *bounds, *(["or nothing"] if optional else [])])
