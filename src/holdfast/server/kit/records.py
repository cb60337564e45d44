"""What the code says of its records: which ones a type names."""

from __future__ import annotations

from collections.abc import Iterator
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
