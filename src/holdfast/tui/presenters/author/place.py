"""Where in an agent file the cursor stands, told by indentation and brackets: for what can be written there.

A text that is being written is most often no YAML yet, so no parser can say it. What is wrong with the text
is not this module's business: that is what the engine says of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

ITEM = "[]"
"""Stands in a path for an item of a list, whichever it is."""
MOST_LINES = 60
"""Lines above the cursor that are looked through for the bracket it is in."""

_LINE = re.compile(r"(?P<indent> *)(?P<dashes>(?:- +|-$)*)(?:(?P<key>[\w-]+)\s*:(?=\s|$)(?P<rest>.*))?")
_BLOCK = re.compile(r"(?:^|[:\s-])[|>][+-]?\d?[+-]?\s*(?:#.*)?$")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_WORD = re.compile(r"[^\s\[\]{},\"']*$")


@dataclass(frozen=True, slots=True)
class Place:
    """What is being written at the cursor."""

    kind: Literal["key", "value", "either"]
    path: tuple[str, ...]
    """The keys above it, `ITEM` for an item of a list; for a value its own key is the last."""
    word: str
    """What is written of it already, before the cursor."""
    taken: frozenset[str] = frozenset()
    """The keys that the mapping has already."""


def place_at(lines: Sequence[str], row: int, column: int) -> Place | None:
    """Returns what can be written at a place, both from 0; None in a comment and in a block of text."""
    before = lines[row][:column]
    if _in_comment(before) or _in_block(lines, row, before):
        return None
    word = _word(before)
    flow = _flow(lines, row, column)
    if flow is not None:
        base, path, kind, taken = flow
        return Place(kind, (*_path(lines, base), *path), word, taken)
    found = _parsed(before)
    if found.key is not None:
        return Place("value", _path(lines, row), word)
    if before[found.depth :] != word:
        return None  # in the middle of a text
    above = _above(lines, row, found)
    return Place("either" if found.marks else "key", above, word, _siblings(lines, row, found.depth))


def key_path_at(lines: Sequence[str], row: int) -> tuple[str, ...]:
    """Returns the keys that lead to what a line says, for telling what it is."""
    if row < len(lines) and _parsed(lines[row]).key is not None:
        return _path(lines, row)
    found = place_at(lines, row, len(lines[row])) if row < len(lines) else None
    return found.path if found is not None else ()


@dataclass(frozen=True, slots=True)
class _Line:
    """What a line begins with."""

    indent: int
    """Spaces."""
    marks: int
    """Characters of list marks behind them."""
    key: str | None
    rest: str | None
    """What is behind the key."""

    @property
    def depth(self) -> int:
        """Where its key stands."""
        return self.indent + self.marks


def _parsed(line: str) -> _Line:
    found = _LINE.match(line)
    if found is None:
        return _Line(0, 0, None, None)
    return _Line(len(found["indent"]), len(found["dashes"]), found["key"], found["rest"])


def _word(before: str) -> str:
    found = _WORD.search(before)
    return found.group() if found else ""


def _in_comment(before: str) -> bool:
    return re.search(r"(?:^|\s)#", re.sub(r"\"[^\"]*\"|'[^']*'", "", before)) is not None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _in_block(lines: Sequence[str], row: int, before: str) -> bool:
    """Says whether a line is part of a text that a `|` or a `>` began."""
    depth = _indent(lines[row]) if lines[row].strip() else len(before)
    for line in reversed(lines[:row]):
        if line.strip() and _indent(line) < depth:
            if _BLOCK.search(line):
                return True
            depth = _indent(line)
        if not depth:
            break
    return False


def _path(lines: Sequence[str], row: int) -> tuple[str, ...]:
    """Returns the path of the key that stands in a line, that key the last of it."""
    found = _parsed(lines[row])
    above = _above(lines, row, found)
    return (*above, found.key) if found.key is not None else above


def _above(lines: Sequence[str], row: int, here: _Line) -> tuple[str, ...]:
    """Returns the path of what the line `here` is in, which stands at `row`."""
    path: list[str] = [ITEM] if here.marks else []
    # A list may stand as deep as its key; the items before this one say nothing of it.
    depth, listed = (here.indent + 1, here.indent) if here.marks else (here.indent, -1)
    for line in reversed(lines[:row]):
        found = _parsed(line)
        if found.marks and found.indent == listed:
            continue
        if found.marks and found.indent < depth <= found.depth:  # the item that this is part of begins here
            path.insert(0, ITEM)
            depth, listed = found.indent + 1, found.indent
        elif found.key is not None and found.depth < depth:
            path.insert(0, found.key)
            if found.marks:
                path.insert(0, ITEM)
            depth, listed = (found.indent + 1, found.indent) if found.marks else (found.indent, -1)
        if not depth:
            break
    return tuple(path)


def _siblings(lines: Sequence[str], row: int, depth: int) -> frozenset[str]:
    """Returns the other keys of the mapping whose keys stand at `depth`, around a line."""
    above = () if _parsed(lines[row]).marks else reversed(lines[:row])
    return frozenset([*_keys(above, depth, first_is_in=True), *_keys(lines[row + 1 :], depth)])


def _keys(lines: Iterable[str], depth: int, *, first_is_in: bool = False) -> Iterator[str]:
    """Yields the keys at `depth` until the mapping ends; `first_is_in`: a list mark belongs to it."""
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _parsed(line)
        begins = found.marks and found.depth == depth
        if found.depth < depth or (begins and not first_is_in):
            return
        if found.depth == depth and found.key is not None:
            yield found.key
        if begins:
            return


_Flow = tuple[int, tuple[str, ...], Literal["key", "value"], frozenset[str]]


def _flow(lines: Sequence[str], row: int, column: int) -> _Flow | None:
    """Returns the line whose key the brackets around the cursor belong to, the path in them, what is written
    there, and which keys are; None outside of brackets."""
    text = lines[row][:column]
    for number in range(row, max(-1, row - MOST_LINES), -1):
        if number < row:
            text = f"{_COMMENT.sub('', lines[number])}\n{text}"
        found = _parsed(lines[number])
        rest = found.rest
        if rest is not None and _BLOCK.search(rest):
            return None
        if rest is None and not found.marks:
            continue
        stack = _brackets(text[len(lines[number]) - len(rest) :] if rest is not None else text)
        if stack:
            return (number, *_inside(stack))
        if not found.indent:
            return None
    return None


@dataclass(slots=True)
class _Bracket:
    sign: str
    key: str = ""
    """Of a mapping: the key whose value is being written."""
    keys: tuple[str, ...] = ()


def _brackets(text: str) -> list[_Bracket]:
    """Returns the brackets that are open at the end of `text`, the outermost first."""
    stack: list[_Bracket] = []
    quote, word = "", ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and not word.strip():
            quote = character
        elif character in "[{":
            stack.append(_Bracket(character))
            word = ""
        elif character in "]}" and stack:
            stack.pop()
            word = ""
        elif character == "," and stack:
            stack[-1].key = word = ""
        elif character == ":" and stack and stack[-1].sign == "{" and text[index + 1 : index + 2] in " \n":
            stack[-1].key = word.strip()
            stack[-1].keys += (word.strip(),)
            word = ""
        else:
            word += character
    return stack


def _inside(
    stack: list[_Bracket],
) -> tuple[tuple[str, ...], Literal["key", "value"], frozenset[str]]:
    path: list[str] = []
    for bracket in stack:
        if bracket.sign == "[":
            path.append(ITEM)
        elif bracket.key:
            path.append(bracket.key)
    last = stack[-1]
    names_a_key = last.sign == "{" and not last.key
    return tuple(path), "key" if names_a_key else "value", frozenset(last.keys)
