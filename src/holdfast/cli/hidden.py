"""Asks for what nobody may read over a shoulder: keys."""

from __future__ import annotations

import sys


def ask_hidden(question: str) -> str:
    """Returns what is typed without being shown, without spaces around it. Raises `KeyboardInterrupt` on a
    line of its own."""
    return ask_password(question).strip()


def ask_password(question: str) -> str:
    """Returns what is typed without being shown, as it is. Raises as `ask_hidden`."""
    import getpass  # start-up time

    try:
        return getpass.getpass(question)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise
