"""The first events of a run that a message begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from holdfast.core.domain.events import AnyEvent, MessageAdded, RunStarted, SessionRenamed
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import QueuedMessage, Session
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.taking_over import NextRun
from holdfast.core.runs.waiting import left_queue, title_of
from holdfast.core.runs.ways import chosen_steps


def first_events(
    run: ActiveRun,
    session: Session,
    message_id: str,
    parts: tuple[UserPart, ...],
    *,
    key: str,
    continues: str | None,
    queued: Sequence[QueuedMessage],
    after: NextRun | None,
) -> tuple[AnyEvent, ...]:
    """Returns them in order. `continues` is the id of an interrupted run that it goes on from, `queued` are
    the waiting messages that the message is made of, `after` what comes from the run that has handed the
    conversation over."""
    waited = tuple(each.id for each in queued)
    events: list[AnyEvent] = [*left_queue(session.id, waited)]
    events.append(
        RunStarted(
            **run.ids,
            agent=run.spec.name,
            model=run.model,
            key=key,
            options=run.options,
            continues=continues,
            hand_overs=0 if after is None else after.hand_overs,
            mode=None if after is None else after.mode,
            plan=chosen_steps(run.spec, run.options),
            # What was handed over is what an agent said of which the log may keep nothing.
            logged=run.logged and (after is None or after.logged),
        )
    )
    origin: Literal["send", "continue", "agent"] = (
        "continue" if continues else "agent" if after is not None else "send"
    )
    follow_ups = waited if queued and queued[0].kind is not None else ()
    events.append(
        MessageAdded(**run.ids, message_id=message_id, parts=parts, origin=origin, follow_ups=follow_ups)
    )
    if not session.title and not continues and (title := title_of(parts)):
        events.append(SessionRenamed(session_id=session.id, title=title, automatic=True))
    return tuple(events)
