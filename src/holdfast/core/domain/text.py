"""The one sanitiser: makes text from outside safe to print on a terminal.

Model output, file names and tool output may hold terminal escapes. Neither Textual nor a plain print
removes them, so every text passes here where it becomes a view model or reaches stdout.
This module imports nothing heavy: the terminal app uses it before anything else is loaded.
"""

from __future__ import annotations

_KEEP = {0x09, 0x0A}
# C0 but tab and newline, DEL, C1; and the invisible characters that reorder text, so that a file name
# or a command in an approval always reads in the order it is stored (the "Trojan Source" attack).
_REORDER = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
# A second alphabet that no font shows and every model reads: tags, the selectors in which bytes are hidden,
# and signs without width or meaning.
_UNSEEN = [*range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0), *range(0x2060, 0x2065), 0xFEFF]
_REMOVED = {c: None for c in [*range(0x20), 0x7F, *range(0x80, 0xA0), *_REORDER, *_UNSEEN] if c not in _KEEP}
_ONLY_UNSEEN = dict.fromkeys(_UNSEEN)
_ONE_LINE = {**_REMOVED, **dict.fromkeys((0x09, 0x0A, 0x2028, 0x2029), " ")}


def sanitize(text: str) -> str:
    """Returns `text` without control and unseen characters; newline and tab stay, CR LF and CR become
    newline."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.translate(_REMOVED)


def sanitize_line(text: str) -> str:
    """Returns `text` as one line without control characters, for names, titles and headers."""
    return text.translate(_ONE_LINE)


def without_unseen(text: str) -> str:
    """Returns `text` without the characters that nobody sees, and a model reads all the same: for what people
    approve by looking at it."""
    return text.translate(_ONLY_UNSEEN)


def is_utf8(text: str) -> bool:
    """Says whether `text` can be encoded: names of files may hold halves of characters, which cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shorten(text: str, limit: int) -> str:
    """Returns at most `limit` characters of `text`; a cut is shown by an ellipsis."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"
