"""The inbox as data: every approval and question that waits, in all sessions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.tui.keys import shown
from holdfast.tui.presenters.asked import asks, choices_of, words_of
from holdfast.tui.presenters.blocks import argument_lines, diff_counts, lines_of, text_lines
from holdfast.tui.presenters.diffs import DiffLayout
from holdfast.tui.presenters.figures import age, until
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.approvals import Approval
    from holdfast.core.domain.events import AnyEvent
    from holdfast.core.domain.tools import Question

RISKS = {"read": "muted", "write": "accent", "network": "warning", "execute": "warning"}


@dataclass(frozen=True, slots=True)
class Item:
    """An approval or a question that waits for a person."""

    id: str
    session_id: str
    arrived: float
    """Monotonic seconds; the key guard counts from here."""
    approval: Approval | None = None
    question: Question | None = None

    @property
    def label(self) -> str:
        """What it is about, in one short line."""
        if self.approval:
            return sanitize_line(f"{self.approval.tool}  {self.approval.subject}").strip()
        return sanitize_line(words_of(self.question)) if self.question else ""

    @property
    def rule(self) -> str:
        """The rule that "always" would add; empty where there is none."""
        return sanitize_line(self.approval.rule) if self.approval else ""

    @property
    def arguments(self) -> str:
        """The call's arguments as JSON to edit."""
        values: dict[str, Any] = self.approval.arguments if self.approval else {}
        return json.dumps(values, indent=2, ensure_ascii=False)

    def choice(self, number: int) -> str | None:
        """Returns the question's choice of a number from 1."""
        choices = choices_of(self.question) if self.question else ()
        return choices[number - 1] if 0 < number <= len(choices) else None


def _session_of(asked: Approval | Question) -> str:
    """Returns the session that a person knows: for a sub-agent's, the one that it works for."""
    return asked.parent_session_id or asked.session_id


