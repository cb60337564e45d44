"""Conversations read whole, by number, and by everybody where they are shared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.conversations import SaidMessage
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.events import (
    AnyEvent,
    ChildRunStarted,
    LoggedEvent,
    ToolCallCompleted,
    ToolCallRequested,
)
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.messages import TextPart
from holdfast.core.sessions.conversation import said_in

ANN = Principal(user_id="ann", name="ann", role=Role.USER, scope=Scope.ADMIN)
PLAN = {"items": [{"text": "Light the lamp", "status": "in_progress"}]}


def lines(messages: tuple[SaidMessage, ...]) -> list[tuple[str, str]]:
    return [(each.role, each.text) for each in messages]


async def said(bench: Any, session: Any, *texts: str) -> None:
    for text in texts:
        await bench.end(await bench.send(session, text))


async def test_a_conversation_has_every_message_whole(open_bench: Any, say: Any, call: Any) -> None:
    async with open_bench([call(("update_plan", json.dumps(PLAN))), say("The lamp burns.")]) as bench:
        session = await bench.session()
        await said(bench, session, "Light it")
        found = await bench.workbench.sessions.conversation(session.id)
        assert lines(found.messages) == [
            ("user", "Light it"),
            ("assistant", ""),
            ("tool", "Plan updated: 0 of 1 steps completed."),
            ("assistant", "The lamp burns."),
        ]
        asked = found.messages[1]
        assert [(each.name, each.arguments) for each in asked.calls] == [("update_plan", PLAN)]
        assert (found.messages[2].id, found.messages[2].outcome) == (asked.calls[0].call_id, "ok")
        assert (asked.id, found.messages[3].id, asked.agent) == ("1", "2", "tester")
        assert found.last_event_id == (await bench.workbench.sessions.get(session.id)).last_event_id
        assert [each.text for each in await bench.workbench.sessions.plan(session.id)] == ["Light the lamp"]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text("abc é\n*", min_size=1, max_size=20).filter(str.strip), min_size=1, max_size=4))
async def test_what_is_said_comes_back_as_it_was(open_bench: Any, say: Any, texts: list[str]) -> None:
    async with open_bench([say(f"re: {text}") for text in texts]) as bench:
        session = await bench.session()
        await said(bench, session, *texts)
        found = await bench.workbench.sessions.conversation(session.id)
        expected = [pair for text in texts for pair in (("user", text), ("assistant", f"re: {text}"))]
        assert lines(found.messages) == expected
        fork = await bench.workbench.sessions.fork(session.id)
        assert lines((await bench.workbench.sessions.conversation(fork.id)).messages) == expected


async def test_sessions_are_found_by_number(open_bench: Any, say: Any) -> None:
    async with open_bench([say("one"), say("two")]) as bench:
        sessions = bench.workbench.sessions
        first, second = await bench.session(title="Beta 50%"), await bench.session(title="alpha")
        await sessions.annotate(second.id, {"there": {"id": "sess_clients_own"}})
        await said(bench, first, "a", "b")
        await sessions.archive(second.id)
        await sessions.delete((await bench.session(title="gone")).id)
        found = await sessions.browse()
        assert ([each.id for each in found.items], found.total) == ([first.id, second.id], 2)
        assert found.user_messages == {first.id: 2, second.id: 0}
        assert found.items[0].messages == 4
        by_title = await sessions.browse(order="title", descending=False, limit=1)
        assert ([each.title for each in by_title.items], by_title.total) == (["alpha"], 2)
        assert [each.id for each in (await sessions.browse(order="messages", offset=1)).items] == [second.id]
        for text, ids in (("50%", [first.id]), ("%", [first.id]), ("ALPHA", [second.id]), ("_", [])):
            assert [each.id for each in (await sessions.browse(text)).items] == ids
        assert (await sessions.browse("clients_own")).total == 0
        assert (await sessions.browse("clients_own", api="there")).total == 1
        assert (await sessions.browse(agent="nobody")).total == 0
        assert (await bench.workbench.as_principal(ANN).sessions.browse()).total == 0
        for wrong in ({"offset": -1}, {"api": "there.id"}):
            with pytest.raises(InvalidError):
                await sessions.browse(**wrong)


async def test_only_what_is_shared_is_read_by_others_and_only_what_was_said(
    open_bench: Any, say: Any
) -> None:
    async with open_bench([say("The lamp burns.")]) as bench:
        sessions, strangers = bench.workbench.sessions, bench.workbench.as_principal(ANN).sessions
        session = await bench.session(title="Lamps")
        await sessions.annotate(session.id, {"there": {"id": "sess_lamps"}})
        await said(bench, session, "Light it")
        with pytest.raises(NotFoundError):
            await strangers.shared(session.id)
        with pytest.raises(NotFoundError):
            await strangers.share(session.id)
        assert (await sessions.share(session.id)).shared
        for found in (
            await strangers.shared(session.id),
            await strangers.shared("sess_lamps", api="there"),
        ):
            assert lines(found.messages) == [("user", "Light it"), ("assistant", "The lamp burns.")]
            assert found.title == "Lamps" and not any(each.parts for each in found.messages)
            told = found.model_dump_json()
            assert session.workspace not in told and "local" not in told
        with pytest.raises(NotFoundError):
            await strangers.shared("sess_lamps")
        with pytest.raises(NotFoundError):
            await strangers.conversation(session.id)
        await bench.workbench._core.log.rebuild_index()
        assert (await sessions.get(session.id)).shared
        await sessions.share(session.id, shared=False)
        with pytest.raises(NotFoundError):
            await strangers.shared(session.id)
        await sessions.share(session.id)
        await sessions.delete(session.id)
        with pytest.raises(NotFoundError):
            await strangers.shared(session.id)


async def test_two_shared_sessions_that_clients_call_alike_are_found_by_neither(open_bench: Any) -> None:
    async with open_bench([]) as bench:
        sessions = bench.workbench.sessions
        for _ in range(2):
            session = await bench.session()
            await sessions.annotate(session.id, {"there": {"id": "sess_lamps"}})
            await sessions.share(session.id)
        with pytest.raises(NotFoundError):
            await sessions.shared("sess_lamps", api="there")
        assert (await sessions.shared(session.id, api="there")).id == session.id


async def test_what_was_said_from_a_run_on_is_cleared(open_bench: Any, say: Any) -> None:
    replies = [say(text) for text in ("one", "two", "three", "again")]
    async with open_bench(replies) as bench:
        sessions = bench.workbench.sessions
        session, other = await bench.session(), await bench.session()
        await said(bench, session, "a", "b", "c")
        runs = (await bench.workbench.runs.list(session.id)).items
        with pytest.raises(NotFoundError):
            await sessions.clear(other.id, since=runs[1].id)
        cleared = await sessions.clear(session.id, since=runs[1].id)
        assert (cleared.run_id, cleared.messages, cleared.turns) == (runs[2].id, 2, 1)
        found = await sessions.conversation(session.id)
        assert lines(found.messages) == [("user", "a"), ("assistant", "one")]
        await said(bench, session, "d")
        seen = bench.model.requests[-1].messages
        assert [each.text for each in seen if each.role != "system"] == ["a", "one", "d"]
        await bench.workbench._core.log.rebuild_index()
        assert [each.text for each in (await sessions.conversation(session.id)).messages] == [
            "a",
            "one",
            "d",
            "again",
        ]
        assert (await sessions.get(session.id)).messages == 4


async def test_a_waiting_message_has_the_id_that_its_sender_chose_once(open_bench: Any) -> None:
    async with open_bench([]) as bench:
        session, runs = await bench.session(), bench.workbench.runs
        part = TextPart(text="later")
        assert (await runs.follow_up(session.id, (part,), message_id="mine")).id == "mine"
        with pytest.raises(ConflictError):
            await runs.follow_up(session.id, (part,), message_id="mine")
        await bench.workbench.sessions.pull_back(session.id, "mine")
        again = await runs.follow_up(session.id, (TextPart(text="other"),), message_id="mine")
        assert [each.parts for each in await bench.workbench.sessions.queue(session.id)] == [again.parts]


def test_agents_that_work_for_a_run_are_numbered_as_they_began() -> None:
    """Not as they were called: several begin at the same time."""
    run = {"session_id": "s", "run_id": "r"}
    child = {"child_run_id": "x", "agent": "helper", "task": "Count."}
    events: list[AnyEvent] = [
        *(ToolCallRequested(**run, call_id=id, step=1, name="delegate", arguments={}) for id in "ab"),
        *(ChildRunStarted(**run, **child, call_id=id, child_session_id=f"of {id}") for id in "ba"),
        *(ToolCallCompleted(**run, call_id=id, name="delegate", outcome="ok", content=()) for id in "ab"),
    ]
    told = said_in(LoggedEvent(id=number, event=event) for number, event in enumerate(events, 1))
    assert [(each.child, each.child_number) for each in told if each.child] == [("of a", 1), ("of b", 0)]
