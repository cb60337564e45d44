"""Where code stands in Markdown: fences, indented blocks and spans between backticks."""

from __future__ import annotations

import re

Span = tuple[int, int]

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_ITEM = re.compile(r" {0,3}(?:[-+*]|\d{1,9}[.)])(?:\s|$)")
_TICKS = re.compile(r"`+")


def code_spans(text: str) -> list[Span]:
    """Returns where code stands in a text, in order: whole lines of blocks, and spans with their backticks.

    A fence that is not closed goes on to the end.
    """
    blocks: list[Span] = []
    spans: list[Span] = []
    fence, opened = "", 0
    at = paragraph = 0
    blank, listed = True, False
    for line in text.splitlines(keepends=True):
        end, content = at + len(line), line.rstrip("\r\n")
        if fence:
            if _closes(content, fence):
                blocks.append((opened, end))
                fence, paragraph = "", end
        elif match := _FENCE.match(content):
            spans += _inline(text, paragraph, at)
            fence, opened = match[1], at
        elif not content.strip():
            spans += _inline(text, paragraph, at)
            paragraph, blank = end, True
        elif blank and not listed and content.startswith(("    ", "\t")):
            blocks.append((at, end))
            paragraph = end
        else:
            listed = bool(_ITEM.match(content)) or (listed and (not blank or content.startswith((" ", "\t"))))
            blank = False
        at = end
    if fence:
        blocks.append((opened, len(text)))
    else:
        spans += _inline(text, paragraph, len(text))
    return sorted([*blocks, *spans])


def _closes(line: str, fence: str) -> bool:
    found = _FENCE.match(line)
    bare = line.strip()
    return found is not None and len(bare) >= len(fence) and set(bare) == {fence[0]}


def _inline(text: str, start: int, end: int) -> list[Span]:
    """Returns the spans between backticks of a paragraph: as many as have opened one close it."""
    ticks = [match.span() for match in _TICKS.finditer(text, start, end)]
    # The last place of each length: a run that nothing closes is found without looking at the rest.
    last = {stop - begin: begin for begin, stop in ticks}
    found: list[Span] = []
    index = 0
    while index < len(ticks):
        begin, stop = ticks[index]
        length = stop - begin
        index += 1
        if last[length] <= begin:
            continue
        while ticks[index][1] - ticks[index][0] != length:
            index += 1
        found.append((begin, ticks[index][1]))
        index += 1
    return found
