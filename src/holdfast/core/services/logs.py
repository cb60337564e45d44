"""Reads the logs of an engine from their ends: bounded, without secrets, safe for a terminal."""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.logs import LEVELS, LogLevel, LogLine, LogName, LogPage, without_keys
from holdfast.core.domain.text import sanitize, shorten

MOST_BYTES = 4 * 1024 * 1024
"""So much of a log is read at once, and searched through, at most."""
LONGEST_RECORD = 20_000
"""Characters of one record; what is longer is cut."""

_FILES: dict[LogName, str] = {
    "engine": "engine.log",
    "models": "model-worker.log",
    "knowledge": "knowledge-worker.log",
    "app": "cli.log",
}
_STAMP = re.compile(rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[\d.,+:]* ")
_LEVELS = {name.upper(): name for name in LEVELS}
_HEAD = re.compile(r"([A-Z]+) ([\w.-]+): ")


@dataclass(frozen=True, slots=True)
class _Part:
    """One file of a log, which is rotated."""

    inode: int
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class _Record:
    place: str
    """Where it begins."""
    end: str
    raw: bytes


class LogReader:
    """The logs of one home. `redact` takes the secrets out that the engine knows."""

    def __init__(self, paths: Paths, redact: Callable[[str], str]) -> None:
        self._folder = paths.logs
        self._redact = redact

    def read(
        self,
        name: LogName = "engine",
        limit: int = 200,
        level: LogLevel = "debug",
        words: str = "",
        before: str | None = None,
        after: str | None = None,
    ) -> LogPage:
        """Returns the last `limit` lines of at least `level` with all `words` in them: those before a place,
        or the first after one. Nothing older than `MOST_BYTES` before the place is looked at.

        Raises `InvalidError` for a place that is none.
        """
        parts = self._parts(name)
        if after is not None:
            return self._newer(parts, name, limit, level, words, _place(after))
        found: list[tuple[str, LogLine]] = []
        end = f"{parts[-1].inode}.0" if parts else "0.0"
        newest = True
        for record in self._backwards(parts, name, None if before is None else _place(before)):
            if newest and parts and record.end.startswith(f"{parts[-1].inode}."):
                end = record.end
            newest = False
            line = self._line(record.raw, name)
            if _fits(line, level, words):
                found.append((record.place, line))
            if len(found) == limit:
                return LogPage(lines=_lines(found[::-1]), before=record.place, after=end)
        return LogPage(lines=_lines(found[::-1]), after=end)

    def _newer(
        self,
        parts: list[_Part],
        name: LogName,
        limit: int,
        level: LogLevel,
        words: str,
        at: tuple[int, int],
    ) -> LogPage:
        inodes = [part.inode for part in parts]
        first = inodes.index(at[0]) if at[0] in inodes else 0
        place = f"{at[0]}.{at[1]}"
        lines: list[LogLine] = []
        for part in parts[first:]:
            start = at[1] if part.inode == at[0] and at[1] <= part.size else 0
            for record in _records(part, start, min(part.size, start + MOST_BYTES), name):
                place = record.end
                line = self._line(record.raw, name)
                if _fits(line, level, words):
                    lines.append(line)
                if len(lines) == limit:
                    return LogPage(lines=tuple(lines), after=place)
        return LogPage(lines=tuple(lines), after=place)

    def _backwards(
        self, parts: list[_Part], name: LogName, before: tuple[int, int] | None
    ) -> Iterator[_Record]:
        budget = MOST_BYTES
        skipping = before is not None and any(part.inode == before[0] for part in parts)
        for part in reversed(parts):
            end = part.size
            if skipping and before is not None:
                if part.inode != before[0]:
                    continue
                skipping, end = False, min(before[1], part.size)
            start = max(0, end - budget)
            records = list(_records(part, start, end, name))
            yield from reversed(records[1:] if start else records)  # the first may lack its beginning
            budget -= end - start
            if budget <= 0:
                return

    def _parts(self, name: LogName) -> list[_Part]:
        """Returns the files of a log, oldest first."""
        file = self._folder / _FILES[name]
        found = []
        for path in (*(file.with_name(f"{file.name}.{n}") for n in (3, 2, 1)), file):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                found.append(_Part(status.st_ino, path, status.st_size))
        return found

    def _line(self, raw: bytes, name: LogName) -> LogLine:
        text = self._redact(without_keys(raw.decode("utf-8", "replace")))
        text = shorten(sanitize(text), LONGEST_RECORD)
        level: LogLevel = "error" if name == "app" else "info"
        at = ""
        source: str = "holdfast" if name == "app" else name
        if stamp := _STAMP.match(raw):
            at = raw[: stamp.end()].decode("ascii").strip()
            text = text[stamp.end() :]
            head = _HEAD.match(text)
            if head and head[1] in _LEVELS:
                level, source, text = _LEVELS[head[1]], head[2], text[head.end() :]
        elif name != "app" and (word := next((one for one in _LEVELS if one in text[:200]), "")):
            level = _LEVELS[word]
        return LogLine(at=at, level=level, source=source, text=text)


def _records(part: _Part, start: int, end: int, name: LogName) -> Iterator[_Record]:
    """Yields the records between two places of a file; a line that has not ended yet is left for later."""
    try:
        handle = os.open(part.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as stream:
            stream.seek(start)
            data = stream.read(max(0, end - start))
    except FileNotFoundError:  # rotated away just now
        return
    begin, position = start, start
    for line in io.BytesIO(data):  # a lone \r, as progress bars write it, ends no line
        if not line.endswith(b"\n"):
            break
        if position > begin and not _goes_on(line, name):
            yield _record(part, data, start, begin, position)
            begin = position
        position += len(line)
    if position > begin:
        yield _record(part, data, start, begin, position)


def _record(part: _Part, data: bytes, start: int, begin: int, end: int) -> _Record:
    raw = data[begin - start : end - start].rstrip(b"\n")
    return _Record(f"{part.inode}.{begin}", f"{part.inode}.{end}", raw)


def _goes_on(line: bytes, name: LogName) -> bool:
    """Says whether a line belongs to the record before it."""
    return not _STAMP.match(line) if name == "app" else line[:1] in (b" ", b"\t", b"\n")


def _fits(line: LogLine, level: LogLevel, words: str) -> bool:
    if LEVELS.index(line.level) < LEVELS.index(level):
        return False
    text = f"{line.source} {line.text}".casefold()
    return all(word in text for word in words.casefold().split())


def _lines(found: list[tuple[str, LogLine]]) -> tuple[LogLine, ...]:
    return tuple(line for _, line in found)


def _place(text: str) -> tuple[int, int]:
    inode, _, offset = text.partition(".")
    if not (inode.isascii() and inode.isdigit() and offset.isascii() and offset.isdigit()):
        raise InvalidError(
            "This is no place in a log; give one back as an answer gave it.", code="invalid_place"
        )
    return int(inode), int(offset)
