"""What people and clients do at the wrong moment: the log keeps its promises, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from grammar import check

from holdfast.core.domain.approvals import ApprovalStatus, Decision
from holdfast.core.domain.errors import ConflictError, HoldfastError, InvalidError, ModelUnavailable
from holdfast.core.domain.events import EventFilter, RunCompleted
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunStatus
from holdfast.core.runs import executor
from holdfast.core.services.workspaces import Workspaces
from holdfast.core.store.broadcast import Follower
from holdfast.core.store.log import EventLog
from holdfast.core.tools.builtin.write_file import WriteFile

ASKED = ("write_file", json.dumps({"path": "asked.md", "content": "x"}))
SLEEP = ("run_command", json.dumps({"command": "echo half > half.txt; echo ready; sleep 60"}))


class Gate:
    """Holds a call until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def pass_(self) -> None:
        self.reached.set()
        async with asyncio.timeout(10):
            await self.open.wait()


def hold_previews(monkeypatch: pytest.MonkeyPatch, only: str = "") -> Gate:
    """Holds every preview of write_file from now on, or those of one run `only`."""
    gate, preview = Gate(), WriteFile.preview

    async def held(tool: WriteFile, arguments: Any, context: Any) -> Any:
        if only in ("", context.run_id):
            await gate.pass_()
        return await preview(tool, arguments, context)

    monkeypatch.setattr(WriteFile, "preview", held)
    return gate


class Ending:
    """A loop whose first run has told its end, and comes to it when it is let."""

    def __init__(self, loop: Any) -> None:
        self.told, self.go = asyncio.Event(), asyncio.Event()
        self._loop = loop

    async def run(self, run: Any) -> None:
        if self.told.is_set():
            await self._loop.run(run)
            return
        await run.emitter.emit(RunCompleted(**run.ids), durable=True)
        self.told.set()
        await self.go.wait()


