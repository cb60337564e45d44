"""The engine as a process: start, race, second engine, stale traces, kill -9, stop."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import server_fakes

from holdfast.core.config.paths import MAX_SOCKET_PATH, Paths
from holdfast.core.domain.errors import StoreTooNew, UnavailableError
from holdfast.core.domain.events import EventFilter
from holdfast.server.lock import EngineLock, answers, is_held
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.spawn import (
    EXIT_BUSY,
    EngineAddress,
    ensure_engine,
    find_engine,
    start_engine,
    wait_engine,
)

pytestmark = pytest.mark.thorough

ARGV = [sys.executable, server_fakes.__file__]


@pytest.fixture
def home(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """A home whose engine is ended after the test."""
    monkeypatch.setenv("HOLDFAST_HOME", str(paths.runtime))
    yield paths
    # Also those that lost a race and are still on their way to find out.
    reapers = [thread for thread in threading.enumerate() if thread.name == "engine-reaper"]
    while any(thread.is_alive() for thread in reapers):
        if (address := find_engine(paths)) is not None:
            os.kill(address.pid, signal.SIGKILL)
        for thread in reapers:
            thread.join(0.01)


def until(condition: Callable[[], object], timeout: float = 10) -> None:
    """Waits, bounded, until `condition()` holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def kill(address: EngineAddress, paths: Paths) -> None:
    os.kill(address.pid, signal.SIGKILL)
    until(lambda: not is_held(paths.lock))


def mode(path: str | Path) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


async def test_an_engine_is_started_found_and_answers(home: Paths) -> None:
    assert find_engine(home) is None
    address = ensure_engine(home, ARGV)
    assert address == find_engine(home) == ensure_engine(home, ["false"])
    assert address.socket == str(home.socket)
    remote = RemoteWorkbench(address.socket)
    assert (await remote.engine.status()).pid == address.pid
    await remote.close()


def test_socket_and_lock_are_for_the_user_alone(home: Paths) -> None:
    address = ensure_engine(home, ARGV)
    assert (mode(address.socket), mode(home.lock), mode(home.socket.parent)) == (0o600, 0o600, 0o700)


def test_an_engine_is_in_a_session_of_its_own(home: Paths) -> None:
    address = ensure_engine(home, ARGV)
    assert os.getsid(address.pid) == address.pid != os.getsid(0)
    assert Path(f"/proc/{address.pid}/cwd").readlink() == home.data


def test_the_log_of_an_engine_is_for_the_user_alone(home: Paths) -> None:
    before = os.umask(0o022)
    try:
        start_engine(home, ARGV)
        wait_engine(home)
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.engine_log.stat().st_mode) == 0o600


def test_a_signal_as_soon_as_there_is_a_socket_ends_the_engine_cleanly(home: Paths) -> None:
    engine = start_engine(home, ARGV)
    wait_engine(home)
    engine.terminate()
    assert engine.wait(10) == 0
    assert not home.socket.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_engine_cleanly(home: Paths, number: signal.Signals) -> None:
    engine = start_engine(home, ARGV)
    wait_engine(home)
    until(lambda: "ready after" in home.engine_log.read_text())
    engine.send_signal(number)
    assert engine.wait(10) == 0
    assert not home.socket.exists()
    assert not is_held(home.lock)
    log = home.engine_log.read_text()
    assert [word in log for word in ("started", "ready after", number.name, "stopped")] == [True] * 4


async def test_a_signal_ends_the_engine_also_with_an_open_stream(home: Paths) -> None:
    engine = start_engine(home, ARGV)
    remote = RemoteWorkbench(wait_engine(home).socket)
    events = remote.events.follow(EventFilter(), after=0)
    assert (await anext(events)).id == 1
    begun = time.monotonic()
    engine.terminate()
    assert engine.wait(10) == 0
    assert time.monotonic() - begun < 5
    await events.aclose()  # type: ignore[attr-defined]
    await remote.close()


async def test_stop_is_answered_and_ends_the_engine(home: Paths) -> None:
    engine = start_engine(home, ARGV)
    remote = RemoteWorkbench(wait_engine(home).socket)
    await remote.engine.stop()
    assert engine.wait(10) == 0
    with pytest.raises(UnavailableError):
        await remote.engine.status()
    await remote.close()


def test_a_second_engine_refuses_clearly_and_leaves_the_first_alone(home: Paths) -> None:
    first = ensure_engine(home, ARGV)
    second = start_engine(home, ARGV)
    assert second.wait(10) == EXIT_BUSY
    assert f"process {first.pid}" in home.engine_log.read_text()
    assert find_engine(home) == first


def test_many_starters_end_with_one_engine(home: Paths) -> None:
    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(lambda _: ensure_engine(home, ARGV), range(5)))
    assert len({address.pid for address in found}) == 1


def test_a_starter_whose_engine_left_for_one_that_was_ending_starts_another(home: Paths) -> None:
    ending = EngineLock(home.lock)
    assert ending.try_acquire()
    left = start_engine(home, [sys.executable, "-c", f"raise SystemExit({EXIT_BUSY})"])
    left.wait(10)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(ensure_engine, home, ARGV, started=left)
        ending.release()
        assert found.result(10) == find_engine(home)


def test_a_starter_that_loses_the_race_waits_for_the_winner(home: Paths) -> None:
    processes = [start_engine(home, ARGV) for _ in range(3)]
    winner = wait_engine(home, started=processes[0]).pid
    losers = [process for process in processes if process.pid != winner]
    assert [process.wait(10) for process in losers] == [EXIT_BUSY, EXIT_BUSY]


