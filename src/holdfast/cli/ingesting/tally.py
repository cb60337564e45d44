"""What became of the items of one job, or of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from holdfast.cli.output import counted
from holdfast.core.domain.jobs import Job, JobStatus
from holdfast.core.domain.knowledge import IngestResult

DONE = 0
FAILED = 1
"""Also when only some of the items failed: a script must notice."""
CANCELLED = 130

_ORDER = ("added", "changed", "unchanged", "removed", "failed")


@dataclass
class Tally:
    """Counts items by what became of them, and keeps what failed."""

    counts: Counter[str] = field(default_factory=Counter)
    chunks: int = 0
    failures: list[IngestResult] = field(default_factory=list)
    _told: Counter[str] = field(default_factory=Counter)
    """Of the job under way."""

    def add(self, results: Iterable[IngestResult]) -> None:
        """Counts items that the job under way has settled."""
        self._told.update(result.status for result in results)

    def leave_out(self, failures: Sequence[IngestResult]) -> None:
        """Counts what came into no job."""
        self.counts["failed"] += len(failures)
        self.failures.extend(failures)

    def end(self, job: Job) -> None:
        """Closes the job under way; events tell neither of unchanged items nor of failures a second time."""
        self._told["failed"] = job.progress.failed
        self._told["unchanged"] = job.progress.unchanged
        self.counts += self._told
        self._told = Counter()
        self.chunks += job.progress.chunks
        self.failures.extend(job.failures)

    @property
    def empty(self) -> bool:
        """Whether nothing has become of anything."""
        return not any(self.counts.values())

    def __str__(self) -> str:
        """Returns the counts in words; those that are zero are left out."""
        said = [f"{self.counts[status]:,} {status}" for status in _ORDER if self.counts[status]]
        made = f"; {counted(self.chunks, 'chunk')}" if self.chunks else ""
        return f"{', '.join(said) or 'nothing to do'}{made}"

    def status(self, jobs: Sequence[Job]) -> int:
        """Returns the exit status that says how the jobs have ended."""
        if any(job.status is JobStatus.CANCELLED for job in jobs):
            return CANCELLED
        failed = self.counts["failed"] or any(job.status is JobStatus.FAILED for job in jobs)
        return FAILED if failed else DONE
