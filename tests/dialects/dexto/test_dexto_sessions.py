"""Sessions through Dexto's API: made, named, read, cancelled, reset and deleted."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from tests.dialects.dexto.dexto_talk import ASKED, Talk, frames_in, last, names
from tests.dialects.test_every_dialect import switching

from holdfast.core.domain.identity import Scope
from holdfast.server.dialects.dexto.places import own_id

META = {"id", "createdAt", "lastActivity", "messageCount", "title"}


@pytest.mark.covers("dexto.create_session", "dexto.list_sessions", "dexto.load_session")
async def test_a_session_is_made_once_whatever_it_is_called(talk) -> None:
    async with talk() as client:
        made = await client.post("sessions", sessionId="mine")
        assert made.status_code == 201
        session = made.json()["session"]
        assert session.keys() == META
        assert (session["id"], session["messageCount"], session["title"]) == ("mine", 0, None)
        assert session["createdAt"] > 1_700_000_000_000
        again = await client.post("sessions", sessionId="mine")
        assert (again.status_code, again.json()["session"]["id"]) == (201, "mine")
        bare = await client.ask("POST", "sessions")
        assert bare.status_code == 201
        uuid.UUID(bare.json()["session"]["id"])
        odd = "a/b \u00fc #?%"
        assert (await client.post("sessions", sessionId=odd)).json()["session"]["id"] == odd
        loaded = await client.get("sessions/a%2Fb%20%C3%BC%20%23%3F%25/load")
        assert loaded.json()["session"] == {**loaded.json()["session"], "id": odd, "isBusy": False}
        listed = (await client.get("sessions")).json()["sessions"]
        assert {each["id"] for each in listed} == {"mine", odd, bare.json()["session"]["id"]}
        assert (await client.get("sessions/")).status_code == 200
        for wrong in ("", "x" * 1001):
            assert (await client.post("sessions", sessionId=wrong)).status_code == 400
        issue = (await client.post("sessions", sessionId=5)).json()["error"]["issues"][0]
        assert (issue["code"], issue["path"]) == ("invalid_type", ["sessionId"])


@pytest.mark.covers("dexto.get_session", "dexto.get_session_history", "dexto.update_session")
async def test_a_session_is_read_and_named(talk, say) -> None:
    async with talk([say("Hi")]) as client:
        await client.stream()
        session = (await client.get("sessions/s1")).json()["session"]
        assert session.keys() == META | {"history"}
        assert (session["history"], session["messageCount"]) == (2, 1)
        assert session["title"] is None, "what is made of the message is no title"
        answer = (await client.get("sessions/s1/history")).json()
        assert answer["isBusy"] is False
        user, reply = answer["history"]
        assert (user["role"], user["content"]) == ("user", [{"type": "text", "text": "Hello"}])
        uuid.UUID(user["id"])
        assert (reply["role"], reply["model"], reply["provider"]) == (
            "assistant",
            "scripted",
            "openai-compatible",
        )
        named = await client.ask("PATCH", "sessions/s1", {"title": "  The\x1b[2J sea " + "x" * 90})
        title = named.json()["session"]["title"]
        assert len(title) <= 80
        assert title.startswith("The")
        assert "\x1b" not in title
        for wrong, code in (("", "too_small"), ("x" * 121, "too_big")):
            refused = await client.ask("PATCH", "sessions/s1", {"title": wrong})
            assert refused.status_code == 400
            assert refused.json()["error"]["issues"][0]["code"] == code


@pytest.mark.covers("dexto.generate_session_title")
async def test_a_title_is_asked_of_the_model_once(talk, say) -> None:
    async with talk([say("Hi"), say('"the sea."'), say("Other")]) as client:
        await client.post("sessions", sessionId="s1")
        empty = await client.ask("POST", "sessions/s1/generate-title")
        assert empty.json() == {"title": None, "sessionId": "s1"}
        await client.stream()
        for _ in range(2):
            answer = await client.ask("POST", "sessions/s1/generate-title")
            assert (answer.status_code, answer.json()) == (200, {"title": "The sea", "sessionId": "s1"})
        assert (await client.get("sessions/s1/load")).json()["session"]["title"] == "The sea"


@pytest.mark.covers("dexto.get_greeting")
async def test_the_greeting_is_the_agents(talk) -> None:
    async with talk() as client:
        assert (await client.get("greeting")).json() == {}
        await client.bench.workbench.agents.edit("tester", {"ext.dexto.greeting": "Welcome"})
        assert (await client.get("greeting", sessionId="nowhere")).json() == {"greeting": "Welcome"}


@pytest.mark.covers("dexto.cancel_session")
async def test_a_soft_cancel_lets_what_waits_go_on_in_the_background(talk, say, call) -> None:
    async with talk([call(ASKED), say("then")]) as client:
        streaming = client.streaming()
        await client.bench.approval()
        await client.post("queue/s1", content="later")
        answer = await client.ask("POST", "sessions/s1/cancel")
        assert answer.json() == {
            "cancelled": True,
            "sessionId": "s1",
            "queueCleared": False,
            "clearedCount": 0,
        }
        frames = await streaming
        assert "run:complete" not in names(frames)
        assert "llm:error" not in names(frames)
        response = last(frames, "approval:response")
        assert (response["status"], response["reason"]) == ("cancelled", "system_cancelled")
        await client.bench.until("run.completed")
        assert await client.said() == ["Hello", "", "later", "then"]
        tool = next(each for each in await client.history() if each["role"] == "tool")
        assert (tool["success"], tool["content"][0]["text"]) == (False, "Cancelled by user")


@pytest.mark.covers("dexto.cancel_session")
async def test_a_hard_cancel_clears_what_waits(talk, call) -> None:
    async with talk([call(ASKED)]) as client:
        streaming = client.streaming()
        await client.bench.approval()
        for text in ("a", "b"):
            await client.post("queue/s1", content=text)
        answer = await client.post("sessions/s1/cancel", clearQueue=True)
        assert answer.json() == {
            "cancelled": True,
            "sessionId": "s1",
            "queueCleared": True,
            "clearedCount": 2,
        }
        await streaming
        assert (await client.get("queue/s1")).json() == {"messages": [], "count": 0}
        for path in ("s1", "nowhere"):
            idle = await client.post(f"sessions/{path}/cancel", clearQueue=False)
            assert (idle.status_code, idle.json()["cancelled"]) == (200, False)
        wrong = await client.post("sessions/s1/cancel", clearAll=True)
        assert wrong.json()["error"]["issues"][0]["code"] == "unrecognized_keys"


@pytest.mark.covers("dexto.post_reset")
async def test_a_reset_session_keeps_its_name_and_nothing_that_was_said(talk, say) -> None:
    async with talk([say("Turnips"), say("New")]) as client:
        await client.stream()
        await client.ask("PATCH", "sessions/s1", {"title": "Garden"})
        answer = await client.post("reset", sessionId="s1")
        assert (answer.status_code, answer.json()) == (
            200,
            {"status": "reset initiated", "sessionId": "s1"},
        )
        session = (await client.get("sessions/s1")).json()["session"]
        assert (session["title"], session["messageCount"], session["history"]) == ("Garden", 0, 0)
        await client.stream("Again")
        shown = [one.text for one in client.bench.model.requests[-1].messages if one.role != "system"]
        assert shown == ["Again"]


@pytest.mark.covers("dexto.delete_session", "dexto.post_reset")
@pytest.mark.parametrize("what", ["deleted", "reset"])
async def test_a_stream_ends_where_its_session_is_deleted_or_reset(talk, say, call, what: str) -> None:
    async with talk([call(ASKED), say("New")]) as client:
        streaming = client.streaming()
        await client.bench.approval()
        await client.post("queue/s1", content="later")
        if what == "deleted":
            answer = await client.ask("DELETE", "sessions/s1")
            assert (answer.status_code, answer.json()) == (200, {"status": "deleted", "sessionId": "s1"})
        else:
            assert (await client.post("reset", sessionId="s1")).status_code == 200
        async with asyncio.timeout(20):
            assert "run:complete" not in names(await streaming)
        if what == "deleted":
            assert (await client.get("sessions/s1")).status_code == 404
            assert (await client.ask("DELETE", "sessions/s1")).status_code == 200, "as often as one likes"
        await client.stream("Again")
        assert await client.said() == ["Again", "New"], "the id is free again"


NOT_THERE = (
    ("GET", "sessions/{}", None),
    ("PATCH", "sessions/{}", {"title": "a"}),
    ("GET", "sessions/{}/history", None),
    ("POST", "sessions/{}/generate-title", None),
    ("POST", "reset", {"sessionId": "{}"}),
    ("GET", "queue/{}", None),
    ("POST", "queue/{}", {"content": "a"}),
    ("DELETE", "queue/{}", None),
    ("DELETE", "queue/{}/x", None),
)


@pytest.mark.covers("dexto.load_session")
async def test_what_is_not_there_is_404(talk) -> None:
    async with talk() as client:
        for method, path, body in NOT_THERE:
            given = {"sessionId": "nowhere"} if path == "reset" else body
            answer = await client.ask(method, path.format("nowhere"), given)
            assert answer.status_code == 404, path
            said = answer.json()
            assert (said["code"], said["scope"], said["type"]) == (
                "session_not_found",
                "session",
                "not_found",
            )
        loaded = await client.get("sessions/nowhere/load")
        assert (loaded.status_code, loaded.json()) == (404, {"error": "Session not found: nowhere"})


async def test_nobody_learns_of_anothers_sessions_and_two_may_call_one_alike(talk, say) -> None:
    async with talk([say("Mine"), say("Ann's")], app=switching) as client:
        await client.stream("My secret")
        workbench = client.bench.workbench
        user = await workbench.users.add("ann")
        key = (await workbench.keys.create("ann", Scope.ADMIN, user="ann")).secret
        await workbench.as_principal(await workbench.authenticate(key)).users.annotate({})
        ann = Talk(client.served, key=key)
        for method, path, body in NOT_THERE:
            given = {"sessionId": "s1"} if path == "reset" else body
            assert (await ann.ask(method, path.format("s1"), given)).status_code == 404, path
        assert (await ann.get("sessions")).json() == {"sessions": []}
        assert (await ann.get("search/messages", q="secret")).json()["total"] == 0
        assert (await ann.post("sessions/s1/cancel")).json()["cancelled"] is False
        assert (await ann.ask("DELETE", "sessions/s1")).status_code == 200
        made = await ann.post("sessions", sessionId="s1")
        assert (made.status_code, made.json()["session"]["id"]) == (201, "s1")
        assert await ann.said() == []
        assert await client.said() == ["My secret", "Mine"]
        # Nor is a session reached by what we call it.
        assert (await ann.get(f"sessions/{own_id(user.id, 's1')}")).status_code == 404
        assert frames_in("") == []


async def test_a_session_that_is_asked_for_several_times_at_once_is_one(talk) -> None:
    async with talk() as client:
        made = await asyncio.gather(*(client.post("sessions", sessionId="new") for _ in range(8)))
        assert {answer.status_code for answer in made} == {201}
        assert [each["id"] for each in (await client.get("sessions")).json()["sessions"]] == ["new"]
        gone = await asyncio.gather(*(client.ask("DELETE", "sessions/new") for _ in range(8)))
        assert {answer.status_code for answer in gone} == {200}


async def test_a_session_that_is_there_for_one_call_of_a_tool_is_not_listed(talk) -> None:
    async with talk() as client:
        await client.bench.workbench.sessions.create("general", ext={"dexto": {"hidden": True}})
        assert (await client.get("sessions")).json() == {"sessions": []}


async def test_errors_are_made_pretty_too(talk) -> None:
    async with talk() as client:
        plain, pretty = await client.get("sessions/a"), await client.get("sessions/a", pretty="")
        assert pretty.text.startswith('{\n  "code": "session_not_found",\n')
        assert "\n" not in plain.text
        assert pretty.json()["message"] == plain.json()["message"]
