"""What was granted for a session, read from its log."""

from __future__ import annotations

from holdfast.core.domain.runs import Session
from holdfast.core.runs.broker import Broker
from holdfast.core.store.decisions import read_grants
from holdfast.core.store.log import EventLog
from holdfast.core.store.modes import dropped_grants


async def remember_grants(log: EventLog, broker: Broker, session: Session) -> None:
    """Lets the broker know the grants of a session, but those that were taken back. Raises `StoreError`."""
    approvals = await read_grants(log.reader, session.id)
    dropped = await dropped_grants(log.reader, session.id)
    begin = session.created_at  # a fork's older ones were decided for the session that it comes from
    counted = (a for a in approvals if a.decided_at and a.decided_at >= dropped.get(a.rule, begin))
    broker.remember(session.id, tuple(counted))
