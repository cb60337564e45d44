"""CPU and memory of a process and of all that it has started. Linux."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path


def tree(pid: int) -> list[int]:
    """Returns a process and its descendants; none for one that is gone."""
    return [pid, *_below(pid)] if Path(f"/proc/{pid}").exists() else []


def _below(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue  # the thread has ended
        for child in map(int, children):
            yield child
            yield from _below(child)


def cpu_seconds(pid: int) -> float:
    """CPU of a process since it began, with that of its children that have ended, and of those that run."""
    return sum(map(_cpu_of, tree(pid)))


def _cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        own = own_cpu_seconds(pid)
    except OSError:
        return 0.0
    ended = int(fields[13]) + int(fields[14])
    return own + ended / os.sysconf("SC_CLK_TCK")


def own_cpu_seconds(pid: int) -> float:
    """CPU of a process alone. Raises `OSError` when it is gone."""
    return time.clock_gettime((~pid << 3) | 2)  # the clock of another process, in nanoseconds


def memory_mb(pid: int) -> float:
    """Memory of a process and its descendants; pages that several share count once, in parts."""
    return sum(map(_memory_of, tree(pid)))


def _memory_of(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def peak_mb(pid: int) -> float:
    """The most memory that a process itself has had since it began, or since `forget_peak`."""
    return _status_mb(pid, "VmHWM:")


def resident_mb(pid: int) -> float:
    """Resident memory of a process itself."""
    return _status_mb(pid, "VmRSS:")


def forget_peak(pid: int) -> None:
    """Begins the peak anew at what the process has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status_mb(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))
