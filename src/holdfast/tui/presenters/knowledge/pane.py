"""The knowledge pane: what the answers of the open session were made from."""

from __future__ import annotations

from holdfast.core.domain.text import shorten
from holdfast.tui.presenters.answers import Answers, Turn
from holdfast.tui.presenters.knowledge.collections import counts, state_of
from holdfast.tui.presenters.knowledge.state import KnowledgeState
from holdfast.tui.presenters.retrievals import head_lines
from holdfast.tui.presenters.spans import Line, line

EMPTY = (
    line("Nothing was looked up in this session yet."),
    (),
    line(("An agent searches the collections that its file names under ", "muted"), ("knowledge:", "key")),
    (),
    line(("/knowledge", "key"), (" shows your collections, takes in documents and searches them.", "muted")),
)


def turn_lines(answers: Answers) -> list[Line]:
    """Returns which answer is looked at, and how its passages were found."""
    turn = answers.current
    if turn is None:
        return list(EMPTY)
    total = len(answers.turns)
    lines: list[Line] = []
    if total > 1:
        lines.append(line(("‹", "key"), (f" answer {answers.position} of {total} ", "muted"), ("›", "key")))
    if turn.question:
        lines.append(line((shorten(turn.question, 120), "strong")))
    return [*lines, *_retrievals(turn)]


def _retrievals(turn: Turn) -> list[Line]:
    if not turn.retrievals:
        return [line(("It cites passages of answers before it.", "muted"))]
    shown = turn.retrievals[-3:]
    lines = [one for retrieval in shown for one in head_lines(retrieval, turn.question)]
    if len(turn.retrievals) > len(shown):
        lines.append(line((f"and {len(turn.retrievals) - len(shown)} searches before", "muted")))
    return lines


def collection_lines(answers: Answers, knowledge: KnowledgeState) -> list[Line]:
    """Returns the collections that the session has searched, with how much is in them and their state."""
    names = answers.collections
    if not names:
        return []
    lines = [line(("Collections of this session", "heading"))]
    for name in names:
        known = knowledge.named(name)
        if known is not None:
            lines.append(line((name, "strong"), "  ", state_of(known, knowledge.jobs)))
            lines.append(line(("  ", ""), (counts(known), "muted")))
        elif knowledge.collections is None:
            lines.append(line((name, "strong")))
        else:
            lines.append(line((name, "strong"), ("  is not there any more", "warning")))
    return lines
