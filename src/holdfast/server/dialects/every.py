"""The dialects that there are. Each is loaded when it is first asked."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Collection
from dataclasses import dataclass

from holdfast.server.kit.compose import Api, LateApi
from holdfast.server.kit.operations import Dialect, Door
from holdfast.server.kit.serving import dialect_api


@dataclass(frozen=True, slots=True)
class DialectPlace:
    """Where a dialect is: its package has a module `operations` with its `DIALECT`."""

    name: str

    @property
    def prefix(self) -> str:
        return f"/{self.name}"

    @property
    def package(self) -> str:
        return f"holdfast.server.dialects.{self.name}"

    def load(self) -> Dialect:
        """Returns the dialect; imports it."""
        module = importlib.import_module(f"{self.package}.operations")
        found: Dialect = module.DIALECT
        return found


DIALECTS = tuple(map(DialectPlace, ("powabase", "h2ogpte", "dexto", "genlabs", "sage")))


def load_dialects(names: Collection[str]) -> None:
    """Imports the dialects among `names`, which takes a while: for those that share a root, off the loop."""
    for place in DIALECTS:
        if place.name in names:
            place.load()


def dialect_apis(door: Door, *, log: logging.Logger) -> tuple[Api, ...]:
    """Returns the APIs of all dialects."""
    return tuple(_api(place, door, log) for place in DIALECTS)


def _api(place: DialectPlace, door: Door, log: logging.Logger) -> Api:
    return LateApi(place.name, place.prefix, lambda: dialect_api(place.load(), door, log=log))
