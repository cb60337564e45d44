"""All that the screen shows, in one place. The controllers change it, the widgets read it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.keys import shown
from holdfast.tui.presenters.accounts import AdminState
from holdfast.tui.presenters.agreements import AgreementsState
from holdfast.tui.presenters.answers import Answers
from holdfast.tui.presenters.api_keys import KeysState
from holdfast.tui.presenters.details import DetailsState
from holdfast.tui.presenters.diffs import DiffLayout
from holdfast.tui.presenters.draft import Mention
from holdfast.tui.presenters.first_run import Found
from holdfast.tui.presenters.hooks import HooksState
from holdfast.tui.presenters.inbox import Inbox, Item
from holdfast.tui.presenters.knowledge.jobs import indexing
from holdfast.tui.presenters.knowledge.state import KnowledgeState
from holdfast.tui.presenters.listing import Grouping
from holdfast.tui.presenters.memory import MemoryState
from holdfast.tui.presenters.models import ModelsState
from holdfast.tui.presenters.modes import ModeView, mode_piece
from holdfast.tui.presenters.playground.state import PlaygroundState
from holdfast.tui.presenters.prompts import PromptsState
from holdfast.tui.presenters.run import RunView
from holdfast.tui.presenters.run_log import RunLogState
from holdfast.tui.presenters.searching import SearchState
from holdfast.tui.presenters.servers import ServersState
from holdfast.tui.presenters.session_map import SessionMapState
from holdfast.tui.presenters.sessions import HitRow, SessionList
from holdfast.tui.presenters.skew import Skew
from holdfast.tui.presenters.skills import SkillsState
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.presenters.status import Header
from holdfast.tui.presenters.tools import ToolsState
from holdfast.tui.presenters.undoing import Undoing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.core.domain.events import AnyEvent
    from holdfast.core.domain.messages import UserPart
    from holdfast.core.domain.runs import SessionCounts
    from holdfast.core.domain.search import Archived
    from holdfast.tui.presenters.files import FileRow

SUGGESTIONS = 3
"""Questions that are shown, and that a key takes."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that was sent but does not run yet."""

    id: str
    text: str
    mentions: tuple[Mention, ...] = ()
    session_id: str | None = None
    """Where it belongs, when that is known already."""
    along: tuple[UserPart, ...] = ()
    """What goes with it beside the text and what it mentions."""
    sent: bool = False
    """Whether it was sent under its id before, and may have arrived."""
    steer: bool = False
    """Whether it is for the run under way; where that has ended, it waits like any other."""


@dataclass(frozen=True, slots=True)
class Editing:
    """An earlier message that is in the message field: sending it forks before it."""

    session_id: str
    before: int
    """The event that its run began with."""
    draft: str
    """What stood in the message field before."""
    along: tuple[UserPart, ...] = ()
    """Its files."""
    mentioned: frozenset[str] = frozenset()
    """The paths that it mentions as it was sent."""

    def files(self, mentions: list[Mention]) -> tuple[tuple[UserPart, ...], list[Mention]]:
        """Returns those of its files that go along again, and the mentions that are not among them: a file
        that is mentioned no more stays behind, one that is mentioned still goes as it was."""
        now = {PurePath(one.path).name for one in mentions}
        before = {PurePath(path).name for path in self.mentioned}
        along = tuple(
            one for one in self.along if (name := getattr(one, "name", "")) in now or name not in before
        )
        given = {getattr(one, "name", "") for one in along}
        return along, [one for one in mentions if PurePath(one.path).name not in given]


