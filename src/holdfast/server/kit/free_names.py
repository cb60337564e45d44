"""Names of collections, which are unique with us, for systems whose users may give one name twice."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from holdfast.core.domain.text import sanitize_line, shorten

_LONGEST = 190


def free_name(name: str, taken: Collection[str]) -> str:
    """Returns what a collection is called here: one line without slashes, which no other one has."""
    plain = shorten(sanitize_line(name).replace("/", "-").strip(), _LONGEST) or "collection"
    found, number = plain, 1
    while found in taken:
        number += 1
        found = f"{plain} ({number})"
    return found


def names_of(name: str, here: str) -> dict[str, Any]:
    """Returns what is kept of a name that we cannot have as it is: None for each where we can."""
    return {"name": name, "name_here": here} if name != here else {"name": None, "name_here": None}
