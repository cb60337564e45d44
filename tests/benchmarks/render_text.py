"""The reply that the drawing benchmarks are fed: Markdown in chunks of 16 characters, and an end marker."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

MARKER = "END-OF-REPLY"
CHUNK = 16

_SECTION = """## Section {n}: what was found

The {n}th look at the figures shows **steady growth** in every region, with `EMEA` ahead of the others and
a *small* decline in one segment; see [the source](https://example.org/{n}) for how it was counted.

- first point of {n}, with some words after it
- second point, which is a little longer than the first one was

```python
def section_{n}(rows: list[int]) -> int:
    return sum(row for row in rows if row > {n})
```

| region | before | after |
|:-------|-------:|------:|
| north  | {n} | {m} |

"""


def reply(chunks: int) -> str:
    """Returns a reply of `chunks` chunks; the marker is its last paragraph."""
    size = chunks * CHUNK - len(MARKER) - 2
    text, n = "", 0
    while len(text) < size:
        n += 1
        text += _SECTION.format(n=n, m=n * 3)
    return f"{text[:size].rstrip()}\n\n{MARKER}".ljust(chunks * CHUNK)


def pieces(argument: str) -> Iterator[str]:
    """Yields deltas: of a generated reply when `argument` is a number, else from a file of JSON lines,
    each `{"text": …}` or a string."""
    if argument.isdigit():
        text = reply(int(argument))
        yield from (text[at : at + CHUNK] for at in range(0, len(text), CHUNK))
        return
    with Path(argument).open(encoding="utf-8") as lines:
        for line in lines:
            delta = json.loads(line)
            yield delta["text"] if isinstance(delta, dict) else delta


def timed(argument: str) -> list[tuple[str, float]]:
    """Returns deltas with the seconds after the first at which each is to come; 0 where nothing says so."""
    if argument.isdigit():
        return [(piece, 0.0) for piece in pieces(argument)]
    with Path(argument).open(encoding="utf-8") as lines:
        read = [json.loads(line) for line in lines]
    return [(one["text"], one.get("at", 0.0)) if isinstance(one, dict) else (one, 0.0) for one in read]


def arguments() -> tuple[str, Path, float]:
    """Returns the deltas' argument, the file for the result, and chunks a second (0: as fast as it goes)."""
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} CHUNKS|DELTAS.jsonl RESULT.json [CHUNKS_PER_SECOND]")
    return sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
