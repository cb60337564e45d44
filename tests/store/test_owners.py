"""Whose events are whose, also when an id is used for a second time by somebody else."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.events import EventFilter, SessionCreated, SessionDeleted, SessionRenamed
from holdfast.core.domain.identity import LOCAL
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store import reader
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


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    owners=st.lists(st.sampled_from(["ann", "bob", LOCAL]), max_size=30),
    after=st.integers(0, 40),
    limit=st.integers(1, 12),
    step=st.sampled_from([1, 3, 10_000]),
)
async def test_each_sees_the_own_events_in_order_however_many_others_there_are(
    tmp_path_factory, owners: list[str], after: int, limit: int, step: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    saved, reader._STEP = reader._STEP, step
    log = await EventLog.open(folder / "db", FileBlobs(folder / "blobs"))
    try:
        await log.append(*(made(str(number), owner) for number, owner in enumerate(owners)))
        for asking in ("ann", "bob", LOCAL):
            own = [number for number, owner in enumerate(owners, start=1) if owner == asking]
            found = await log.read(EventFilter(), after, limit, asking)
            assert [each.id for each in found] == [each for each in own if each > after][:limit]
        found = await log.read(EventFilter(), after, limit)
        assert [each.id for each in found] == list(range(after + 1, len(owners) + 1))[:limit]
    finally:
        reader._STEP = saved
        await log.close()
