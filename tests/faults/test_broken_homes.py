"""Homes that cannot be used: read-only, full, locked, of a newer version. Clear words, and no damage."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.bench import Bench, all_events, until
from tests.faults.disk import SmallDisk
from tests.runs.grammar import check

from holdfast.core.store.migrations import VERSION

pytestmark = pytest.mark.thorough

AGENT = "description: Talks.\ntools: []\nmodel: {model}\n"


def talker(bench: Bench, words: str = "word ", **more: Any) -> None:
    model = bench.script("s", [{"type": "text", "text": words, **more.pop("text", {})}], **more)
    bench.agent("talker", AGENT.format(model=model))


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


# --- read-only


@pytest.mark.parametrize("place", ["FILE/home", "/proc/holdfast"])
def test_a_home_that_cannot_be_made_is_named(bench: Bench, place: str) -> None:
    blocked = bench.root / "file"
    blocked.write_text("not a folder")
    place = place.replace("FILE", str(blocked))
    bench.environment["HOLDFAST_HOME"] = place
    for command in (["run", "guide", "help"], ["sessions", "list"], ["keys", "provider", "list"]):
        done = bench.run(*command)
        assert (done.returncode, done.stdout) == (1, ""), command
        assert place in done.stderr and "Traceback" not in done.stderr
    doctor = bench.run("doctor")
    assert doctor.returncode == 1 and "Set HOLDFAST_HOME" in doctor.stdout
    with bench.open() as terminal:
        terminal.wait_for("cannot be written: ", re.compile(r"set\s+HOLD\s*FAST_HOME"))
        assert terminal.wait_end() == 1
    assert blocked.read_text() == "not a folder"


def test_a_home_that_became_read_only_is_left_as_it_is(bench: Bench, disk: SmallDisk) -> None:
    bench.done("run", "guide", "help")
    bench.done("engine", "stop")
    before = contents(bench.home)
    disk.lock()
    for command in (["run", "guide", "help"], ["sessions", "list"]):
        done = bench.run(*command)
        assert done.returncode == 1, command
        assert "Read-only" in done.stderr and "Traceback" not in done.stderr
    assert "Not writable" in bench.run("doctor").stdout
    with bench.open() as terminal:
        terminal.wait_for("cannot be written")
        assert terminal.wait_end() == 1
    assert contents(bench.home) == before
    disk.unlock()
    assert len(bench.json("sessions", "list")) == 1


# --- full


async def test_a_full_disk_ends_the_run_clearly_and_all_goes_on_when_there_is_space(
    bench: Bench, disk: SmallDisk
) -> None:
    talker(bench, "w" * 4000, text={"repeat": 300}, delay_s=0.005)
    bench.done("run", "guide", "help")
    engine = bench.engine
    disk.fill(but=500_000)
    cut = bench.run("run", "talker", "go")
    assert cut.returncode == 1
    assert "The disk is full" in cut.stderr or "No space left" in cut.stderr
    assert cut.stdout.startswith("wwww"), "what came before is shown"
    refused = bench.run("run", "talker", "-", stdin="a long message " * 20_000)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert [one["status"] for one in bench.json("sessions", "list")].count("running") == 0
    disk.empty()
    assert bench.run("run", "talker", "go").returncode == 0
    assert bench.engine == engine, "the engine lived through it"
    bench.kill_engine()
    workbench = bench.start_engine()
    events = await all_events(workbench)
    await workbench.close()
    assert all(run.ended for run in check(events).values())
    kept = "".join(e.event.text for e in events if e.event.type == "part.delta")
    assert cut.stdout.strip() in kept


# --- locked


def test_a_database_that_another_program_holds_for_a_while_loses_nothing(bench: Bench) -> None:
    talker(bench, text={"repeat": 50}, delay_s=0.01)
    bench.done("run", "guide", "help")
    with closing(sqlite3.connect(bench.paths.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        running = bench.start("run", "talker", "go")
        time.sleep(1.5)  # less than the five seconds for which the engine waits
        other.execute("ROLLBACK")
        said, errors = running.communicate(timeout=30)
    assert running.returncode == 0, errors
    assert said == "word " * 50 + "\n"


# --- of a newer version


def test_a_database_of_a_newer_version_is_refused_and_left_alone(bench: Bench) -> None:
    bench.done("run", "guide", "help")
    bench.done("engine", "stop")
    set_version(bench, 999)
    before = contents(bench.paths.data)
    for command in (["run", "guide", "help"], ["sessions", "list"]):
        done = bench.run(*command)
        assert (done.returncode, done.stdout) == (1, ""), command
        assert "version 999" in done.stderr and "newer Holdfast" in done.stderr
        assert "Traceback" not in done.stderr
    doctor = bench.run("doctor")
    assert doctor.returncode == 1 and "999" in doctor.stdout
    with bench.open() as terminal:
        terminal.wait_for("engine failed", "version 999", "newer Holdfast")
        terminal.type("still alive")
        terminal.wait_for("still alive")
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0
    until(lambda: bench.engine is None, "the engine that could not start has left")
    after = contents(bench.paths.data)
    assert {name: after.get(name) for name in before if name != "engine.lock"} == {
        name: digest for name, digest in before.items() if name != "engine.lock"
    }
    assert not any(path.stat().st_size for path in bench.paths.data.glob("*-wal"))
    set_version(bench, VERSION)
    assert len(bench.json("sessions", "list")) == 1


def set_version(bench: Bench, number: int) -> None:
    with closing(sqlite3.connect(bench.paths.database)) as database:
        database.execute(f"PRAGMA user_version = {number}")


def test_what_is_no_database_is_named_and_left_alone(bench: Bench) -> None:
    bench.paths.make()
    bench.paths.database.write_bytes(b"these are my notes, not a database\n" * 100)
    done = bench.run("run", "guide", "help")
    assert done.returncode == 1
    assert "is damaged" in done.stderr and "holdfast doctor" in done.stderr
    assert bench.run("doctor").returncode == 1
    assert bench.paths.database.read_bytes().startswith(b"these are my notes")
