"""A command that writes 100,000 lines, run by an agent and watched in the app, beside the command alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from processes import forget_peak, own_cpu_seconds, peak_mb, resident_mb
from render_text import MARKER
from scene import MODEL, Stage, figure, median, ratio_row, row, stage
from terminal import Terminal

ROUNDS = 5
LINES = 100_000
AT_ONCE = (
    f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); "
    'echo "line $i of what a build says when it has much to say about each file"; done'
)
STEADY = f"""{sys.executable} -uc '
import time
for block in range({LINES // 250}):
    said = f"@{{time.time():.3f}}@ and what a build says when it has much to say about each file"
    print("\\n".join([said] * 250))
    time.sleep(0.01)
'"""
_STAMP = re.compile(rb"@(\d+\.\d{3})@")


def run() -> list[dict[str, Any]]:
    """Returns the rows."""
    with stage() as made:
        rounds = [_round(made) for _ in range(ROUNDS)]
        steady = _watched(made, STEADY)
    taken = {name: median([one[name] for one in rounds]) for name in rounds[0]}
    ages = sorted(steady["ages"])
    return [
        ratio_row(
            "command of 100,000 lines: its call / the command alone", taken["call"], "s", taken["alone"], 1.1
        ),
        figure("end of the call to the end marker on the screen", taken["late"], "ms"),
        figure("the same, CPU of the engine itself", taken["engine_cpu"], "s"),
        figure("the same, CPU of the app", taken["app_cpu"], "s"),
        row("the same, engine's memory at its peak", taken["engine"], "MB", "≤ 16 MB", taken["engine"] <= 16),
        row("the same, app's memory at its peak", taken["app"], "MB", "≤ 16 MB", taken["app"] <= 16),
        figure("100,000 lines in four seconds: age of the last line when it is drawn", median(ages), "ms"),
        figure("the same, CPU of the engine itself", steady["engine_cpu"], "s"),
        figure("the same, CPU of the app", steady["app_cpu"], "s"),
    ]


def _alone() -> float:
    began = time.monotonic()
    subprocess.run(["/bin/sh", "-c", AT_ONCE], stdout=subprocess.PIPE, check=True)
    return time.monotonic() - began


def _round(made: Stage) -> dict[str, float]:
    before = _alone()
    watched = _watched(made, AT_ONCE)
    del watched["ages"]
    return {**watched, "alone": (before + _alone()) / 2}


def _watched(made: Stage, command: str) -> dict[str, Any]:
    """Lets an agent run a command while somebody looks."""
    with made.app("--model", MODEL) as terminal:
        pids = {"engine": made.engine, "app": terminal.pid}
        for pid in pids.values():
            forget_peak(pid)
        memory = {name: resident_mb(pid) for name, pid in pids.items()}
        cpu = {name: own_cpu_seconds(pid) for name, pid in pids.items()}
        start = len(terminal.output)
        terminal.send(f"call run_command {json.dumps({'command': command})}\r".encode())
        shown, ages = _watch(terminal, start)
        cpu = {f"{name}_cpu": own_cpu_seconds(pid) - cpu[name] for name, pid in pids.items()}
        terminal.settle()
        peaks = {name: peak_mb(pid) - memory[name] for name, pid in pids.items()}
    events = made.events(made.last_run())
    done = next(one.event for one in events if one.event.type == "tool_call.completed")
    _check(made, done.display[0].whole)
    late = (shown - done.at.timestamp()) * 1000
    return {"call": done.duration_ms / 1000, "late": late, "ages": ages or [0.0], **cpu, **peaks}


def _watch(terminal: Terminal, start: int) -> tuple[float, list[float]]:
    """Returns when the end was drawn, and how old, in ms, the newest line was at each drawing."""
    ages, seen = [], start
    deadline = time.monotonic() + 60
    while MARKER.encode() not in terminal.output[start:]:
        if terminal.pump(0.01) and (stamps := _STAMP.findall(terminal.output, max(start, seen - 30))):
            ages.append((time.time() - max(map(float, stamps))) * 1000)
        seen = len(terminal.output)
        if time.monotonic() > deadline:
            raise TimeoutError("the end of the command did not come")
    return time.time(), ages


def _check(made: Stage, path: str) -> None:
    """Raises `ValueError` when the file does not have all that was written."""
    found = list(Path(made.environment["HOLDFAST_HOME"]).rglob(Path(path).name)) + list(Path.cwd().glob(path))
    if not any(one.read_text().count("\n") >= LINES for one in found):
        told = [(str(one), one.read_text().count("\n")) for one in found]
        raise ValueError(f"{path} does not hold {LINES} lines: {told}")
