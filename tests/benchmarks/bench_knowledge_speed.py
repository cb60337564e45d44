"""Taking documents in and searching, against the libraries alone; the engine's loop and memory meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engines import home
from tests.benchmarks.corpus import book, made, pages
from tests.benchmarks.indexes import write_pages

from holdfast.core.knowledge import fusion

HERE = Path(__file__).parent
PASSAGES = 10_000
BOOKS = 4
"""With the small documents, 50,000 passages."""
QUERIES = 200
WARM = 20
TOP_K = 8
TICK_S = 0.002
VECTOR_BYTES = 256 * 4


def run() -> list[dict[str, Any]]:
    """Returns the rows."""
    with tempfile.TemporaryDirectory(prefix="hf-bench-") as folder, home() as environment:
        place = Path(folder)
        write_pages(place / "small", pages(PASSAGES))
        for number in range(BOOKS):
            write_pages(place / f"book{number}", [book(PASSAGES, seed=number + 2)])
        questions = [question.text for question in made().questions[:QUERIES]]
        with _Engine(environment) as engine:
            small, reference = _ingested(engine, place / "small")
            rows = _ingestion(f"take in {PASSAGES:,} documents of a passage", small, reference)
            large, reference = _ingested(engine, place / "book0")
            rows += _ingestion(f"take in a document of {PASSAGES:,} passages", large, reference)
            rest = [
                engine.order(do="ingest", paths=[str(place / f"book{number}")], ask=ask)
                for number, ask in ((1, questions[:50]), *((number, []) for number in range(2, BOOKS)))
            ]
            rows += _searches(rest[0]) + _memory([small, large, *rest])
        data = Path(environment["HOLDFAST_HOME"], "data", "knowledge")
        shutil.copytree(data, place / "copy")
        with _Engine(environment) as engine, _Bare(place / "copy") as bare:
            return rows + _queries(engine, bare, questions)


class _Lines:
    """A process that answers each line with a line."""

    def __init__(self, program: str, *arguments: str, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / program), *arguments],
            env={**environment, "PYTHONPATH": str(HERE.parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.first = self._answer()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def ask(self, message: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


class _Engine(_Lines):
    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__("knowledge_engine.py", environment=environment)

    def order(self, **fields: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.ask(fields)
        return answer


class _Bare(_Lines):
    def __init__(self, index: Path) -> None:
        count = str(fusion.candidates(TOP_K))
        super().__init__("knowledge_bare.py", "query", str(index), count, environment=dict(os.environ))


# --- taking in


def _ingested(engine: _Engine, folder: Path) -> tuple[dict[str, Any], float]:
    """Returns what the engine says, and the seconds of the reference: the mean of before and after."""
    before = _bare(folder)
    with _idle() as gaps:
        ours = engine.order(do="ingest", paths=[str(folder)], ask=[])
    after = _bare(folder)
    assert (ours["status"], ours["failed"], ours["chunks"]) == ("completed", 0, PASSAGES), ours
    ours["idle_gap"] = max(gaps)
    print(
        f"  alone {before:.1f} s, {after:.1f} s; by the engine {ours['ended']:.1f} s, "
        f"{ours['seconds']:.1f} s with all in Chroma",
        file=sys.stderr,
    )
    return ours, statistics.mean((before, after))


def _bare(folder: Path) -> float:
    command = [sys.executable, str(HERE / "knowledge_bare.py"), "ingest", str(folder)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    taken = json.loads(done.stdout)
    return float(taken["parse"] + taken["embed"] + taken["upsert"])


@contextmanager
def _idle() -> Iterator[list[float]]:
    """Yields how late a thread is woken that does nothing: what the machine itself adds to any gap."""
    gaps, ended = [0.0], threading.Event()

    def tick() -> None:
        last = time.perf_counter()
        while not ended.wait(TICK_S):
            now = time.perf_counter()
            gaps.append(now - last - TICK_S)
            last = now

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield gaps
    finally:
        ended.set()
        thread.join()


def _ingestion(name: str, ours: dict[str, Any], reference: float) -> list[dict[str, Any]]:
    ratio = ours["seconds"] / reference
    return [
        {
            "name": f"{name} / parsing, embedding and upserts alone",
            "value": ours["seconds"],
            "unit": "s",
            "reference": reference,
            "ratio": ratio,
            "goal": "≤ 3",
            "ok": ratio <= 3,
        },
        {
            "name": "longest gap of the engine's loop meanwhile / of an idle thread",
            "value": ours["gap"] * 1000,
            "unit": "ms",
            "reference": ours["idle_gap"] * 1000,
            "goal": "< 50 ms",
            "ok": ours["gap"] < 0.05,
        },
    ]


def _searches(ours: dict[str, Any]) -> list[dict[str, Any]]:
    taken = sorted(ours["searches"])
    return [
        {
            "name": f"search while a document of {PASSAGES:,} passages is taken in, {name} of {len(taken)}",
            "value": taken[int(share * len(taken))] * 1000,
            "unit": "ms",
        }
        for name, share in (("median", 0.5), ("95th percentile", 0.95))
    ]


def _memory(answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of answers to orders that each took in `PASSAGES` more."""
    last, before = answers[-1], answers[-3]
    return [
        {"name": "engine, resident after 50,000 passages", "value": last["engine_mb"], "unit": "MB"},
        {
            "name": "knowledge worker, resident after 50,000 passages",
            "value": last["worker_mb"],
            "unit": "MB",
        },
        {
            "name": "engine, grown over the last 20,000",
            "value": last["engine_mb"] - before["engine_mb"],
            "unit": "MB",
        },
        {
            "name": "knowledge worker, grown over the last 20,000 / their vectors alone",
            "value": last["worker_mb"] - before["worker_mb"],
            "unit": "MB",
            "reference": 2 * PASSAGES * VECTOR_BYTES / 2**20,
        },
    ]


# --- searching


def _queries(engine: _Engine, bare: _Bare, questions: Sequence[str]) -> list[dict[str, Any]]:
    assert bare.first == (BOOKS + 1) * PASSAGES, bare.first
    ours: list[float] = []
    alone: list[float] = []
    with _idle() as gaps:
        engine.order(do="gap")
        for question in (*questions[:WARM], *questions):
            ours.append(engine.order(do="search", query=question, method="hybrid")["seconds"])
            alone.append(sum(bare.ask(question).values()))
        gap = engine.order(do="gap")["gap"]
    value, reference = statistics.median(ours[WARM:]), statistics.median(alone[WARM:])
    return [
        {
            "name": f"search in {bare.first:,} passages / Chroma and FTS5 alone",
            "value": value * 1000,
            "unit": "ms",
            "reference": reference * 1000,
            "ratio": value / reference,
            "goal": "< 2",
            "ok": value < 2 * reference,
        },
        {
            "name": "longest gap of the engine's loop while searching / of an idle thread",
            "value": gap * 1000,
            "unit": "ms",
            "reference": max(gaps) * 1000,
            "goal": "< 50 ms",
            "ok": gap < 0.05,
        },
    ]
