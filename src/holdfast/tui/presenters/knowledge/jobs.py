"""Jobs of ingestion as people follow them: a bar, figures, what failed and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.keys import shown
from holdfast.tui.presenters.figures import duration, size
from holdfast.tui.presenters.spans import Line, Span, fit, line, space

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.core.domain.jobs import Job, JobProgress
    from holdfast.core.domain.knowledge import IngestResult
    from holdfast.core.domain.user_events import OwnedEvent

Effect = Literal["none", "changed", "ended", "unknown"]
"""What an event did to the list; `unknown`: the job must be asked for."""

STATES = {
    "running": ("●", "accent"),
    "completed": ("✓", "success"),
    "failed": ("✗", "error"),
    "cancelled": ("■", "warning"),
}
BAR = 24
MOST_FAILURES = 1_000
_ENDS = {"job.completed": "completed", "job.failed": "failed", "job.cancelled": "cancelled"}


@dataclass(slots=True)
class JobView:
    """One job, sanitised; kept up to date by events."""

    id: str
    title: str
    collection_id: str
    started_at: datetime
    status: str = "running"
    done: int = 0
    total: int = 0
    failed: int = 0
    chunks: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    current: str = ""
    eta_s: float | None = None
    failures: list[tuple[str, str]] = field(default_factory=list)
    """Names of what failed, each with the reason."""
    error: str = ""
    ended_at: datetime | None = None

    @property
    def running(self) -> bool:
        return self.status == "running"

    @property
    def retryable(self) -> bool:
        """Whether something is left to try again."""
        return not self.running and (self.status != "completed" or self.failed > 0)

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1: by bytes where they are known, else by files."""
        if self.bytes_total:
            return min(1.0, self.bytes_done / self.bytes_total)
        return min(1.0, self.done / self.total) if self.total else 0.0

    def take(self, progress: JobProgress) -> None:
        self.done, self.total, self.failed = progress.done, progress.total, progress.failed
        self.chunks = progress.chunks
        self.bytes_done, self.bytes_total = progress.bytes_done, progress.bytes_total
        self.current, self.eta_s = sanitize_line(progress.current), progress.eta_s

    def fail(self, results: Iterable[IngestResult]) -> None:
        """Notes the items among `results` that failed."""
        for result in results:
            if result.status == "failed" and len(self.failures) < MOST_FAILURES:
                reason = result.error.message if result.error is not None else "no reason was given"
                self.failures.append((sanitize_line(result.name), sanitize_line(reason)))


class JobList:
    """The user's jobs, latest first."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobView] = {}
        self.loaded = False

    @property
    def jobs(self) -> list[JobView]:
        return sorted(self._jobs.values(), key=lambda job: job.started_at, reverse=True)

    @property
    def running(self) -> list[JobView]:
        return [job for job in self.jobs if job.running]

    def get(self, job_id: str | None) -> JobView | None:
        return self._jobs.get(job_id) if job_id is not None else None

    def latest(self, collection_id: str) -> JobView | None:
        """Returns the job of a collection that runs, else its last one."""
        own = [job for job in self.jobs if job.collection_id == collection_id]
        return next((job for job in own if job.running), own[0] if own else None)

    def replace(self, jobs: Iterable[Job]) -> None:
        """Takes the list as the engine gave it."""
        self._jobs = {job.id: _view(job) for job in jobs}
        self.loaded = True

    def merge(self, job: Job) -> None:
        """Takes one job that was asked for."""
        self._jobs[job.id] = _view(job)

    def apply(self, event: OwnedEvent) -> Effect:
        """Takes an event of a job in."""
        if event.type == "job.started":
            self._jobs[event.job_id] = JobView(
                event.job_id, sanitize_line(event.title), event.collection_id, event.at
            )
            return "changed"
        if event.type == "knowledge.changed" or event.type == "memory.changed":
            return "none"
        if event.type == "mcp.changed" or event.type == "user.annotated" or event.type == "model.asked":
            return "none"
        if event.type == "job.forgotten":
            return "none" if self._jobs.pop(event.job_id, None) is None else "changed"
        job = self._jobs.get(event.job_id)
        if job is None:
            return "unknown"
        if not job.running:
            return "none"
        job.take(event.progress)
        if event.type == "job.progressed":
            job.fail(event.results)
            return "changed"
        job.status, job.ended_at, job.eta_s = _ENDS[event.type], event.at, None
        if event.type == "job.failed":
            job.error = sanitize_line(event.error.message)
        return "ended"


def _view(job: Job) -> JobView:
    view = JobView(job.id, sanitize_line(job.title), job.collection_id, job.started_at)
    view.take(job.progress)
    view.status, view.ended_at = job.status.value, job.ended_at
    view.error = sanitize_line(job.error.message) if job.error is not None else ""
    view.fail(job.failures)
    return view


def number(count: int, noun: str) -> str:
    """Returns a number of things: `1 chunk`, `2,000 chunks`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(job: JobView) -> str:
    """Returns how far a job is: `34 %`; 100 only at the end."""
    return f"{min(99, int(100 * job.share))} %" if job.running else "100 %"


