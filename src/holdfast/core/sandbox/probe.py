"""Whether a way of confining works: a small program tries what it must not be able to do."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.core.domain.confinement import Guard
from holdfast.core.domain.errors import UnavailableError
from holdfast.core.domain.processes import ProcessResult, ProcessSpec, Reach
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.sandbox.view import Places

_TIME_S = 10.0
_DONE = "confined"
_SCRIPT = f"""
cd "$1" || exit 1
echo in > workspace/file || {{ echo "the workspace cannot be written"; exit 1; }}
(echo out > outside) 2>/dev/null && {{ echo "it does not keep from writing elsewhere"; exit 1; }}
(read -r line < hidden/file) 2>/dev/null && {{ echo "it does not hide files"; exit 1; }}
if [ "$2" = {Guard.BUBBLEWRAP} ]; then
  kill -0 "$3" 2>/dev/null && {{ echo "it does not hide processes"; exit 1; }}
  while read -r _ _ _ _ at options _; do
    [ "$at" = / ] && system=$options
  done < /proc/self/mountinfo
  case $system in ro|ro,*) ;; *) echo "the system is not read-only"; exit 1;; esac
fi
echo {_DONE}
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial has shown."""

    guard: Guard
    program: str = ""
    """The path of bubblewrap."""
    reason: str = ""
    """Why it is not better."""
    hint: str = ""
    """What to do for a better one."""


RunProbe = Callable[[ProcessSpec, Places], Awaitable[ProcessResult]]


async def failure(guard: Guard, places: Places, run: RunProbe) -> str:
    """Returns why `guard` does not work; empty when it does. `run` runs a program that it confines."""
    try:
        with tempfile.TemporaryDirectory(prefix="holdfast-probe-", dir=places.temporary[0]) as name:
            folder = Path(name).resolve()
            await asyncio.to_thread(_lay_out, folder)
            result = await run(_spec(guard, folder), _places(places, folder))
    except (OSError, UnavailableError) as error:
        return _line(str(error))
    said = result.head.strip().splitlines() or [f"it ended with status {result.exit_code}"]
    return "" if result.exit_code == 0 and said[-1] == _DONE else _line(said[-1])


def _lay_out(folder: Path) -> None:
    for name in ("workspace", "hidden", "tmp"):
        (folder / name).mkdir()
    (folder / "hidden" / "file").write_text("hidden\n")
    (folder / "outside").write_text("outside\n")


def _spec(guard: Guard, folder: Path) -> ProcessSpec:
    return ProcessSpec(
        command=("/bin/sh", "-c", _SCRIPT, "probe", str(folder), guard.value, str(os.getpid())),
        cwd=folder / "workspace",
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        timeout_s=_TIME_S,
        reach=Reach(writable=(folder / "workspace",), readable=(folder,)),
    )


def _places(places: Places, folder: Path) -> Places:
    return replace(places, closed=(*places.closed, folder / "hidden"), temporary=(folder / "tmp",))


def _line(text: str) -> str:
    return shorten(sanitize_line(text), 200).rstrip(".")
