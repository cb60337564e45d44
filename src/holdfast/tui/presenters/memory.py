"""Memory as lists: blocks that are put before models, entries that agents search for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import age
from holdfast.tui.presenters.spans import Line, fit, line, space
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.core.domain.memory import MemoryBlock, MemoryDefaults, MemoryEntry

TABS = ("blocks", "entries")
INJECTIONS = {
    "system_prompt": "behind the instructions",
    "user_instruction": "before each message",
    "file": "as a file of the workspace",
}
"""Where a block is put, in words."""
ACCESSES = {"read": "agents read it", "write": "agents write it", "read_write": "agents read and write it"}


@dataclass(frozen=True, slots=True)
class BlockView:
    """One block, sanitised; its content is what a person edits."""

    id: str
    name: str
    content: str
    digest: str
    """SHA-256 of the content as it is kept: what was read."""
    instructions: str
    injection: str
    access: str
    max_chars: int
    public: bool
    public_edit: bool
    own: bool
    """Whether it is the user's own, so that more than its content can be changed."""
    can_edit: bool
    updated_at: datetime
    defaults: tuple[str, ...] = ()
    """Runs that get it when their agent names no block: `chat`, `agent`."""


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry, sanitised."""

    id: str
    content: str
    tags: tuple[str, ...]
    source: str
    agent: str
    pinned: bool
    updated_at: datetime


@dataclass(slots=True)
class MemoryState:
    """What the memory screen shows."""

    blocks: list[BlockView] | None = None
    """None: not read yet."""
    entries: list[EntryView] | None = None
    cursor: str | None = None
    """Where the next page of entries begins."""
    query: str = ""
    error: str = ""

    def block(self, block_id: str | None) -> BlockView | None:
        return next((one for one in self.blocks or [] if one.id == block_id), None)

    def entry(self, entry_id: str | None) -> EntryView | None:
        return next((one for one in self.entries or [] if one.id == entry_id), None)


def digest_of(content: str) -> str:
    """Returns the SHA-256 by which the engine knows a content."""
    return hashlib.sha256(content.encode()).hexdigest()


def block_views(blocks: Iterable[MemoryBlock], defaults: MemoryDefaults, me: str) -> list[BlockView]:
    """Returns blocks as they are shown; `me` is the id of the user who looks."""
    return [_block(one, defaults, me) for one in blocks]


def _block(one: MemoryBlock, defaults: MemoryDefaults, me: str) -> BlockView:
    scopes = {"chat": defaults.chat, "agent": defaults.agent}
    return BlockView(
        id=one.id,
        name=sanitize_line(one.name),
        content=sanitize(one.content),
        digest=digest_of(one.content),
        instructions=sanitize(one.instructions),
        injection=one.injection,
        access=one.access,
        max_chars=one.max_chars,
        public=one.public,
        public_edit=one.public_edit,
        own=one.owner == me,
        can_edit=one.can_edit,
        updated_at=one.updated_at,
        defaults=tuple(scope for scope, block in scopes.items() if block == one.id),
    )


def entry_views(entries: Iterable[MemoryEntry]) -> list[EntryView]:
    """Returns entries as they are shown."""
    return [
        EntryView(
            id=one.id,
            content=sanitize(one.content),
            tags=tuple(map(sanitize_line, one.tags)),
            source=one.source,
            agent=sanitize_line(one.agent or ""),
            pinned=one.pinned,
            updated_at=one.updated_at,
        )
        for one in entries
    ]


def tags_of(text: str) -> tuple[str, ...]:
    """Returns the tags that a person wrote, by commas or spaces; a # before one is no part of it."""
    words = text.replace(",", " ").split()
    return tuple(dict.fromkeys(tag for tag in (word.lstrip("#") for word in words) if tag))


def block_row(block: BlockView, width: int) -> tuple[Line, Line]:
    """Returns a block as two lines: name and size; where it is put and what agents may do."""
    right = _length(block)
    room = max(4, width - len(right) - 1)
    name = fit(block.name, room)
    said = [block.injection.replace("_", " "), block.access.replace("_", " and ")]
    if not block.own:
        said.append("public" if block.public else "shared with you")
    elif block.public:
        said.append("public")
    default = f" · default for {' and '.join(block.defaults)}" if block.defaults else ""
    return (
        line((name, "strong"), (f"{space(name, room)}{right}", "muted")),
        line("  ", (" · ".join(said), "muted"), (default, "success")),
    )


def _length(block: BlockView) -> str:
    most = f" of {block.max_chars:,}" if block.max_chars else ""
    return f"{len(block.content):,}{most}"


