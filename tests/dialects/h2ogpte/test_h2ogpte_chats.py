"""Chats through h2oGPTe's API, what was said in them, and what is told of a reply beside its text."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.fakes.fake_index import FakeIndex

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.models import TextDelta, UsageReport

API = "/h2ogpte/api/v1"
ROOMS = {"rooms.md": ["Rooms cost ninety euros.", "Suites cost rooms twice.", "No rooms on Sunday."]}


async def get(served: Any, path: str, **query: Any) -> Any:
    answer = await served.http.get(f"{API}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def chat(served: Any, **query: Any) -> str:
    made = await served.http.post(f"{API}/chats", params=query)
    assert made.status_code == 201, made.text
    id: str = made.json()["id"]
    return id


async def ask(served: Any, chat_id: str, message: str = "Hello", **body: Any) -> str:
    given = {"message": message, **body}
    answer = await served.http.post(f"{API}/chats/{chat_id}/completions", json=given)
    assert answer.status_code == 200, answer.text
    id: str = answer.json()["message_id"]
    return id


async def meta(served: Any, message_id: str, info_type: str) -> Any:
    """Returns what is told of one type; None where nothing is."""
    found = await get(served, f"messages/{message_id}/meta", info_type=info_type)
    assert [each["message_type"] for each in found] in ([], [info_type])
    return found[0]["content"] if found else None


@pytest.fixture
def usage() -> UsageReport:
    """What a call of the model took."""
    return UsageReport(input_tokens=7, output_tokens=3)


@pytest.fixture
def index() -> FakeIndex:
    index = FakeIndex()
    made = index.add("hotel", ROOMS)
    index.kept[made.id] = made.model_copy(update={"documents": 1})
    return index


HOTEL = "id-hotel-local"


# --- chats


@pytest.mark.covers(
    "h2ogpte.create_chat_session",
    "h2ogpte.get_chat_session",
    "h2ogpte.list_chat_sessions",
    "h2ogpte.get_chat_session_count",
    "h2ogpte.update_chat_session",
    "h2ogpte.delete_chat_session",
)
async def test_a_chat_is_made_found_renamed_and_deleted(serve: Any, say: Any) -> None:
    async with serve([say("Hi")]) as served:
        made = await served.http.post(f"{API}/chats", json={"workspace": "lab"})
        assert made.status_code == 201
        first = made.json()
        assert first["workspace"] == "lab"
        assert {"name", "collection_id", "latest_message_content"}.isdisjoint(first)
        await ask(served, first["id"])
        second = await chat(served)
        listed = await get(served, "chats")
        assert [each["id"] for each in listed] == [second, first["id"]]
        assert await get(served, "chats", offset=1, limit=1) == listed[1:]
        assert await get(served, "chats/count") == {"count": 2}
        found = await get(served, f"chats/{first['id']}")
        assert found["latest_message_content"] == "Hi"
        assert len(found["updated_at"][:19]) == 19
        renamed = await served.http.patch(f"{API}/chats/{first['id']}", json={"name": "Talk"})
        assert (renamed.status_code, renamed.json()["name"]) == (200, "Talk")
        session = await served.bench.workbench.sessions.get(first["id"])
        assert (session.title, session.agent) == ("Talk", "general")
        for expected in (204, 404):
            answer = await served.http.delete(f"{API}/chats/{first['id']}")
            assert answer.status_code == expected
        assert await get(served, "chats/count") == {"count": 1}


@pytest.mark.covers("h2ogpte.create_chat_session")
@pytest.mark.parametrize(
    ("content", "kind"), [(None, None), (b"", "application/json"), (b"{}", "text/plain"), (b"null", None)]
)
async def test_a_chat_is_made_whatever_the_body_looks_like(serve: Any, content: Any, kind: Any) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    async with serve() as served:
        made = await served.http.post(f"{API}/chats", content=content, headers=headers)
        assert made.status_code == 201, made.text


@pytest.mark.covers("h2ogpte.delete_chat_session")
async def test_deleting_a_chat_ends_what_goes_on_in_it(serve: Any, call: Any) -> None:
    async with serve([call(("write_file", '{"path": "a", "content": "x"}'))]) as served:
        chat_id = await chat(served)
        body = {"message": "Write", "llm_args": {"use_agent": True}}
        asking = served.http.post(f"{API}/chats/{chat_id}/completions", json=body)
        completing = asyncio.create_task(asking)
        await served.bench.approval()
        assert (await served.http.delete(f"{API}/chats/{chat_id}")).status_code == 204
        assert (await completing).status_code in (200, 404)
        assert (await served.http.get(f"{API}/chats/{chat_id}")).status_code == 404


@pytest.mark.covers("h2ogpte.create_delete_chat_session_job")
async def test_chats_are_deleted_by_a_job(serve: Any) -> None:
    async with serve() as served:
        ids = [await chat(served), await chat(served)]
        kept = await chat(served)
        made = await served.http.post(f"{API}/chats/delete_job", json={"session_ids": ids})
        job = made.json()
        assert (made.status_code, job["kind"]) == (201, "DeleteChatSessionsJob")
        await served.bench.workbench.jobs.get(job["id"], wait_s=10)
        done = await get(served, f"jobs/{job['id']}")
        assert (done["overall_status"], done["errors"]) == ("completed", [])
        assert [each["id"] for each in await get(served, "chats")] == [kept]
        again = await served.http.post(f"{API}/chats/delete_job", json={"session_ids": ids})
        assert again.status_code == 404


@pytest.mark.covers("h2ogpte.archive_chat_session", "h2ogpte.unarchive_chat_session")
async def test_an_archived_chat_is_in_no_list_until_it_is_taken_out(serve: Any) -> None:
    async with serve() as served:
        chat_id = await chat(served)
        for verb, status, listed in (("archive", "archived", []), ("unarchive", "active", [chat_id])):
            assert (await served.http.post(f"{API}/chats/{chat_id}/{verb}")).status_code == 204
            assert (await get(served, f"chats/{chat_id}"))["status"] == status
            assert [each["id"] for each in await get(served, "chats")] == listed


@pytest.mark.covers("h2ogpte.fork_chat_session")
async def test_a_fork_goes_on_from_a_message(serve: Any, say: Any) -> None:
    async with serve([say("One"), say("Two")]) as served:
        chat_id = await chat(served)
        first = await ask(served, chat_id, "A")
        await ask(served, chat_id, "B")
        for body, said in (({"message_id": first}, ["A", "One"]), ({}, ["A", "One", "B", "Two"])):
            made = await served.http.post(f"{API}/chats/{chat_id}/fork", json=body)
            assert made.status_code == 201, made.text
            told = await get(served, f"chats/{made.json()['id']}/messages")
            assert [each["content"] for each in told] == said


@pytest.mark.covers(
    "h2ogpte.update_chat_session_collection",
    "h2ogpte.delete_chat_session_collection",
    "h2ogpte.list_chat_sessions_for_collection",
    "h2ogpte.get_chat_session_count_for_collection",
)
async def test_a_chat_gets_and_loses_its_collection(serve: Any, index: FakeIndex) -> None:
    async with serve(knowledge=index) as served:
        chat_id = await chat(served)
        path = f"{API}/chats/{chat_id}/collection"
        given = await served.http.put(path, json={"collection_id": HOTEL})
        assert given.status_code == 200
        assert (given.json()["collection_id"], given.json()["collection_name"]) == (HOTEL, "hotel")
        of_it = f"collections/{HOTEL}/chats"
        assert [each["id"] for each in await get(served, of_it)] == [chat_id]
        assert await get(served, of_it, username="somebody") == []
        assert await get(served, f"{of_it}/count") == {"count": 1}
        taken = await served.http.delete(path)
        assert (taken.status_code, "collection_id" in taken.json()) == (200, False)
        assert await get(served, f"{of_it}/count") == {"count": 0}
        assert (await served.http.put(path, json={"collection_id": "none"})).status_code == 404
        missing = await served.http.post(f"{API}/chats", params={"collection_id": "none"})
        assert missing.status_code == 404


# --- what was said


@pytest.mark.covers("h2ogpte.get_chat_session_messages")
async def test_messages_stand_in_their_order_and_in_pages(serve: Any, say: Any) -> None:
    async with serve([say("One"), say("Two")]) as served:
        chat_id = await chat(served)
        assert await get(served, f"chats/{chat_id}/messages") == []
        await ask(served, chat_id, "A")
        await ask(served, chat_id, "B")
        told = await get(served, f"chats/{chat_id}/messages", offset=0, limit=20)
        assert [each["content"] for each in told] == ["A", "One", "B", "Two"]
        questions = [each for each in told if not each.get("reply_to")]
        assert [each["content"] for each in questions] == ["A", "B"]
        assert [each["reply_to"] for each in told[1::2]] == [each["id"] for each in questions]
        assert [each["username"] for each in questions] == ["local", "local"]
        assert all(each["votes"] == each["total_references"] == 0 for each in told)
        page = await get(served, f"chats/{chat_id}/messages", offset=1, limit=2)
        assert page == told[1:3]
        assert {each["message_type"] for each in told[1]["type_list"]} == {"usage_stats"}


@pytest.mark.covers("h2ogpte.get_chat_session_messages")
async def test_what_was_said_in_the_app_stands_in_the_chat(serve: Any, say: Any) -> None:
    async with serve([say("One")]) as served:
        session = await served.bench.session()
        await served.bench.end(await served.bench.send(session, "Typed"))
        told = await get(served, f"chats/{session.id}/messages")
        assert [each["content"] for each in told] == ["Typed", "One"]


@pytest.mark.covers("h2ogpte.list_questions_for_chat_session")
async def test_questions_are_suggested_once_for_a_reply(serve: Any, say: Any) -> None:
    suggested = say('{"questions": ["Why?", "And then?"]}')
    async with serve([say("One"), suggested]) as served:
        chat_id = await chat(served)
        path = f"chats/{chat_id}/questions"
        assert await get(served, path) == []
        await ask(served, chat_id)
        expected = [{"question": "Why?"}, {"question": "And then?"}]
        assert await get(served, path, limit=5) == expected
        assert await get(served, path) == expected
        assert await get(served, path, limit=1) == expected[:1]
        assert len(served.bench.model.requests) == 2
        assert (await get(served, f"chats/{chat_id}"))["latest_message_content"] == "One"
        assert len(await get(served, f"chats/{chat_id}/messages")) == 2


@pytest.mark.covers("h2ogpte.list_questions_for_chat_session")
async def test_questions_of_the_documents_are_suggested_too(serve: Any, index: FakeIndex) -> None:
    held = f"{HOTEL}/rooms.md"
    index.held[held] = index.held[held].model_copy(update={"questions": ("What do rooms cost?",)})
    async with serve(knowledge=index) as served:
        chat_id = await chat(served, collection_id=HOTEL)
        assert await get(served, f"chats/{chat_id}/questions") == [{"question": "What do rooms cost?"}]


# --- metadata


@pytest.mark.covers("h2ogpte.get_message_meta")
async def test_the_metadata_of_a_plain_reply(serve: Any, say: Any, usage: Any) -> None:
    async with serve([[*say("One")[:-1], usage, *say()]]) as served:
        chat_id = await chat(served)
        reply = await ask(served, chat_id, llm_args={"temperature": 0.0})
        stats = json.loads(await meta(served, reply, "usage_stats"))
        assert stats["usage"] == [
            {"llm": stats["llm"], "input_tokens": 7, "output_tokens": 3, "cost": stats["cost"]}
        ]
        assert (stats["input_tokens"], stats["output_tokens"]) == (7, 3)
        assert {"response_time", "queue_time", "retrieval_time"} <= set(stats)
        assert (await meta(served, reply, "prompt_raw")).rstrip().endswith("Hello")
        silent = (
            "agent_files",
            "agent_chat_history",
            "agent_analysis",
            "self_reflection",
            "llm_only",
            "x" * 99,
        )
        for each in silent:
            assert await meta(served, reply, each) is None
        every = await get(served, f"messages/{reply}/meta")
        assert [each["message_type"] for each in every] == ["usage_stats", "prompt_raw"]
        (asked, _) = await get(served, f"chats/{chat_id}/messages")
        assert await get(served, f"messages/{asked['id']}/meta") == []
        assert (await served.http.get(f"{API}/messages/none/meta")).status_code == 404


@pytest.mark.covers("h2ogpte.get_message_meta")
async def test_the_metadata_of_an_agents_reply(serve: Any, say: Any, call: Any) -> None:
    def writing(path: str) -> Any:
        return [TextDelta(text="I write."), *call(("write_file", f'{{"path": "{path}", "content": "x"}}'))]

    steps = [writing("a.csv"), say("Done."), writing("b.csv"), say("Again.")]
    async with serve(steps) as served:
        chat_id = await chat(served)

        async def agent() -> str:
            asking = asyncio.create_task(ask(served, chat_id, "Write", llm_args={"use_agent": True}))
            approval = await served.bench.approval()
            await served.bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
            return await asking

        first, second = await agent(), await agent()
        files = json.loads(await meta(served, second, "agent_files"))
        before = json.loads(await meta(served, second, "agent_files_old"))
        assert [list(each.values()) for each in files] == [["b.csv"]]
        assert before == json.loads(await meta(served, first, "agent_files"))
        assert [list(each.values()) for each in before] == [["a.csv"]]
        assert await meta(served, first, "agent_files_old") is None
        history = json.loads(await meta(served, second, "agent_chat_history"))
        assert [each["role"] for each in history] == ["user", "assistant", "tool", "assistant"]
        assert "write_file" in history[1]["content"]
        assert "**assistant**\n\nAgain." in await meta(served, second, "agent_chat_history_md")
        assert await meta(served, second, "agent_analysis") == "2 turns, 1 calls of tools: 1 ok."


@pytest.mark.covers("h2ogpte.get_message_meta")
async def test_a_reply_is_reflected_on_where_that_is_asked_for(serve: Any, say: Any) -> None:
    async with serve([say("One"), say("It was brief.")]) as served:
        chat_id = await chat(served)
        reply = await ask(served, chat_id, self_reflection_config={"llm_reflection": "auto"})
        assert await meta(served, reply, "self_reflection") == "It was brief."
        assert (await get(served, f"chats/{chat_id}/messages"))[1]["content"] == "One"


@pytest.mark.covers("h2ogpte.get_message_references")
async def test_references_have_scores_pages_and_chunks(serve: Any, say: Any, index: FakeIndex) -> None:
    first = index.chunks[1]
    paged = first.place.model_copy(update={"page": 2, "last_page": 3})
    index.chunks[1] = first.model_copy(update={"place": paged})
    async with serve([say("Ninety [1].")], knowledge=index) as served:
        chat_id = await chat(served, collection_id=HOTEL)
        reply = await ask(served, chat_id, "rooms cost", rag_config={"rag_type": "rag", "rag_max_chunks": 3})
        found = await get(served, f"messages/{reply}/references")
        scores = [each["score"] for each in found]
        assert scores == sorted(scores, reverse=True)
        by_chunk = {each["chunk_id"]: each for each in found}
        assert (by_chunk[1]["document_name"], by_chunk[1]["collection_id"]) == ("rooms.md", HOTEL)
        assert by_chunk[1]["content"] == ROOMS["rooms.md"][0]
        selections = json.loads(by_chunk[1]["pages"])["selections"]
        assert [each["page"] for each in selections] == [2, 3]
        assert json.loads(by_chunk[2]["pages"]) == {"selections": []}
        assert await get(served, f"messages/{reply}/references", limit=1) == found[:1]
        asked, told = await get(served, f"chats/{chat_id}/messages")
        assert (told["has_references"], told["total_references"]) == (True, len(found))
        assert await get(served, f"messages/{asked['id']}/references") == []


async def test_chats_and_messages_of_others_are_not_there(serve_users: Any, say: Any) -> None:
    async with serve_users([say("One"), say("Two")]) as served:
        chat_id = await chat(served)
        reply = await ask(served, chat_id)
        other = await served.user("eve")
        (asked, _) = await get(served, f"chats/{chat_id}/messages")
        paths = [f"chats/{chat_id}", f"chats/{chat_id}/messages", f"chats/{chat_id}/questions"]
        paths += [f"messages/{id}/{what}" for id in (reply, asked["id"]) for what in ("meta", "references")]
        for path in paths:
            answer = await served.http.get(f"{API}/{path}", headers=other)
            assert (answer.status_code, answer.json()["code"]) == (404, 404), path
        for path in (f"messages/{asked['id']}/stop", f"messages/{reply}/pause", f"chats/{chat_id}/fork"):
            answer = await served.http.post(f"{API}/{path}", headers=other)
            assert answer.status_code == 404, path
        body = {"message": "Mine?"}
        answer = await served.http.post(f"{API}/chats/{chat_id}/completions", json=body, headers=other)
        assert answer.status_code == 404
        assert (await served.http.get(f"{API}/chats", headers=other)).json() == []
