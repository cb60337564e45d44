"""An engine in the test's own loop: idle stop, closing, refusals."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from server_fakes import FakeWorkbench

from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import ConflictError, UnavailableError
from holdfast.core.domain.events import EventFilter
from holdfast.server import lock as locks
from holdfast.server.activity import Activity
from holdfast.server.engine import serve_engine
from holdfast.server.lock import bind_socket
from holdfast.server.log import open_log
from holdfast.server.native.client import RemoteWorkbench

LOG = logging.getLogger("holdfast.tests")


@asynccontextmanager
async def engine(
    fake: FakeWorkbench, paths: Paths, idle_stop_s: float = 0
) -> AsyncIterator[asyncio.Task[None]]:
    """Runs an engine, ready at the begin of the block and ended at its end."""

    async def make() -> FakeWorkbench:
        return fake

    ready = asyncio.Event()
    serving = asyncio.create_task(
        serve_engine(make, paths, idle_stop_s=idle_stop_s, log=LOG, stop=fake.stop, on_ready=ready.set)
    )
    async with asyncio.timeout(20):
        await ready.wait()
        yield serving
        fake.stop.set()
        await serving


async def test_an_idle_engine_stops_and_closes_its_workbench(paths: Paths) -> None:
    fake = FakeWorkbench()
    async with engine(fake, paths, idle_stop_s=0.05) as serving:
        await serving
    assert fake.closed
    assert not paths.socket.exists()


async def test_an_engine_without_idle_time_does_not_stop_by_itself(paths: Paths) -> None:
    fake = FakeWorkbench()
    async with engine(fake, paths, idle_stop_s=0) as serving:
        await asyncio.wait({serving}, timeout=0.2)
        assert not fake.stop.is_set()


async def test_an_engine_with_an_open_stream_does_not_stop_until_it_closes(paths: Paths) -> None:
    fake = FakeWorkbench()
    fake.active_runs = 1  # until the stream is open
    async with engine(fake, paths, idle_stop_s=0.1) as serving:
        remote = RemoteWorkbench(paths.socket)
        fake.add()
        events = remote.events.follow(EventFilter(), after=0)
        await anext(events)
        fake.active_runs = 0
        await asyncio.wait({serving}, timeout=0.4)
        assert not fake.stop.is_set()
        await events.aclose()  # type: ignore[attr-defined]
        await remote.close()
        await serving


async def test_an_engine_with_a_run_does_not_stop_until_it_ends(paths: Paths) -> None:
    fake = FakeWorkbench()
    fake.active_runs = 1
    async with engine(fake, paths, idle_stop_s=0.05) as serving:
        await asyncio.wait({serving}, timeout=0.3)
        assert not fake.stop.is_set()
        fake.active_runs = 0
        await serving


async def test_an_engine_with_a_job_does_not_stop_until_it_ends(paths: Paths) -> None:
    fake = FakeWorkbench()
    fake.active_jobs = 1
    async with engine(fake, paths, idle_stop_s=0.05) as serving:
        await asyncio.wait({serving}, timeout=0.3)
        assert not fake.stop.is_set()
        fake.active_jobs = 0
        await serving


async def test_an_engine_whose_status_fails_goes_on(paths: Paths) -> None:
    fake = FakeWorkbench()
    fake.results["engine.status"] = UnavailableError("The disk is away")
    async with engine(fake, paths, idle_stop_s=0.05) as serving:
        await asyncio.wait({serving}, timeout=0.2)
        assert not fake.stop.is_set()


async def test_a_second_engine_in_the_same_process_is_refused_too(paths: Paths) -> None:
    async def never() -> FakeWorkbench:
        raise AssertionError("the second engine opened the data")

    async with engine(FakeWorkbench(), paths):
        with pytest.raises(ConflictError, match="already runs"):
            await serve_engine(never, paths, idle_stop_s=0, log=LOG)
        remote = RemoteWorkbench(paths.socket)
        assert (await remote.engine.status()).pid == os.getpid()
        await remote.close()


async def test_an_engine_stopped_while_it_opens_gives_up_opening(paths: Paths) -> None:
    stop, opening = asyncio.Event(), asyncio.Event()
    cancelled = []

    async def make() -> FakeWorkbench:
        opening.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)
        raise AssertionError

    serving = asyncio.create_task(serve_engine(make, paths, idle_stop_s=0, log=LOG, stop=stop))
    async with asyncio.timeout(10):
        await opening.wait()
        stop.set()
        await serving
    assert cancelled


def activity(clock: Callable[[], float]) -> tuple[Activity, asyncio.Event]:
    gate = asyncio.Event()

    async def app(scope: object, receive: object, send: object) -> None:
        await gate.wait()

    return Activity(app, quiet_path="/live", clock=clock), gate


async def call(app: Activity, path: str) -> None:
    async def nothing(*_: object) -> dict[str, str]:
        return {}

    await app({"type": "http", "path": path}, nothing, nothing)  # type: ignore[arg-type]


async def test_idleness_counts_from_the_end_of_the_last_request() -> None:
    now = [100.0]
    app, gate = activity(lambda: now[0])
    request = asyncio.create_task(call(app, "/x"))
    await asyncio.sleep(0)
    now[0] = 200
    assert app.idle_s == 0
    gate.set()
    await request
    now[0] = 207
    assert app.idle_s == 7


async def test_probes_keep_no_engine_alive() -> None:
    now = [100.0]
    app, gate = activity(lambda: now[0])
    gate.set()
    now[0] = 130
    await call(app, "/live")
    assert app.idle_s == 30


def test_a_socket_replaces_a_stale_one_and_its_folder_becomes_private(short_folder: Path) -> None:
    folder = short_folder / "run"
    folder.mkdir(mode=0o755)
    bind_socket(folder / "s").close()
    with bind_socket(folder / "s"):
        assert (folder / "s").stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_another_user_is_refused(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stranger:
        st_uid = 12345
        st_mode = 0o40777

    monkeypatch.setattr(locks.os, "geteuid", lambda: 54321)
    monkeypatch.setattr(Path, "stat", lambda self, **_: Stranger())
    with pytest.raises(PermissionError, match="another user"):
        bind_socket(short_folder / "s")


def test_nothing_in_the_log_passes_for_another_line_or_is_a_key(paths: Paths) -> None:
    log = open_log(paths.engine_log)
    handler = log.handlers[-1]
    try:
        try:
            raise ValueError("a\n2026-11-22 00:00:00 INFO holdfast: forged \x1b[2J")
        except ValueError:
            log.exception("%s %s", "/x\r\n2026-11-22 00:00:00 INFO holdfast: forged", "/keys/hf_" + "k" * 43)
    finally:
        for name in ("holdfast", "uvicorn.error", "asyncio"):
            logging.getLogger(name).removeHandler(handler)
        handler.close()
    text = paths.engine_log.read_text()
    assert text.count("\n2026") == 0
    assert text.count("\n  2026") == 2
    assert "\x1b" not in text
    assert "kkk" not in text
    assert "/keys/hf_…" in text


def test_the_log_is_rotated_by_size(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.server.log.MAX_BYTES", 2000)
    log = open_log(paths.engine_log)
    handler = log.handlers[-1]
    try:
        for number in range(200):
            log.info("line %d", number)
    finally:
        for name in ("holdfast", "uvicorn.error", "asyncio"):
            logging.getLogger(name).removeHandler(handler)
        handler.close()
    assert paths.engine_log.stat().st_size <= 2000
    assert len(list(paths.logs.iterdir())) == 4
