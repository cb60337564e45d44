"""What the engine says of its processes and files."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from holdfast.core.config.paths import Paths
from holdfast.core.services.health import read_health

AT = datetime(2026, 11, 22, tzinfo=UTC)


def process(proc: Path, pid: int, parent: int, module: str, kilobytes: int) -> None:
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    (folder / "stat").write_text(f"{pid} (a ) name) S {parent} 1 1")
    (folder / "cmdline").write_text(f"python\0-P\0-m\0{module}\0")
    (folder / "status").write_text(f"Name:\tpython\nVmRSS:\t  {kilobytes} kB\n")


def test_the_workers_are_found_among_the_children(tmp_path: Path) -> None:
    paths, proc = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")}), tmp_path / "proc"
    paths.make()
    process(proc, os.getpid(), 1, "holdfast", 100)
    process(proc, 70, os.getpid(), "holdfast.core.models.worker", 20)
    process(proc, 71, 70, "holdfast.core.knowledge.worker", 30)
    process(proc, 72, os.getpid(), "secret.command", 30)
    process(proc, 73, os.getpid(), "holdfast.core.models.local.worker", 40)
    paths.database.write_bytes(b"12345")
    paths.database.with_name("holdfast.db-wal").write_bytes(b"123")
    (paths.knowledge / "vectors").mkdir(parents=True)
    (paths.knowledge / "vectors" / "x").write_bytes(b"12")
    health = read_health(paths, AT, (), proc)
    assert [(one.name, one.pid, one.memory_bytes) for one in health.processes] == [
        ("engine", os.getpid(), 100 * 1024),
        ("models", 70, 20 * 1024),
        ("knowledge", None, None),
        ("local", 73, 40 * 1024),
    ]
    assert (health.database_bytes, health.knowledge_bytes, health.blobs_bytes) == (8, 2, 0)
    assert health.free_bytes


def test_where_the_system_says_nothing_nothing_is_said(tmp_path: Path) -> None:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "gone")})
    health = read_health(paths, AT, (), tmp_path / "no-proc")
    assert [one.memory_bytes for one in health.processes] == [None, None, None]
    assert health.free_bytes is None and health.database_bytes == 0
