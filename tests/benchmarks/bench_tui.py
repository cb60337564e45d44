"""The terminal app in a real pseudo-terminal: launch, bursts, typing while it streams, long sessions."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engines import HOLDFAST, home, script, start_engine
from terminal import Terminal

from holdfast.core.domain.events import (
    MessageAdded,
    PartCompleted,
    PartStarted,
    RunCompleted,
    RunStarted,
    SessionCreated,
    StepCompleted,
    StepStarted,
    Timing,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store.log import EventLog

ROUNDS = 9
MARKER = "ENDMARKER"
_BARE = """
import gc
from textual.app import App
from textual.widgets import Input
class Bare(App):
    def compose(self):
        yield Input()
Bare().run()
"""


def run() -> list[dict[str, Any]]:
    """Returns the rows."""
    return [*_launch(), *_bursts(), *_typing(), *_long_sessions()]


def _row(name: str, value: float, unit: str, reference: float | None, goal: float) -> dict[str, Any]:
    ratio = value / reference if reference else value
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "reference": reference,
        "ratio": value / reference if reference else None,
        "goal": f"≤ {goal:g}" + ("" if reference else f" {unit}"),
        "ok": ratio <= goal,
    }


@contextmanager
def _app(environment: dict[str, str], *arguments: str) -> Any:
    terminal = Terminal([*HOLDFAST, *arguments], environment)
    try:
        yield terminal
    finally:
        terminal.close()


def _echo(command: list[str], environment: dict[str, str]) -> float:
    terminal = Terminal(command, environment)
    try:
        return terminal.echo_time()
    finally:
        terminal.close()


def _launch() -> list[dict[str, Any]]:
    """Launch to echoed key, in turns with a Textual app of one Input: with an engine and without."""
    with home() as environment:
        bare = [sys.executable, "-c", _BARE]
        start_engine(environment)
        warm, reference = [], []
        for _ in range(ROUNDS):
            warm.append(_echo(HOLDFAST, environment))
            reference.append(_echo(bare, environment))
    cold, cold_reference = [], []
    for _ in range(5):
        with home() as environment:
            cold.append(_echo(HOLDFAST, environment))
            cold_reference.append(_echo(bare, environment))
    median = statistics.median
    return [
        _row("launch to echoed key, engine running", median(warm), "s", median(reference), 1.3),
        _row("launch to echoed key, no engine yet", median(cold), "s", median(cold_reference), 1.3),
    ]


def _bursts() -> list[dict[str, Any]]:
    times: dict[int, list[float]] = {1_000: [], 4_000: []}
    cpus: dict[int, list[float]] = {1_000: [], 4_000: []}
    for _ in range(3):
        for chunks in times:
            wall, cpu = _burst(chunks)
            times[chunks].append(wall)
            cpus[chunks].append(cpu)
    small, large = statistics.median(cpus[1_000]), statistics.median(cpus[4_000])
    return [
        *(
            _row(f"{chunks:,} chunks: send to end marker on screen", statistics.median(taken), "s", None, 1.5)
            for chunks, taken in times.items()
        ),
        _row("4,000 chunks, CPU of the app against 1,000", large, "s", small, 5),
    ]


def _paragraphs(chunks: int) -> list[dict[str, object]]:
    """Returns a Markdown reply of so many pieces of 16 characters, ending in the marker."""
    text = ""
    number = 0
    while len(text) < chunks * 16:
        number += 1
        text += f"\n\n## Section {number}\n\n" + f"Some **bold** words and `code` in paragraph {number}. " * 6
        text += "\n\n- first\n- second\n\n```python\nvalue = compute(1, 2)\n```\n"
    text = text[: chunks * 16]
    pieces = [text[at : at + 16] for at in range(0, len(text), 16)]
    return [{"type": "text", "text": piece} for piece in [*pieces, f"\n\n{MARKER}"]]


def _burst(chunks: int) -> tuple[float, float]:
    with home() as environment:
        start_engine(environment)
        model = script(environment, [_paragraphs(chunks)])
        with _app(environment, "--model", model) as terminal:
            terminal.echo_time()
            terminal.settle()
            before = terminal.cpu_seconds()
            began = time.monotonic()
            terminal.send(b"go\r")
            # The scripted model hands everything over at once, so the send is the last byte too, but for
            # what the engine needs: that is inside the figure.
            shown = terminal.wait(MARKER.encode(), 60)
            return shown - began, terminal.cpu_seconds() - before


def _typing() -> list[dict[str, Any]]:
    with home() as environment:
        start_engine(environment)
        model = script(environment, [_paragraphs(600)], delay_s=0.02)
        with _app(environment, "--model", model) as terminal:
            terminal.echo_time()
            terminal.settle()
            terminal.send(b"go\r")
            terminal.wait(b"Section 1")
            taken = []
            for key in "абвгдежзийклмнопрстуфхцчшщыэюя":
                start = len(terminal.output)
                sent = time.monotonic()
                terminal.send(key.encode())
                taken.append((terminal.wait(key.encode(), 10, start) - sent) * 1000)
            p95 = sorted(taken)[int(len(taken) * 0.95)]
    return [_row("key echo while a reply streams, 95th percentile", p95, "ms", None, 50)]


def _long_sessions() -> list[dict[str, Any]]:
    """Opens a session of 10 and one of 10,000 messages, in turns."""
    with home() as environment:
        asyncio.run(_write_sessions(Path(environment["HOLDFAST_HOME"])))
        start_engine(environment)
        opened: dict[str, list[float]] = {"short": [], "long": []}
        memory: dict[str, list[float]] = {"short": [], "long": []}
        for _ in range(5):
            for name in opened:
                with _app(environment, "--session", name) as terminal:
                    opened[name].append(terminal.wait(f"{MARKER}-{name}".encode()) - terminal.started)
                    terminal.settle(1.0)
                    memory[name].append(terminal.memory_mb())
    median = statistics.median
    growth = median(memory["long"]) - median(memory["short"])
    return [
        _row(
            "session of 10,000 messages: launch to its end on screen",
            median(opened["long"]),
            "s",
            median(opened["short"]),
            2,
        ),
        _row("memory of the app, 10,000 messages over 10", growth, "MB", None, 30),
    ]


async def _write_sessions(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    log = await EventLog.open(folder / "data" / "holdfast.db", FileBlobs(folder / "data" / "blobs"))
    workspace = tempfile.mkdtemp(dir=folder)
    for name, messages in (("short", 10), ("long", 10_000)):
        await log.append(
            SessionCreated(
                session_id=name, title=name, agent="general", project=workspace, workspace=workspace
            )
        )
        for number in range(messages // 2):
            ids = {"session_id": name, "run_id": f"{name}-{number}"}
            last = f" {MARKER}-{name}" if number == messages // 2 - 1 else ""
            reply = f"The answer to question {number} has **some** words.\n\n- one\n- two{last}"
            log.append(
                RunStarted(**ids, agent="general", model="offline"),
                MessageAdded(**ids, message_id=f"m{number}", parts=(TextPart(text=f"Question {number}?"),)),
                StepStarted(**ids, step=1, model="offline", prompt=""),
                PartStarted(**ids, part_id="1.1", kind="text"),
                PartCompleted(**ids, part_id="1.1", kind="text", text=reply),
                StepCompleted(**ids, step=1, reason="stop", timing=Timing(request_ms=1, total_ms=2)),
                RunCompleted(**ids),
            )
    await log.close()
