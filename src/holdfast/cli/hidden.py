"""Asks for what nobody may read over a shoulder: keys."""

from __future__ import annotations

import sys


def ask_hidden(question: str) -> str:
    """Returns what is typed without being shown. Raises `KeyboardInterrupt` on a line of its own."""
    import getpass  # start-up time

    try:
        return getpass.getpass(question).strip()
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise
