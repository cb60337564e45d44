"""How a person wants the transcript to look, as far as it changes what a block's lines are."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.tui.presenters.diffs import DiffLayout


@dataclass(slots=True)
class Looks:
    """Shared by a column and its blocks; after a change the column is made anew."""

    diff: DiffLayout = "auto"
    folded: bool | None = None
    """Whether all calls and reasoning are closed, or all open; None: each as it is by itself."""
