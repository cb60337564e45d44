"""Several engines and clients at once: the first engine stays, and all share it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.e2e.bench import Bench

from holdfast.server.spawn import EXIT_BUSY, find_engine, wait_engine

pytestmark = pytest.mark.thorough


def test_a_second_engine_leaves_and_says_why(bench: Bench) -> None:
    first = bench.spawn_engine()
    wait_engine(bench.paths, started=first)
    second = bench.spawn_engine()
    assert second.wait(20) == EXIT_BUSY
    assert f"process {first.pid}" in bench.paths.engine_log.read_text()
    with bench.open("--in-process") as terminal:
        terminal.wait_for("An engine runs on")
    assert first.poll() is None
    assert bench.done("run", "guide", "help")


def test_clients_that_start_together_share_one_engine(bench: Bench) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda n: bench.run("run", "guide", f"help {n}"), range(4)))
    assert [one.returncode for one in done] == [0] * 4, [one.stderr for one in done]
    assert len(bench.json("sessions", "list")) == 4
    assert find_engine(bench.paths) == bench.engine
    log = bench.paths.engine_log.read_text()
    assert log.count(" ready after ") == 1
