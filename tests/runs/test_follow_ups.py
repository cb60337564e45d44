"""Follow-ups: messages that wait for the run under way or the next one, and enter it as one."""

from __future__ import annotations

import pytest
from tests.runs.grammar import check

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.messages import ImagePart, TextPart
from holdfast.core.runs.waiting import as_one

ASKED = ("write_file", '{"path": "a", "content": "b"}')


def said(text):
    return (TextPart(text=text),)


def texts(parts):
    return [getattr(part, "text", part.type) for part in parts]


def test_messages_are_told_apart_where_they_enter_as_one() -> None:
    one, two, three = said("a"), said("b"), said("c")
    image = ImagePart(blob="0" * 64, media_type="image/png")
    assert as_one([(one, "default")]) == one
    assert texts(as_one([(one, "default"), (two, "default")])) == ["First: a", "\n\n", "Also: b"]
    many = as_one([(one, "default"), (two, "default"), (three, "default")])
    assert texts(many) == ["[1]: a", "\n\n", "[2]: b", "\n\n", "[3]: c"]
    mixed = as_one([(one, "background"), (two, "default"), (three, "background"), (one, "default")])
    assert texts(mixed)[::2] == ["a", "User follow-up 1: b", "c", "User follow-up 2: a"]
    assert texts(as_one([((image,), "default"), (two, "default")])) == [
        *("First:", "image", "\n\n", "Also: b")
    ]


async def test_what_is_said_while_a_run_is_busy_enters_it_as_one_message(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("both")]) as bench:
        runs, session = bench.workbench.runs, await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
        first = await runs.follow_up(session.id, said("be brief"))
        second = await runs.follow_up(session.id, said("and kind"), "background")
        assert [(one.id, one.kind) for one in await bench.workbench.sessions.queue(session.id)] == [
            (first.id, "default"),
            (second.id, "background"),
        ]
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        added = [one.event for one in events if one.event.type == "message.added"]
        assert added[-1].follow_ups == (first.id, second.id)
        assert added[-1].origin == "steer"
        assert bench.model.requests[-1].messages[-1].text == "User follow-up 1: be brief\n\n\n\nand kind"
        assert await bench.workbench.sessions.queue(session.id) == ()
        for each in (first, second):
            assert (await runs.of_message(each.id)).id == run_id
        check(events)


async def test_one_that_waits_in_an_idle_session_enters_the_next_run(open_bench, say) -> None:
    async with open_bench([say("one"), say("two")]) as bench:
        session = await bench.session()
        waiting = await bench.workbench.runs.follow_up(session.id, said("later"))
        assert (await bench.workbench.sessions.get(session.id)).run_id is None, "it starts no run"
        run_id = await bench.send(session, "now")
        events = await bench.end(run_id)
        added = [one.event for one in events if one.event.type == "message.added"]
        assert [texts(one.parts) for one in added] == [["now"], ["later"]]
        assert (added[1].message_id, added[1].follow_ups) == (waiting.id, (waiting.id,))
        assert len(bench.model.requests) == 1, "both are answered by one"


async def test_behind_a_cancelled_run_they_have_one_of_their_own(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("then")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.approval()
        for text in ("a", "b"):
            await bench.workbench.runs.follow_up(session.id, said(text))
        await bench.workbench.runs.cancel(run_id)
        events = await bench.until("run.completed")
        added = [one.event for one in events if one.event.type == "message.added"][-1]
        assert texts(added.parts) == ["First: a", "\n\n", "Also: b"]
        assert len(added.follow_ups) == 2 and added.run_id != run_id
        assert await bench.workbench.sessions.queue(session.id) == ()


async def test_the_queue_is_emptied_at_once(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("one")]) as bench:
        runs, sessions, session = bench.workbench.runs, bench.workbench.sessions, await bench.session()
        run_id = await bench.send(session)
        await bench.approval()
        await runs.follow_up(session.id, said("a"))
        await runs.send(session.id, said("b"))
        await runs.steer(run_id, said("c"))
        gone = await sessions.empty_queue(session.id)
        assert [texts(one.parts) for one in gone] == [["a"], ["b"], ["c"]]
        assert await sessions.queue(session.id) == () == await sessions.empty_queue(session.id)
        approval = await bench.approval()
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny"))
        events = await bench.end(run_id)
        assert sum(one.event.type == "message.added" for one in events) == 1


async def test_a_taken_back_one_does_not_enter(open_bench, say) -> None:
    async with open_bench([say("one")]) as bench:
        session = await bench.session()
        waiting = await bench.workbench.runs.follow_up(session.id, said("later"))
        await bench.workbench.sessions.pull_back(session.id, waiting.id)
        run_id = await bench.send(session)
        await bench.end(run_id)
        assert [one.text for one in bench.model.requests[0].messages if one.role == "user"] == ["Hello"]


async def test_what_says_nothing_and_where_nobody_listens_is_refused(open_bench) -> None:
    async with open_bench() as bench:
        session = await bench.session()
        with pytest.raises(InvalidError):
            await bench.workbench.runs.follow_up(session.id, said(" "))
        with pytest.raises(NotFoundError):
            await bench.workbench.runs.follow_up("nowhere", said("a"))
