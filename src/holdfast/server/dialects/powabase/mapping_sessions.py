"""Sessions and what was said in them, on Powabase's wire. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from holdfast.core.domain.events import LoggedEvent, MessageAdded
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.runs import Run, RunStatus, Session
from holdfast.server.dialects.powabase.mapping_retrieved import citations_of
from holdfast.server.dialects.powabase.mapping_runs import WireStatus, reasoning_of, usage_of
from holdfast.server.dialects.powabase.wire_runs import MessageOut, RunLine, SessionLine, SessionsQuery
from holdfast.server.kit.run_state import RunState

FIRST = 100
"""Characters of a session's first message in a listing."""


def is_wanted(session: Session, query: SessionsQuery) -> bool:
    """Says whether a session has what is searched for in its title, and was made in the wanted time; a time
    without a zone is UTC."""
    after, before = _aware(query.created_after), _aware(query.created_before)
    return (
        query.search.casefold() in session.title.casefold()
        and (after is None or session.created_at >= after)
        and (before is None or session.created_at <= before)
    )


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def in_count(runs: int, query: SessionsQuery) -> bool:
    """Says whether a session has the wanted number of runs."""
    least, most = query.min_runs, query.max_runs
    return (least is None or runs >= least) and (most is None or runs <= most)


def session_line(session: Session, runs: int, begun: Iterable[LoggedEvent]) -> SessionLine:
    """Returns a session of a listing; `begun` are the first events of its first run."""
    said = (one.event.parts for one in begun if isinstance(one.event, MessageAdded))
    return SessionLine(
        session_id=session.id,
        run_count=runs,
        last_activity_at=session.updated_at,
        created_at=session.created_at,
        first_message=text_of(next(said, ()))[:FIRST],
    )


def messages_of(state: RunState) -> Iterable[MessageOut]:
    """Returns what was said in a run, by both."""
    asked = MessageOut(
        role="user", content=text_of(state.asked), run_id=state.run_id, timestamp=state.started_at
    )
    reply = MessageOut(
        role="assistant",
        content=state.reply,
        run_id=state.run_id,
        timestamp=state.ended_at,
        citations=citations_of(state.citations),
        reasoning=reasoning_of(state) or None,
        reasoning_requested=state.options.reasoning,
    )
    return (*((asked,) if state.asked else ()), *((reply,) if state.reply else ()))


def status_of_run(run: Run) -> WireStatus:
    """Returns the status of a run in a listing."""
    if not run.status.ended:
        return "running"
    return "completed" if run.status is RunStatus.COMPLETED else "failed"


def run_line(run: Run) -> RunLine:
    """Returns a run of a listing."""
    return RunLine(
        run_id=run.id,
        status=status_of_run(run),
        started_at=run.started_at,
        completed_at=run.ended_at,
        error=run.error.message if run.error else None,
        usage=usage_of(run.usage),
        steps=run.steps,
    )
