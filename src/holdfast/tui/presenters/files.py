"""The files pane as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.figures import size
from holdfast.tui.presenters.spans import Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.files import FileEntry

STATES = {
    "created": ("new", "success"),
    "modified": ("changed", "accent"),
    "deleted": ("deleted", "error"),
    "unchanged": ("", "muted"),
}


@dataclass(frozen=True, slots=True)
class FileRow:
    """One line of the files pane."""

    path: str
    """As the engine knows it: to ask for the file, not to be shown."""
    name: str
    size: str
    state: str
    role: str
    run: str
    """Which run changed it last, for example `run 3`."""

    @property
    def deleted(self) -> bool:
        return self.state == "deleted"


def file_rows(entries: Iterable[FileEntry], run_numbers: dict[str, int]) -> list[FileRow]:
    """Returns the files, those that runs changed first; `run_numbers` names the session's runs."""
    rows = [_row(entry, run_numbers) for entry in entries]
    return sorted(rows, key=lambda row: (row.state == "", row.deleted, row.name))


def _row(entry: FileEntry, run_numbers: dict[str, int]) -> FileRow:
    state, role = STATES[entry.state]
    number = run_numbers.get(entry.run_id or "")
    return FileRow(
        path=entry.path,
        name=sanitize_line(entry.path),
        size="" if entry.state == "deleted" else size(entry.size),
        state=state,
        role=role,
        run=f"run {number}" if number else "",
    )


def row_lines(row: FileRow) -> tuple[Line, Line]:
    """Returns the name of a file, and below it what is known."""
    name = line((row.name, "struck" if row.deleted else ("strong" if row.state else "")))
    facts = [(row.size, "muted"), (row.state, row.role), (row.run, "muted")]
    spans = [("  ", "muted")]
    for text, role in facts:
        if not text:
            continue
        if len(spans) > 1:
            spans.append((" · ", "muted"))
        spans.append((text, role))
    return name, tuple(spans)


def changed_line(before: Iterable[FileEntry], after: Iterable[FileEntry], verb: str) -> str:
    """Returns what undo or redo did, in one sentence: what differs between two lists of the files."""
    old, new = ({entry.path: entry for entry in entries} for entries in (before, after))
    names = [sanitize_line(path) for path in sorted({**old, **new}) if old.get(path) != new.get(path)]
    if not names:
        return f"Nothing to {verb}."
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{'Undone' if verb == 'undo' else 'Redone'}: {shown}"
