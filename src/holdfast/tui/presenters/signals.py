"""What is written to the terminal to reach a person who looks elsewhere: notifications and titles.

Texts come from outside; no control character of them gets into a sequence, so none can end it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from holdfast.core.domain.text import sanitize_line, shorten

Way = Literal["auto", "off", "bell", "osc9", "osc777", "osc99"]

BELL = "\x07"
MOST = 120
"""Characters of one text in a notification or title."""
_PROGRAMS: dict[str, Way] = {
    "iterm.app": "osc9",
    "wezterm": "osc9",
    "ghostty": "osc9",
    "warpterminal": "osc777",
    "rio": "osc777",
}
"""By `TERM_PROGRAM`."""
_TERMS: tuple[tuple[str, Way], ...] = (
    ("xterm-kitty", "osc99"),
    ("xterm-ghostty", "osc9"),
    ("foot", "osc777"),
    ("rxvt-unicode", "osc777"),
    ("wezterm", "osc9"),
)
"""By how `TERM` begins."""


def way_for(setting: Way, environ: Mapping[str, str]) -> Way:
    """Returns how to notify: the setting, or for `auto` what the terminal is known to understand.

    Inside of tmux and screen it is the bell: they mark the window that rang it, and pass nothing else on
    unless they were told to.
    """
    if setting != "auto":
        return setting
    term = environ.get("TERM", "")
    if environ.get("TMUX") or term.startswith(("screen", "tmux")):
        return "bell"
    by_term: Way = next((way for start, way in _TERMS if term.startswith(start)), "bell")
    return _PROGRAMS.get(environ.get("TERM_PROGRAM", "").casefold(), by_term)


def notification(way: Way, title: str, body: str, in_tmux: bool = False) -> str:
    """Returns what to write for a notification; empty for `off`."""
    title, body = _clean(title), _clean(body)
    if way == "off":
        return ""
    if way == "osc9":
        return _passed(f"\x1b]9;{title}: {body}\x07", in_tmux)
    if way == "osc777":
        parts = (text.replace(";", ",") for text in (title, body))
        return _passed(f"\x1b]777;notify;{';'.join(parts)}\x07", in_tmux)
    if way == "osc99":
        begin, end = f"\x1b]99;i=holdfast:d=0;{title}\x1b\\", f"\x1b]99;i=holdfast:p=body;{body}\x1b\\"
        return _passed(begin, in_tmux) + _passed(end, in_tmux)
    return BELL


def _clean(text: str) -> str:
    return shorten(" ".join(sanitize_line(text).split()), MOST)


def _passed(sequence: str, in_tmux: bool) -> str:
    """Returns the sequence as tmux hands it on to its own terminal, where `allow-passthrough` lets it."""
    return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\" if in_tmux else sequence


def window_title(session: str, busy: bool, waiting: int, ended: str = "") -> str:
    """Returns the window's title: what needs the person goes first, then what has `ended` unseen (`done`,
    `failed`), then whether the open session is busy."""
    name = f"Holdfast: {_clean(session)}" if session.strip() else "Holdfast"
    if waiting:
        needs = "needs you" if waiting == 1 else f"{waiting} need you"
        return f"⚠ {needs} · {name}"
    if ended:
        return f"{'✗' if ended == 'failed' else '✓'} {ended} · {name}"
    return f"● {name}" if busy else name
