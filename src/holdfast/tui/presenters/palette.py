"""The command palette as data: everything that can be done or gone to, found by fuzzy search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rich.cells import cell_len

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import keys_of, of_place, shown, shown_for, way_to
from holdfast.tui.presenters.commands import COMMANDS
from holdfast.tui.presenters.fuzzy import Match, match
from holdfast.tui.presenters.spans import Line, Span, fit, line

Kind = Literal["command", "key", "session", "agent", "model", "theme", "setting", "prompt"]
HERE = "here"
MOST_RECENT = 30
MOST_SHOWN = 200
SHOWN_RECENT = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One row."""

    kind: Kind
    name: str
    """A command's name, a key's id, or the name of what is gone to."""
    title: str
    help: str = ""
    key: str = ""
    also: str = ""
    """What else is searched through."""

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that fits, and why."""

    entry: Entry
    places: frozenset[int] = frozenset()
    """The characters of the title that were meant."""
    recent: bool = False


@dataclass(slots=True)
class Targets:
    """What one can go to; read when the palette is opened."""

    sessions: Sequence[tuple[str, str]] = field(default_factory=tuple)
    """Ids with titles, latest first."""
    agents: Sequence[tuple[str, str]] = field(default_factory=tuple)
    """Names with descriptions."""
    models: Sequence[tuple[str, str]] = field(default_factory=tuple)
    themes: Sequence[str] = field(default_factory=tuple)
    settings: Sequence[tuple[str, str]] = field(default_factory=tuple)
    prompts: Sequence[tuple[str, str]] = field(default_factory=tuple)
    """What is written after the slash, with hint and description."""


def entries(place: str, targets: Targets) -> list[Entry]:
    """Returns every row: what can be done anywhere, what the keys of `place` do, and where one can go."""
    found = [
        Entry(
            "command",
            one.name,
            one.title,
            one.help,
            shown_for(one.name, place) or way_to(one.name),
            f"/{one.slash}" if one.slash else "",
        )
        for one in COMMANDS
    ]
    known = {one.name for one in COMMANDS}
    found += [
        Entry(
            "key", key.id, _sentence(key.what), HERE if key.place == place else "", shown(key.id), key.label
        )
        for key in (*of_place(place), *of_place("everywhere"))
        if key.action and keys_of(key.id) and key.command not in known
    ]
    found += [_entry("session", name, "Open session", title) for name, title in targets.sessions]
    found += [_entry("agent", name, "Switch to agent", name, what) for name, what in targets.agents]
    found += [_entry("model", name, "Switch to model", name, what) for name, what in targets.models]
    found += [_entry("theme", name, "Use theme", name) for name in targets.themes]
    found += [_entry("setting", name, "Change setting", name, what) for name, what in targets.settings]
    found += [_entry("prompt", word, "Prompt", f"/{word}", about) for word, about in targets.prompts]
    return found


def _entry(kind: Kind, name: str, verb: str, title: str, help: str = "") -> Entry:
    return Entry(kind, name, f"{verb} {sanitize_line(title)}", sanitize_line(help))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def search(all_entries: Iterable[Entry], query: str, recent: Sequence[str]) -> list[Hit]:
    """Returns the rows that fit, the best first. Without words: the recent ones, then what can be done."""
    ranks = {name: rank for rank, name in enumerate(recent)}
    if not query.strip():
        known = {one.id: one for one in all_entries}
        first = [Hit(known[name], recent=True) for name in recent if name in known][:SHOWN_RECENT]
        shown_first = {hit.entry.id for hit in first}
        rest = [
            Hit(one) for one in known.values() if one.kind in ("command", "key") and one.id not in shown_first
        ]
        return first + sorted(rest, key=lambda hit: _rank(hit.entry))
    scored: list[tuple[float, Hit]] = []
    for one in all_entries:
        found = _match(query, one)
        if found is not None:
            bonus = (MOST_RECENT - ranks[one.id]) / MOST_RECENT if one.id in ranks else 0.0
            actions = 1.5 if one.kind in ("command", "key") else 0.0
            scored.append((found.score + 2 * bonus + actions, Hit(one, found.places, recent=one.id in ranks)))
    scored.sort(key=lambda pair: -pair[0])
    return [hit for _, hit in scored[:MOST_SHOWN]]


def _rank(entry: Entry) -> int:
    """Returns what comes first without words: what is done here, then commands, then the other keys."""
    if entry.kind == "command":
        return 1
    return 0 if entry.help == HERE else 2


def _match(query: str, entry: Entry) -> Match | None:
    found = match(query, entry.title)
    if found is not None:
        return found
    # Words that only the help or the slash command has count for less, and nothing of the title is marked.
    length = len(entry.title) + 1
    whole = match(query, f"{entry.title} {entry.also} {entry.help}")
    if whole is None:
        return None
    return Match(whole.score / 2, frozenset(place for place in whole.places if place < length))


def row(hit: Hit, width: int) -> Line:
    """Returns a row in `width` cells: what it does, what that means, and its key at the right."""
    entry = hit.entry
    key = f" {entry.key}" if entry.key else ""
    mark = "· " if hit.recent else "  "
    room = max(8, width - len(mark) - cell_len(key))
    title = fit(entry.title, room)
    rest = room - cell_len(title) - 2
    help = fit(entry.help, rest) if entry.help and rest > 6 else ""
    gap = " " * max(0, room - cell_len(title) - (cell_len(help) + 2 if help else 0))
    return line(
        (mark, "muted"), *_marked(title, hit.places), ("  " if help else "", ""), (help, "muted"), gap,
        (key, "key"),
    )  # fmt: skip


def _marked(title: str, places: frozenset[int]) -> list[Span]:
    spans: list[Span] = []
    for at, letter in enumerate(title):
        role = "hit" if at in places else ""
        if spans and spans[-1][1] == role:
            spans[-1] = (spans[-1][0] + letter, role)
        else:
            spans.append((letter, role))
    return spans


def used(recent: Sequence[str], entry_id: str) -> list[str]:
    """Returns the recent rows with the one that was just used in front."""
    return [entry_id, *(one for one in recent if one != entry_id)][:MOST_RECENT]
