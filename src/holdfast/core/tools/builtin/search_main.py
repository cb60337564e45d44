"""Looks for a regular expression in the files on standard input. A program: nothing imports it.

A process of its own, because a hostile expression can run for ever and Python cannot stop it from outside.
Arguments: the expression as JSON, and the number of matches after which to stop. Input: for each file a line
of JSON with its path and length in bytes, then its bytes. Output: a line of JSON for each match.
"""

from __future__ import annotations

import json
import re
import sys

_MAX_LINE = 10_000
_EXCERPT = 300


def _excerpt(line: str, at: int) -> str:
    if len(line) <= _EXCERPT:
        return line
    start = max(0, min(at - _EXCERPT // 3, len(line) - _EXCERPT))
    return f"{'…' if start else ''}{line[start : start + _EXCERPT]}…"


def _search(pattern: re.Pattern[str], limit: int) -> None:
    found = 0
    source = sys.stdin.buffer
    while header := source.readline():
        path, size = json.loads(header)
        text = source.read(size).decode(errors="replace")
        for number, line in enumerate(text.split("\n"), 1):
            match = pattern.search(line[:_MAX_LINE].rstrip("\r"))
            if match is None:
                continue
            print(json.dumps([path, number, _excerpt(line.rstrip("\r"), match.start())]), flush=True)
            found += 1
            if found >= limit:
                return


def _main() -> int:
    try:
        pattern = re.compile(json.loads(sys.argv[1]))
    except (re.error, RecursionError, OverflowError) as error:
        print(json.dumps({"error": str(error) or type(error).__name__}))
        return 2
    _search(pattern, int(sys.argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
