"""What the jobs of this engine have looked at, and found to be nothing to take in."""

from __future__ import annotations

from datetime import datetime

from holdfast.core.domain.knowledge import IngestResult
from holdfast.core.services.differences import Difference
from holdfast.core.services.sources import FoundFile

_MOST = 100_000


class LookedAt:
    """Remembers files that have failed, or were unchanged but for their time: as long as they stay as they
    are, they start no job by themselves. What is asked for looks at them all the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[int, datetime]] = {}

    def note(self, collection_id: str, file: FoundFile, result: IngestResult) -> None:
        """Remembers what became of a file."""
        key = (collection_id, file.path)
        self._known.pop(key, None)
        if result.status not in ("failed", "unchanged"):
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = (file.size, file.modified_at)

    def leaves(self, collection_id: str, found: Difference) -> bool:
        """Says whether there is something to do beside what was looked at."""
        new = (
            file
            for file in found.other
            if self._known.get((collection_id, file.path)) != (file.size, file.modified_at)
        )
        return bool(found.gone) or next(new, None) is not None
