"""The common fields of an agent file: what they say, and the text with one of them changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len

from holdfast.core.config.nodes import Plain, compose
from holdfast.core.config.rewrite import with_list, with_value, without_value
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.spans import Line, fit, line

NAME = 13


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form."""

    path: tuple[str, ...]
    label: str
    how: Literal["line", "text", "model", "tools", "rules"]
    """How it is asked for."""

    @property
    def id(self) -> str:
        return ".".join(self.path)


FIELDS = (
    Field(("name",), "name", "line"),
    Field(("description",), "description", "line"),
    Field(("model",), "model", "model"),
    Field(("instructions",), "instructions", "text"),
    Field(("tools",), "tools", "tools"),
    Field(("approvals", "allow"), "allow", "rules"),
    Field(("approvals", "ask"), "ask", "rules"),
    Field(("approvals", "deny"), "deny", "rules"),
)
BY_ID = {one.id: one for one in FIELDS}


def values_of(text: str) -> dict[str, Plain] | None:
    """Returns what each field of the form says, by its id; None for a text that is no YAML."""
    document, _ = compose(text, "")
    if document is None or not isinstance(document.root.value, dict | None):
        return None
    found: dict[str, Plain] = {}
    for one in FIELDS:
        node = document.find(one.path)
        found[one.id] = node.value if node is not None else None
    return found


def listed(value: Plain) -> list[str]:
    """Returns the names in a list of tools or rules."""
    if not isinstance(value, list):
        return []
    names = [one.get("tool") if isinstance(one, dict) else one for one in value]
    return [name for name in names if isinstance(name, str)]


def form_rows(text: str, width: int) -> list[tuple[str, list[Line]]]:
    """Returns the rows of the form, each with its id; none for a text that is no YAML."""
    values = values_of(text)
    if values is None:
        return []
    room = max(8, width - NAME - 3)
    return [
        (one.id, [line("  ", (f"{one.label:<{NAME}}", "muted"), *_shown(one, values[one.id], room))])
        for one in FIELDS
    ]


def _shown(one: Field, value: Plain, room: int) -> Line:
    if one.how in ("tools", "rules"):
        names = ", ".join(listed(value))
        return line(fit(sanitize_line(names), room)) if names else line(("none", "muted"))
    if one.how == "model" and value is None:
        return line(("the usual order", "muted"))
    text = sanitize_line(value.strip().partition("\n")[0]) if isinstance(value, str) else ""
    more = value.strip().count("\n") if isinstance(value, str) else 0
    if not text:
        return line(("—", "muted"))
    said = f" +{more}" if more else ""
    return line(fit(text, room - cell_len(said)), (said, "muted"))


def with_field(text: str, field_id: str, value: str | Sequence[str] | None) -> str:
    """Returns the text with a field changed, comments and the rest as they were; None takes it out.

    Raises `InvalidError` where the text is written so that it cannot be done.
    """
    one = BY_ID[field_id]
    if value is None:
        changed = without_value(text, one.path)
    elif isinstance(value, str):
        changed = with_value(text, one.path, value)
    else:
        changed = with_list(text, one.path, _entries(text, one, value))
    if changed is None:
        raise InvalidError(f"{one.label} cannot be changed by the form here: write it into the text.")
    return changed


def _entries(text: str, one: Field, names: Sequence[str]) -> list[Plain]:
    """Returns `names` as they are in the list already, with what else is said of them; new ones behind."""
    document, _ = compose(text, "")
    node = document.find(one.path) if document is not None else None
    value = node.value if node is not None and isinstance(node.value, list) else []
    kept: list[Plain] = [each for each in value if listed([each]) and listed([each])[0] in names]
    present = set(listed(kept))
    return [*kept, *(name for name in names if name not in present)]