async def test_a_run_that_is_cancelled_at_once_ends(open_bench, say) -> None:
    async with open_bench([say("one"), say("two")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        async with asyncio.timeout(10):
            run = await bench.workbench.runs.cancel(run_id)
        assert run.status.ended  # cancelled, or done before that
        await bench.end(await bench.send(session))


async def test_a_decision_that_comes_while_the_run_is_cancelled_changes_nothing(
    open_bench, call, monkeypatch
) -> None:
    async with open_bench([call(ASKED)]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
        gate = hold_previews(monkeypatch)
        deciding = asyncio.create_task(
            bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        )
        await gate.reached.wait()
        await bench.workbench.runs.cancel(run_id)
        gate.open.set()
        with pytest.raises(ConflictError):
            await deciding
        assert (await bench.workbench.runs.get(run_id)).status == RunStatus.CANCELLED
        assert (await bench.workbench.approvals.get(approval.id)).status == ApprovalStatus.CANCELLED
        check((await bench.workbench.events.read(EventFilter(), 0, 1000)).items)


async def test_a_client_that_goes_away_while_it_decides_leaves_no_run_behind(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("done")]) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        broker = bench.workbench.approvals._broker
        waiting = broker.waiting(approval.id)
        emit = waiting.run.emitter.emit
        emitting = asyncio.Event()

        async def noticed(*events: Any, durable: bool = False) -> Any:
            emitting.set()
            return await emit(*events, durable=durable)

        waiting.run.emitter.emit = noticed
        deciding = asyncio.create_task(
            bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        )
        async with asyncio.timeout(10):
            await emitting.wait()
        deciding.cancel()
        await asyncio.wait([deciding])
        assert (await bench.end(run_id))[-1].event.type == "run.completed"


async def test_two_clients_that_decide_at_once_decide_once(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("done")]) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        decide = bench.workbench.approvals.decide
        results = await asyncio.gather(
            decide(approval.id, Decision(outcome="approve")),
            decide(approval.id, Decision(outcome="deny")),
            return_exceptions=True,
        )
        assert sorted(isinstance(result, ConflictError) for result in results) == [False, True]
        check(await bench.end(run_id))


async def test_two_clients_that_continue_at_once_start_one_run(open_bench, say) -> None:
    async with open_bench([[RuntimeError("bug")], say("on")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session))
        go_on = bench.workbench.runs.go_on
        results = await asyncio.gather(go_on(session.id), go_on(session.id), return_exceptions=True)
        assert sum(isinstance(result, ConflictError) for result in results) == 1
        assert len((await bench.workbench.runs.list(session.id)).items) == 2


async def test_a_session_is_deleted_or_gets_the_message_but_never_both(open_bench, say) -> None:
    async with open_bench([say("one")]) as bench:
        session = await bench.session()
        deleted, sent = await asyncio.gather(
            bench.workbench.sessions.delete(session.id),
            bench.workbench.runs.send(session.id, (TextPart(text="Hi"),)),
            return_exceptions=True,
        )
        assert isinstance(deleted, HoldfastError) != isinstance(sent, HoldfastError)


async def test_an_id_is_used_again_only_when_the_deleted_session_is_gone_with_its_folder(
    open_bench, say, monkeypatch
) -> None:
    forget = Workspaces.forget

    def slow(workspaces: Workspaces, session_id: str) -> None:
        assert leaving.wait(10)
        forget(workspaces, session_id)

    leaving = threading.Event()
    monkeypatch.setattr(Workspaces, "forget", slow)
    async with open_bench([say("one")]) as bench:
        await bench.session(id="main")
        deleting = asyncio.create_task(bench.workbench.sessions.delete("main", permanent=True))
        await bench.until("session.deleted")
        making = asyncio.create_task(bench.session(id="main"))
        held, _ = await asyncio.wait({making}, timeout=0.1)
        leaving.set()
        async with asyncio.timeout(10):
            await deleting
            again = await making
        assert not held
        await bench.workbench.files.write(again.id, "mine.md", "kept")
        assert [each.path for each in await bench.workbench.files.list(again.id)] == ["mine.md"]


async def test_cancelling_a_run_twice_does_not_stop_the_message_that_waits(
    open_bench, say, call, monkeypatch
) -> None:
    async with open_bench([call(ASKED), say("second")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.approval()
        await bench.workbench.runs.send(session.id, (TextPart(text="next"),))
        starting = asyncio.Event()
        append = EventLog.append

        def noticed(log: EventLog, *events: Any, durable: bool = False) -> Any:
            if any(event.type == "run.started" for event in events):
                asyncio.get_running_loop().call_soon(starting.set)
            return append(log, *events, durable=durable)

        monkeypatch.setattr(EventLog, "append", noticed)
        first = asyncio.create_task(bench.workbench.runs.cancel(run_id))
        async with asyncio.timeout(10):
            await starting.wait()
        await bench.workbench.runs.cancel(run_id)
        await first
        runs = (await bench.workbench.runs.list(session.id)).items
        assert len(runs) == 2
        assert (await bench.end(runs[0].id))[-1].event.type == "run.completed"


async def test_a_cancel_in_the_moment_when_a_run_ends_does_not_stop_the_message_that_waits(
    open_bench, say, monkeypatch
) -> None:
    async with open_bench([say("second")]) as bench:
        supervisor = bench.workbench._core.supervisor
        ending = Ending(supervisor._loop)
        monkeypatch.setattr(supervisor, "_loop", ending)
        session = await bench.session()
        run_id = await bench.send(session)
        async with asyncio.timeout(10):
            await ending.told.wait()
        await bench.workbench.runs.send(session.id, (TextPart(text="next"),))
        ending.go.set()  # its task goes on in the next round of the event loop
        await supervisor.cancel(run_id)
        ended = await bench.end(run_id)
        assert (await bench.until("part.completed", after=ended[-1].id))[-1].event.text == "second"


async def test_a_client_that_goes_away_while_it_cancels_has_cancelled(open_bench, say, call) -> None:
    async with open_bench([call(ASKED)]) as bench:
        run_id = await bench.send(await bench.session())
        await bench.approval()
        cancelling = asyncio.create_task(bench.workbench._core.supervisor.cancel(run_id))
        await asyncio.sleep(0)  # it has begun, and no more
        cancelling.cancel()
        assert (await bench.end(run_id))[-1].event.type == "run.cancelled"


async def test_who_goes_away_in_a_decision_for_several_leaves_the_others_to_be_decided(
    open_bench, say, call, monkeypatch
) -> None:
    async with open_bench([call(ASKED), call(ASKED), say("a"), say("b")]) as bench:
        runs = [await bench.send(await bench.session()) for _ in range(2)]
        first, second = await bench.approvals(2)
        decide = bench.workbench.approvals.decide
        gate = hold_previews(monkeypatch, only=second.run_id)
        deciding = asyncio.create_task(decide(first.id, Decision(outcome="approve", scope="always")))
        async with asyncio.timeout(10):
            await gate.reached.wait()
        deciding.cancel()
        await asyncio.wait([deciding])
        gate.open.set()
        await decide(second.id, Decision(outcome="approve"))
        assert [(await bench.end(run_id))[-1].event.type for run_id in runs] == ["run.completed"] * 2


async def test_a_steer_that_comes_too_late_waits_in_the_queue(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("to the steer")]) as bench:
        run_id = await bench.send(await bench.session())
        await bench.approval()
        await bench.workbench.runs.steer(run_id, (TextPart(text="and this"),))
        await bench.workbench.runs.cancel(run_id)
        events = await bench.until("run.completed")
        added = [each.event for each in events if each.event.type == "message.added"]
        assert [(each.origin, each.parts[0].text) for each in added][1:] == [("send", "and this")]
        assert added[1].run_id != run_id
        check(events)


async def test_what_a_cancelled_command_wrote_belongs_to_its_run_and_can_be_undone(open_bench, call) -> None:
    async with open_bench([call(SLEEP)]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, approve="all")
        await bench.until("tool_call.progressed", run_id=run_id)
        await bench.workbench.runs.cancel(run_id)
        entries = await bench.workbench.files.list(session.id)
        assert [(entry.path, entry.run_id) for entry in entries] == [("half.txt", run_id)]
        assert not [e for e in await bench.workbench.files.undo(session.id) if e.state != "deleted"]


async def test_nobody_is_asked_any_more_for_a_call_that_its_tool_does_not_take_after_a_restart(
    open_bench, say, call, monkeypatch
) -> None:
    def refuse(tool: Any, arguments: Any) -> Any:
        raise InvalidError("The tool takes something else now.")

    async with open_bench([call(ASKED)]) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
    monkeypatch.setattr(executor, "validate_arguments", refuse)
    async with open_bench([say("done")]) as bench:
        check(await bench.end(run_id))
        assert (await bench.workbench.approvals.get(approval.id)).status == ApprovalStatus.CANCELLED
        assert (await bench.workbench.approvals.list()).items == ()


async def test_an_approved_call_is_asked_again_when_an_earlier_call_changed_its_file(
    open_bench, say, call
) -> None:
    command = ("run_command", json.dumps({"command": "echo other > asked.md"}))
    async with open_bench([call(command, ASKED), say("done")]) as bench:
        run_id = await bench.send(await bench.session())
        first, second = await bench.approvals(2)
        await bench.workbench.approvals.decide(second.id, Decision(outcome="approve"))
        await bench.workbench.approvals.decide(first.id, Decision(outcome="approve"))
        again = (await bench.until("approval.requested", after=(await bench.until("file.changed"))[-1].id))[
            -1
        ].event.approval
        assert "other" in str(again.preview)
        await bench.workbench.approvals.decide(again.id, Decision(outcome="deny"))
        check(await bench.end(run_id))


async def test_a_client_that_goes_away_while_it_sends_leaves_a_run_that_runs(
    open_bench, say, monkeypatch
) -> None:
    async with open_bench([say("one")]) as bench:
        session = await bench.session()
        appending = asyncio.Event()
        append = EventLog.append

        def noticed(log: EventLog, *events: Any, durable: bool = False) -> Any:
            if any(event.type == "run.started" for event in events):
                appending.set()
            return append(log, *events, durable=durable)

        monkeypatch.setattr(EventLog, "append", noticed)
        sending = asyncio.create_task(bench.send(session))
        async with asyncio.timeout(10):
            await appending.wait()
        sending.cancel()
        await asyncio.wait([sending])
        assert (await bench.until("run.completed"))[-1].event.type == "run.completed"


async def test_a_run_whose_end_is_being_written_ends_so_when_the_engine_stops(
    open_bench, monkeypatch
) -> None:
    gate, append = Gate(), EventLog.append

    async def late(log: EventLog, *events: Any, durable: bool) -> Any:
        await gate.pass_()
        return await append(log, *events, durable=durable)

    def held(log: EventLog, *events: Any, durable: bool = False) -> Any:
        if any(event.type == "run.failed" for event in events):
            return asyncio.ensure_future(late(log, *events, durable=durable))
        return append(log, *events, durable=durable)

    async with open_bench([[ModelUnavailable("down")]] * 2, retries=0) as bench:
        monkeypatch.setattr(EventLog, "append", held)
        run_id = await bench.send(await bench.session())
        async with asyncio.timeout(10):
            await gate.reached.wait()
        stopping = asyncio.create_task(bench.workbench._core.supervisor.close())
        await asyncio.sleep(0)
        gate.open.set()
        await stopping
        error = (await bench.end(run_id))[-1].event.error
        assert error.code == "model_unavailable", "not as one that the stop interrupted"


async def test_what_waits_can_be_decided_from_the_moment_it_is_seen(open_bench, say, call) -> None:
    steps = [
        call(("write_file", '{"path": "a", "content": "b"}'), ("ask_user", '{"question": "Well?"}')),
        say("ok"),
    ]
    async with open_bench(steps) as bench:
        broker, seen = bench.workbench._core.supervisor._broker, {}

        class Spy(Follower):
            """Sees events in the moment they are published, before anybody can act on them."""

            def offer(self, logged) -> None:
                event = logged.event
                if event.type == "approval.requested":
                    seen["approval"] = event.approval.id in broker._approvals
                if event.type == "question.asked":
                    seen["question"] = event.question.id in broker._questions

        spy = Spy(EventFilter())
        bench.workbench._core.log._followers.add(spy)
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.until("question.asked", run_id=run_id)
        (question,) = (await bench.workbench.runs.questions()).items
        await bench.workbench.runs.answer(question.id, "yes")
        await bench.end(run_id)
        bench.workbench._core.log._followers.discard(spy)
        assert seen == {"approval": True, "question": True}
