"""Text with roles: what presenters give and widgets paint.

A role is a name such as `muted` or `added`; which colour it has is the theme's matter, see
`holdfast.tui.widgets.paint`. Only the cells of a picture say their colours, `#rrggbb on #rrggbb`. Texts
in spans are already sanitised.
"""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[str, str]
"""A text and its role; the empty role is the ordinary text."""

Line = tuple[Span, ...]
"""One line of a view; it may be wrapped when it is drawn."""

BLANK: Line = ()


def line(*parts: Span | str) -> Line:
    """Returns a line of `parts`; a plain string has no role."""
    return tuple((part, "") if isinstance(part, str) else part for part in parts)


def plain(lines: Iterable[Line]) -> str:
    """Returns the text of `lines` without roles."""
    return "\n".join("".join(text for text, _ in one) for one in lines)
