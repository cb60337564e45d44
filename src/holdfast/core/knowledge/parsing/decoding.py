"""Bytes to text, whatever their encoding; and the text as it may be kept."""

from __future__ import annotations

import codecs
import re

from holdfast.core.domain.text import sanitize

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PROBE = 16_384
"""Bytes from which an encoding is guessed."""
_SPACED = str.maketrans({"\f": " ", "\v": " "})
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def decode(data: bytes) -> str:
    """Returns the text of `data`, never fails: what no encoding explains becomes replacement characters.

    A byte order mark decides; else UTF-16 by where its zeros stand, UTF-8, the encoding that
    `charset_normalizer` finds the most plausible, and Windows' Latin at last.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    wide = wide_encoding(data)
    if wide is not None:
        return data.decode(wide, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        first_bad = error.start
    if _mostly_utf8(data):
        return data.decode("utf-8", "replace")
    return data.decode(_plausible(data, first_bad), "replace")


def wide_encoding(data: bytes) -> str | None:
    """Returns `utf-16-le` or `utf-16-be` for text of that kind without a mark, told by its zeros; else None.

    Every letter of a Latin script has one, and every blank of any other.
    """
    probe = data[: _PROBE & ~1]
    even, odd = probe[::2].count(0), probe[1::2].count(0)
    if max(even, odd) * 50 < len(probe) // 2 or min(even, odd) * 20 > max(even, odd):
        return None
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    try:
        text = probe[: len(probe) & ~1].decode(encoding)
    except UnicodeDecodeError:  # numbers of two bytes
        return None
    return encoding if len(_CONTROLS.findall(text)) * 50 <= len(text) else None


def clean(text: str) -> str:
    """Returns `text` as it may be kept and shown: no control characters, no lone surrogates.

    Lines end with a newline alone, and stay as many as they were.
    """
    spaced = text.translate(_SPACED) if "\f" in text or "\v" in text else text
    cleaned = sanitize(spaced)
    if cleaned.isascii():
        return cleaned
    return _SURROGATES.sub("\ufffd", cleaned).removeprefix("\ufeff")


def _mostly_utf8(data: bytes) -> bool:
    """Whether only a few bytes keep `data` from being UTF-8: a truncated end, a spot of damage."""
    probe = data[: 1 << 20]
    text = probe.decode("utf-8", "replace")
    good = sum(1 for c in text if c > "\x7f" and c != "\ufffd")
    return text.count("\ufffd") * 10 <= good


def _plausible(data: bytes, first_bad: int) -> str:
    from charset_normalizer import from_bytes  # most documents never need it

    start = max(0, first_bad - _PROBE // 4)
    best = from_bytes(data[start : start + _PROBE]).best()
    return best.encoding if best is not None else "cp1252"
