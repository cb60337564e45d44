"""What typing in a YAML text comes to: indentation, the word of a mistake, the part that is another now."""

from __future__ import annotations

import re

_OPENS = re.compile(r"(?::|[|>][+-]?\d?)\s*(?:#.*)?$")


def indented(before: str, step: int) -> int:
    """Returns with how many spaces the line after one begins, `before` being what is left of the cursor."""
    indent = len(before) - len(before.lstrip(" "))
    return indent + step if before.strip() and _OPENS.search(before) else indent


def word_at(line: str, column: int) -> tuple[int, int]:
    """Returns where the word at a column begins and ends; the last character where there is none."""
    found = re.compile(r"[^\s\[\]{},:]+|\S").match(line, max(0, column))
    if found is None:
        return max(0, len(line.rstrip()) - 1), len(line)
    return found.span()


def changed_part(before: str, after: str) -> tuple[int, int, str]:
    """Returns from and to which character `before` has to be replaced to be `after`, and by what."""
    most = min(len(before), len(after))
    start = next((i for i in range(most) if before[i] != after[i]), most)
    end = next((i for i in range(most - start) if before[-1 - i] != after[-1 - i]), most - start)
    return start, len(before) - end, after[start : len(after) - end]
