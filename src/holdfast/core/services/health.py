"""What the engine's processes and files take, as far as the system says it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from holdfast.core.config.paths import Paths
from holdfast.core.domain.health import EngineHealth, ModelFailure, ProcessHealth, ProcessName

WORKERS: dict[ProcessName, str] = {
    "models": "holdfast.core.models.worker",
    "knowledge": "holdfast.core.knowledge.worker",
}
"""The workers by the module that each of them runs."""
_LOCAL = "holdfast.core.models.local.worker"
_PROC = Path("/proc")


def read_health(
    paths: Paths, started_at: datetime, failures: tuple[ModelFailure, ...], proc: Path = _PROC
) -> EngineHealth:
    """Returns how the engine does that calls this; takes a while where there are many files."""
    return EngineHealth(
        started_at=started_at,
        processes=_processes(proc),
        database_bytes=sum(map(_size, paths.database.parent.glob(f"{paths.database.name}*"))),
        knowledge_bytes=_folder_size(paths.knowledge),
        blobs_bytes=_folder_size(paths.blobs),
        free_bytes=_free(paths.data),
        failures=failures,
    )


def _processes(proc: Path) -> tuple[ProcessHealth, ...]:
    own = os.getpid()
    found = [ProcessHealth(name="engine", pid=own, memory_bytes=_memory(proc, own))]
    children = {_module(proc, pid): pid for pid in _children(proc, own)}
    for name, module in WORKERS.items():
        pid = children.get(module)
        memory = _memory(proc, pid) if pid is not None else None
        found.append(ProcessHealth(name=name, pid=pid, memory_bytes=memory))
    if (pid := children.get(_LOCAL)) is not None:
        found.append(ProcessHealth(name="local", pid=pid, memory_bytes=_memory(proc, pid)))
    return tuple(found)


def _children(proc: Path, parent: int) -> Iterator[int]:
    """Yields the processes that `parent` has started; none where the system has no `/proc`."""
    for folder in proc.glob("[0-9]*"):
        # The name, which stands in brackets, may hold anything; what follows is numbers.
        fields = _text(folder / "stat").rpartition(")")[2].split()
        if len(fields) > 1 and fields[1] == str(parent):
            yield int(folder.name)


def _module(proc: Path, pid: int) -> str:
    words = _text(proc / str(pid) / "cmdline").split("\0")
    return words[words.index("-m") + 1] if "-m" in words[:-1] else ""


def _memory(proc: Path, pid: int) -> int | None:
    for line in _text(proc / str(pid) / "status").splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()
        if name == "VmRSS" and number and number[0].isdigit():
            return int(number[0]) * 1024
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it ended meanwhile, it is somebody else's, or there is no /proc
        return ""


def _folder_size(folder: Path) -> int:
    return sum(_size(Path(parent, name)) for parent, _, names in os.walk(folder) for name in names)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
