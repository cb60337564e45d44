"""Replies in the app, beside a minimal program that is fed the same deltas at the same moments.

A model server speaks, LiteLLM reads it, the engine logs it, the app shows it in a terminal of 200×50. What
the engine made of it is read back from its log, and given to the reference with the pauses that were between.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import cpu_seconds, memory_mb
from render_text import MARKER
from scene import HERE, MODEL, Stage, figure, median, ratio_row, row, stage
from terminal import Terminal

from holdfast.core.domain.events import LoggedEvent, PartDelta

ROUNDS = 3
BURST = "say 4000 chunks"
PACED = "say 1000 chunks 25 a second"
TYPED = "say 1000 chunks 25 a second"
KEYS = 120
"""Keys that are typed while a reply comes."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply in the app and in the reference. Seconds run from the first delta to the marker's drawing."""

    app_s: float
    app_cpu: float
    engine_cpu: float
    minimal_s: float
    minimal_cpu: float
    memory: float
    """Megabytes by which the app has grown."""


def run() -> list[dict[str, Any]]:
    """Returns the rows."""
    with stage() as made:
        bursts = [_reply(made, BURST) for _ in range(ROUNDS)]
        paced = _reply(made, PACED)
        echoes = _typing(made)
    return [
        ratio_row(
            "reply of 4,000 chunks in a burst: first delta to end on screen",
            *(median([one.app_s for one in bursts]), "s", median([one.minimal_s for one in bursts]), 1.3),
        ),
        ratio_row(
            "the same, CPU of the app",
            *(median([one.app_cpu for one in bursts]), "s", median([one.minimal_cpu for one in bursts]), 1.3),
        ),
        figure("the same, CPU of the engine and its workers", median([o.engine_cpu for o in bursts]), "s"),
        figure("the same, memory by which the app grows", median([o.memory for o in bursts]), "MB"),
        ratio_row(
            "reply at 25 chunks/s for 40 s, CPU of the app", paced.app_cpu, "s", paced.minimal_cpu, 1.2
        ),
        figure("the same, CPU of the engine and its workers", paced.engine_cpu, "s"),
        row(
            f"key echo while a reply streams, 95th percentile of {KEYS}",
            *(_percentile(echoes, 0.95), "ms", "< 30 ms", _percentile(echoes, 0.95) < 30),
        ),
        figure("key echo while a reply streams, longest", max(echoes), "ms"),
    ]


def _reply(made: Stage, words: str) -> Reply:
    with made.app("--model", MODEL) as terminal:
        memory, app, engine = memory_mb(terminal.pid), cpu_seconds(terminal.pid), cpu_seconds(made.engine)
        terminal.send(f"{words}\r".encode())
        terminal.wait(MARKER.encode(), 120)
        shown = time.time()
        app, engine = cpu_seconds(terminal.pid) - app, cpu_seconds(made.engine) - engine
        terminal.settle()
        memory = memory_mb(terminal.pid) - memory
    events = made.events(made.last_run())
    deltas = [one for one in events if isinstance(one.event, PartDelta)]
    minimal_s, minimal_cpu = _minimal(deltas)
    return Reply(shown - _at(deltas[0]), app, engine, minimal_s, minimal_cpu, memory)


def _at(logged: LoggedEvent) -> float:
    return logged.event.at.timestamp()


def _minimal(deltas: list[LoggedEvent]) -> tuple[float, float]:
    """Returns seconds and CPU seconds of the reference."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "deltas.jsonl"), Path(folder, "result.json")
        first = _at(deltas[0])
        lines = [json.dumps({"text": one.event.text, "at": _at(one) - first}) for one in deltas]
        source.write_text("\n".join(lines), encoding="utf-8")
        command = [sys.executable, str(HERE / "render_minimal.py"), str(source), str(result)]
        terminal = Terminal(command, dict(os.environ))
        try:
            terminal.wait(MARKER.encode(), 120)
            shown = time.time()
            while not result.exists() or not result.read_text():
                terminal.pump(0.01)
            figures = json.loads(result.read_text())
            return shown - figures["began"], figures["cpu_s"]
        finally:
            terminal.close()


def _typing(made: Stage) -> list[float]:
    """Returns how long each key took to be drawn, in milliseconds."""
    with made.app("--model", MODEL) as terminal:
        terminal.send(f"{TYPED}\r".encode())
        terminal.wait(b"Section 1")
        taken = []
        for number in range(KEYS):
            key = chr(0x4E00 + number).encode()  # signs that no reply holds, each once
            start, sent = len(terminal.output), time.monotonic()
            terminal.send(key)
            taken.append((terminal.wait(key, 10, start) - sent) * 1000)
            until = sent + 0.15
            while (left := until - time.monotonic()) > 0:
                terminal.pump(left)
        return taken


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]