@dataclass(slots=True)
class Model:
    """What is known and shown."""

    header: Header = field(default_factory=Header)
    sessions: SessionList = field(default_factory=SessionList)
    inbox: Inbox = field(default_factory=Inbox)
    run: RunView = field(default_factory=RunView)
    answers: Answers = field(default_factory=Answers)
    """What the answers of the open session were made from."""
    knowledge: KnowledgeState = field(default_factory=KnowledgeState)
    memory: MemoryState = field(default_factory=MemoryState)
    tools: ToolsState = field(default_factory=ToolsState)
    hooks: HooksState = field(default_factory=HooksState)
    models: ModelsState = field(default_factory=ModelsState)
    keys: KeysState = field(default_factory=KeysState)
    admin: AdminState = field(default_factory=AdminState)
    """What an administrator sees of users, mail, clients and the engine."""
    agreements: AgreementsState = field(default_factory=AgreementsState)
    details: DetailsState = field(default_factory=DetailsState)
    playground: PlaygroundState = field(default_factory=PlaygroundState)
    run_log: RunLogState = field(default_factory=RunLogState)
    map: SessionMapState = field(default_factory=SessionMapState)
    servers: ServersState = field(default_factory=ServersState)
    skills: SkillsState = field(default_factory=SkillsState)
    prompts: PromptsState = field(default_factory=PromptsState)
    queue: list[Waiting] = field(default_factory=list)
    """Messages of the open session that the engine holds back until the run has ended."""
    sending: list[Waiting] = field(default_factory=list)
    """Messages that are on their way, and have been for a while."""
    outbox: list[Waiting] = field(default_factory=list)
    """Messages that wait for the engine itself."""
    held: int = 0
    editing: Editing | None = None
    files: list[FileRow] | None = None
    """None: not read yet."""
    hits: list[HitRow] = field(default_factory=list)
    query: str = ""
    archived: Archived = "no"
    """Whether the list shows the archive."""
    grouping: Grouping = "date"
    """How the list of sessions is put in order."""
    session_counts: SessionCounts | None = None
    """How many sessions the user has; None: not known yet."""
    search: SearchState = field(default_factory=SearchState)
    """What is looked for in all sessions."""
    undoing: Undoing = field(default_factory=Undoing)
    """What was deleted here and can be brought back."""
    session_id: str | None = None
    title: str = ""
    agent: str = ""
    """The agent of the open session, or of the next one."""
    approve: str = "ask"
    """How much runs may do without asking where nobody has chosen a mode: the setting of that name."""
    mode: ModeView = field(default_factory=ModeView)
    """The mode of the open session, or of the one to come."""
    copy_on_select: bool = True
    """Whether text that is selected with the mouse is copied."""
    diff: DiffLayout = "auto"
    """How changes are shown: the setting of that name."""
    images: str = "auto"
    """How images are drawn in their preview: the setting of that name."""
    model_flag: str | None = None
    """The model that the person chose for the next new session."""
    opening: bool = False
    hint: str = ""
    """One line on what the first run should know."""
    silent: bool = False
    """Whether the model of the open session's run has been asked a while ago, and has not begun to answer."""
    found: Found | None = None
    """What the panel of a new session says was found; None: not read yet."""
    untrusted: tuple[str, ...] = ()
    """Names of project agents that wait for the person's word on the folder."""
    confirming: str | None = None
    """The approval whose `always` was asked for once."""
    not_answering: set[str] = field(default_factory=set)
    """Questions that the person does not want to answer from the message field."""
    me: str = ""
    """The name of the user as whom the engine has let the app in."""
    shut_out: bool = False
    """Whether the engine does not know the key or login that is shown to it, and signing in may help."""
    may_always: bool = True
    """Whether the person may make rules that stay."""
    may_trust: bool = True
    """Whether the person's word on a folder counts: an administrator's."""
    skew: Skew | None = None
    """The engine's version beside the app's, while they differ and that is to be shown."""
    sessions_error: str = ""
    inbox_error: str = ""
    files_error: str = ""

    def answering(self) -> Item | None:
        """Returns the question that the next message answers."""
        item = self.inbox.question_of(self.session_id)
        return None if item is None or item.id in self.not_answering else item

    def deciding(self) -> Item | None:
        """Returns the item that single keys act on."""
        return self.inbox.selected

    def count_waiting(self) -> None:
        """Brings the number in the header up to date."""
        self.header = replace(self.header, waiting=len(self.inbox))

    def show_mode(self) -> None:
        """Brings what the header says of the mode up to date."""
        pieces = mode_piece(self.mode), mode_piece(self.mode, short=True)
        self.header = replace(self.header, mode=pieces)

    def count_jobs(self) -> None:
        """Brings what the header says of running jobs up to date."""
        self.header = replace(self.header, indexing=indexing(self.knowledge.jobs, self.knowledge.names))

    def take_queue(self, event: AnyEvent) -> bool:
        """Follows the queue of the open session; says whether it changed."""
        if event.type == "message.queued":
            if all(w.id != event.message_id for w in self.queue):
                self.queue.append(Waiting(event.message_id, _text(event.parts), steer=event.steer))
            return True
        if event.type == "message.dequeued":
            self.queue = [w for w in self.queue if w.id != event.message_id]
            return True
        return False

    def hold(self, text: str, mentions: list[Mention]) -> None:
        """Keeps a message until the engine is reached."""
        self.held += 1
        self.outbox.append(Waiting(f"held-{self.held}", text, tuple(mentions)))

    def take_held(self) -> str | None:
        """Takes back the last message that waits for the engine."""
        return self.outbox.pop().text if self.outbox else None

    def forget_session(self) -> None:
        """Goes to the state before the first message of a new session."""
        self.session_id, self.title = None, ""
        self.inbox.preferred = None
        self.inbox.select(None)
        self.editing = None
        self.run, self.queue, self.files = RunView(), [], None
        self.mode = ModeView(self.approve)
        self.answers = Answers()
        self.files_error = ""
        self.opening = False


def _text(parts: object) -> str:
    texts = [getattr(part, "text", None) or f"[{getattr(part, 'name', 'file')}]" for part in parts]  # type: ignore[attr-defined]
    return "\n".join(texts)


def queue_lines(model: Model) -> list[Line]:
    """Returns what waits above the message field; at most three messages, the rest as a number."""
    lines: list[Line] = []
    steers = [one for one in model.queue if one.steer and model.run.busy]
    queued = [one for one in model.queue if one not in steers]
    parts = (
        (model.sending, "sending", "muted"),
        (model.outbox, "waits for the engine", "muted"),
        (steers, "↯ steers before the next step", "accent"),
        (queued, "… queued until the run ends" if model.run.busy else "… queued", "muted"),
    )
    for waiting, why, style in parts:
        lines += [
            line((f"{why}  ", style), shorten(sanitize_line(one.text[:500]), 120)) for one in waiting[-3:]
        ]
        if len(waiting) > 3:
            lines.append(line((f"and {len(waiting) - 3} more", "muted")))
    if model.editing is not None:
        lines.append(
            line(
                ("editing  ", "warning"), "an earlier message: sent, it goes on in a copy from there   ",
                (shown("everywhere.back"), "key"), (" gives up", "muted"),
            )
        )  # fmt: skip
        return lines
    if not lines and model.run.current is not None:
        return suggestion_lines(model.run.current.suggested)
    if lines and (model.queue or model.outbox):
        lines[-1] = line(*lines[-1], "   ", (shown("composer.older"), "key"), (" takes it back", "muted"))
    return lines


def suggestion_lines(questions: Sequence[str]) -> list[Line]:
    """Returns what could be asked next, each with the key that puts it into the message field."""
    return [
        line((shown(f"welcome.try_{number}"), "key"), "  ", (shorten(question, 120), "muted"))
        for number, question in enumerate(questions[:SUGGESTIONS], 1)
    ]
