"""What an engine leaves behind when it is killed: nobody takes it for an engine, and nobody else is hurt."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
from tests.e2e.bench import Bench

pytestmark = pytest.mark.thorough


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the same user that got the pid of an engine that is no more."""
    process = subprocess.Popen(["sleep", "600"])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_stale_socket_and_somebody_elses_pid_hinder_nobody_and_do_no_harm(
    bench: Bench, stranger: subprocess.Popen[bytes]
) -> None:
    bench.done("run", "guide", "help")
    bench.kill_engine()
    assert bench.paths.socket.is_socket(), "a killed engine leaves its socket"
    left = json.loads(bench.paths.lock.read_text())
    bench.paths.lock.write_text(json.dumps({**left, "pid": stranger.pid}))

    assert bench.json("engine", "status") == {"running": False}
    assert bench.done("engine", "stop") == "The engine is not running.\n"
    assert stranger.poll() is None
    opened = bench.json("serve", "--background", "--port", "0")
    assert bench.engine is not None and bench.engine.pid == opened["pid"] != stranger.pid
    assert len(bench.json("sessions", "list")) == 1
    bench.done("engine", "stop")
    assert stranger.poll() is None
