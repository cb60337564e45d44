"""A row of the table of operations: which method of the workbench answers which request."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from holdfast.core.services.needs import Needs, needs_of
from holdfast.core.services.workbench import nouns

PREFIX = "/holdfast/v1"
"""Stands before every path of the native API."""

_PLACEHOLDER = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Alias:
    """Another path to an operation, below an object that must exist."""

    path: str
    """Below `PREFIX`; what stands in it is a parameter of the operation, and of `of`."""
    of: str
    """The operation that gets the object, which may raise `NotFoundError`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: which method of the workbench answers which request."""

    name: str
    """Noun and method, for example `sessions.get`."""
    method: str
    path: str
    """Below `PREFIX`; `{name}` takes the parameter of that name."""
    status: int = 200
    """Of a success."""
    stream: bool = False
    """True for server-sent events instead of one JSON body."""
    aliases: tuple[Alias, ...] = ()
    streamed: str = ""
    """The operation that answers on the same paths who accepts `text/event-stream` instead of JSON."""
    once: Literal["", "kept", "refused"] = ""
    """What an `Idempotency-Key` does: nothing; the answer is kept, and given again to who repeats the
    request; or it is refused, for the answer has a secret, which is not kept."""
    raw_in: str = ""
    """The parameter that is the request's body, as it is; the others stand in the query then."""
    file_name: str = ""
    """The parameter that the file's own name stands for when it comes in a form."""
    public: bool = False
    """True for what is asked before anybody can have a key: the local user's workbench answers it."""
    raw_out: bool = False
    """True for a file instead of JSON: the method gives a `Download`."""

    @property
    def noun(self) -> str:
        return self.name.partition(".")[0]

    @property
    def verb(self) -> str:
        return self.name.partition(".")[2]

    @property
    def needs(self) -> Needs:
        """What the caller must be allowed to."""
        return needs_of(workbench_methods()[self.name])

    @property
    def path_names(self) -> tuple[str, ...]:
        """The parameters that stand in the path."""
        return names_in(self.path)

    @property
    def in_query(self) -> bool:
        """Whether the other parameters stand in the query; else they are keys of a JSON body."""
        return self.method in ("GET", "DELETE") or bool(self.raw_in)


def names_in(path: str) -> tuple[str, ...]:
    """Returns the parameters that stand in a path."""
    return tuple(_PLACEHOLDER.findall(path))


@cache
def workbench_methods() -> dict[str, Callable[..., Any]]:
    """Returns every method that the `Workbench` protocol's nouns have, by names as in the table."""
    return {
        f"{noun}.{verb}": method
        for noun, protocol in nouns().items()
        for verb, method in vars(protocol).items()
        if callable(method) and not verb.startswith("_")
    }
