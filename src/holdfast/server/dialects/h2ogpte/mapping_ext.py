"""What only this API knows of things, as they carry it along. Pure."""

from __future__ import annotations

from typing import Any, Protocol

from holdfast.core.domain.ext import Ext

EXT = "h2ogpte"
"""The name that it is kept under."""


class Annotated(Protocol):
    """A collection, a document, a session: what clients of other systems keep something with."""

    @property
    def ext(self) -> Ext: ...


def said_of(thing: Annotated) -> dict[str, Any]:
    """Returns what only this API knows of a thing."""
    return dict(thing.ext.get(EXT, {}))


def ext_with(thing: Annotated, **changes: Any) -> Ext:
    """Returns that with what has changed; what is None or empty is taken out."""
    said = {**said_of(thing), **changes}
    return {EXT: {name: value for name, value in said.items() if value}}
