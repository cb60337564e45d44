"""The app with a clock in it: how long its loop was busy before each drawing.

    python tests/benchmarks/app_frames.py FRAMES.json [ARGUMENTS OF holdfast …]     (in a terminal)

`SIGUSR1` writes what was measured since the last one and begins anew; `SIGUSR2` only begins anew. A *frame*
is the CPU time of the app's own thread from one drawing to the end of the next, a *step* that of one callback
of the loop: as long as it takes, no key is seen. CPU time, so that other programs on the machine do not
count; garbage collection does.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from textual.app import App

from holdfast.cli.main import main

frames: list[float] = []
steps: list[float] = []
began = 0.0


def watch() -> None:
    """Puts the clocks in."""
    run_handle, display = asyncio.Handle._run, App._display

    def timed_run(self: asyncio.Handle) -> None:
        start = time.thread_time()
        run_handle(self)
        steps.append(time.thread_time() - start)

    def timed_display(self: App[Any], *given: Any) -> None:
        global began
        display(self, *given)
        now = time.thread_time()
        frames.append(now - began)
        began = now

    asyncio.Handle._run = timed_run
    App._display = timed_display


def clear(*_: object) -> None:
    global began
    frames.clear()
    steps.clear()
    began = time.thread_time()


def write(*_: object) -> None:
    told = {"frames": [one * 1000 for one in frames], "step": max(steps, default=0.0) * 1000}
    part = target.with_suffix(".part")
    part.write_text(json.dumps(told))
    part.replace(target)
    clear()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, write)
    signal.signal(signal.SIGUSR2, clear)
    watch()
    target = Path(sys.argv.pop(1))
    sys.exit(main())
