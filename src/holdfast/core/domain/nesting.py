"""How deep JSON may be: what reads and writes it goes down one level of the stack for each of its own."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 100
"""Lists and objects in each other; no value in an event holds more."""
EVENT_DEPTH = MAX_DEPTH + 10
"""The same of a whole event."""


def nested_deeper(value: Any, levels: int) -> bool:
    """Says whether lists and objects stand in each other more than `levels` deep."""
    layer = [value] if isinstance(value, dict | list) else []
    for _ in range(levels + 1):
        inner = [each.values() if isinstance(each, dict) else each for each in layer]
        layer = [one for each in inner for one in each if isinstance(one, dict | list)]
        if not layer:
            return False
    return True
