"""Runs that begin from messages the caller gives, and what later runs of the session see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.messages import (
    FilePart,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    text_of,
)
from holdfast.core.domain.runs import RunOptions
from holdfast.core.runs.projections.context import NO_RESULT

pytestmark = pytest.mark.parametrize("door", ["local", "remote"])


def said(role: Any, *parts: Any) -> Message:
    return Message(role=role, parts=tuple(TextPart(text=p) if isinstance(p, str) else p for p in parts))


def called(call_id: str, name: str = "lookup", **arguments: Any) -> ToolCallPart:
    return ToolCallPart(call_id=call_id, name=name, arguments=arguments)


def result(call_id: str, text: str = "42") -> ToolResultPart:
    return ToolResultPart(call_id=call_id, name="lookup", content=(TextPart(text=text),))


ASKED = ("write_file", json.dumps({"path": "asked.md", "content": "x"}))
TALK = (
    said("user", "How many?"),
    said("assistant", "I look.", called("c1", of="hats"), called("c2")),
    said("tool", result("c2", "two"), result("c1", "one")),
    said("assistant", "Three."),
)


def shown(bench: Any) -> list[Message]:
    """Returns what the model saw last, but for the system message."""
    return list(bench.model.requests[-1].messages[1:])


async def refused(bench: Any, session: Any, *history: Message) -> InvalidError:
    with pytest.raises(InvalidError) as caught:
        await bench.send(session, history=history)
    assert caught.value.code == "invalid_history"
    return caught.value


async def test_a_result_has_the_name_of_its_call_though_the_caller_did_not_say_it(open_bench, say) -> None:
    nameless = result("c1").model_copy(update={"name": ""})
    async with open_bench([say("ok")]) as bench:
        history = (said("user", "Hi"), said("assistant", called("c1")), said("tool", nameless))
        await bench.end(await bench.send(await bench.session(), history=history))
        assert shown(bench)[2].parts == (result("c1"),)


async def test_the_model_sees_the_history_and_then_the_message(open_bench, say) -> None:
    async with open_bench([say("first"), say("second")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "forgotten"))
        await bench.end(await bench.send(session, "And now?", history=TALK))
        assert [m.role for m in shown(bench)] == ["user", "assistant", "tool", "tool", "assistant", "user"]
        assert shown(bench)[1] == TALK[1]
        assert [text_of(m.parts[0].content) for m in shown(bench)[2:4]] == ["two", "one"]
        assert shown(bench)[-1].text == "And now?"
        assert "forgotten" not in str(shown(bench))


async def test_later_runs_go_on_from_it_also_after_a_restart_and_in_a_fork(open_bench, say) -> None:
    async with open_bench([say("a"), say("b"), say("c")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "forgotten"))
        await bench.end(await bench.send(session, "two", history=TALK[:1]))
        await bench.end(await bench.send(session, "three"))
        assert [m.text for m in shown(bench)] == ["How many?", "two", "b", "three"]
        fork = await bench.workbench.sessions.fork(session.id)
    async with open_bench([say("d"), say("e")]) as again:
        for each in (session, fork):
            await again.end(await again.send(each, "four"))
            assert [m.text for m in shown(again)] == ["How many?", "two", "b", "three", "c", "four"]


async def test_an_empty_history_forgets_everything(open_bench, say) -> None:
    async with open_bench([say("a"), say("b")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "forgotten"))
        await bench.end(await bench.send(session, "fresh", history=()))
        assert [m.text for m in shown(bench)] == ["fresh"]


async def test_the_message_answers_the_calls_at_the_end_of_the_history(open_bench, say) -> None:
    async with open_bench([say("Three.")]) as bench:
        session = await bench.session()
        submitted = await bench.workbench.runs.send(session.id, (result("c1"),), RunOptions(history=TALK[:2]))
        await bench.end(submitted.run_id)
        assert [m.role for m in shown(bench)] == ["user", "assistant", "tool", "tool"]
        told = {m.parts[0].call_id: text_of(m.parts[0].content) for m in shown(bench)[2:]}
        assert told == {"c1": "42", "c2": NO_RESULT}
        assert (await bench.workbench.sessions.get(session.id)).title == ""
        with pytest.raises(InvalidError) as caught:
            await bench.workbench.runs.send(session.id, (result("c1"),), RunOptions(history=TALK))
        assert caught.value.code == "unknown_call"


async def test_a_call_in_the_middle_without_a_result_gets_a_placeholder(open_bench, say) -> None:
    async with open_bench([say("ok")]) as bench:
        history = (said("assistant", called("c1")), said("user", "Hm."), said("assistant", "Yes?"))
        await bench.end(await bench.send(await bench.session(), "Go on", history=history))
        assert [m.role for m in shown(bench)] == ["assistant", "tool", "user", "assistant", "user"]
        assert text_of(shown(bench)[1].parts[0].content) == NO_RESULT


async def test_a_call_id_may_come_again_in_a_later_turn(open_bench, say) -> None:
    turn = (said("user", "Again?"), said("assistant", called("c")), said("tool", result("c")))
    async with open_bench([say("ok")]) as bench:
        await bench.end(await bench.send(await bench.session(), "More", history=(*turn, *turn)))
        assert [m.role for m in shown(bench)] == ["user", "assistant", "tool"] * 2 + ["user"]


FILE = FilePart(blob="0" * 64, media_type="text/plain", name="x", size=1)


@pytest.mark.parametrize(
    ("history", "why", "where"),
    [
        ((said("system", "Obey."),), "instructions_prefix", 0),
        ((said("user", "Hi"), said("tool", result("c1"))), "must answer", 1),
        ((said("assistant", called("c1")), said("tool", result("c1"), result("c1"))), "must answer", 1),
        (
            (said("assistant", called("c1")), said("tool", result("c1")), said("tool", result("c1"))),
            "must answer",
            2,
        ),
        (
            (said("assistant", called("c1")), said("user", "Hm."), said("tool", result("c1"))),
            "must answer",
            2,
        ),
        ((said("assistant", called("c1"), called("c1")),), "same call_id", 0),
        ((said("user", called("c1")),), "role user", 0),
        ((said("user", result("c1")),), "role user", 0),
        ((said("assistant", FILE),), "role assistant", 0),
        ((said("assistant", called("c1")), said("tool", "42")), "role tool", 1),
    ],
)
async def test_a_history_that_no_provider_would_take_is_refused(open_bench, history, why, where) -> None:
    async with open_bench([]) as bench:
        error = await refused(bench, await bench.session(), *history)
        assert why in error.message
        assert error.details == {"message": where}


async def test_arguments_without_a_bottom_are_refused(open_bench) -> None:
    deep: dict[str, Any] = {}
    for _ in range(110):
        deep = {"a": deep}
    async with open_bench([]) as bench:
        error = await refused(bench, await bench.session(), said("assistant", called("c1", deep=deep)))
        assert "too deep" in error.message


async def test_a_long_history_is_compacted_inside(open_bench, say) -> None:
    """Its messages all stand in one event, and still the newest of them stay."""
    history = [m for n in range(40) for m in (said("user", f"q{n} " * 200), said("assistant", f"a{n}"))]
    async with open_bench([say("summary"), say("ok"), say("later")]) as bench:
        bench.catalog.window = 8_000
        session = await bench.session()
        events = await bench.end(await bench.send(session, "And now?", history=tuple(history)))
        assert [e.event.type for e in events].count("context.compacted") == 1
        texts = str(shown(bench))
        assert "summary" in texts
        assert "q1 q1" not in texts
        assert "q39 q39" in texts
        await bench.end(await bench.send(session, "Still there?"))
        assert "q39 q39" in str(shown(bench))
        assert "q1 q1" not in str(shown(bench))


async def test_a_queued_message_keeps_its_history(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("ok")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.approval()
        await bench.workbench.runs.send(session.id, (TextPart(text="later"),), RunOptions(history=TALK))
        await bench.workbench.runs.cancel(run_id)
        await bench.until("run.completed")
        assert [m.text for m in shown(bench)][-2:] == ["Three.", "later"]


async def test_a_steer_that_comes_too_late_does_not_bring_the_history_back(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("ok"), say("ok")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, "first", history=TALK)
        await bench.approval()
        await bench.workbench.runs.steer(run_id, (TextPart(text="now"),))
        await bench.workbench.runs.cancel(run_id)
        await bench.until("run.completed")
        assert [m.text for m in shown(bench) if m.role == "user"] == ["How many?", "first", "now"]
