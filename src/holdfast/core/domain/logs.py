"""The engine's log as lines."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from holdfast.core.domain.values import Value

LogLevel = Literal["debug", "info", "warning", "error", "critical"]
LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error", "critical")

LogPlace = Annotated[
    str,
    Field(max_length=100, description="A place in the log, as an answer gave it; only the log knows it."),
]


class LogLine(Value):
    """One record, with what it goes on with in further lines."""

    at: str
    """Date and time as they are written, in the engine's own time zone."""
    level: LogLevel
    source: str
    """The part of the program."""
    text: str


class LogPage(Value):
    """Some lines, oldest first."""

    lines: tuple[LogLine, ...]
    before: str | None = None
    """Where older lines end; None: there are none."""
    after: str = ""
    """Where what is written next begins."""


LogName = Literal["engine", "models", "knowledge", "app"]
NAMES: tuple[LogName, ...] = ("engine", "models", "knowledge", "app")
"""The logs: of the engine, of its two workers, and of the app and the commands, which is about bugs alone."""

_KEY = re.compile(r"hf_[A-Za-z0-9_-]{43}")


def without_keys(text: str) -> str:
    """Returns `text` without what may be a key to Holdfast."""
    return _KEY.sub("hf_…", text)
