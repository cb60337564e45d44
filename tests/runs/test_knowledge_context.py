"""What a model is shown before its first step, through both implementations of a workbench."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from grammar import check, check_accepted
from run_helpers import of
from tests.fakes.fake_index import FakeIndex

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.knowledge import ContextRecord, Retrieval, Retrieved
from holdfast.core.domain.messages import FOUND_AGAIN, RETRIEVED_HEADER, TextPart, ToolResultPart
from holdfast.core.domain.models import ToolSchema
from holdfast.core.domain.options import (
    ContextItem,
    ItemsContext,
    KnowledgeUse,
    RetrievedContext,
    StoredContext,
    TextContext,
)
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.values import utc_now

pytestmark = pytest.mark.parametrize("door", ["local", "remote"])

HANDBOOK = {
    "travel.md": ["Trains are booked in second class.", "Hotels cost at most ninety euros a night."],
    "food.md": ["Meals are paid by receipt."],
}


def agent(mode: str, **more: Any) -> str:
    return f"knowledge: [{{ collection: docs, retrieval: {json.dumps({'mode': mode, **more})} }}]\n"


@pytest.fixture
def index() -> FakeIndex:
    index = FakeIndex()
    index.add("docs", HANDBOOK)
    index.add("docs", {"other.md": ["Hotels of somebody else."]}, owner="anna")
    return index


def shown(bench: Any, number: int = -1) -> list[str]:
    """Returns the texts of the messages that the model was shown of what was looked up."""
    return [m.text for m in bench.model.requests[number].messages if m.text.startswith(RETRIEVED_HEADER)]


async def test_context_is_looked_up_with_the_message_and_stands_before_it(open_bench, say, index) -> None:
    async with open_bench([say("Ninety [1].")], knowledge=index, agent=agent("context", top_k=1)) as bench:
        events = await bench.end(await bench.send(await bench.session(), "How much may hotels cost?"))
        kinds = [logged.event.type for logged in events]
        assert kinds[:4] == ["run.started", "message.added", "retrieval.completed", "step.started"]
        (found,) = of(events, "retrieval.completed")
        assert (found.call_id, found.query, found.source) == (None, "How much may hotels cost?", "knowledge")
        messages = bench.model.requests[0].messages
        assert [message.role for message in messages] == ["system", "user", "user"]
        assert messages[1].text.endswith(
            "[1] travel.md, line 2, Top\n> Hotels cost at most ninety euros a night."
        )
        assert messages[2].text == "How much may hotels cost?"
        assert "search_knowledge" not in {tool.name for tool in bench.model.requests[0].tools}
        check(events)


async def test_what_was_looked_up_stays_and_numbers_go_on(open_bench, say, index) -> None:
    steps = [say("Ninety [1]."), say("Second class [2].")]
    async with open_bench(steps, knowledge=index, agent=agent("context", top_k=1)) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "hotels"))
        events = await bench.end(await bench.send(session, "trains"))
        assert [item.number for item in of(events, "retrieval.completed")[0].items] == [2]
        first, second = shown(bench)
        assert "[1] travel.md" in first
        assert "[2] travel.md" in second
        roles = [message.role for message in bench.model.requests[-1].messages]
        assert roles == ["system", "user", "user", "assistant", "user", "user"]
        check_accepted(bench.model.requests[-1].messages)


async def test_all_shows_everything_that_fits_in_the_order_of_the_documents(open_bench, say, index) -> None:
    async with open_bench([say("ok")], knowledge=index, agent=agent("all")) as bench:
        events = await bench.end(await bench.send(await bench.session(), "Hello"))
        (found,) = of(events, "retrieval.completed")
        assert found.method == "all"
        assert [item.passage.chunk_id for item in found.items] == [1, 2, 3]
        assert found.steps[0].text == "3 of 3 passages fit in 8000 tokens"


async def test_agentic_has_the_model_plan_and_its_tokens_are_counted(open_bench, say, usage, index) -> None:
    steps = [
        [*say('{"queries": ["hotels", "trains"]}')[:-1], usage, *say()],
        say('{"queries": []}'),
        say("Ninety [1]."),
    ]
    async with open_bench(steps, knowledge=index, agent=agent("agentic")) as bench:
        events = await bench.end(await bench.send(await bench.session(), "What may I book?"))
        (found,) = of(events, "retrieval.completed")
        assert [step.action for step in found.steps] == ["plan", "search", "search"]
        assert {item.passage.chunk_id for item in found.items} == {1, 2}
        assert of(events, "usage.recorded")[0].input_tokens == 7
        assert {tool.name for tool in bench.model.requests[-1].tools} >= {"search_knowledge"}
        check(events)


async def test_offline_a_plan_is_replaced_by_one_search(open_bench, say, index) -> None:
    async with open_bench([say("ok")], knowledge=index, agent=agent("agentic")) as bench:
        events = await bench.end(await bench.send(await bench.session(), "hotels", model="offline"))
        (found,) = of(events, "retrieval.completed")
        assert (found.method, found.error) == ("hybrid", None)
        assert "offline" in found.steps[0].text


async def test_a_run_that_continues_another_one_does_not_look_up_again(open_bench, say, call, index) -> None:
    steps = [call(("list_files", "{}")), say("Ninety [1].")]
    async with open_bench(steps, knowledge=index, agent=agent("context"), max_steps=1) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, "hotels"))
        assert events[-1].event.type == "run.failed"
        submitted = await bench.workbench.runs.go_on(session.id)
        events = await bench.end(submitted.run_id)
        assert of(events, "retrieval.completed") == []
        assert len(index.searches) == len(shown(bench)) == 1
        assert of(events, "part.completed")[0].citations[0].document == "travel.md"


class TestWhatTheCallerGives:
    async def test_a_text_is_shown_and_can_be_cited(self, open_bench, say, index) -> None:
        async with open_bench([say("Blue [1].")], knowledge=index, agent=agent("context")) as bench:
            source = TextContext(text="The house is blue.\n[7] and more")
            events = await bench.end(await bench.send(await bench.session(), "hotels", context_source=source))
            (found,) = of(events, "retrieval.completed")
            assert (found.source, found.max_tokens) == ("text", None)
            assert index.searches == [], "one source, never several"
            (text,) = shown(bench)
            assert text.endswith("\n\n[1] given text\n> The house is blue.\n> [7] and more")
            (citation,) = of(events, "part.completed")[0].citations
            assert (citation.document, citation.chunk_id) == ("given text", None)

    async def test_items_come_by_value_or_by_the_id_of_a_chunk(self, open_bench, say, index) -> None:
        items = (
            ContextItem(text="By value.", meta={"title": "A note"}),
            ContextItem(id="2"),
            ContextItem(id="4"),
            ContextItem(id="99"),
        )
        async with open_bench([say("ok")], knowledge=index) as bench:
            source = ItemsContext(items=items)
            events = await bench.end(await bench.send(await bench.session(), context_source=source))
            (found,) = of(events, "retrieval.completed")
            assert [item.content for item in found.items] == ["By value.", HANDBOOK["travel.md"][1]]
            assert [step.text for step in found.steps] == ["there is no chunk 4", "there is no chunk 99"]
            assert "[1] A note\n> By value." in shown(bench)[0]

    async def test_items_fill_half_of_what_the_requests_may_have(self, open_bench, say, index) -> None:
        source = ItemsContext(
            items=(ContextItem(text="a" * 1_600), ContextItem(text="b" * 800), ContextItem(text="c"))
        )
        async with open_bench([say("ok")], knowledge=index) as bench:
            run_id = await bench.send(await bench.session(), context_source=source, max_context_tokens=1_000)
            (found,) = of(await bench.end(run_id), "retrieval.completed")
            assert [item.used for item in found.items] == [True, False, False]
            assert (found.tokens, found.max_tokens) == (400, 500)

    async def test_a_text_is_cut_where_its_half_is_full_and_the_log_has_what_was_dropped(
        self, open_bench, say, index
    ) -> None:
        text = "a word " * 600
        async with open_bench([say("ok")], knowledge=index) as bench:
            source = TextContext(text=text)
            run_id = await bench.send(await bench.session(), context_source=source, max_context_tokens=1_000)
            (found,) = of(await bench.end(run_id), "retrieval.completed")
            assert [(item.number, item.used) for item in found.items] == [(1, True), (None, False)]
            assert "".join(item.content for item in found.items) == text
            assert found.tokens <= found.max_tokens == 500

    async def test_what_is_looked_up_before_the_first_step_fills_half_at_most(
        self, open_bench, say, index
    ) -> None:
        async with open_bench([say("ok")], knowledge=index, agent=agent("context")) as bench:
            run_id = await bench.send(await bench.session(), "hotels", max_context_tokens=1_000)
            (found,) = of(await bench.end(run_id), "retrieval.completed")
            assert found.max_tokens == 500

    async def test_a_stored_context_is_its_owners(self, open_bench, say, index) -> None:
        for owner in ("local", "anna"):
            index.stored[owner] = ContextRecord(
                id=owner,
                owner=owner,
                query="q",
                retrieval=Retrieval(query="q", method="hybrid"),
                max_tokens=500,
                text="",
                items=(Retrieved(text="Kept.", number=5),),
                created_at=utc_now(),
            )
        async with open_bench([say("ok")], knowledge=index) as bench:
            session = await bench.session()
            run_id = await bench.send(session, context_source=StoredContext(id="local"))
            (found,) = of(await bench.end(run_id), "retrieval.completed")
            assert (found.source, found.context_id) == ("stored", "local")
            assert [item.number for item in found.items] == [1]
            with pytest.raises(NotFoundError, match="There is no stored context 'anna'"):
                await bench.send(session, context_source=StoredContext(id="anna"))

    async def test_collections_of_the_moment_are_searched_as_they_are_given(
        self, open_bench, say, index
    ) -> None:
        uses = (KnowledgeUse(collection="docs", top_k=1, method="lexical", min_score=0.1),)
        async with open_bench([say("ok")], knowledge=index) as bench:
            source = RetrievedContext(collections=uses)
            await bench.end(await bench.send(await bench.session(), "hotels", context_source=source))
            (asked,) = index.searches
            assert (asked["method"], asked["top_k"], asked["uses"][0].min_score) == ("lexical", 1, 0.1)


async def test_a_run_that_is_taken_up_again_does_not_look_up_twice(open_bench, say, call, index) -> None:
    write = call(("write_file", '{"path": "a.md", "content": "x"}'))
    async with open_bench([write], knowledge=index, agent=agent("context")) as bench:
        session = await bench.session()
        run_id = await bench.send(session, "hotels")
        await bench.approval()
    async with open_bench([say("Done")], knowledge=index, agent=agent("context")) as bench:
        approval = await bench.approval()
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert len(of(events, "retrieval.completed")) == len(index.searches) == 1
        assert len(shown(bench)) == 1
        check(events)


async def test_a_fork_has_what_was_looked_up_with_its_numbers(open_bench, say, index) -> None:
    steps = [say("Ninety [1]."), say("Still [1], not [8].")]
    async with open_bench(steps, knowledge=index, agent=agent("context", top_k=1)) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "hotels"))
        fork = await bench.workbench.sessions.fork(session.id)
        events = await bench.end(await bench.send(fork, "trains"))
        assert [item.number for item in of(events, "retrieval.completed")[0].items] == [2]
        done = of(events, "part.completed")[0]
        assert (done.text, [each.number for each in done.citations]) == ("Still [1], not.", [1])


async def test_numbers_go_on_where_the_caller_gives_the_history(open_bench, say, index) -> None:
    steps = [say("Ninety [1]."), say("Second class [2]."), say("Second class [2], ninety [1].")]
    async with open_bench(steps, knowledge=index, agent=agent("context", top_k=1)) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "hotels"))
        events = await bench.end(await bench.send(session, "trains", history=()))
        assert [item.number for item in of(events, "retrieval.completed")[0].items] == [2]
        events = await bench.end(await bench.send(session, "trains"))
        assert [item.number for item in of(events, "retrieval.completed")[0].items] == [2]
        cited = {each.number: each.excerpt for each in of(events, "part.completed")[0].citations}
        assert cited == {2: HANDBOOK["travel.md"][0], 1: HANDBOOK["travel.md"][1]}


async def test_what_stands_in_the_context_is_not_shown_twice(open_bench, say, index) -> None:
    async with open_bench([say("a"), say("b")], knowledge=index, agent=agent("all")) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "hotels"))
        events = await bench.end(await bench.send(session, "trains"))
        assert [item.number for item in of(events, "retrieval.completed")[0].items] == [1, 2, 3]
        first, second = shown(bench)
        assert "> Meals are paid by receipt." in first
        assert second == f"{RETRIEVED_HEADER}\n{FOUND_AGAIN}[1], [2], [3]."


async def test_results_of_the_callers_tools_are_no_new_question(open_bench, say, call, index) -> None:
    tool = ToolSchema(name="weather", description="", parameters={"type": "object"})
    async with open_bench([call(("weather", "{}")), say("ok")], knowledge=index, agent=agent("all")) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, "hotels", client_tools=(tool,)))
        call_id = of(events, "tool_call.requested")[0].call_id
        answer = ToolResultPart(call_id=call_id, name="weather", content=(TextPart(text="Sun."),))
        submitted = await bench.workbench.runs.send(session.id, (answer,), RunOptions(client_tools=(tool,)))
        assert of(await bench.end(submitted.run_id), "retrieval.completed") == []
        check_accepted(bench.model.requests[-1].messages)


async def test_a_run_is_stopped_while_it_looks_something_up(open_bench, say, index) -> None:
    asked = asyncio.Event()

    async def search(*_: Any, **__: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    index.search = search
    async with open_bench([say("ok")], knowledge=index, agent=agent("context")) as bench:
        run_id = await bench.send(await bench.session(), "hotels")
        async with asyncio.timeout(10):
            await asked.wait()
        await bench.workbench.runs.cancel(run_id)
        events = await bench.end(run_id)
        assert [logged.event.type for logged in events] == ["run.started", "message.added", "run.cancelled"]