class Inbox:
    """What waits, oldest first, and which of it is selected."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._selected: str | None = None
        self._marked: set[str] = set()
        self._shown: tuple[str | None, float] = (None, 0.0)
        """Which item is shown as the one that keys act on, and since when."""
        self.loaded = False
        self.preferred: str | None = None
        """The session that is open: what waits in it comes before what waits elsewhere."""

    def __len__(self) -> int:
        return len(self._items)

    def replace(self, approvals: Iterable[Approval], questions: Iterable[Question], now: float) -> None:
        """Takes the list as the engine gave it; what was known keeps its time of arrival."""
        items = [Item(a.id, _session_of(a), now, approval=a) for a in approvals]
        items += [Item(q.id, _session_of(q), now, question=q) for q in questions]
        self._items = {item.id: self._items.get(item.id, item) for item in items}
        self.loaded = True

    def apply(self, event: AnyEvent, now: float) -> Item | None:
        """Takes an event in; returns the item when it is new."""
        if event.type == "approval.requested":
            approval = event.approval
            return self._add(Item(approval.id, _session_of(approval), now, approval=approval))
        if event.type == "question.asked":
            return self._add(
                Item(event.question.id, _session_of(event.question), now, question=event.question)
            )
        if event.type == "approval.resolved":
            self.remove(event.approval_id)
        elif event.type == "question.answered":
            self.remove(event.question_id)
        elif event.type in ("session.deleted", "session.trashed"):
            self._items = {k: v for k, v in self._items.items() if v.session_id != event.session_id}
        return None

    def _add(self, item: Item) -> Item | None:
        if item.id in self._items:
            return None
        self._items[item.id] = item
        return item

    def remove(self, item_id: str) -> None:
        """Forgets an item that is decided."""
        if self._selected == item_id:
            self._selected = None
        self._items.pop(item_id, None)

    def get(self, item_id: str) -> Item | None:
        """Returns the item of an id, if it waits."""
        return self._items.get(item_id)

    def of_run(self, run_id: str) -> Item | None:
        """Returns the first approval of a run that waits."""
        items = (one for one in self._items.values() if one.approval is not None)
        return next((one for one in items if one.approval and one.approval.run_id == run_id), None)

    def select(self, item_id: str | None) -> None:
        """Takes the item that the keys are to act on. Its guard begins when it is shown: a list whose rows
        have changed moves its cursor, too."""
        self._selected = item_id

    def note_shown(self, now: float) -> None:
        """Notes that the selected item is on the screen: when it took another one's place, the keys that were
        meant for that one must not decide it."""
        current = self.selected.id if self.selected is not None else None
        if current != self._shown[0]:
            self._shown = (current, now)

    def ready(self, now: float) -> float:
        """Returns from when on the key guard counts for the selected item: its arrival, or the moment when
        it became the one that is shown; `now`, when it is not shown yet."""
        item = self.selected
        if item is None or item.id != self._shown[0]:
            return now
        return max(item.arrived, self._shown[1])

    def mark(self, item_id: str) -> None:
        """Marks an approval, to be decided with others; takes the mark away when it has one."""
        item = self._items.get(item_id)
        if item is not None and item.approval is not None:
            self._marked ^= {item_id}

    @property
    def marked(self) -> list[Item]:
        """What is marked and waits still, oldest first."""
        return [item for item in self.items if item.id in self._marked]

    @property
    def items(self) -> list[Item]:
        return list(self._items.values())

    @property
    def selected(self) -> Item | None:
        """The item that keys act on: the one that was chosen, else the oldest of the open session, else
        the oldest."""
        if self._selected in self._items:
            return self._items[self._selected]
        own = next((item for item in self.items if item.session_id == self.preferred), None)
        return own or next(iter(self._items.values()), None)

    def question_of(self, session_id: str | None) -> Item | None:
        """Returns the oldest question of a session that takes an answer in free words."""
        return next(
            (i for i in self.items if i.question and i.question.free_text and i.session_id == session_id),
            None,
        )


def item_line(
    item: Item, title: str, now: datetime, marked: bool = False, alike: int = 1
) -> tuple[Line, Line]:
    """Returns the two lines of an item in the list; `title` is its session's, `alike` how many are alike."""
    if item.approval is None:
        head = line(("? ", "accent"), (shorten(item.label, 120), "strong"))
        return head, line((f"  {_who(item.question)}{title}", "muted"))
    approval = item.approval
    head = line(
        ("[x] ", "success") if marked else ("⚠ ", "warning"),
        (sanitize_line(approval.tool), "strong"),
        " ",
        shorten(sanitize_line(approval.subject), 120),
    )
    foot = f"  {sanitize_line(approval.agent)} · {title} · {age(approval.requested_at, now)}"
    others = (f" · {alike} alike" if alike > 1 else "", "accent")
    if approval.expires_at is None:
        return head, line((foot, "muted"), others)
    return head, line((foot, "muted"), others, (f" · expires {until(approval.expires_at, now)}", "warning"))


def detail(
    item: Item, title: str, now: datetime, width: int = 0, layout: DiffLayout = "unified"
) -> list[Line]:
    """Returns everything about an item: what it is, and the whole of what would happen; `layout` says how
    changes are shown in `width` cells."""
    if item.question is not None:
        return _question(item.question, title)
    return _approval(item.approval, title, now, width, layout) if item.approval else []


def _approval(approval: Approval, title: str, now: datetime, width: int, layout: DiffLayout) -> list[Line]:
    lines = [
        line(
            (sanitize_line(approval.tool), "strong"),
            "  ",
            (approval.risk.value, RISKS.get(approval.risk.value, "muted")),
        ),
        line((f"{sanitize_line(approval.agent)} · {title}", "muted")),
    ]
    if approval.reason:
        lines.append(line((sanitize_line(approval.reason), "muted")))
    if approval.expires_at is not None:
        what = "it is denied" if approval.on_expiry == "deny" else "the run is cancelled"
        lines.append(line((f"in {until(approval.expires_at, now)} {what}", "warning")))
    lines.append(BLANK)
    shown = (
        lines_of(approval.preview, width, layout) if approval.preview else argument_lines(approval.arguments)
    )
    return lines + shown


