"""What one child sees and may change, in real paths that exist: what both ways of confining are made from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.core.config.settings import SandboxSettings
from holdfast.core.domain.processes import ProcessSpec, Reach
from holdfast.core.sandbox.private import private_paths

_ROOT = Path("/")
_DATA = tuple(Path("/", name) for name in ("boot", "home", "media", "mnt", "root", "srv", "var"))
"""Folders that hold what people and services have, and nothing that an interpreter needs."""


@dataclass(frozen=True, slots=True)
class View:
    """All paths are real (no link is on the way) and exist."""

    cwd: Path
    own: tuple[Path, ...]
    """What the child is given by name: its folder, what it may change, what it has to read."""
    writable: tuple[Path, ...]
    """Those of `own` that it may change."""
    allowed: tuple[Path, ...]
    """What the settings let every child change."""
    readable: tuple[Path, ...]
    """What is to be seen though it is below something hidden: from the settings, and the interpreter."""
    hidden: tuple[Path, ...]
    network: bool
    keeps_temporary: bool


@dataclass(frozen=True, slots=True)
class Places:
    """What a view needs to know of the machine."""

    home: Path
    """The user's home folder."""
    closed: tuple[Path, ...] = ()
    """Folders of Holdfast itself: its keys, its log, its sockets."""
    temporary: tuple[Path, ...] = ()
    """Folders for temporary files; the first one takes those that children of a workspace share."""


def view_of(spec: ProcessSpec, settings: SandboxSettings, places: Places) -> View:
    """Returns what the child of `spec` may reach."""
    reach = spec.reach or Reach(writable=(spec.cwd,), network=True)
    writable = tuple(path for path in _existing(reach.writable) if path != _ROOT)
    given = _existing((spec.cwd, *reach.readable))
    own = tuple(path for path in dict.fromkeys((*writable, *given)) if path != _ROOT)
    shown = tuple(_existing(_named(settings.readable, places.home)))
    allowed = tuple(_existing(_named(settings.writable, places.home)))
    more = [path for path in (places.home, *_DATA) if path != _ROOT] if reach.bare else []
    hidden = _existing((*private_paths(places.home), *_named(settings.hidden, places.home), *more))
    closed = tuple(_existing(places.closed))
    return View(
        cwd=Path(os.path.realpath(spec.cwd)),
        own=own,
        writable=writable,
        allowed=allowed,
        readable=(*_existing(_interpreter()), *shown),
        hidden=tuple(
            dict.fromkeys((*closed, *(each for each in hidden if each not in (*shown, *own, *allowed))))
        ),
        network=reach.network and settings.network == "allow",
        keeps_temporary=reach.keeps_temporary,
    )


def _interpreter() -> Iterator[Path]:
    """Yields what Python and Holdfast's own programs are read from."""
    yield Path(sys.prefix)
    yield Path(sys.base_prefix)
    yield Path(__file__).parents[2]


def _named(paths: Iterable[str], home: Path) -> Iterator[Path]:
    for path in paths:
        yield home / path[2:] if path.startswith("~/") else Path(path)


def _existing(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        real = Path(os.path.realpath(path))
        if os.path.lexists(real):
            yield real
