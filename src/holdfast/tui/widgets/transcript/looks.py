"""How a person wants the transcript to look, as far as it changes what a block's lines are."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.tui.presenters.diffs import DiffLayout
from holdfast.tui.presenters.spans import Line

Picture = tuple[str, int]
"""An image as it is drawn: its blob, and the columns that it may take."""
MOST_PICTURES = 24


@dataclass(slots=True)
class Looks:
    """Shared by a column and its blocks; after a change the column is made anew."""

    diff: DiffLayout = "auto"
    folded: bool | None = None
    """Whether all calls and reasoning are closed, or all open; None: each as it is by itself."""
    pictures: dict[Picture, list[Line]] = field(default_factory=dict)
    """Images that are drawn; no lines for one that cannot be."""
    _wanted: dict[Picture, None] = field(default_factory=dict)
    _asked: set[Picture] = field(default_factory=set)

    def picture(self, blob: str, columns: int) -> list[Line]:
        """Returns the lines of an image; none while it is not drawn, then it is noted as wanted."""
        picture = (blob, columns)
        if picture not in self.pictures and picture not in self._asked:
            self._wanted[picture] = None
        return self.pictures.get(picture, [])

    def take_wanted(self) -> list[Picture]:
        """Returns the images that somebody looked for, each once."""
        wanted = list(self._wanted)
        self._asked.update(wanted)
        self._wanted.clear()
        return wanted

    def keep(self, blob: str, columns: int, lines: list[Line]) -> None:
        """Takes the lines of an image; of many, the oldest are forgotten."""
        self.pictures[blob, columns] = lines
        for oldest in list(self.pictures)[:-MOST_PICTURES]:
            del self.pictures[oldest]
            self._asked.discard(oldest)
