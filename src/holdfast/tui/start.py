"""With what the terminal app is started."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.core.services.workbench import Workbench


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Start:
    """Everything that the app is told from outside."""

    connect: Callable[[], Awaitable[Workbench]]
    """Reaches the engine; awaited after the first paint, and again whenever the engine was lost."""
    project: Path
    state_file: Path
    """Where theme and last agent are remembered."""
    themes: list[Path] = field(default_factory=list)
    """Folders with theme files; of one name, the first wins."""
    session: str | None = None
    """The session to open first: an id, or `last`."""
    agent: str | None = None
    model: str | None = None
    version: str = ""
    now: Callable[[], datetime] = _now
