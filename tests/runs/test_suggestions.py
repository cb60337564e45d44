"""Questions that could follow: after a reply, and when they are asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from grammar import check

from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    ModelError,
    ModelUnavailable,
)
from holdfast.core.domain.models import Finished, TextDelta, UsageReport
from holdfast.core.runs.suggesting import questions_in

ASKED = ["Why is that?", "What does it cost?", "Who says so?", "Who else?"]


def answer(*questions: Any) -> list[Any]:
    return [
        TextDelta(text=json.dumps({"questions": questions or ASKED})),
        UsageReport(input_tokens=70, output_tokens=30, cost_usd=0.5),
        Finished(reason="stop"),
    ]


def suggested(events: Any) -> list[tuple[str, ...]]:
    return [each.event.questions for each in events if each.event.type == "run.suggested"]


@pytest.fixture(params=["local", "remote"])
def door(request: Any) -> str:
    return request.param


async def test_a_run_that_is_to_suggests_questions_behind_its_complete_reply(open_bench, say) -> None:
    async with open_bench([say("Forty-two."), answer()]) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, "What is it?", suggestions=True))
        types = [each.event.type for each in events]
        assert types[-4:] == ["step.completed", "usage.recorded", "run.suggested", "run.completed"]
        assert suggested(events) == [tuple(ASKED[:3])]
        asked = bench.model.requests[1]
        assert asked.tools == () and asked.response_format is not None
        assert asked.messages[1].text == "user: What is it?\n\nassistant: Forty-two."
        run = (await bench.workbench.runs.list(session.id)).items[0]
        assert (run.steps, run.usage.cost_usd) == (1, 0.5)


async def test_an_agent_suggests_as_its_file_says_unless_the_run_says_otherwise(open_bench, say) -> None:
    steps = [say("One."), answer(), say("Two.")]
    async with open_bench(steps, agent="suggestions: true\n") as bench:
        session = await bench.session()
        assert suggested(await bench.end(await bench.send(session))) == [tuple(ASKED[:3])]
        assert suggested(await bench.end(await bench.send(session, suggestions=False))) == []


async def test_a_model_judges_its_run_where_that_is_wanted(open_bench, say, call) -> None:
    look = call(("list_files", "{}"))
    judged = [TextDelta(text="It never\x1b[2J looked."), *answer()[1:]]
    async with open_bench([look, say("All is well."), judged, answer()], agent="analysis: true\n") as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, "Is it?", suggestions=True))
        told = [each.event.type for each in events if each.event.type.startswith("run.")]
        assert told == ["run.started", "run.analysed", "run.suggested", "run.completed"]
        (analysed,) = [each.event for each in events if each.event.type == "run.analysed"]
        assert analysed.text == "It never[2J looked."
        asked = bench.model.requests[2]
        assert asked.tools == () and "You called list_files" in asked.messages[1].text
        assert asked.messages[1].text.endswith("The reply:\nAll is well.")


async def test_no_run_is_judged_unless_its_agent_or_its_options_say_so(open_bench, say) -> None:
    async with open_bench([say("One."), [ModelUnavailable("down")], say("Two.")], retries=0) as bench:
        session = await bench.session()
        failed = await bench.end(await bench.send(session, analysis=True))
        assert failed[-1].event.type == "run.completed"
        await bench.end(await bench.send(session))
        assert len(bench.model.requests) == 3


async def test_a_run_that_has_spent_what_it_may_is_neither_judged_nor_followed(open_bench, say) -> None:
    dear = [
        say("Done.")[0],
        UsageReport(input_tokens=1, output_tokens=1, cost_usd=2.0),
        Finished(reason="stop"),
    ]
    async with open_bench([dear]) as bench:
        bench.catalog.prices["scripted"] = 1.0
        options = {"suggestions": True, "analysis": True, "max_cost_usd": 1.0}
        events = await bench.end(await bench.send(await bench.session(), **options))
        assert events[-1].event.type == "run.completed"
        assert len(bench.model.requests) == 1


@pytest.mark.parametrize(
    "failing",
    [[ModelUnavailable("down")], [TextDelta(text="Ask me!"), Finished(reason="stop")], [*answer()[:1]]],
)
async def test_a_run_is_completed_though_its_suggestions_fail(open_bench, say, failing) -> None:
    async with open_bench([say("Done."), failing]) as bench:
        events = await bench.end(await bench.send(await bench.session(), suggestions=True))
        assert events[-1].event.type == "run.completed"


async def test_what_a_person_could_ask_is_suggested_on_request(open_bench, say) -> None:
    async with open_bench([say("Forty-two."), answer(), say("Again.")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session))
        assert await bench.workbench.runs.suggest(session.id, 2) == ("Why is that?", "What does it cost?")
        await bench.end(await bench.send(session, "And then?"))
        seen = [message.text for message in bench.model.requests[2].messages[1:]]
        assert seen == ["Hello", "Forty-two.", "And then?"]


async def test_what_a_hook_keeps_from_people_is_in_no_question_and_no_judgement(open_bench, say) -> None:
    hook = {"point": "before_response", "type": "rule"}
    hooks = [
        {**hook, "rules": [{"action": "modify", "replace": "Why|Well", "replacement": "How"}]},
        {**hook, "rules": [{"when": "output CONTAINS cost", "reason": "no prices"}]},
    ]
    judged = [TextDelta(text="Well done."), *answer()[1:]]
    steps = [say("Forty-two."), judged, answer("Why now?"), answer()]
    async with open_bench(steps, agent=f"hooks: {json.dumps(hooks)}\n") as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, suggestions=True, analysis=True))
        check(events)
        assert suggested(events) == [("How now?",)]
        assert [each.event.text for each in events if each.event.type == "run.analysed"] == ["How done."]
        with pytest.raises(ForbiddenError, match="no prices"):
            await bench.workbench.runs.suggest(session.id)


async def test_questions_cannot_follow_what_nobody_has_said(open_bench) -> None:
    async with open_bench() as bench:
        session = await bench.session()
        with pytest.raises(ConflictError) as caught:
            await bench.workbench.runs.suggest(session.id)
        assert caught.value.code == "nothing_said"
        for count in (0, 11):
            with pytest.raises(InvalidError):
                await bench.workbench.runs.suggest(session.id, count)


async def test_a_model_that_answers_with_no_list_is_an_error_of_the_service(open_bench, say) -> None:
    async with open_bench([say("Hi."), say("Whatever you like.")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session))
        with pytest.raises(ModelError, match="no list of questions"):
            await bench.workbench.runs.suggest(session.id)


async def test_the_offline_model_asks_about_what_its_reply_speaks_of(open_bench, say) -> None:
    reply = "The lighthouse was built in 1811. The lighthouse stands on granite."
    async with open_bench([say(reply)]) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, model="offline", suggestions=True))
        (questions,) = suggested(events)
        assert questions[0] == "What else is there to know about lighthouse?" and len(questions) == 3
        assert len(bench.model.requests) == 1


def test_questions_are_short_lines_each_once_and_never_more_than_wanted() -> None:
    said = json.dumps({"questions": ["A\x1b[31m?", "A?", " ", 3, "A?", "B" * 900]})
    text = f"Sure:\n```json\n{said}\n```"
    first, second, third = questions_in(text, 5)
    assert "\x1b" not in first and second == "A?" and len(third) <= 300
    assert questions_in(text, 1) == (first,)
    for nothing in ("", "{", "[1]", '{"questions": 3}', "}{", '{"questions": []}'):
        assert questions_in(nothing, 3) == ()
