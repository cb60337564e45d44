"""How far a job is, in words. Pure: no output, no waiting."""

from __future__ import annotations

from holdfast.cli.output import amount, counted
from holdfast.core.domain.jobs import JobProgress

_WIDTH = 20
_PARTS = " ▏▎▍▌▋▊▉█"


def bar(share: float) -> str:
    """Returns a bar of fixed width that is filled by `share`, from 0 to 1."""
    eighths = round(min(max(share, 0.0), 1.0) * _WIDTH * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_PARTS[rest] if rest else "")).ljust(_WIDTH, "░")


def share(progress: JobProgress) -> float:
    """Returns how much of a job is done: by bytes where they are known, else by files."""
    if progress.bytes_total:
        return progress.bytes_done / progress.bytes_total
    return progress.done / progress.total if progress.total else 0.0


def figures(progress: JobProgress) -> str:
    """Returns files, chunks, bytes and the time that is left."""
    return " · ".join(filter(None, (_counts(progress), _left(progress))))


def _left(progress: JobProgress) -> str:
    return f"{duration(progress.eta_s)} left" if progress.eta_s else ""


def _counts(progress: JobProgress) -> str:
    size = amount(progress.bytes_done)
    if progress.bytes_total:
        size = f"{size} of {amount(progress.bytes_total)}"
    failed = [f"{progress.failed:,} failed"] if progress.failed else []
    files = f"{progress.done:,}/{counted(progress.total, 'file')}"
    return " · ".join((files, *failed, counted(progress.chunks, "chunk"), size))


def live(progress: JobProgress) -> str:
    """Returns the one line that a terminal shows while a job goes on; what matters least is at its end, where
    a narrow terminal cuts it."""
    if not progress.total:
        return f"{bar(0.0)} looking what there is"
    said = (_left(progress), _counts(progress), progress.current)
    return f"{bar(share(progress))} {' · '.join(filter(None, said))}"


def duration(seconds: float) -> str:
    """Returns a time for people: `8 s`, `2 min 5 s`, `1 h 20 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
