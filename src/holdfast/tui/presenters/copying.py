"""What is copied of an entry, and how that is said."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.tui.presenters.entries import (
    ArgumentsView,
    CommandView,
    DiffView,
    Entry,
    PassagesView,
    PlanView,
    TableView,
    View,
)
from holdfast.tui.presenters.spans import plain
from holdfast.tui.presenters.words import view_words


def source_of(entry: Entry) -> str:
    """Returns an entry as one would paste it: a message as it was written, of a call what it was given and
    what came out."""
    if entry.kind in ("user", "reply", "reasoning", "queued", "question"):
        return "\n".join(filter(None, (entry.text, *_numbered(entry.choices))))
    if entry.kind == "tool":
        parts = [_source(view) for view in entry.blocks] + [entry.text]
        said = "\n\n".join(part.rstrip("\n") for part in parts if part.strip())
        return said or "  ".join(filter(None, (entry.title, entry.subject)))
    parts = [entry.title, entry.text, *(_source(view) for view in entry.blocks)]
    return "\n".join(filter(None, parts))


def _numbered(choices: Iterable[str]) -> list[str]:
    return [f"{number}. {choice}" for number, choice in enumerate(choices, 1)]


def _source(view: View) -> str:
    match view:
        case DiffView(_, diff):
            return diff
        case CommandView(command, _, output):
            return "\n".join(filter(None, (f"$ {command}", output)))
        case TableView(headers, rows):
            return table_source(headers, rows)
        case ArgumentsView(items):
            return "\n".join(f"{name}: {value}" for name, value in items)
        case PlanView(items):
            return "\n".join(f"- [{'x' if done == 'completed' else ' '}] {text}" for text, done in items)
        case PassagesView(head, _):
            return "\n".join([plain(head), *view_words(view)])
        case _:
            return "\n".join(view_words(view))


def table_source(headers: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a table as Markdown."""
    heads = [_cell(one) for one in headers]
    lines = [heads, ["---"] * len(heads), *([_cell(one) for one in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def copied(text: str) -> str:
    """Returns what is said after `text` was copied."""
    count = text.rstrip("\n").count("\n") + 1
    if count > 1:
        return f"Copied {count:,} lines."
    return f"Copied {len(text):,} characters." if len(text) != 1 else "Copied one character."
