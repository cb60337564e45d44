"""What programs print, as plain text."""

from __future__ import annotations

import re

from holdfast.core.domain.text import sanitize

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""Colours and cursor movements, and titles of windows."""


def plain(text: str) -> str:
    """Returns what a program wrote without escape sequences and control characters."""
    return sanitize(_ESCAPES.sub("", text)) if "\x1b" in text else sanitize(text)