async def test_after_kill_9_the_next_start_takes_over(home: Paths) -> None:
    first = ensure_engine(home, ARGV)
    kill(first, home)
    assert home.socket.exists()
    assert find_engine(home) is None
    second = ensure_engine(home, ARGV)
    assert second.pid != first.pid
    remote = RemoteWorkbench(second.socket)
    assert (await remote.engine.status()).pid == second.pid
    await remote.close()


async def test_a_stream_goes_on_after_kill_9_and_a_new_start(home: Paths) -> None:
    first = ensure_engine(home, ARGV)
    remote = RemoteWorkbench(first.socket)
    events = remote.events.follow(EventFilter(), after=0)
    assert [(await anext(events)).id for _ in range(2)] == [1, 2]
    kill(first, home)
    ensure_engine(home, ARGV)
    assert [(await anext(events)).id for _ in range(3)] == [3, 4, 5]
    await events.aclose()  # type: ignore[attr-defined]
    await remote.close()


@pytest.mark.parametrize(
    "left", ["", "not json", "[]", '{"pid": 1}', '{"pid":1,"socket":"S","version":"0","started_at":""}']
)
def test_what_an_ended_engine_left_is_no_engine_and_no_hindrance(home: Paths, left: str) -> None:
    home.lock.write_text(left.replace("S", str(home.socket)))
    home.socket.write_text("no socket")
    assert find_engine(home) is None
    address = ensure_engine(home, ARGV)
    assert json.loads(home.lock.read_text())["pid"] == address.pid


def test_a_living_pid_in_a_stale_lock_file_is_not_taken_for_an_engine(home: Paths) -> None:
    stale = {"pid": os.getpid(), "socket": str(home.socket), "version": "0", "started_at": ""}
    home.lock.write_text(json.dumps(stale))
    assert find_engine(home) is None


def test_the_lock_is_one_and_its_contents_never_decide(home: Paths) -> None:
    one, other = EngineLock(home.lock), EngineLock(home.lock)
    assert one.try_acquire()
    assert not other.try_acquire()
    home.lock.write_text("")
    assert not other.try_acquire()
    one.release()
    one.release()
    assert other.try_acquire()
    other.release()


def test_a_home_with_a_long_path_gets_its_socket_elsewhere(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_folder / "run"))
    monkeypatch.setenv("HOLDFAST_HOME", str(short_folder / ("deep" * 20) / "home"))
    paths = Paths.resolve(os.environ)
    address = ensure_engine(paths, ARGV)
    assert len(address.socket) <= MAX_SOCKET_PATH
    assert address.socket.startswith(str(short_folder / "run"))
    assert (mode(address.socket), mode(Path(address.socket).parent)) == (0o600, 0o700)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert find_engine(paths) == address, "the lock file names it, whatever the finder's environment says"
    kill(address, paths)


async def test_a_request_waits_for_a_workbench_that_is_slow_to_open(home: Paths) -> None:
    address = ensure_engine(home, [*ARGV, "0", "slow"])
    assert "ready" not in home.engine_log.read_text()
    remote = RemoteWorkbench(address.socket)
    assert (await remote.engine.status()).pid == address.pid
    await remote.close()


async def test_an_engine_that_cannot_open_its_workbench_says_why_and_ends(home: Paths) -> None:
    engine = start_engine(home, [*ARGV, "0", "too-new"])
    remote = RemoteWorkbench(wait_engine(home, started=engine).socket)
    with pytest.raises(StoreTooNew, match="update Holdfast"):
        await remote.engine.status()
    await remote.close()
    assert engine.wait(10) == 1
    assert "update Holdfast" in home.engine_log.read_text()
    assert not home.socket.exists()


def test_an_engine_that_ends_at_once_is_an_error_with_the_end_of_its_log(home: Paths) -> None:
    argv = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    with pytest.raises(UnavailableError, match=r"ended at once.*\n.*no such thing"):
        ensure_engine(home, argv)


def test_a_program_that_is_not_there_is_a_clear_error(home: Paths) -> None:
    with pytest.raises(UnavailableError, match="could not be started"):
        ensure_engine(home, ["/no/such/program"])


def test_a_wait_is_bounded(home: Paths) -> None:
    engine = start_engine(home, ["sleep", "60"])
    with pytest.raises(UnavailableError, match="does not answer yet"):
        wait_engine(home, 0.05, started=engine)
    engine.kill()
    engine.wait(10)


def test_a_home_that_cannot_be_written_is_a_clear_error(home: Paths, short_folder: Path) -> None:
    blocked = short_folder / "file"
    blocked.write_text("")
    with pytest.raises(UnavailableError, match="could not be started"):
        ensure_engine(Paths.resolve({"HOLDFAST_HOME": str(blocked / "home")}), ARGV)


def test_finding_and_starting_import_nothing_heavy() -> None:
    code = "import sys, holdfast.server.spawn; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(modules.split())
    assert "holdfast.server.spawn" in loaded
    assert not loaded & {"pydantic", "httpx", "starlette", "uvicorn", "asyncio", "typer", "textual"}


def test_a_plain_file_at_the_socket_does_not_answer(short_folder: Path) -> None:
    (short_folder / "s").write_text("")
    assert not answers(str(short_folder / "s"))
    assert not answers(str(short_folder / "none"))
