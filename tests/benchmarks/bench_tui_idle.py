"""The app with nothing to do, in turns with a Textual app that shows one field."""

from __future__ import annotations

import sys
import time
from typing import Any

from bare_app import BARE
from engines import HOLDFAST
from processes import cpu_seconds, memory_mb
from scene import Stage, figure, ratio_row, stage

SECONDS = 30.0


def run() -> list[dict[str, Any]]:
    """Returns the rows: shares of a core."""
    with stage() as made:
        ours, engine, memory = _idle(made, HOLDFAST)
        reference, _, reference_memory = _idle(made, [sys.executable, "-c", BARE])
    return [
        ratio_row("idle, CPU of the app", ours * 100, "% of a core", reference * 100, 2),
        figure("idle, CPU of the engine and its workers", engine * 100, "% of a core"),
        {**figure("idle, memory of the app", memory, "MB"), "reference": reference_memory},
    ]


def _idle(made: Stage, command: list[str]) -> tuple[float, float, float]:
    with made.app(command=command) as terminal:
        terminal.settle(3.0)
        app, engine, began = cpu_seconds(terminal.pid), cpu_seconds(made.engine), time.monotonic()
        while (left := began + SECONDS - time.monotonic()) > 0:
            terminal.pump(left)
        taken = time.monotonic() - began
        return (
            (cpu_seconds(terminal.pid) - app) / taken,
            (cpu_seconds(made.engine) - engine) / taken,
            memory_mb(terminal.pid),
        )
