"""Versions of Holdfast, compared: app and engine need not be of the same one."""

from __future__ import annotations

import re

_VERSION = re.compile(r"(\d+(?:\.\d+)*)(?:[-._]?(dev|a|b|rc)[-._]?(\d*))?")
_STAGES = {"dev": 0, "a": 1, "b": 2, "rc": 3}
_RELEASE = 4


def is_newer(version: str, than: str) -> bool:
    """Says whether `version` comes after `than`; False for what is no version."""
    one, other = _key(version), _key(than)
    return one is not None and other is not None and one > other


def _key(version: str) -> tuple[tuple[int, ...], int, int] | None:
    found = _VERSION.match(version)
    if found is None:
        return None
    numbers = [int(number[:9]) for number in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), _STAGES.get(found[2], _RELEASE), int((found[3] or "0")[:9])
