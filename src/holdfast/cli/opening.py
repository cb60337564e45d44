"""Opens the terminal app, or where the app cannot be used the plain chat."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from holdfast.cli.doors import doors

_READER = "HOLDFAST_SCREEN_READER"
"""Set to 1, it wants the plain chat instead of the app; 0 wants the app whatever the settings say."""
_SETTING = "screen_reader"


def has_terminal() -> bool:
    """Says whether there is a terminal to open the app in; tells the person when there is none."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        return True
    print(
        "holdfast: the workbench needs a terminal; without one use: holdfast run AGENT MESSAGE,"
        " or: holdfast chat --plain",
        file=sys.stderr,
    )
    return False


def open_tui(options: Mapping[str, str | bool | None]) -> int:
    """Opens the app with the keyword arguments of `run_tui`; returns its status, 2 without a terminal.

    A person with a screen reader, and a terminal that can do nothing but lines, get the plain chat.
    """
    if not has_terminal():
        return 2
    if not options.get("in_process") and _wants_lines():
        from holdfast.cli.chatting.starting import start  # start-up time: the app needs none of it

        return start(**options)  # type: ignore[arg-type]  # the callers check names and types
    return doors().run_tui(**options)  # type: ignore[arg-type]  # the callers check names and types


def wants_plain() -> bool:
    """Says whether a chat is to be line by line: a screen is read out, or there is none to draw on."""
    return not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()) or _wants_lines()


def by_lines() -> bool | None:
    """Says whether the environment wants lines below each other and nothing drawn over: True for a screen
    reader and a terminal that can do nothing else; None when it does not say."""
    wanted = os.environ.get(_READER, "")
    if wanted:
        return wanted.lower() not in ("0", "false", "no", "off")
    return True if os.environ.get("TERM") == "dumb" else None


def _wants_lines() -> bool:
    said = by_lines()
    return _setting() if said is None else said


def _setting() -> bool:
    """Returns the setting `tui.screen_reader`. Settings are only parsed where the word stands in them, for
    that takes longer than the app may to its first paint."""
    named = any(_SETTING.upper() in name.upper() for name in os.environ)
    file = doors().paths().settings
    try:
        named = named or _SETTING in file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    if not named:
        return False
    from holdfast.core.config.load import load_settings  # start-up time: see above

    return load_settings(doors().paths(), os.environ).settings.tui.screen_reader
