"""Long sessions in the app: opened, read from the end to the start and back, beside a short one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engines import HOLDFAST, home, start_engine
from processes import memory_mb
from scene import HERE, Stage, figure, median, ratio_row, row
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

ROUNDS = 5
MESSAGES = {"short": 10, "long": 10_000}
LANGUAGES = ("python", "bash", "json", "rust", "javascript", "sql", "yaml", "go")
PER_SECOND = 20
"""Pages a second while scrolling, about what a held key repeats."""
PAGE_UP, PAGE_DOWN, HOME = b"\x1b[5~", b"\x1b[6~", b"\x1b[H"
CLICK = b"\x1b[<0;60;20M\x1b[<0;60;20m"
"""In the middle of the transcript."""


def run() -> list[dict[str, Any]]:
    """Returns the rows."""
    with home() as environment:
        asyncio.run(_write_sessions(Path(environment["HOLDFAST_HOME"])))
        made = Stage(environment, start_engine(environment).pid)
        return [*_opening(made), *_reading(made)]


def _opening(made: Stage) -> list[dict[str, Any]]:
    """Launch to the session's end on the screen, in turns; and memory then."""
    taken: dict[str, list[float]] = {name: [] for name in MESSAGES}
    memory: dict[str, list[float]] = {name: [] for name in MESSAGES}
    for _ in range(ROUNDS):
        for name in MESSAGES:
            terminal = Terminal([*HOLDFAST, "--session", name], made.environment)
            taken[name].append(terminal.wait(_last(name)) - terminal.started)
            terminal.settle(1.0)
            memory[name].append(memory_mb(terminal.pid))
            terminal.close()
    grown = median(memory["long"]) - median(memory["short"])
    return [
        ratio_row(
            "session of 10,000 messages: launch to its end on screen",
            *(median(taken["long"]), "s", median(taken["short"]), 2),
        ),
        row("memory of the app with it, over one of 10", grown, "MB", "≤ 30 MB", grown <= 30),
    ]


def _reading(made: Stage) -> list[dict[str, Any]]:
    """To the start, down to the end, and up again: frames as the app itself counts them."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "frames.json")
        command = [sys.executable, str(HERE / "app_frames.py"), str(result)]
        with made.app("--session", "long", command=command) as terminal:
            terminal.wait(_last("long"))
            terminal.settle(1.0)
            terminal.send(CLICK)
            terminal.settle(1.0)
            opened = memory_mb(terminal.pid)
            jump = Frames(terminal, result)
            began = time.monotonic()
            start = len(terminal.output)
            terminal.send(HOME)
            top = terminal.wait(b"Question 0?", 60, start) - began
            terminal.settle(1.0)
            jump.take()
            at_top = memory_mb(terminal.pid)
            scroll = Frames(terminal, result)
            for key, pages in ((PAGE_DOWN, 400), (PAGE_UP, 200), (PAGE_DOWN, 200)):
                _hold(terminal, key, pages)
            scroll.take()
            settled = memory_mb(terminal.pid)
            again = Frames(terminal, result)
            for key in (PAGE_UP, PAGE_DOWN):
                _hold(terminal, key, 400)
            again.take()
            after = memory_mb(terminal.pid)
    return [
        figure("session of 10,000 messages: jump to the top", top, "s"),
        jump.row("the longest frame meanwhile"),
        scroll.row("session of 10,000 messages: longest frame of 800 pages"),
        again.row("the same once more: longest frame of 800 pages"),
        figure("the same, median frame", median(again.frames), "ms"),
        figure("memory of the app, all of the session read over its end", at_top - opened, "MB"),
        row("memory after 1,600 pages over that", after - settled, "MB", "≤ 3 MB", after - settled <= 3),
    ]


class Frames:
    """The frames between making this and `take`."""

    def __init__(self, terminal: Terminal, result: Path) -> None:
        self._terminal, self._result = terminal, result
        self.frames: list[float] = []
        self.step = 0.0
        result.unlink(missing_ok=True)
        os.kill(terminal.pid, signal.SIGUSR2)

    def take(self) -> None:
        os.kill(self._terminal.pid, signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while not self._result.exists():
            self._terminal.pump(0.01)
            if time.monotonic() > deadline:
                raise TimeoutError("no frames were written")
        told = json.loads(self._result.read_text())
        self.frames, self.step = told["frames"], told["step"]

    def row(self, name: str) -> dict[str, Any]:
        longest = max(*self.frames, self.step)
        return row(name, longest, "ms", "< 50 ms", longest < 50)


def _hold(terminal: Terminal, key: bytes, times: int) -> None:
    """Presses a key again and again, each at its moment."""
    began = time.monotonic()
    for number in range(times):
        terminal.send(key)
        until = began + (number + 1) / PER_SECOND
        while (left := until - time.monotonic()) > 0:
            terminal.pump(left)


def _last(name: str) -> bytes:
    return f"END-OF-{name}".encode()


async def _write_sessions(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    log = await EventLog.open(folder / "data" / "holdfast.db", FileBlobs(folder / "data" / "blobs"))
    workspace = tempfile.mkdtemp(dir=folder)
    for name, messages in MESSAGES.items():
        await log.append(
            SessionCreated(
                session_id=name, title=name, agent="general", project=workspace, workspace=workspace
            )
        )
        for number in range(messages // 2):
            ids = {"session_id": name, "run_id": f"{name}-{number}"}
            reply = _reply(number) + (f"\n\nEND-OF-{name}" if number == messages // 2 - 1 else "")
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


def _reply(number: int) -> str:
    """Returns a reply: a paragraph, a list, and in some a fence or a table."""
    text = f"The answer to question {number} has **some** words, and `code`. " * (1 + number % 7)
    text += "\n\n- one\n- two, which is a little longer than the first"
    if number % 5 == 0:
        language = LANGUAGES[number // 5 % len(LANGUAGES)]
        text += f"\n\n```{language}\n" + f"value = compute({number}, 'words')\n" * (number % 40) + "```"
    if number % 11 == 0:
        text += "\n\n| region | before | after |\n|---|---:|---:|\n" + f"| north | {number} | 3 |\n" * 12
    return text
