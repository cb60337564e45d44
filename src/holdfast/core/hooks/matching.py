"""Which events a webhook wants, as patterns of their types."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import get_args

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.events import DELTAS, AnyEvent
from holdfast.core.domain.text import shorten

MAX_PATTERNS = 50
MAX_PATTERN = 64

EVENT_TYPES: tuple[str, ...] = tuple(event.model_fields["type"].default for event in get_args(AnyEvent))
"""The types of all events of the log."""


def wanted_types(patterns: Sequence[str]) -> frozenset[str]:
    """Returns the types that fit one of `patterns`; no pattern: all. Deltas must be named in full."""
    return frozenset(each for each in EVENT_TYPES if _wants(patterns or ("*",), each))


def _wants(patterns: Sequence[str], type: str) -> bool:
    if type in DELTAS:
        return type in patterns
    return any(fnmatchcase(type, pattern) for pattern in patterns)


def checked_patterns(patterns: Sequence[str]) -> tuple[str, ...]:
    """Returns the patterns, each once. Raises `InvalidError` for one that no event fits."""
    if len(patterns) > MAX_PATTERNS:
        raise InvalidError(f"A webhook has at most {MAX_PATTERNS} patterns.", code="invalid_event_pattern")
    for pattern in patterns:
        if len(pattern) > MAX_PATTERN or not wanted_types((pattern,)):
            raise InvalidError(_unknown(pattern), code="invalid_event_pattern")
    return tuple(dict.fromkeys(patterns))


def _unknown(pattern: str) -> str:
    near = get_close_matches(pattern[:MAX_PATTERN], EVENT_TYPES, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "patterns look like `run.*` or `tool_call.completed`."
    return f"No event is sent for {shorten(pattern, MAX_PATTERN)!r}; {hint}"
