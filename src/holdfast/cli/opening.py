"""Opens the terminal app."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from holdfast.cli.doors import doors


def has_terminal() -> bool:
    """Says whether there is a terminal to open the app in; tells the person when there is none."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        return True
    print(
        "holdfast: the workbench needs a terminal; without one use: holdfast run AGENT MESSAGE",
        file=sys.stderr,
    )
    return False


def open_tui(options: Mapping[str, str | bool | None]) -> int:
    """Opens the app with the keyword arguments of `run_tui`; returns its status, 2 without a terminal."""
    if not has_terminal():
        return 2
    return doors().run_tui(**options)  # type: ignore[arg-type]  # the callers check names and types
