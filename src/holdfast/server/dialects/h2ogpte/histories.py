"""What the model sees of a chat that was asked something without its history before."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from holdfast.core.domain.messages import Message, TextPart, text_of
from holdfast.core.domain.runs import Session
from holdfast.core.domain.values import all_items
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.h2ogpte.mapping_chats import kept_with
from holdfast.server.dialects.h2ogpte.mapping_ext import EXT
from holdfast.server.dialects.h2ogpte.mapping_messages import answer_of
from holdfast.server.kit.answers import state_of
from holdfast.server.kit.run_state import RunState

_CUT = "history_cut"
"""Kept with a session of which the model sees no longer what was said before: a question without history
makes the later ones of the session go on from it alone, and here it is to concern that question only."""


async def history_of(workbench: Workbench, session: Session, *, without: bool) -> tuple[Message, ...] | None:
    """Returns what the model is to see of the chat before the next question; None: what it would see anyway.
    `without`: nothing."""
    if without:
        return ()
    if not kept_with(session).get(_CUT):
        return None
    runs = await all_items(partial(workbench.runs.list, session.id))
    states = [await state_of(workbench, run) for run in reversed(runs)]
    return tuple(message for state in states for message in _said(state))


async def note_history(workbench: Workbench, session: Session, *, without: bool) -> None:
    """Keeps with a session what the question that has just begun makes of its history; `session` is as it was
    before that."""
    cut = without and session.run_id is not None
    kept = kept_with(session)
    if cut != bool(kept.get(_CUT)):
        whole = {name: value for name, value in kept.items() if name != _CUT}
        await workbench.sessions.annotate(session.id, {EXT: {**whole, _CUT: True} if cut else whole})


def _said(state: RunState) -> Iterator[Message]:
    asked, reply = text_of(state.asked), answer_of(state)
    if asked and reply:
        yield Message(role="user", parts=(TextPart(text=asked),))
        yield Message(role="assistant", parts=(TextPart(text=reply),))
