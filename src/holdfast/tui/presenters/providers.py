"""Providers of models to choose from, and what came of a test, as lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.providers import ProviderCheck, ProviderInfo

GOOD = ("right", "untested")
"""States of a test after which a key is kept."""
_FROM = {
    "environment": "its key comes from the environment",
    "keyring": "its key is in the system's keyring",
    "file": "its key is in a file that only you can read",
}


def provider_choices(providers: Iterable[ProviderInfo]) -> list[Choice]:
    """Returns providers to choose from, in the order in which their keys are looked for."""
    return [_choice(each) for each in providers]


def _choice(info: ProviderInfo) -> Choice:
    ready = bool(info.key_from or info.served)
    mark = ("✓ ", "success") if ready else ("○ ", "muted")
    state = "  has a key" if info.key_from else f"  {len(info.served)} models" if info.served else ""
    label = line(mark, (info.title, "strong" if ready else ""), (state, "muted"))
    return Choice(info.name, label, about_lines(info), f"{info.name} {info.title} {info.variable}")


def about_lines(info: ProviderInfo) -> list[Line]:
    """Returns what should be known of a provider before its key is typed."""
    lines = [line((info.title, "heading")), line((f"models are called {info.name}/NAME", "muted")), BLANK]
    if info.key_from:
        lines.append(line(("✓ ", "success"), _FROM[info.key_from]))
    if info.key_from == "environment":
        lines.append(line((f"{info.variable} goes before a key that is kept here", "warning")))
    if info.key_page:
        lines.append(line(("keys    ", "muted"), info.key_page))
    if info.model:
        lines.append(line(("model   ", "muted"), info.model, ("  unless another one is named", "muted")))
    if info.url:
        lines.append(line(("address ", "muted"), sanitize_line(info.url)))
    if info.takes_url:
        lines.append(line(("A server that somebody runs; its key may be left empty.", "muted")))
    if info.served:
        names = ", ".join(map(sanitize_line, info.served[:6]))
        lines.append(line(("has     ", "muted"), names))
    return lines


def outcome_lines(found: ProviderCheck | None, asking: str = "") -> list[Line]:
    """Returns what came of a test, or that it is under way."""
    if asking:
        return [line((f"Asking {sanitize_line(asking)} …", "accent"))]
    if found is None:
        return []
    mark = {"right": ("✓ ", "success"), "untested": ("○ ", "warning")}.get(found.state, ("✗ ", "error"))
    lines = [line(mark, sanitize_line(found.message))]
    if found.state not in GOOD:
        lines.append(line(("Nothing was kept.", "muted")))
    return lines


def kept_text(found: ProviderCheck, where: str) -> str:
    """Returns what a person is told when a provider was added."""
    place = {"keyring": "The key is in the system's keyring.", "file": "The key is in a private file."}
    return " ".join(filter(None, (sanitize_line(found.message), place.get(where, ""))))
