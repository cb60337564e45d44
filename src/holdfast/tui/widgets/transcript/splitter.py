"""Finds finished Markdown blocks in text that comes in pieces.

Only what is unfinished is looked at again, so that the work is linear in the text. A block is finished when
another one has begun on a complete line after it: Markdown never goes back into a closed block.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field

from holdfast.tui.widgets.transcript.highlight import language_of
from holdfast.tui.widgets.transcript.line import INDENT, Gutter
from holdfast.tui.widgets.transcript.markdown import parser
from holdfast.tui.widgets.transcript.sources import CHUNK, Code, Markdown, Source

_OPENER = re.compile(r"( {0,3})(`{3,}|~{3,})(.*)")


@dataclass(slots=True)
class _Fence:
    """A fence at the top level whose end has not come."""

    indent: int
    closer: re.Pattern[str]
    marker: str
    language: str
    lines: list[str] = field(default_factory=list)
    """Complete lines that are in no block yet."""
    empty: bool = True
    """Whether no block was made of it."""


class Splitter:
    """Splits Markdown into finished blocks and an unfinished rest, however it is cut into pieces.

    The blocks do not depend on the pieces: fed at once or character by character, they are the same.
    """

    def __init__(self, gutter: Gutter = INDENT, style: str = "", cites: Container[int] = ()) -> None:
        """`cites`: numbers in brackets that are links to what they stand for."""
        self._gutter = gutter
        self._style = style
        self._cites = cites
        self._rest = ""
        self._fence: _Fence | None = None
        self.joined = False
        """Whether the rest continues the code of the last finished block: no empty line between them."""

    def feed(self, text: str) -> list[tuple[Source, bool]]:
        """Takes more text; returns the blocks that are finished now, each with `joined` as above."""
        self._rest += text
        return self._advance(final=False)

    def finish(self) -> list[tuple[Source, bool]]:
        """Returns what remains as finished blocks; the text is complete."""
        return self._advance(final=True)

    @property
    def tail(self) -> Source | None:
        """The unfinished rest as a block, or None when there is nothing of it to see."""
        fence = self._fence
        if fence is None:
            return self._markdown(self._rest) if self._rest.strip() else None
        lines = list(fence.lines)
        partial = self._rest.strip()
        if self._rest and not (partial and fence.marker.startswith(partial)):
            lines.append(self._rest)
        if lines or fence.empty:
            return Code("\n".join(lines), fence.language, self._gutter)
        return None

    def _advance(self, *, final: bool) -> list[tuple[Source, bool]]:
        done: list[tuple[Source, bool]] = []
        while True:
            if self._fence is not None:
                done += self._read_fence(self._fence, final=final)
                if self._fence is not None:
                    return done
            before = len(self._rest)
            done += self._read_blocks(final=final)
            if self._fence is None and (len(self._rest) == before or not self._rest):
                return done

    def _read_blocks(self, *, final: bool) -> list[tuple[Source, bool]]:
        """Takes finished blocks off the rest, up to the first fence."""
        rest = self._rest
        complete = len(rest) if final else rest.rfind("\n") + 1
        if not complete:
            return []
        starts = _block_starts(rest[:complete])
        if not starts:
            if final:
                self._rest = ""
            return []
        done: list[tuple[Source, bool]] = []
        lines = _lines(rest)
        for number, (line, kind) in enumerate(starts):
            last = number == len(starts) - 1
            end = len(lines) if last else starts[number + 1][0]
            opener = _OPENER.match(lines[line]) if kind == "fence" else None
            if opener is not None:
                self._fence = _fence(opener)
                self._rest = "".join(lines[line + 1 : end])
                if last:
                    return done
                done += self._read_fence(self._fence, final=True)
            elif last and not final:
                self._rest = "".join(lines[line:])
                return done
            else:
                done.append((self._markdown("".join(lines[line:end])), False))
        self._rest = ""
        return done

    def _read_fence(self, fence: _Fence, *, final: bool) -> list[tuple[Source, bool]]:
        """Moves complete lines into the fence until it is closed; makes blocks of them."""
        done: list[tuple[Source, bool]] = []
        lines = self._rest.split("\n")
        unfinished = lines.pop()
        for number, line in enumerate(lines):
            if fence.closer.fullmatch(line):
                self._rest = "\n".join([*lines[number + 1 :], unfinished])
                return done + self._close(fence)
            fence.lines.append(_dedent(line, fence.indent))
            if len(fence.lines) == CHUNK:
                done.append(self._code(fence))
        self._rest = unfinished
        if final:
            if unfinished and not fence.closer.fullmatch(unfinished):
                fence.lines.append(_dedent(unfinished, fence.indent))
            self._rest = ""
            done += self._close(fence)
        self.joined = self._fence is not None and not fence.empty
        return done

    def _close(self, fence: _Fence) -> list[tuple[Source, bool]]:
        last = [self._code(fence)] if fence.lines or fence.empty else []
        self._fence = None
        self.joined = False
        return last

    def _code(self, fence: _Fence) -> tuple[Source, bool]:
        block = Code("\n".join(fence.lines), fence.language, self._gutter)
        joined = not fence.empty
        fence.empty = False
        fence.lines.clear()
        return block, joined

    def _markdown(self, text: str) -> Markdown:
        return Markdown(text.strip("\n"), self._gutter, self._gutter, self._style, self._cites)


def _block_starts(text: str) -> list[tuple[int, str]]:
    """Returns line number and kind of every top-level block; only block structure is parsed."""
    from markdown_it.token import Token

    tokens: list[Token] = []
    made = parser()
    made.block.parse(text, made, {}, tokens)
    return [(token.map[0], token.type) for token in tokens if token.level == 0 and token.map is not None]


def _lines(text: str) -> list[str]:
    """Returns the lines of `text` with their newlines; only a newline ends a line."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + parts[-1:]


def _fence(opener: re.Match[str]) -> _Fence:
    indent, marker, info = opener.groups()
    closer = re.compile(rf" {{0,3}}{re.escape(marker[0])}{{{len(marker)},}}[ \t]*")
    return _Fence(len(indent), closer, marker, language_of(info))


def _dedent(line: str, indent: int) -> str:
    spaces = len(line) - len(line.lstrip(" "))
    return line[min(spaces, indent) :]
