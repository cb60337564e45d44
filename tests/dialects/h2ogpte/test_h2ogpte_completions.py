"""Completions through h2oGPTe's API: as one reply, as lines of JSON, and what steers them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from tests.fakes.fake_index import FakeIndex

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import ModelRequestRefused
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.knowledge import Collection
from holdfast.core.domain.models import Finished, ModelDelta, TextDelta

API = "/h2ogpte/api/v1"


async def chat(served: Any, **query: Any) -> str:
    made = await served.http.post(f"{API}/chats", params=query)
    assert made.status_code == 201, made.text
    id: str = made.json()["id"]
    return id


async def ask(served: Any, chat_id: str, message: str = "Hello", **body: Any) -> Any:
    return await served.http.post(f"{API}/chats/{chat_id}/completions", json={"message": message, **body})


async def lines(served: Any, chat_id: str, message: str = "Hello", **body: Any) -> AsyncGenerator[Any, None]:
    """Yields the records of a streamed completion."""
    given = {"message": message, "stream": True, **body}
    async with served.http.stream("POST", f"{API}/chats/{chat_id}/completions", json=given) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "application/jsonl"
        async for line in response.aiter_lines():
            assert line.isascii()
            if line:
                yield json.loads(line)


async def records(served: Any, chat_id: str, **body: Any) -> list[Any]:
    return [record async for record in lines(served, chat_id, **body)]


async def messages(served: Any, chat_id: str) -> Any:
    return (await served.http.get(f"{API}/chats/{chat_id}/messages")).json()


def system(served: Any, number: int = -1) -> str:
    said: str = served.bench.model.requests[number].messages[0].text
    return said


def tools(served: Any, number: int = -1) -> set[str]:
    return {tool.name for tool in served.bench.model.requests[number].tools}


@pytest.fixture
def index() -> FakeIndex:
    index = FakeIndex()
    for name in ("prices", "empty"):
        made = index.add(name, {"hotels.md": ["Hotels cost ninety euros.", "Trains cost ten."]})
        index.kept[made.id] = made.model_copy(update={"documents": int(name == "prices")})
    return index


def prices(index: FakeIndex) -> Collection:
    return next(each for each in index.kept.values() if each.name == "prices")


# --- one reply


@pytest.mark.covers("h2ogpte.get_completion", "h2ogpte.create_chat_session")
async def test_a_completion_is_a_call_of_the_model_without_tools(serve: Any, say: Any) -> None:
    async with serve([say("Hi", " there")]) as served:
        chat_id = await chat(served)
        answer = await ask(served, chat_id)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/json")
        asked, reply = await messages(served, chat_id)
        assert answer.json() == {"message_id": reply["id"], "body": "Hi there"}
        assert (asked["content"], asked.get("reply_to")) == ("Hello", None)
        assert (reply["content"], reply["reply_to"]) == ("Hi there", asked["id"])
        assert tools(served) == set()


@pytest.mark.covers("h2ogpte.get_completion")
async def test_an_agent_has_its_tools_or_the_named_ones(serve: Any, say: Any) -> None:
    async with serve([say("A")] * 3) as served:
        chat_id = await chat(served)
        for wanted in ("auto", "all", ["read_file", "no_such_tool"]):
            args = {"use_agent": True, "agent_tools": wanted, "unknown": [1]}
            assert (await ask(served, chat_id, llm_args=args)).status_code == 200
        all_of_it = tools(served, 0)
        assert {"read_file", "write_file", "run_python"} <= all_of_it == tools(served, 1)
        assert tools(served, 2) & all_of_it == {"read_file"}


@pytest.mark.covers("h2ogpte.get_completion", "h2ogpte.update_agent_tool_preference")
async def test_an_agent_has_the_tools_that_the_user_prefers_and_his_own(serve: Any, say: Any) -> None:
    code = b'def add(a: int, b: int) -> int:\n    """Adds."""\n    return a + b\n'
    async with serve([say("A")] * 6) as served:
        for name, default in (("mine.py", True), ("other.py", False)):
            made = await served.http.post(
                f"{API}/agents/custom_tools",
                data={
                    "tool_type": "general_code",
                    "tool_args": json.dumps({"enable_by_default": default, "tool_name": name[:-3]}),
                },
                files={"file": (name, code.replace(b"add", name[:-3].encode()), "text/x-python")},
            )
            assert made.status_code == 201, made.text
        chat_id = await chat(served)

        async def given(wanted: Any) -> set[str]:
            args = {"use_agent": True, "agent_tools": wanted}
            assert (await ask(served, chat_id, llm_args=args)).status_code == 200
            return tools(served) & {"read_file", "write_file", "mine", "other"}

        assert await given("auto") == {"read_file", "write_file", "mine"}
        assert await given("all") == {"read_file", "write_file", "mine", "other"}
        assert await given(["other", "read_file"]) == {"read_file", "other"}
        path = f"{API}/agents/tool_preference"
        prefers = await served.http.post(path, json={"reference_value": ["read_file", "mine"]})
        assert prefers.status_code == 204
        assert await given("auto") == {"read_file", "mine"}
        assert await given("any") == {"read_file", "write_file", "mine", "other"}
        assert await given("write_file") == {"write_file"}


@pytest.mark.covers("h2ogpte.get_completion")
async def test_what_is_said_of_the_model_reaches_it(serve: Any, say: Any) -> None:
    args = {
        "temperature": 0.5,
        "top_p": 0.0,
        "max_new_tokens": 77,
        "seed": 4,
        "reasoning_effort": 4_000,
        "guided_json": '{"type": "object", "required": ["a"]}',
        "top_k": 1,
        "repetition_penalty": 1.07,
    }
    async with serve([say('{"a": 1}')]) as served:
        chat_id = await chat(served)
        answer = await ask(served, chat_id, llm="some/model", llm_args=args, system_prompt="Be a pirate.")
        assert answer.json()["body"] == '{"a": 1}'
        request = served.bench.model.requests[0]
        settings = request.settings
        assert (settings.temperature, settings.top_p, settings.seed) == (0.5, None, 4)
        assert (settings.max_output_tokens, settings.reasoning_effort) == (77, "medium")
        assert request.model == "some/model"
        assert request.response_format == {"type": "object", "required": ["a"]}
        assert system(served).startswith("Be a pirate.")


@pytest.mark.covers("h2ogpte.get_completion")
@pytest.mark.parametrize("word", ["off", "false", "False", False, "auto", "true", True, None])
async def test_history_is_left_out_in_every_spelling(serve: Any, say: Any, word: Any) -> None:
    async with serve([say("One"), say("Two")]) as served:
        chat_id = await chat(served)
        await ask(served, chat_id, "First")
        await ask(served, chat_id, "Second", include_chat_history=word, system_prompt="auto")
        shown = [message.text for message in served.bench.model.requests[1].messages[1:]]
        off = str(word).lower() in ("off", "false")
        assert shown == (["Second"] if off else ["First", "One", "Second"])


@pytest.mark.covers("h2ogpte.get_completion")
async def test_a_question_without_history_takes_it_from_no_other(serve: Any, say: Any) -> None:
    async with serve([say(each) for each in ("One", "Two", "Three", "Four", "Five")]) as served:
        chat_id = await chat(served)
        for message, word in (("A", "off"), ("B", "auto"), ("C", "off"), ("D", "on"), ("E", "auto")):
            await ask(served, chat_id, message, include_chat_history=word)
        shown = [
            [message.text for message in request.messages[1:]] for request in served.bench.model.requests
        ]
        assert shown[:3] == [["A"], ["A", "One", "B"], ["C"]]
        assert shown[3] == ["A", "One", "B", "Two", "C", "Three", "D"]
        assert shown[4] == [*shown[3], "Four", "E"]
        assert len(await messages(served, chat_id)) == 10


async def test_a_question_that_is_refused_leaves_the_history_as_it_was(serve: Any) -> None:
    async with serve() as served:
        gate, chat_id = Gate(served, "One", " two"), await chat(served)
        gate.open.set()
        await ask(served, chat_id, "A")
        gate.open.clear()
        async with aclosing(lines(served, chat_id, "B", include_chat_history="off")) as told:
            await anext(told)
            assert (await ask(served, chat_id, "refused")).status_code == 409
            gate.open.set()
            assert [each async for each in told][-1]["finished"] is True
        await ask(served, chat_id, "C")
        shown = [[message.text for message in request.messages[1:]] for request in gate.requests]
        assert shown == [["A"], ["B"], ["A", "One two", "B", "One two", "C"]]


@pytest.mark.covers("h2ogpte.get_completion")
async def test_accuracy_and_limits_hold_for_the_run(serve: Any, say: Any, call: Any) -> None:
    looking = call(("list_files", "{}"))
    async with serve([looking, call(("read_file", '{"path": "a"}')), say("never")]) as served:
        chat_id = await chat(served)
        args = {"use_agent": True, "agent_accuracy": "quick", "agent_max_turns": 2}
        answer = await ask(served, chat_id, llm_args=args)
        assert answer.status_code == 200, answer.text
        assert answer.json()["body"] == "Reached max number of turns."
        assert (await messages(served, chat_id))[1]["content"] == "Reached max number of turns."


@pytest.mark.covers("h2ogpte.get_completion")
async def test_a_memory_block_is_put_before_the_model_by_id_or_name(serve: Any, say: Any) -> None:
    async with serve([say("A"), say("B"), say("C")]) as served:
        block = await served.bench.workbench.memory.create_block("Project", content="Budget: 50 000")
        chat_id = await chat(served)
        for args in ({"memory_block_id": block.id}, {"memory_block_name": "Project"}, {}):
            assert (await ask(served, chat_id, llm_args=args)).status_code == 200
        assert ["Budget: 50 000" in system(served, number) for number in range(3)] == [True, True, False]


# --- retrieval


@pytest.mark.covers("h2ogpte.get_completion")
@pytest.mark.parametrize(
    ("kind", "use_agent", "given", "brought"),
    [
        ("auto", False, True, set()),
        ("auto", True, False, {"search_knowledge", "read_document"}),
        (None, False, True, set()),
        ("llm_only", False, False, set()),
        ("llm_only", True, False, set()),
        ("agent_only", True, False, {"read_document", "analyse_documents"}),
        ("agent_only", False, True, set()),
        ("rag", False, True, set()),
        ("rag", True, True, set()),
        ("graph_rag", False, True, set()),
        ("agentic_rag", False, False, {"search_knowledge", "read_document"}),
        ("rlm_rag", False, False, {"search_knowledge", "read_document", "analyse_documents"}),
        ("fast_agentic_rag", False, True, set()),
    ],
)
async def test_each_rag_type_comes_to_its_answer_in_its_way(
    serve: Any, say: Any, index: FakeIndex, kind: str | None, use_agent: bool, given: bool, brought: set[str]
) -> None:
    async with serve([say("Ninety.")], knowledge=index) as served:
        chat_id = await chat(served, collection_id=prices(index).id)
        config = {} if kind is None else {"rag_config": {"rag_type": kind}}
        answer = await ask(
            served, chat_id, "What do hotels cost?", llm_args={"use_agent": use_agent}, **config
        )
        assert answer.status_code == 200, answer.text
        shown = "\n".join(message.text for message in served.bench.model.requests[0].messages)
        assert ("Hotels cost ninety euros." in shown) is given
        knowledge = {"search_knowledge", "read_document", "analyse_documents"}
        assert tools(served) & knowledge == brought
        agent = use_agent or kind in ("agentic_rag", "rlm_rag", "fast_agentic_rag")
        assert ("write_file" in tools(served)) is agent


@pytest.mark.covers("h2ogpte.get_completion")
async def test_an_agent_alone_finds_the_documents_as_files(serve: Any, say: Any, index: FakeIndex) -> None:
    async with serve([say("A"), say("B")], knowledge=index) as served:
        held = f"{prices(index).id}/hotels.md"
        digest = served.bench.blobs.put(b"Hotels cost\r\nninety.")
        index.held[held] = index.held[held].model_copy(update={"digest": digest})
        chat_id = await chat(served, collection_id=prices(index).id)
        body = {"llm_args": {"use_agent": True}, "rag_config": {"rag_type": "agent_only"}}
        await ask(served, chat_id, **body)
        files = served.bench.workbench.files
        assert await (await files.download(chat_id, "hotels.md")).read() == b"Hotels cost\r\nninety."
        await files.write(chat_id, "hotels.md", "mine")
        await ask(served, chat_id, **body)
        assert (await files.read(chat_id, "hotels.md")).text == "mine"
        assert "files in your working folder" in system(served)


@pytest.mark.covers("h2ogpte.get_completion", "h2ogpte.get_message_meta")
@pytest.mark.parametrize(("kind", "calls"), [("hyde1", 2), ("hyde2", 3)])
async def test_hyde_drafts_before_it_searches_and_tells_the_drafts(
    serve: Any, say: Any, index: FakeIndex, kind: str, calls: int
) -> None:
    steps = [say("Draft one"), say("Draft two"), say("Reply")][3 - calls :]
    async with serve(steps, knowledge=index) as served:
        chat_id = await chat(served, collection_id=prices(index).id)
        answer = await ask(served, chat_id, "hotels cost?", rag_config={"rag_type": kind})
        assert answer.json()["body"] == "Reply"
        assert len(served.bench.model.requests) == calls
        path = f"{API}/messages/{answer.json()['message_id']}/meta"
        first = (await served.http.get(path, params={"info_type": "llm_only"})).json()
        assert first == [{"message_type": "llm_only", "content": "Draft two" if calls == 2 else "Draft one"}]
        second = (await served.http.get(path, params={"info_type": "hyde1"})).json()
        assert [each["content"] for each in second] == (["Draft two"] if calls == 3 else [])


@pytest.mark.covers("h2ogpte.get_completion")
@pytest.mark.parametrize(("kind", "method"), [("rag+", "wide"), ("all_data", "all")])
async def test_the_wide_types_look_at_more(
    serve: Any, say: Any, index: FakeIndex, kind: str, method: str
) -> None:
    async with serve([say("1, 2"), say("Both."), say("Both.")], knowledge=index) as served:
        chat_id = await chat(served, collection_id=prices(index).id)
        answer = await ask(served, chat_id, "hotels cost?", rag_config={"rag_type": kind})
        assert answer.status_code == 200, answer.text
        run = await served.bench.workbench.runs.get(answer.json()["message_id"])
        events = await served.bench.end(run.id)
        (looked,) = [each.event for each in events if each.event.type == "retrieval.completed"]
        assert looked.method == method


@pytest.mark.covers("h2ogpte.get_completion")
async def test_an_empty_collection_is_not_looked_into(serve: Any, say: Any, index: FakeIndex) -> None:
    empty = next(each for each in index.kept.values() if each.name == "empty")
    async with serve([say("Hm.")], knowledge=index) as served:
        chat_id = await chat(served, collection_id=empty.id)
        assert (await ask(served, chat_id, "hotels?")).status_code == 200
        assert not index.searches


@pytest.mark.covers("h2ogpte.get_completion")
async def test_what_the_collection_says_holds_where_the_request_says_nothing(
    serve: Any, say: Any, index: FakeIndex
) -> None:
    kept = {"chat_settings": {"llm_args": {"temperature": 0.7}, "rag_config": {"rag_type": "llm_only"}}}
    made = prices(index)
    index.kept[made.id] = made.model_copy(update={"ext": {"h2ogpte": kept}})
    async with serve([say("A"), say("B")], knowledge=index) as served:
        chat_id = await chat(served, collection_id=made.id)
        await ask(served, chat_id, "hotels?")
        assert served.bench.model.requests[0].settings.temperature == 0.7
        assert not index.searches
        await ask(served, chat_id, "hotels?", llm_args={}, rag_config={"rag_type": "rag"})
        assert served.bench.model.requests[1].settings.temperature is None
        assert index.searches


@pytest.mark.covers("h2ogpte.get_completion")
async def test_tags_choose_documents_and_unknown_ones_count_for_nothing(
    serve: Any, say: Any, index: FakeIndex
) -> None:
    made = index.add("tagged", {"a.md": ["Hotels cost one."], "b.md": ["Hotels cost two."]})
    index.kept[made.id] = made.model_copy(update={"documents": 2})
    for name, tags in (("a.md", ["red"]), ("b.md", ["blue"])):
        held = f"{made.id}/{name}"
        index.held[held] = index.held[held].model_copy(update={"ext": {"h2ogpte": {"tags": tags}}})
    wanted: Sequence[tuple[Any, set[str]]] = (
        (["red"], {"a.md"}),
        ({"exclude": ["red"]}, {"b.md"}),
        ({"document_ids": [f"{made.id}/b.md"], "include": ["red"]}, {"b.md"}),
        (["github_action_trigger"], {"a.md", "b.md"}),
    )
    async with serve([say("A")] * len(wanted), knowledge=index) as served:
        chat_id = await chat(served, collection_id=made.id)
        for tags, documents in wanted:
            answer = await ask(served, chat_id, "hotels cost?", tags=tags)
            found = await served.http.get(f"{API}/messages/{answer.json()['message_id']}/references")
            assert {each["document_name"] for each in found.json()} == documents


# --- lines of JSON


@pytest.mark.covers("h2ogpte.get_completion")
async def test_the_bodies_of_a_stream_are_the_reply_and_the_last_is_not_empty(
    serve: Any, say: Any, call: Any
) -> None:
    steps = [[TextDelta(text="Let me look."), *call(("list_files", "{}"))], say("Noné", " there\u2028.")]
    async with serve(steps) as served:
        chat_id = await chat(served)
        told = await records(served, chat_id, llm_args={"use_agent": True})
        *before, last = told
        assert all(set(each) == {"body", "finished"} and not each["finished"] for each in before)
        _, reply = await messages(served, chat_id)
        assert (last["finished"], last["message_id"]) == (True, reply["id"])
        assert last["body"]
        assert "".join(each["body"] for each in told) == reply["content"]
        assert reply["content"] == "Let me look.\n\nNoné there\u2028."


@pytest.mark.covers("h2ogpte.get_completion")
async def test_a_setting_makes_the_last_record_the_whole_reply(serve: Any, say: Any) -> None:
    settings = {"dialects": {"h2ogpte_full_last_record": True}}
    async with serve([say("Hi", " there")], more_settings=settings) as served:
        told = await records(served, await chat(served))
        assert told[-1]["body"] == "Hi there"
        assert "Hi there".startswith("".join(each["body"] for each in told[:-1]))


@pytest.mark.covers("h2ogpte.get_completion")
async def test_a_failure_is_an_error_record_and_an_error(serve: Any) -> None:
    async with serve([[ModelRequestRefused("No such luck.")]] * 2) as served:
        chat_id = await chat(served)
        assert await records(served, chat_id) == [{"error": "No such luck."}]
        answer = await ask(served, chat_id)
        assert answer.status_code >= 400
        assert (answer.json()["code"], answer.json()["message"]) == (answer.status_code, "No such luck.")
        assert (await messages(served, chat_id))[-1]["error"] == "No such luck."


@pytest.mark.covers("h2ogpte.get_completion")
async def test_a_reply_in_a_given_form_is_told_when_it_fits(serve: Any, say: Any) -> None:
    args = {"response_format": "json_object"}
    async with serve([say("no JSON"), say('{"a": 1}')]) as served:
        told = await records(served, await chat(served), llm_args=args)
        assert [each["body"] for each in told] == ['{"a": 1}']


# --- steering


class Gate:
    """A model that says the first text, and the others when it is let."""

    def __init__(self, served: Any, *texts: str) -> None:
        self.open = asyncio.Event()
        self.requests: list[Any] = []
        self._texts = texts
        served.bench.model.stream = self._stream

    async def _stream(self, request: Any) -> AsyncIterator[ModelDelta]:
        self.requests.append(request)
        for number, text in enumerate(self._texts):
            if number:
                await self.open.wait()
            yield TextDelta(text=text)
        yield Finished(reason="stop")


async def post(served: Any, message_id: str, verb: str, **body: Any) -> int:
    given = {"json": body} if body else {}
    answer = await served.http.post(f"{API}/messages/{message_id}/{verb}", **given)
    code: int = answer.status_code
    return code


async def question(served: Any, chat_id: str) -> str:
    """Returns the id of the newest question, as the guide finds it."""
    asked = [each for each in await messages(served, chat_id) if not each.get("reply_to")]
    id: str = asked[-1]["id"]
    return id


@pytest.mark.covers("h2ogpte.get_completion")
async def test_a_completion_goes_on_when_its_caller_goes_away(serve: Any) -> None:
    async with serve() as served:
        gate = Gate(served, "One", " two")
        chat_id = await chat(served)
        async with aclosing(lines(served, chat_id)) as told:
            async for _ in told:
                break
        gate.open.set()
        session = await served.bench.workbench.sessions.get(chat_id)
        await served.bench.end(session.run_id)
        assert (await messages(served, chat_id))[1]["content"] == "One two"


@pytest.mark.covers(
    "h2ogpte.pause_chat_message", "h2ogpte.resume_chat_message", "h2ogpte.get_chat_session_messages"
)
async def test_a_paused_reply_is_quiet_until_it_is_resumed(serve: Any) -> None:
    async with serve() as served:
        gate = Gate(served, "One", " two", " three")
        chat_id = await chat(served)
        async with aclosing(lines(served, chat_id)) as told:
            assert (await anext(told))["body"] == "On"
            asked = await question(served, chat_id)
            assert await post(served, asked, "pause") == 204
            gate.open.set()
            session = await served.bench.workbench.sessions.get(chat_id)
            await served.bench.end(session.run_id)
            waiting = asyncio.ensure_future(anext(told))
            done, _ = await asyncio.wait({waiting}, timeout=0.2)
            assert not done
            assert await post(served, asked, "resume") == 204
            rest = [await waiting, *[each async for each in told]]
        assert "On" + "".join(each["body"] for each in rest) == "One two three"
        assert rest[-1]["finished"] is True


async def test_who_may_only_read_neither_holds_a_reply_nor_lets_it_go(serve_users: Any) -> None:
    async with serve_users() as served:
        gate = Gate(served, "One", " two")
        chat_id = await chat(served)
        key = await served.bench.workbench.keys.create("mine", Scope.READ)
        reader = {"Authorization": f"Bearer {key.secret}"}
        async with aclosing(lines(served, chat_id)) as told:
            await anext(told)
            asked = await question(served, chat_id)
            for verb in ("resume", "finish", "stop", "pause"):
                url = f"{API}/messages/{asked}/{verb}"
                assert (await served.http.post(url, headers=reader)).status_code == 403
            gate.open.set()
            async with asyncio.timeout(10):
                rest = [each["body"] async for each in told]
        assert "".join(rest) == "e two"


@pytest.mark.covers("h2ogpte.stop_chat_message")
async def test_a_stopped_reply_ends_as_any_with_what_was_said(serve: Any) -> None:
    async with serve() as served:
        Gate(served, "One", " two")
        chat_id = await chat(served)
        async with aclosing(lines(served, chat_id)) as told:
            first = await anext(told)
            asked = await question(served, chat_id)
            assert await post(served, asked, "stop") == 204
            (last,) = [each async for each in told]
        assert (first["body"] + last["body"], last["finished"]) == ("One", True)
        reply = (await messages(served, chat_id))[1]
        assert (reply["id"], reply["content"]) == (last["message_id"], "One")
        for verb in ("stop", "pause", "resume", "finish"):
            assert await post(served, asked, verb) == 204  # again, and after its end


@pytest.mark.covers("h2ogpte.finish_chat_message", "h2ogpte.send_hitl_message")
async def test_an_agent_is_told_something_and_finishes(serve: Any, say: Any, call: Any) -> None:
    asking = call(("write_file", '{"path": "a.txt", "content": "x"}'))
    async with serve([asking, say("That is it.")]) as served:
        chat_id = await chat(served)
        completing = asyncio.create_task(ask(served, chat_id, llm_args={"use_agent": True}))
        approval = await served.bench.approval()
        asked = await question(served, chat_id)
        assert await post(served, asked, "hitl", message="Be brief") == 204
        assert await post(served, asked, "finish") == 204
        await served.bench.workbench.approvals.decide(approval.id, Decision(outcome="deny"))
        assert (await completing).json()["body"] == "That is it."
        last = served.bench.model.requests[-1]
        assert (last.tools, last.messages[-1].text) == ((), "Be brief")


@pytest.mark.covers("h2ogpte.stop_chat_message")
async def test_an_older_question_and_a_reply_lead_to_what_goes_on_in_their_chat(serve: Any, say: Any) -> None:
    async with serve([say("Done")]) as served:
        chat_id = await chat(served)
        older = (await ask(served, chat_id)).json()["message_id"]
        Gate(served, "One", " two")
        async with aclosing(lines(served, chat_id)) as told:
            await anext(told)
            assert await post(served, older, "stop") == 204
            assert [each["finished"] async for each in told] == [True]


async def test_two_completions_of_a_chat_do_not_mix(serve: Any) -> None:
    async with serve() as served:
        gate = Gate(served, "One", " two")
        chat_id = await chat(served)
        async with aclosing(lines(served, chat_id)) as told:
            await anext(told)
            again = await ask(served, chat_id, "And?")
            assert (again.status_code, again.json()["code"]) == (409, 409)
            gate.open.set()
            assert [each async for each in told][-1]["finished"] is True
        assert len(await messages(served, chat_id)) == 2


# --- what cannot be


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": 7},
        {"llm_args": {"agent_accuracy": "heroic", "use_agent": True}},
        {"llm_args": {"temperature": 9}},
        {"llm_args": {"use_agent": True, "agent_max_turns": "many"}},
        {"llm_args": {"max_time": "NaN"}},
        {"llm_args": {"guided_json": "[1]"}},
        {"llm_args": {"guided_json": "{"}},
        {"llm": 99},
        {"rag_config": {"rag_type": "telepathy"}},
        {"include_chat_history": "perhaps"},
        {"llm_args": [1]},
    ],
)
async def test_what_cannot_be_asked_is_refused_in_the_shape_of_the_api(serve: Any, body: Any) -> None:
    async with serve() as served:
        chat_id = await chat(served)
        given = {"message": "Hello", **body} if body else {}
        answer = await served.http.post(f"{API}/chats/{chat_id}/completions", json=given)
        said = answer.json()
        assert (answer.status_code, said["code"]) == (400, 400), said
        assert said["message"] and "detail" not in said
        assert await messages(served, chat_id) == []


async def test_what_is_not_there_is_404(serve: Any, index: FakeIndex, say: Any) -> None:
    async with serve([say("A")], knowledge=index) as served:
        found = [await ask(served, "no-such-chat")]
        for verb in ("pause", "resume", "stop", "finish"):
            found.append(await served.http.post(f"{API}/messages/fallback-id/{verb}"))
        found.append(await served.http.post(f"{API}/messages/fallback-id/hitl", json={"message": "x"}))
        chat_id = await chat(served, collection_id=prices(index).id)
        found.append(await ask(served, chat_id, llm_args={"memory_block_id": "nobody's"}))
        index.kept.clear()
        found.append(await ask(served, chat_id))
        for answer in found:
            said = answer.json()
            assert (answer.status_code, said["code"]) == (404, 404), said
            assert said["message"]