def _who(question: Question | None) -> str:
    """Returns the name of the sub-agent that asks, with what parts it from a title; empty for others."""
    return f"{sanitize_line(question.agent)} · " if question is not None and question.agent else ""


def _question(question: Question, title: str) -> list[Line]:
    lines = [line((asks(question), "strong")), line((title, "muted")), BLANK]
    lines += text_lines(question.text)
    if question.url is not None:
        lines += [BLANK, line((sanitize_line(question.url), "accent"))]
    choices = choices_of(question)
    if choices:
        lines.append(BLANK)
        lines += [
            line((f"{number} ", "key"), sanitize_line(choice)) for number, choice in enumerate(choices, 1)
        ]
    if question.free_text:
        lines += [BLANK, line(("or type your answer in the message field", "muted"))]
    return lines


def summary(item: Item, elsewhere: str = "") -> Line:
    """Returns one line for the strip above the message field; `elsewhere` is the title of another session
    that it belongs to."""
    where = (f"  in {elsewhere}" if elsewhere else "", "muted")
    if item.question is not None:
        return line(("? ", "accent"), shorten(item.label, 200), where)
    approval = item.approval
    if approval is None:
        return BLANK
    return line(
        ("⚠ ", "warning"),
        (sanitize_line(approval.tool), "strong"),
        " ",
        shorten(sanitize_line(approval.subject), 160),
        (measure(approval), "muted"),
        where,
    )


def measure(approval: Approval) -> str:
    """Returns how many lines a call adds and removes; empty where it changes no file."""
    counts = [diff_counts(sanitize(b.diff)) for b in approval.preview if b.type == "diff"]
    if not counts:
        return ""
    return f"  +{sum(added for added, _ in counts)} -{sum(removed for _, removed in counts)}"


def keys_line(
    item: Item | None,
    confirming: bool,
    may_decide: bool = True,
    may_always: bool = True,
    together: str = "",
) -> Line:
    """Returns the keys that act on `item`; `confirming` after the first press of `a`; `together` is what
    could be decided at once."""
    if item is None:
        return BLANK
    if not may_decide:
        return line(("your key may look, but not decide", "muted"))
    if item.question is not None:
        if item.question.acted:
            acts = enumerate(choices_of(item.question), 1)
            return line(*(span for n, act in acts for span in ((str(n), "key"), (f" {act}  ", "muted"))))
        count = len(item.question.choices)
        numbers = "1" if count == 1 else f"1-{min(count, 9)}"
        choose = ((numbers, "key"), (" choose  ", "muted")) if count else ()
        answer = (("type", "key"), (" an answer", "muted")) if item.question.free_text else ()
        return line(*choose, *answer)
    if confirming:
        return line(
            (shown("decide.always"), "key"), (" again adds ", "warning"), (item.rule, "strong"),
            (" to your policy   ", "warning"), (shown("everywhere.back"), "key"), (" no", "muted"),
        )  # fmt: skip
    always = [("always", " always ")] if item.rule and may_always else []
    words = [
        *(("once", " once "), ("session", " session ")),
        *always,
        *(("edit", " edit "), ("deny", " deny "), ("reason", " reason" + (" " if together else ""))),
        *([("alike", f" {together}")] if together else []),
    ]
    spans = [((shown(f"decide.{name}"), "key"), (word, "muted")) for name, word in words]
    return line(*(span for pair in spans for span in pair))


def keys_block(
    item: Item | None,
    confirming: bool,
    may_decide: bool = True,
    may_always: bool = True,
    together: str = "",
) -> list[Line]:
    """Returns the same keys for a narrow pane: those that allow above those that do not."""
    keys = keys_line(item, confirming, may_decide, may_always, together)
    cut = next((i for i, (text, _) in enumerate(keys) if text == shown("decide.edit")), 0)
    if not cut or confirming:
        return [keys] if keys else []
    return [keys[:cut], keys[cut:]]
