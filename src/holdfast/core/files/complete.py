"""Completing a path from a few of its letters, for `@path` in a message."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable
from itertools import islice

from holdfast.core.domain.files import Workspace

MAX_PATHS = 50_000
_FRESH_S = 5.0


def complete(paths: Iterable[str], prefix: str, limit: int = 20) -> tuple[str, ...]:
    """Returns the paths that have the letters of `prefix` in its order, best first, at most `limit`.

    Better is: the file's name begins with it; a part of the path does; it stands somewhere in one
    piece; its letters are close together; and of equals the shorter path. Capitals count as small.
    """
    wanted = prefix.removeprefix("./").casefold()
    if not wanted:
        return tuple(heapq.nsmallest(limit, paths, key=lambda path: (path.count("/"), path)))
    ranked = ((score, path) for path in paths if (score := _score(path.casefold(), wanted)) is not None)
    return tuple(
        path for _, path in heapq.nsmallest(limit, ranked, key=lambda pair: (pair[0], len(pair[1]), pair[1]))
    )


def _score(path: str, wanted: str) -> int | None:
    at = path.find(wanted)
    if at < 0:
        spread = _spread(path, wanted)
        return None if spread is None else 10 + spread
    name = path.rfind("/", 0, len(path) - 1) + 1
    if path.startswith(wanted, name):
        return 0
    if at == 0 or f"/{wanted}" in path:
        return 1
    return 2 if wanted in path[name:] else 3


def _spread(path: str, wanted: str) -> int | None:
    """Returns over how many characters the letters are spread, looked for from the left; None: not in it."""
    at = first = path.find(wanted[0])
    for letter in wanted[1:]:
        if at < 0:
            return None
        at = path.find(letter, at + 1)
    return None if at < 0 else at - first


class PathIndex:
    """The paths of a workspace, read anew when they are older than a few seconds.

    Its method blocks for as long as a walk takes, when one is due: call it in a thread.
    """

    def __init__(self, workspace: Workspace, clock: Callable[[], float] = time.monotonic) -> None:
        self._workspace = workspace
        self._clock = clock
        self._paths: list[str] = []
        self._read_at = float("-inf")

    def complete(self, prefix: str, limit: int = 20) -> tuple[str, ...]:
        """Returns completions of `prefix`; folders end with a slash, hidden names come when asked for."""
        if self._clock() - self._read_at > _FRESH_S:
            found = islice(self._workspace.walk(hidden=True), MAX_PATHS)
            self._paths = [f"{stat.path}/" if stat.is_dir else stat.path for stat in found]
            self._read_at = self._clock()
        hidden = prefix.startswith(".") or "/." in prefix
        paths = self._paths if hidden else [p for p in self._paths if not p.startswith(".") and "/." not in p]
        return complete(paths, prefix, limit)
