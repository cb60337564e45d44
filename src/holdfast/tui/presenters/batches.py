"""Approvals that are alike, decided together: which belong together, and what is shown before and after.

Together means: looked at together. The engine decides each on its own, so that a call which would do
something else by now is asked again, whatever becomes of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.keys import shown
from holdfast.tui.presenters.diffs import DiffLayout
from holdfast.tui.presenters.inbox import Inbox, Item, detail, measure
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.approvals import Approval

Fate = Literal["done", "stale", "gone", "failed"]
"""What became of one call of a batch: decided; asked again, for it would do something else by now; decided
elsewhere; refused by the engine."""


def shape(approval: Approval) -> tuple[str, str, str]:
    """Returns what calls must share to be alike: agent, tool, and of programs and addresses which."""
    what = ""
    if approval.risk == "execute":
        what = approval.subject.split(maxsplit=1)[0] if approval.subject.strip() else ""
    elif approval.risk == "network":
        try:
            what = urlsplit(approval.subject).netloc
        except ValueError:
            what = approval.subject
    return approval.agent, approval.tool, what


def alike(items: Iterable[Item], item: Item | None) -> list[Item]:
    """Returns the items that are like one, itself among them, oldest first; none for a question."""
    if item is None or item.approval is None:
        return []
    wanted = shape(item.approval)
    return [each for each in items if each.approval is not None and shape(each.approval) == wanted]


def alike_counts(items: Iterable[Item]) -> dict[str, int]:
    """Returns by the ids of items how many are like each, itself among them."""
    shapes = {item.id: shape(item.approval) if item.approval is not None else None for item in items}
    counts = Counter(shapes.values())
    return {item_id: 1 if each is None else counts[each] for item_id, each in shapes.items()}


def together(inbox: Inbox) -> str:
    """Returns what the key for several would show: what is marked, else what is like the selected one; empty
    where that is one call."""
    if inbox.marked:
        return f"the {len(inbox.marked)} marked"
    count = len(alike(inbox.items, inbox.selected))
    return f"all {count} alike" if count > 1 else ""


@dataclass(slots=True)
class Batch:
    """Calls that a person looks at together. What arrives later is not among them."""

    items: tuple[Item, ...]
    chosen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.chosen = {item.id for item in self.items}

    def toggle(self, item_id: str) -> None:
        """Takes one out, or in again."""
        self.chosen ^= {item_id}

    def toggle_all(self) -> None:
        """Takes all in; all out, when all are in."""
        every = {item.id for item in self.items}
        self.chosen = set() if self.chosen == every else every

    @property
    def wanted(self) -> list[Item]:
        """Those that are to be decided."""
        return [item for item in self.items if item.id in self.chosen]


def batch_title(batch: Batch) -> Line:
    """Returns how many are to be decided, of which kind."""
    tools = dict.fromkeys(sanitize_line(item.approval.tool) for item in batch.items if item.approval)
    return line(
        (f"{len(batch.chosen)} of {len(batch.items)} calls", "heading"), (f"   {', '.join(tools)}", "muted")
    )


def batch_row(batch: Batch, item: Item, title: str) -> Line:
    """Returns a call in the list: whether it is in, what it is about, and in which session."""
    approval = item.approval
    if approval is None:
        return BLANK
    mark = ("[x] ", "success") if item.id in batch.chosen else ("[ ] ", "muted")
    subject = shorten(sanitize_line(approval.subject), 120)
    return line(
        mark,
        (sanitize_line(approval.tool), "strong"),
        " ",
        subject,
        (f"{measure(approval)}  {title}", "muted"),
    )


def batch_lines(
    batch: Batch, titles: dict[str, str], now: datetime, width: int = 0, layout: DiffLayout = "unified"
) -> tuple[list[Line], dict[str, int]]:
    """Returns the whole of every call that is in, one below the other, and the line each begins with."""
    lines: list[Line] = []
    starts: dict[str, int] = {}
    for number, item in enumerate(batch.wanted, 1):
        starts[item.id] = len(lines)
        lines.append(line((f"{number}  {shorten(item.label, 200)}", "heading")))
        lines += detail(item, titles.get(item.id, ""), now, width, layout)
        lines.append(BLANK)
    return lines or [line(("No call is chosen.", "muted"))], starts


def batch_keys(batch: Batch) -> Line:
    """Returns the keys, with how many they are about."""
    count = len(batch.chosen)
    return line(
        (shown("batch.approve"), "key"), (f" approve these {count}   ", "muted"),
        (shown("batch.deny"), "key"), (f" deny these {count}   ", "muted"),
        (shown("batch.reason"), "key"), (" deny, with a reason   ", "muted"),
        (shown("batch.toggle"), "key"), (" in or out   ", "muted"),
        (shown("batch.all"), "key"), (" all or none", "muted"),
    )  # fmt: skip


def outcome_text(approved: bool, fates: Collection[Fate], problem: str = "") -> str:
    """Returns what became of a batch, in one sentence or a few."""
    counts = {fate: sum(each == fate for each in fates) for fate in ("done", "stale", "gone", "failed")}
    said = [f"{counts['done']} {'approved' if approved else 'denied'}"]
    if counts["stale"]:
        said.append(f"{counts['stale']} would do something else by now: asked again with the new preview")
    if counts["gone"]:
        said.append(f"{counts['gone']} decided already")
    if counts["failed"]:
        said.append(f"{counts['failed']} refused{f': {sanitize_line(problem)}' if problem else ''}")
    return "; ".join(said) + "."
