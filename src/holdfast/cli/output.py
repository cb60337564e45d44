"""Printing: sanitised lines, aligned columns and JSON."""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from holdfast.cli.opening import by_lines
from holdfast.core.domain.text import sanitize, sanitize_line

if TYPE_CHECKING:
    from pydantic import BaseModel

_GAP = 2
_NARROWEST = 3


def say(text: str = "") -> None:
    """Prints sanitised text to stdout."""
    print(sanitize(text))


def warn(text: str = "") -> None:
    """Prints sanitised text to stderr."""
    print(sanitize(text), file=sys.stderr)


def advise(text: str) -> None:
    """Prints a message for a person to stderr; on a terminal its lines break between words."""
    text = sanitize(text)
    if sys.stderr.isatty():
        text = fold(text, shutil.get_terminal_size().columns)
    print(text, file=sys.stderr)


def fold(text: str, width: int) -> str:
    """Returns `text` in lines of at most `width` columns, broken between words only."""
    import textwrap  # start-up time: only messages of several lines need it

    lines = (
        textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )
    return "\n".join(lines)


def colored(stream: TextIO) -> bool:
    """Says whether colours may be written to `stream`: a terminal that has them, and NO_COLOR is not set."""
    return draws(stream) and not os.environ.get("NO_COLOR")


def draws(stream: TextIO) -> bool:
    """Says whether what is written to `stream` may be drawn over: a terminal that can, and nobody has its
    lines read out."""
    return stream.isatty() and not by_lines()


def visible(text: str) -> str:
    """Returns `text` with its control characters written out (`\\x1b`), for previews, which hide nothing."""
    text = text.replace("\r\n", "\n")
    if "\r" not in text and sanitize(text) == text:
        return text
    return "".join(c if sanitize(c) == c else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def json_line(text: str) -> str:
    """Returns the JSON `text` with control characters inside its strings as escapes: the same value."""
    if sanitize(text) == text:
        return text
    return "".join(c if sanitize(c) == c else json.dumps(c)[1:-1] for c in text)


def say_json(value: Any) -> None:
    """Prints a model, or what holds models, as indented JSON."""
    print(json_line(json.dumps(plain(value), indent=2, ensure_ascii=False)))


def plain(value: Any) -> Any:
    """Returns `value` with every pydantic model in it as plain JSON types."""
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case str() | int() | float() | bool() | None:
            return value
        case _:
            return _dumped(value)


def _dumped(model: BaseModel) -> Any:
    return model.model_dump(mode="json")


def say_table(headers: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> None:
    """Prints aligned columns that fit the terminal; `empty` when there are no rows."""
    cells = [[sanitize_line(cell) for cell in row] for row in rows]
    if not cells:
        say(empty)
        return
    for line in table([list(headers), *cells], terminal_width()):
        print(line)


def say_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Prints names and values below each other; without the empty ones."""
    filled = [(name, sanitize(str(value))) for name, value in fields if value not in (None, "")]
    widest = max((len(name) for name, _ in filled), default=0)
    for name, value in filled:
        indent = "\n" + " " * (widest + _GAP)
        print(f"{name:<{widest}}{' ' * _GAP}{value.rstrip().replace(chr(10), indent)}")


def terminal_width() -> int | None:
    """Returns the columns of the terminal that stdout is; None when it is none and nobody said a width."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return None


def table(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Returns `rows` as aligned lines of at most `width` columns; the widest columns give way first."""
    widths = [max(cells(cell) for cell in column) for column in zip(*rows, strict=True)]
    if width is not None:
        _shrink(widths, width)
    gap = " " * _GAP
    return [gap.join(_padded(cell, w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _shrink(widths: list[int], width: int) -> None:
    while sum(widths) + _GAP * (len(widths) - 1) > width and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1


def _padded(text: str, width: int) -> str:
    text = fit(text, width)
    return text + " " * (width - cells(text))


def fit(text: str, width: int) -> str:
    """Returns the start of `text` that takes at most `width` columns; a cut is shown by an ellipsis."""
    if cells(text) <= width:
        return text
    taken, used = [], 1
    for char in text:
        used += cells(char)
        if used > width:
            break
        taken.append(char)
    return "".join(taken) + "…"


def cells(text: str) -> int:
    """Returns the columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_cell(char) for char in text)


def _cell(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Returns for each id its start, as long as it must be to tell it from the others (at least 8)."""
    ids = list(dict.fromkeys(ids))
    length = 8
    while len({i[:length] for i in ids}) < len(ids):
        length += 1
    return {i: i[:length] for i in ids}


def ago(at: datetime | None) -> str:
    """Returns how long ago `at` was: `now`, `5m`, `3h`, `2d`, or the date after four weeks."""
    if at is None:
        return ""
    seconds = (datetime.now(UTC) - at).total_seconds()
    for limit, size, unit in ((3600, 60, "m"), (86_400, 3600, "h"), (2_419_200, 86_400, "d")):
        if seconds < 60:
            return "now"
        if seconds < limit:
            return f"{seconds // size:.0f}{unit}"
    return at.astimezone().strftime("%Y-%m-%d")


def when(at: datetime) -> str:
    """Returns a point of time as the clock here shows it, and how long ago it was."""
    long_ago = ago(at)
    near = "" if "-" in long_ago else f" ({long_ago})" if long_ago == "now" else f" ({long_ago} ago)"
    return f"{at.astimezone():%Y-%m-%d %H:%M}{near}"


def counted(number: int, noun: str) -> str:
    """Returns a number of things: `1 chunk`, `2,000 chunks`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def amount(size: int) -> str:
    """Returns a number of bytes for people."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
