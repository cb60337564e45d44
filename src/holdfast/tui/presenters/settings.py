"""The settings screen as data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.fuzzy import match
from holdfast.tui.presenters.spans import BLANK, Line, fit, line

if TYPE_CHECKING:
    from holdfast.core.domain.configuring import Setting, SettingsReport

SOURCES = {
    "default": ("default", "muted"),
    "user": ("yours", "accent"),
    "project": ("project", "warning"),
    "environment": ("environment", "warning"),
}
AFTER_START = ("engine.", "server.", "telemetry.", "models.ollama_url", "knowledge.chroma_url")
"""What the engine reads when it starts."""
APP = "tui."
ALIGNED = 64
"""From so many cells on, values stand below each other."""
NAME = 28


@dataclass(slots=True)
class SettingsState:
    """What is known of the settings."""

    report: SettingsReport | None = None
    """None: not read yet."""
    query: str = ""
    changed_only: bool = False
    error: str = ""
    wanted: str = ""
    """The setting that the cursor is to go to."""

    def get(self, key: str | None) -> Setting | None:
        """Returns the setting of a key."""
        return self.report.get(key) if self.report is not None and key else None

    def found(self) -> list[Setting]:
        """Returns the settings that fit the words, in their order."""
        if self.report is None:
            return []
        rows = [one for one in self.report.settings if not self.changed_only or one.source != "default"]
        if not self.query.strip():
            return rows
        scored = [(match(self.query, f"{one.key} {one.about}"), one) for one in rows]
        hits = [(found.score, one) for found, one in scored if found is not None]
        return [one for _, one in sorted(hits, key=lambda hit: -hit[0])]


def value_text(value: Any) -> str:
    """Returns a value as it is shown, and can be typed."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each or json.dumps(each)}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(json.dumps(each) if isinstance(each, dict) else str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def setting_rows(state: SettingsState, width: int) -> list[tuple[str, list[Line]]]:
    """Returns the rows, each with its id; the first of a section has its name above it."""
    rows: list[tuple[str, list[Line]]] = []
    section: str | None = None
    for one in state.found():
        lines = [_row(one, width)]
        if not state.query and one.section != section:
            section = one.section
            lines.insert(0, line((section or "general", "heading")))
        rows.append((one.key, lines))
    return rows


def _row(one: Setting, width: int) -> Line:
    label, role = SOURCES[one.source]
    name = fit(one.key, max(10, width // 2 - 2))
    if width >= ALIGNED:
        name += " " * max(0, NAME - cell_len(name))
    room = max(4, width - 2 - cell_len(name) - 2 - len(label) - 2)
    value = fit(sanitize_line(value_text(one.value)) or "—", room)
    space = max(2, width - 2 - cell_len(name) - 2 - cell_len(value) - len(label))
    style = "strong" if one.source != "default" else ""
    return line("  ", name, "  ", (value, style), " " * space, (label, role))


def setting_detail(one: Setting | None, app_is_here: bool = True) -> list[Line]:
    """Returns everything about a setting."""
    if one is None:
        return []
    value = sanitize(value_text(one.value)) or "—"
    lines = [
        line((one.key, "heading")),
        line(sanitize_line(one.about)),
        BLANK,
        line(("value    ", "muted"), (shorten(value, 2_000), "strong")),
        line(("from     ", "muted"), SOURCES[one.source], (f"  {sanitize_line(one.place)}", "muted")),
        line(("default  ", "muted"), sanitize(value_text(one.default)) or "—"),
        line(("takes    ", "muted"), one.expected),
        BLANK,
        line((_when(one.key), "muted")),
    ]
    if one.source in ("project", "environment"):
        lines.append(line((f"{sanitize_line(one.place)} goes before your settings file.", "warning")))
    if one.key.startswith(APP) and not app_is_here:
        lines.append(line(("The app's own settings are those of this machine.", "muted")))
    return lines


def _when(key: str) -> str:
    if key.startswith(APP):
        return "A change holds at once."
    if key.startswith(AFTER_START):
        return "A change holds when the engine has started anew."
    return "A change holds from the next run on."


def note_lines(state: SettingsState) -> list[Line]:
    """Returns what stands below the list, or in its place: loading, mistakes, nothing found."""
    if state.error:
        return [line((state.error, "error"))]
    if state.report is None:
        return [line(("Reading the settings…", "muted"))]
    lines = [line((sanitize_line(str(one)), "error")) for one in state.report.problems[:5]]
    if not state.found():
        lines.append(line(("No setting fits.", "muted")))
    return lines


def headline(state: SettingsState, place: str = "") -> Line:
    """Returns the first line: whose settings these are, and where they stand."""
    where = state.report.file if state.report is not None else ""
    of = f" of {sanitize_line(place)}" if place else ""
    count = sum(one.source != "default" for one in state.report.settings) if state.report else 0
    return line(
        (f"Settings{of}", "brand"), (f"  {sanitize_line(where)}", "muted"),
        (f"  {count} changed" if count else "", "accent"),
        ("  changed only" if state.changed_only else "", "warning"),
    )  # fmt: skip


def footer(state: SettingsState, typing: bool) -> list[tuple[str, str, str]]:
    """Returns key, label and command of each key."""
    back, last = foot("settings.back"), foot("settings.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    every = "all" if state.changed_only else "changed only"
    return [
        back,
        foot("settings.edit"),
        foot("settings.reset"),
        foot("settings.words"),
        foot("settings.changed", every),
        last,
    ]
