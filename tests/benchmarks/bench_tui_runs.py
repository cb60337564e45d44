"""The log of runs in the app: 10,000 of them sorted, found and gone through, beside 100."""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engines import home, start_engine
from scene import Stage, figure, median, ratio_row
from terminal import Terminal

from holdfast.core.domain.events import (
    AnyEvent,
    MessageAdded,
    RunCompleted,
    RunStarted,
    SessionCreated,
    StepCompleted,
    StepStarted,
    Timing,
    UsageRecorded,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.run_log import RUN_SORTS
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store.log import EventLog

ROUNDS = 8
RUNS = {"few": 100, "many": 10_000}
PER_SESSION = 50
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = (b"LEAST-agent", b"MOST-time-taken", b"MOST-credits", b"MOST-cost", b"LAST-begun")
"""What the first run says, sorted by one column after the other as the key goes through them."""
FIRST, END, FIND, CLEAR = b"FIRST-begun", b"\x1b[F", b"needle", b"\x7f" * 6


def run() -> list[dict[str, Any]]:
    """Returns the rows."""
    with ExitStack() as stack:
        stages: dict[str, Stage] = {}
        for name, count in RUNS.items():
            environment = stack.enter_context(home())
            asyncio.run(_write_runs(Path(environment["HOLDFAST_HOME"]), count))
            stages[name] = Stage(environment, start_engine(environment).pid)
        asked = {name: asyncio.run(_ask(made)) for name, made in stages.items()}
        apps = {name: stack.enter_context(made.app()) for name, made in stages.items()}
        opened = {name: _timed(app, b"/runs\r", ORDER[-1]) for name, app in apps.items()}
        sorted_in: dict[str, list[float]] = {name: [] for name in apps}
        found_in: dict[str, list[float]] = {name: [] for name in apps}
        ended_in: dict[str, list[float]] = {name: [] for name in apps}
        for _ in range(ROUNDS):
            for name, app in apps.items():
                sorted_in[name] += [_timed(app, b"s", first) for first in ORDER]
                ended_in[name].append(_timed(app, END, FIRST))
                app.send(b"/")
                found_in[name].append(_timed(app, FIND, b"a needle in it"))
                _timed(app, CLEAR, ORDER[-1])
                app.send(b"\x1b[B")  # back to the list
                app.settle(0.3)
    return _rows(asked, opened, sorted_in, found_in, ended_in)


def _rows(
    asked: dict[str, dict[str, float]],
    opened: dict[str, float],
    sorted_in: dict[str, list[float]],
    found_in: dict[str, list[float]],
    ended_in: dict[str, list[float]],
) -> list[dict[str, Any]]:
    rows = [
        figure(f"log of 10,000 runs: a page of 100 by {what}, over the socket", 1000 * taken, "ms")
        for what, taken in asked["many"].items()
    ]
    beside = {"sorted by another column": sorted_in, "filtered as typed": found_in}
    return [
        *rows,
        ratio_row("log of 10,000 runs: opened / of 100", opened["many"], "s", opened["few"], 2),
        *(
            ratio_row(
                f"log of 10,000 runs: {what}, key to row / of 100",
                *(median(taken["many"]), "s", median(taken["few"]), 2),
            )
            for what, taken in beside.items()
        ),
        figure(
            "log of 10,000 runs: gone to the last row, which was not read yet", median(ended_in["many"]), "s"
        ),
        figure("the longest of 40 times that it was sorted", max(sorted_in["many"]), "s"),
    ]


def _timed(app: Terminal, keys: bytes, text: bytes) -> float:
    """Returns the seconds from keys until a text is drawn."""
    app.settle(0.3)
    start, began = len(app.output), time.monotonic()
    app.send(keys)
    return app.wait(text, start=start) - began


async def _ask(made: Stage) -> dict[str, float]:
    """Returns the seconds of a question to the engine, by what it is."""
    workbench = made.workbench()
    questions: dict[str, dict[str, Any]] = {name.replace("_", " "): {"sort": name} for name in RUN_SORTS}
    questions["words"] = {"text": "parcel order"}
    taken: dict[str, list[float]] = {name: [] for name in questions}
    for _ in range(ROUNDS):
        for name, question in questions.items():
            began = time.monotonic()
            await workbench.runs.search(**question)
            taken[name].append(time.monotonic() - began)
    await workbench.close()
    return {name: median(each) for name, each in taken.items()}


async def _write_runs(folder: Path, count: int) -> None:
    (folder / "data").mkdir(parents=True)
    log = await EventLog.open(folder / "data" / "holdfast.db", FileBlobs(folder / "data" / "blobs"))
    workspace = tempfile.mkdtemp(dir=folder)
    for first in range(0, count, PER_SESSION):
        session = f"s{first}"
        created = SessionCreated(
            session_id=session, title=session, agent="general", project=workspace, workspace=workspace,
            at=BEGAN,
        )  # fmt: skip
        events = [
            each for number in range(first, first + PER_SESSION) for each in _run(session, number, count)
        ]
        await log.append(created, *events)
    await log.close()


def _run(session: str, number: int, count: int) -> list[AnyEvent]:
    """Returns the events of a run; those that stand first in some order say so."""
    at = BEGAN + timedelta(minutes=number)
    ids = {"session_id": session, "run_id": f"run-{number}", "at": at}
    says = {
        0: FIRST.decode(), 10: ORDER[0].decode(), 20: ORDER[1].decode(), 30: ORDER[2].decode(),
        40: ORDER[3].decode(), 50: "a needle in it", count - 1: ORDER[4].decode(),
    }  # fmt: skip
    text = f"{says.get(number, 'Where is the parcel')} of order {number}, please?"
    spread = (number * 7_919) % 1_000
    taken = 5_000 if number == 20 else 1 + spread
    timing = Timing(request_ms=1, first_delta_ms=20, total_ms=taken)
    return [
        RunStarted(**ids, agent="aa" if number == 10 else f"agent-{number % 20}", model="offline"),
        MessageAdded(**ids, message_id=f"m{number}", parts=(TextPart(text=text),)),
        StepStarted(**ids, step=1, model="offline", prompt=""),
        UsageRecorded(
            **ids, model="offline", input_tokens=100, output_tokens=10,
            cost_usd=99.0 if number == 40 else spread / 1e6,
            credits=9_999.0 if number == 30 else spread / 100,
        ),
        StepCompleted(**ids, step=1, reason="stop", timing=timing),
        RunCompleted(**{**ids, "at": at + timedelta(milliseconds=taken)}),
    ]  # fmt: skip
