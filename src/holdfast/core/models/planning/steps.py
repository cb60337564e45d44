"""What scripts are made of: the calls that they yield, what they get, and what they know."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from holdfast.core.models.planning.answers import Label
from holdfast.core.models.planning.documents import Found
from holdfast.core.models.planning.reports import Source


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call that the planner asks for."""

    tool: str
    arguments: dict[str, Any]
    say: str = ""
    """What is said before it."""
    tolerate: bool = False
    """Whether the script goes on after an error."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave."""

    text: str
    error: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a script knows beside the request."""

    tools: frozenset[str]
    attached: tuple[Source, ...] = field(default=())
    passages: tuple[Found, ...] = field(default=())
    """Those that were looked up for the message before its first step."""
    looked_up: bool = False
    """Whether that was done, with or without success."""
    label: Label = str
    """How files are cited."""


Script = Generator[Call, Outcome, str]
