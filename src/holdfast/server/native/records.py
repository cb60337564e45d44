"""What the code says of its records: which ones a type names, and the text under each of their fields."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel


def records_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yields the models that a type names, and those that they name, each before its own."""
    seen: set[type[BaseModel]] = set()
    yield from _records(annotation, seen)


def _records(annotation: Any, seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    for argument in get_args(annotation):
        yield from _records(argument, seen)
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)) or annotation in seen:
        return
    seen.add(annotation)
    yield annotation
    for field in annotation.model_fields.values():
        yield from _records(field.annotation, seen)


@cache
def field_texts(model: type[BaseModel]) -> dict[str, str]:
    """Returns the description of each field that has one: the text under it, or its `description`.

    Texts under fields are read from the source; where that is not there, they are left out.
    """
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= _texts_of_module(base.__module__).get(base.__qualname__.partition("[")[0], {})
    found |= {name: field.description for name, field in model.model_fields.items() if field.description}
    return {name: " ".join(text.split()) for name, text in found.items()}


@cache
def _texts_of_module(name: str) -> dict[str, dict[str, str]]:
    """Returns the texts under the fields of each class of a module. Read whole, for that takes a while."""
    module = sys.modules.get(name)
    try:
        tree = ast.parse(inspect.getsource(module)) if module is not None else ast.Module([], [])
    except OSError:  # there is no source
        return {}
    return {node.name: _texts_of(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _texts_of(tree: ast.ClassDef) -> dict[str, str]:
    return {
        field.target.id: text.value.value
        for field, text in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
