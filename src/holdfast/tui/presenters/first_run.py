"""The panel of a new session: what works now, what was found, what to try, how to add a provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.keys import clicks, shown
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holdfast.core.domain.agents import AgentInfo
    from holdfast.core.domain.providers import ProviderInfo

KNOWLEDGE = "/knowledge"
_WORDS = 2
"""Names of one kind that are shown; the others as a number."""
_READABLE = ("README.md", "readme.md", "README.rst", "README.txt", "notes.md", "NOTES.md")
"""Files that a folder often has, to be asked about."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the engine has found for a person who starts."""

    keys: tuple[tuple[str, str], ...] = ()
    """Providers that have a key, and where it comes from."""
    servers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Servers of one's own that answer, and their models."""
    agents: tuple[str, ...] = ()
    collections: int | None = None
    """None: not known yet."""
    folder: str = ""
    trust: str = ""
    """What the person has said of the folder; empty: nothing, or there was nothing to say."""
    file: str = ""
    """A file of the folder that can be asked about."""
    may_add: bool = False
    """Whether the person may add a provider to this engine."""


def found_of(
    providers: Iterable[ProviderInfo],
    agents: Iterable[AgentInfo],
    *,
    folder: str,
    trust: str,
    file: str,
    may_add: bool,
) -> Found:
    """Returns what is shown of what the engine said."""
    known = tuple(providers)
    return Found(
        keys=tuple((sanitize_line(each.title), each.key_from) for each in known if each.key_from),
        servers=tuple(
            (sanitize_line(each.title), tuple(map(sanitize_line, each.served)))
            for each in known
            if each.served
        ),
        agents=tuple(sanitize_line(each.name) for each in agents if each.spec is not None),
        folder=sanitize_line(folder),
        trust=trust,
        file=sanitize_line(file),
        may_add=may_add,
    )


def readable(names: Iterable[str]) -> str:
    """Returns the first of the names that is a text to be asked about; empty where none is."""
    there = set(names)
    return next((name for name in _READABLE if name in there), "")


def tries(found: Found) -> tuple[str, ...]:
    """Returns three things to try: what is put into the message field."""
    asked = f"Summarise @{found.file} into summary.md" if found.file else "Write “hello” to hello.txt"
    return ("What can you do?", asked, KNOWLEDGE)


def panel_lines(agent: str, model: str, found: Found, *, short: bool = False) -> list[Line]:
    """Returns the panel; `short` leaves out what a low terminal has no room for."""
    gap: list[Line] = [] if short else [BLANK]
    lines = [line(("Holdfast", "brand"), ("  the workbench for agents", "muted")), *gap]
    lines += [_who(agent, model), *gap]
    lines += [_row("works now", _agents(found)), *_found_rows(found), *gap]
    lines += [*_try_rows(found), *gap]
    if found.may_add:
        add = shown("welcome.provider")
        lines.append(line((f"{add:<6}", "key"), " adds a provider: a key or a server"))
    lines.append(
        line(
            (f"{shown('everywhere.palette'):<6}", "key"),
            " all commands   ",
            (shown("everywhere.help"), "key"),
            " help",
        )
    )
    return lines


def panel_actions() -> dict[str, str]:
    """Returns what a click on a key of the panel does."""
    found = {
        key: f"app.{action.removeprefix('app.')}" for key, action in clicks("welcome", "everywhere").items()
    }
    return {**found, **{f"{key:<6}": action for key, action in found.items()}}


def _who(agent: str, model: str) -> Line:
    model = "replies that are written down" if model.startswith("scripted/") else model
    said = line(
        (sanitize_line(agent), "strong"), (" answers with ", "muted"), (sanitize_line(model), "strong")
    )
    if model != "offline":
        return said
    return (*said, (": no language model, but it needs nothing", "muted"))


def _row(name: str, spans: Line) -> Line:
    return line((f"{name:<11}", "muted"), *spans)


def _agents(found: Found) -> Line:
    if not found.agents:
        return line(("no agent yet", "warning"))
    names, more = _some(found.agents)
    count = "1 agent" if len(found.agents) == 1 else f"{len(found.agents)} agents"
    return line(f"{count}: {names}{more}  ", (shown("everywhere.new"), "key"))


def _some(names: tuple[str, ...]) -> tuple[str, str]:
    rest = len(names) - _WORDS
    return ", ".join(shorten(name, 40) for name in names[:_WORDS]), f" and {rest} more" if rest > 0 else ""


def _found_rows(found: Found) -> list[Line]:
    rows: list[Line] = []
    if found.keys:
        where = {
            "environment": "from the environment",
            "keyring": "in the keyring",
            "file": "in the key file",
        }
        parts = tuple(f"{title} {where.get(source, source)}" for title, source in found.keys)
        names, more = _some(tuple(parts))
        rows.append(_row("keys", line(("✓ ", "success"), names + more)))
    else:
        rows.append(_row("keys", line(("none yet", "muted"))))
    for title, models in found.servers:
        names, more = _some(models)
        rows.append(_row("server", line(("✓ ", "success"), f"{title}: {names}{more}")))
    if found.collections:
        count = "1 collection" if found.collections == 1 else f"{found.collections} collections"
        rows.append(_row("knowledge", line(("✓ ", "success"), f"{count} of documents")))
    if found.folder:
        trust = (f"  {found.trust}" if found.trust else "", "muted")
        rows.append(_row("folder", line(_end(found.folder), trust)))
    return rows


def _end(path: str) -> str:
    return path if len(path) <= 44 else f"…{path[-43:]}"


def _try_rows(found: Found) -> list[Line]:
    rows = []
    for number, text in enumerate(tries(found), 1):
        key = shown(f"welcome.try_{number}")
        what = "  ask your own documents" if text == KNOWLEDGE else ""
        rows.append(line((f"{key:<6}", "key"), " ", (text, "accent"), (what, "muted")))
    return rows
