"""Text with roles: what presenters give and widgets paint.

A role is a name such as `muted` or `added`; which colour it has is the theme's matter, see
`holdfast.tui.widgets.paint`. Only the cells of a picture say their colours, `#rrggbb on #rrggbb`. Texts
in spans are already sanitised.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size

Span = tuple[str, str]
"""A text and its role; the empty role is the ordinary text."""

Line = tuple[Span, ...]
"""One line of a view; it may be wrapped when it is drawn."""

BLANK: Line = ()


def line(*parts: Span | str) -> Line:
    """Returns a line of `parts`; a plain string has no role."""
    return tuple((part, "") if isinstance(part, str) else part for part in parts)


def fit(text: str, cells: int) -> str:
    """Returns the beginning of `text` in at most `cells` cells of the screen, a cut as an ellipsis."""
    return text if cell_len(text) <= cells else set_cell_size(text, max(0, cells - 1)).rstrip() + "…"


def fit_end(text: str, cells: int) -> str:
    """Returns the end of a path or name, which says most, in at most `cells` cells of the screen."""
    if cell_len(text) <= cells:
        return text
    at, room = len(text), max(0, cells - 1)
    while at and cell_len(text[at - 1]) <= room:
        at -= 1
        room -= cell_len(text[at])
    return "…" + text[at:]


def space(text: str, cells: int) -> str:
    """Returns what fills a room of so many cells behind `text`, and parts it from what follows."""
    return " " * max(1, cells - cell_len(text) + 1)


def plain(lines: Iterable[Line]) -> str:
    """Returns the text of `lines` without roles."""
    return "\n".join("".join(text for text, _ in one) for one in lines)
