"""What entries say as plain text, and where words stand in it."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.tui.presenters.entries import (
    ArgumentsView,
    CodeView,
    CommandView,
    DiffView,
    Entry,
    ImageView,
    PassagesView,
    PlanView,
    TableView,
    TextView,
    View,
)


def words_of(entry: Entry) -> str:
    """Returns everything that an entry says, on lines."""
    parts = [entry.title, entry.subject, entry.note, entry.text, *entry.attachments, *entry.choices]
    for view in entry.blocks:
        parts += view_words(view)
    return "\n".join(filter(None, parts))


def view_words(view: View) -> list[str]:
    """Returns what a display block says, in pieces."""
    match view:
        case TextView(text) | CodeView(_, text):
            return [text]
        case DiffView(path, diff):
            return [path, diff]
        case CommandView(command, cwd, output):
            return [command, cwd, output]
        case TableView(headers, rows):
            return [*headers, *(cell for row in rows for cell in row)]
        case ImageView(_, _, name):
            return [name]
        case ArgumentsView(items) | PlanView(items):
            return [word for item in items for word in item]
        case PassagesView(_, passages):
            return [f"{passage.label} {passage.headings}" for _, passage in passages]


def in_small(text: str) -> str:
    """Returns `text` in small letters, of the same length: a few letters would become two."""
    small = text.lower()
    if len(small) != len(text):
        small = "".join(one if len(one.lower()) != 1 else one.lower() for one in text)
    return small


def occurrences(text: str, needle: str) -> Iterator[int]:
    """Yields where `needle`, in small letters, stands in `text`, whatever the letters' case there."""
    small = in_small(text)
    at = small.find(needle)
    while at >= 0:
        yield at
        at = small.find(needle, at + len(needle))