def block_detail(block: BlockView | None, now: datetime) -> list[Line]:
    """Returns the whole of a block."""
    if block is None:
        return []
    lines = [
        line((block.name, "heading"), (f"  {_length(block)} characters", "muted")),
        line((f"{INJECTIONS[block.injection]} · {ACCESSES[block.access]}", "muted")),
    ]
    if block.defaults:
        lines.append(line((f"default for {' and '.join(block.defaults)}", "success")))
    if block.public:
        edit = " and may edit it" if block.public_edit else ""
        lines.append(line((f"all users see it{edit}", "warning")))
    if not block.can_edit:
        lines.append(line(("You may read it, not change it.", "warning")))
    lines.append(line((f"changed {age(block.updated_at, now)}", "muted")))
    if block.instructions.strip():
        lines += [(), *(line((one, "accent")) for one in block.instructions.split("\n"))]
    lines.append(())
    if not block.content.strip():
        return [
            *lines,
            line(("It is empty. ", "muted"), (shown("list.choose"), "key"), (" writes into it.", "muted")),
        ]
    return lines + [line(one.expandtabs(4)) for one in block.content.split("\n")]


def entry_row(entry: EntryView, width: int, now: datetime) -> tuple[Line, Line]:
    """Returns an entry as two lines: how it begins; tags, who made it and when."""
    pin = ("◆ ", "warning") if entry.pinned else ("  ", "")
    text = shorten(sanitize_line(entry.content.strip()), max(4, width - 3))
    who = entry.agent or {"user": "you", "agent": "an agent", "system": "the system"}[entry.source]
    tags = "".join(f"#{tag} " for tag in entry.tags)
    return line(pin, text), line("  ", (tags, "accent"), (f"{who} · {age(entry.updated_at, now)}", "muted"))


def entry_detail(entry: EntryView | None, now: datetime) -> list[Line]:
    """Returns the whole of an entry."""
    if entry is None:
        return []
    who = entry.agent or {"user": "you", "agent": "an agent", "system": "the system"}[entry.source]
    lines = [line((f"from {who} · changed {age(entry.updated_at, now)}", "muted"))]
    if entry.pinned:
        lines.append(line(("pinned", "warning")))
    if entry.tags:
        lines.append(line((" ".join(f"#{tag}" for tag in entry.tags), "accent")))
    return [*lines, (), *(line(one.expandtabs(4)) for one in entry.content.split("\n"))]


def headline(waiting: int, engine: EngineState = "ready") -> Line:
    """Returns the first line of the memory screen."""
    return line(
        ("Memory", "brand"),
        engine_note(engine),
        ("  blocks stand before the model, entries are searched", "muted"),
        (f"  ⚠ {waiting}" if waiting else "", "warning"),
    )


def counts(state: MemoryState) -> dict[str, str]:
    """Returns how much each tab has, as far as it was read."""
    entries = f"{len(state.entries)}{'+' if state.cursor else ''}" if state.entries else ""
    return {"blocks": str(len(state.blocks or []) or ""), "entries": entries}


def note_lines(state: MemoryState, tab: str) -> list[Line]:
    """Returns what stands in a list that is empty: loading, nothing there, what went wrong."""
    if state.error:
        return [line((state.error, "error"))]
    known = state.blocks if tab == "blocks" else state.entries
    if known is None:
        return [line(("Reading the memory…", "muted"))]
    if known:
        return []
    if tab == "blocks":
        return [
            line("No block yet."),
            (),
            line((shown("memory.new"), "key"), (" makes one: a text for every run.", "muted")),
        ]
    if state.query.strip():
        return [line(("No entry fits.", "muted"))]
    how = " makes one; agents with recall: true do, too."
    return [line("Nothing is remembered yet."), (), line((shown("memory.new"), "key"), (how, "muted"))]


def footer(tab: str, *, some: bool = True, typing: bool = False) -> list[tuple[str, str, str]]:
    """Returns key, label and command of each key, the most useful here first; `some`: the list is not empty;
    `typing`: one is in the words, where letters are letters."""
    back, new, last = foot("memory.back"), foot("memory.new"), foot("memory.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    keys = [back, foot("memory.open"), new] if some else [back, new]
    if tab == "blocks":
        own = [foot("memory.options"), foot("memory.delete")]
        there = [foot("memory.entries")]
    else:
        own = [foot("memory.pin"), foot("memory.tags"), foot("memory.delete", "forget")]
        there = [foot("memory.words"), foot("memory.blocks")]
    return [*keys, *(own if some else []), *there, last]