def bar(share: float, width: int = BAR) -> tuple[str, str]:
    """Returns the full and the empty part of a bar."""
    full = round(width * share)
    return "━" * full, "─" * (width - full)


def indexing(jobs: JobList, names: dict[str, str]) -> str:
    """Returns what is said of running jobs in one or two words: the collection and how far; empty: none."""
    running = jobs.running
    if not running:
        return ""
    if len(running) > 1:
        share = sum(job.share for job in running) / len(running)
        return f"{len(running)} jobs {min(99, int(100 * share))} %"
    name = names.get(running[0].collection_id) or running[0].title
    return f"{shorten(name, 20)} {percent(running[0])}"


def job_figures(job: JobView) -> str:
    """Returns files, chunks, bytes and what is left in one line."""
    files = number(job.total, "file")
    said = [f"{job.done:,} of {files}" if job.running else files]
    if job.chunks:
        said.append(number(job.chunks, "chunk"))
    if job.bytes_total:
        done = f"{size(job.bytes_done)} of " if job.running else ""
        said.append(done + size(job.bytes_total))
    if job.eta_s is not None and job.running:
        said.append(f"{_left(job.eta_s)} left")
    if job.failed:
        said.append(f"{job.failed:,} failed")
    return " · ".join(said)


def _left(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else duration(1000 * whole)


def _came_of(job: JobView) -> tuple[Span, str]:
    """Returns the mark of a job and what became of it in a word: one that failed in part has not just
    completed."""
    if job.running:
        return STATES["running"], percent(job)
    if job.status == "completed" and job.failed:
        mark: Span = ("!", "warning") if job.failed < job.total else ("✗", "error")
        return mark, f"{job.failed:,} failed"
    return STATES[job.status], job.status


def job_row(job: JobView, width: int) -> tuple[Line, Line]:
    """Returns a job as two lines of a list: its title and state; the bar, or what came of it."""
    glyph, state = _came_of(job)
    room = max(4, width - len(state) - 3)
    title = fit(job.title, room - 1)
    first = line(glyph, " ", (title, "strong"), (space(title, room) + state, glyph[1]))
    if not job.running:
        return first, line("  ", (job.error or job_figures(job), "error" if job.error else "muted"))
    full, empty = bar(job.share, min(BAR, max(6, width // 4)))
    return first, line("  ", (full, "accent"), (empty, "muted"), (f" {job_figures(job)}", "muted"))


def job_detail(job: JobView | None) -> list[Line]:
    """Returns all that is known of a job: figures, what it works on, what failed with the reason."""
    if job is None:
        return []
    lines = [line((job.title, "heading")), line((job_figures(job), "muted"))]
    if job.running and job.current:
        lines.append(line(("now  ", "muted"), job.current))
    if job.error:
        lines.append(line((job.error, "error")))
    if job.running:
        lines.append(
            line((shown("collections.cancel"), "key"), (" cancels it; what was taken in stays", "muted"))
        )
    elif job.retryable:
        lines.append(
            line(
                (shown("collections.retry"), "key"), (" tries again what failed or was not reached", "muted")
            )
        )
    if job.failures:
        others = ", the others are in:" if job.status == "completed" and job.failed < job.total else ":"
        lines += [(), line((f"{len(job.failures):,} failed", "error"), (others, "muted"))]
        for name, reason in job.failures:
            lines += [line(("✗ ", "error"), (name, "strong")), line(("  ", ""), (reason, "muted"))]
    return lines
