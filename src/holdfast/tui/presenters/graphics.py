"""Which graphics a terminal can draw, by what its environment says: it is never asked.

The answer to a question would come as if it was typed, and Textual reads what is typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Graphics = Literal["kitty", "sixel", "blocks"]

_BY_PROGRAM: dict[str, Graphics] = {
    "ghostty": "kitty",
    "WezTerm": "sixel",
    "iTerm.app": "sixel",
    "contour": "sixel",
    "mlterm": "sixel",
}
_BY_TERM: tuple[tuple[str, Graphics], ...] = (
    ("xterm-kitty", "kitty"),
    ("xterm-ghostty", "kitty"),
    ("foot", "sixel"),
    ("contour", "sixel"),
    ("mlterm", "sixel"),
    ("yaft", "sixel"),
)


def graphics_of(setting: str, environ: Mapping[str, str]) -> Graphics:
    """Returns how images are drawn; `setting` is that of `tui.images`. What passes terminals on, such as
    tmux, or draws in a browser, gets half blocks unless the setting says otherwise."""
    if setting in ("kitty", "sixel", "blocks"):
        return setting  # type: ignore[return-value]  # one of these three
    term = environ.get("TERM", "")
    if environ.get("TMUX") or environ.get("STY") or term.startswith(("tmux", "screen")):
        return "blocks"
    if environ.get("TEXTUAL_DRIVER"):
        return "blocks"
    if environ.get("KITTY_WINDOW_ID"):
        return "kitty"
    for name, graphics in _BY_TERM:
        if term.startswith(name):
            return graphics
    konsole = environ.get("KONSOLE_VERSION", "")
    if konsole.isdecimal() and int(konsole) >= 220_400:
        return "sixel"
    return _BY_PROGRAM.get(environ.get("TERM_PROGRAM", ""), "blocks")
