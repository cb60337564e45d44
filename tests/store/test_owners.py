"""Whose events are whose, also when an id is used for a second time by somebody else."""

from __future__ import annotations

import asyncio
from typing import Any

from holdfast.core.domain.events import EventFilter, SessionCreated, SessionDeleted, SessionRenamed
from holdfast.core.domain.identity import LOCAL
from holdfast.core.store.log import EventLog


def made(session_id: str, owner: str = LOCAL) -> SessionCreated:
    return SessionCreated(
        session_id=session_id, title="", agent="general", project="/p", workspace="/w", owner=owner
    )


async def seen(log: EventLog, owner: str, **wanted: Any) -> list[str]:
    return [each.event.type for each in await log.read(EventFilter(**wanted), owner=owner)]


async def test_the_id_of_a_deleted_session_brings_nothing_of_the_next_owner(log) -> None:
    await log.append(made("main", "ann"))
    await log.append(SessionDeleted(session_id="main", owner="ann"))
    newest = await log.reader.last_event_id()
    anns, ours = log.follow(EventFilter(), newest, "ann"), log.follow(EventFilter(), newest, LOCAL)
    waiting = asyncio.ensure_future(anext(anns)), asyncio.ensure_future(anext(ours))
    while len(list(log._followers)) < 2 or any(each.lagging for each in log._followers):  # noqa: ASYNC110
        await asyncio.sleep(0)
    await log.append(made("main"), SessionRenamed(session_id="main", title="Secret"))
    await log.append(made("other", "ann"))
    async with asyncio.timeout(10):
        first, mine = await asyncio.gather(*waiting)
    assert first.event.session_id == "other"
    assert (mine.event.type, mine.event.session_id) == ("session.created", "main")
    assert await seen(log, LOCAL) == ["session.created", "session.renamed"]
    assert await seen(log, LOCAL, session_id="main") == ["session.created", "session.renamed"]
    page = await log.reader.page_before("main", None, 10)
    assert [each.event.type for each in page] == ["session.created", "session.renamed"]
    assert not await log.reader.has_events_before("main", page[0].id)
    assert await seen(log, "ann") == ["session.deleted", "session.created"]
    assert await seen(log, "ann", session_id="main") == ["session.deleted"]
    await anns.aclose()
    await ours.aclose()


async def test_a_follower_hears_of_the_end_of_its_own_users_sessions_only(log) -> None:
    await log.append(made("a", "ann"), made("b", "bob"))
    stream = log.follow(EventFilter(), 0, "bob")
    async with asyncio.timeout(10):
        assert (await anext(stream)).event.session_id == "b"
        end = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await log.append(SessionDeleted(session_id="a", owner="ann"))
        await log.append(SessionDeleted(session_id="b", owner="bob"))
        assert (await end).event.session_id == "b"
    assert not log._followers._owners, "what is deleted is not remembered"
    await stream.aclose()
