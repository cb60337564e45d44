"""View models of the transcript: what is shown, without saying how.

Plain dataclasses, so that the terminal app can paint before pydantic is loaded. All text in here has
passed the sanitiser: it holds no control characters but newline and tab.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from holdfast.tui.presenters.passages import PassageView
from holdfast.tui.presenters.spans import Line

EntryKind = Literal["user", "reply", "reasoning", "tool", "notice", "error", "question", "queued"]

TOOL_STATES = ("requested", "waiting", "running", "ok", "error", "denied", "cancelled", "timeout", "client")
"""The states of a tool entry; the last six are final."""


@dataclass(slots=True, frozen=True)
class TextView:
    """Plain text, never markup."""

    text: str


@dataclass(slots=True, frozen=True)
class DiffView:
    """A change of one file as a unified diff."""

    path: str
    diff: str
    created: bool = False


@dataclass(slots=True, frozen=True)
class CommandView:
    """A command line, and after it has run its output."""

    command: str
    cwd: str
    output: str = ""
    exit_code: int | None = None
    whole: str = ""
    """The file of the session that has the whole output, when `output` is only its two ends."""
    whole_bytes: int = 0


@dataclass(slots=True, frozen=True)
class CodeView:
    language: str
    text: str


@dataclass(slots=True, frozen=True)
class TableView:
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(slots=True, frozen=True)
class ImageView:
    """An image by reference; a terminal shows its name and type."""

    blob: str
    media_type: str
    name: str = ""


@dataclass(slots=True, frozen=True)
class ArgumentsView:
    """The arguments of a call: names and their values as text."""

    items: tuple[tuple[str, str], ...]


@dataclass(slots=True, frozen=True)
class PlanView:
    """Steps with their status: `pending`, `in_progress` or `completed`."""

    items: tuple[tuple[str, str], ...]


@dataclass(slots=True, frozen=True)
class PassagesView:
    """What a retrieval found; each passage can be opened by its position among the entry's `sources`."""

    head: tuple[Line, ...]
    passages: tuple[tuple[int, PassageView], ...]
    """Each with its key among the entry's `sources`."""


View = (
    TextView
    | DiffView
    | CommandView
    | CodeView
    | TableView
    | ImageView
    | ArgumentsView
    | PlanView
    | PassagesView
)


@dataclass(slots=True, init=False, eq=False)
class Entry:
    """One thing in the transcript: a message, a part of a reply, a tool call, a notice …

    An entry is changed in place while it is open; the update that says so carries the same object.
    """

    id: str
    kind: EntryKind
    event_id: int
    """The event that it began with; 0 for what the app itself says."""
    run_id: str | None
    speaker: str
    """Who speaks, when a role header stands above this entry; else empty."""
    title: str
    """A tool's name, or the first line of a notice."""
    subject: str
    """What a tool call is about in a few words: the path, the command, the query."""
    state: str
    """Of a tool call: one of `TOOL_STATES`. Of a question: `waiting`, `ok` or `cancelled`. Of a notice:
    empty or `warning`."""
    note: str
    """A remark on the state: why it was denied, that the arguments were edited, who allowed it."""
    duration_ms: float | None
    attachments: tuple[str, ...]
    """Names of the files of a message."""
    choices: tuple[str, ...]
    """The answers that a question offers."""
    blocks: list[View]
    asked: bool
    """Whether a tool call waited for a person, or does."""
    child: str
    """Of a tool call: the id of the session in which a sub-agent works for it; empty for others."""
    sources: Mapping[int, PassageView]
    """Of a reply: what its numbers stand for; of a retrieval: its passages. By them links are opened."""
    open: bool
    """True while it still grows."""
    collapsed: bool
    """Whether only the header is shown, until a person says otherwise."""
    chunks: list[str] = field(repr=False)
    """The text in the pieces that came; readers that keep up read only the new ones."""

    def __init__(  # noqa: PLR0913 - one for each field, all but three optional
        self,
        id: str,
        kind: EntryKind,
        event_id: int = 0,
        run_id: str | None = None,
        *,
        speaker: str = "",
        title: str = "",
        subject: str = "",
        text: str = "",
        state: str = "",
        note: str = "",
        duration_ms: float | None = None,
        attachments: Iterable[str] = (),
        choices: Iterable[str] = (),
        blocks: Iterable[View] = (),
        sources: Mapping[int, PassageView] | None = None,
        asked: bool = False,
        open: bool = False,
        collapsed: bool = False,
    ) -> None:
        self.id = id
        self.kind = kind
        self.event_id = event_id
        self.run_id = run_id
        self.speaker = speaker
        self.title = title
        self.subject = subject
        self.state = state
        self.note = note
        self.duration_ms = duration_ms
        self.attachments = tuple(attachments)
        self.choices = tuple(choices)
        self.blocks = list(blocks)
        self.asked = asked
        self.child = ""
        self.sources = sources if sources is not None else {}
        self.open = open
        self.collapsed = collapsed
        self.chunks = [text] if text else []

    @property
    def text(self) -> str:
        """The whole text so far. Joined when asked for, so that appending stays cheap."""
        return "".join(self.chunks)

    @text.setter
    def text(self, text: str) -> None:
        self.chunks = [text] if text else []

    def append(self, text: str) -> None:
        """Adds text to the end of an open entry."""
        self.chunks.append(text)

    def _key(self) -> tuple[object, ...]:
        return (
            *(self.id, self.kind, self.event_id, self.run_id, self.speaker, self.title, self.subject),
            *(self.state, self.note, self.duration_ms, self.attachments, self.choices, tuple(self.blocks)),
            *(tuple(self.sources.items()), self.asked, self.open, self.collapsed, self.text),
        )

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Entry) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it changes


@dataclass(slots=True, frozen=True)
class Append:
    """A new entry at the end; queued messages stay behind it."""

    entry: Entry


@dataclass(slots=True, frozen=True)
class Change:
    """An entry is different now."""

    entry: Entry


@dataclass(slots=True, frozen=True)
class Remove:
    """The entry of this id is gone; nothing happens where there is none."""

    id: str


Update = Append | Change | Remove


def fold(entries: list[Entry], updates: Iterable[Update]) -> None:
    """Applies `updates` to a plain list: the meaning of updates, in the fewest words."""
    for update in updates:
        match update:
            case Append(entry):
                queued = sum(e.kind == "queued" for e in entries) if entry.kind != "queued" else 0
                entries.insert(len(entries) - queued, entry)
            case Change(entry):
                entries[:] = [entry if e.id == entry.id else e for e in entries]
            case Remove(id):
                entries[:] = [e for e in entries if e.id != id]
