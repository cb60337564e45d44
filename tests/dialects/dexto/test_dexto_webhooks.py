"""Webhooks through Dexto's API: what is answered, and what receivers get."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.small_mcp import small_server
from tests.hooks.conftest import Receiver

from holdfast.core.domain.delegating import ChildOf
from holdfast.core.domain.events import LoggedEvent, RunStarted, ToolCallRequested
from holdfast.core.domain.runs import Session
from holdfast.core.domain.webhook_formats import EventPlace, Notice
from holdfast.core.domain.webhooks import Delivery, DeliveryStatus, Webhook
from holdfast.server.dialects.dexto.webhook_format import FORMAT

WEBHOOKS = "/dexto/api/webhooks"
NONE = "00000000-0000-4000-8000-000000000000"
AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
WEBHOOK = Webhook(id="w", owner="o", url="http://a.test/", created_at=AT)


async def add(served: Any, **body: Any) -> Any:
    answer = await served.http.post(WEBHOOKS, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["webhook"]


def bodies(receiver: Receiver) -> list[Any]:
    return [json.loads(each.body) for each in receiver.requests]


async def until(receiver: Receiver, type: str) -> list[Any]:
    """Returns what has come when an event of the type is among it."""
    async with asyncio.timeout(10), receiver.grown:
        await receiver.grown.wait_for(lambda: any(each["type"] == type for each in bodies(receiver)))
    return bodies(receiver)


@pytest.mark.covers(
    "dexto.create_webhook", "dexto.list_webhooks", "dexto.get_webhook", "dexto.delete_webhook"
)
async def test_a_webhook_is_made_listed_and_removed(serve: Any) -> None:
    async with serve() as served:
        given = {"url": "https://example.com", "description": "string"}
        made = await add(served, **given, secret="string")
        assert made == {"id": made["id"], **given, "createdAt": made["createdAt"]}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["createdAt"])
        bare = await add(served, url="https://example.com/hook?a=1")
        assert set(bare) == {"id", "url", "createdAt"}
        await served.bench.workbench.webhooks.add("https://native.example.com")
        assert (await served.http.get(WEBHOOKS)).json() == {"webhooks": [made, bare]}
        place = f"{WEBHOOKS}/{made['id']}"
        assert (await served.http.get(place)).json() == {"webhook": made}
        gone = await served.http.delete(place)
        assert (gone.status_code, gone.json()) == (200, {"status": "removed", "webhookId": made["id"]})
        assert (await served.http.get(WEBHOOKS)).json() == {"webhooks": [bare]}


async def test_a_webhook_that_is_not_there_is_said_in_a_word(serve: Any) -> None:
    async with serve() as served:
        native = (await served.bench.workbench.webhooks.add("https://native.example.com")).webhook
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test")):
            for id in (NONE, "wh_1_abc", native.id):
                answer = await served.http.request(method, f"{WEBHOOKS}/{id}{path}")
                assert (answer.status_code, answer.json()) == (404, {"error": "Webhook not found"})


async def test_a_webhook_without_an_address_is_refused_as_zod_does(serve: Any) -> None:
    async with serve() as served:
        for body in ({}, {"url": "no address"}, {"url": 7}):
            answer = await served.http.post(WEBHOOKS, json=body)
            assert answer.status_code == 400
            assert answer.json()["error"]["issues"][0]["path"] == ["url"]


@pytest.mark.covers("dexto.test_webhook")
async def test_a_test_is_delivered_signed_and_reported(serve: Any, receiver: Receiver) -> None:
    async with serve() as served:
        made = await add(served, url=receiver.url, secret="s3")
        told = (await served.http.post(f"{WEBHOOKS}/{made['id']}/test")).json()
        assert told["test"] == "completed"
        assert told["result"].pop("responseTime") >= 0
        assert told["result"] == {"success": True, "statusCode": 200}
        (request,) = receiver.requests
        headers, body = request.headers, json.loads(request.body)
        assert re.fullmatch(r"evt_test_\d{13}", body["id"])
        assert body == {
            "id": body["id"],
            "type": "tools:available-updated",
            "data": {"tools": ["test-tool"], "source": "mcp"},
            "created": body["created"],
            "apiVersion": "2025-07-03",
        }
        signature = hmac.new(b"s3", request.body, hashlib.sha256).hexdigest()
        assert headers["x-dexto-signature-256"] == f"sha256={signature}"
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"] == "DextoAgent/1.0"
        assert headers["x-dexto-event-type"] == "tools:available-updated"
        assert headers["x-dexto-event-id"] == body["id"]
        assert headers["x-dexto-delivery-attempt"] == "1"


async def test_without_a_secret_nothing_is_signed(serve: Any, receiver: Receiver) -> None:
    async with serve() as served:
        made = await add(served, url=receiver.url)
        await served.http.post(f"{WEBHOOKS}/{made['id']}/test")
        assert "x-dexto-signature-256" not in receiver.requests[0].headers


@pytest.mark.thorough
async def test_a_test_that_fails_is_tried_three_times_and_is_no_error(serve: Any, receiver: Receiver) -> None:
    async with serve() as served:
        made = await add(served, url=receiver.url)
        for status in (500, 404, 503):
            receiver.answer(status)
        answer = await served.http.post(f"{WEBHOOKS}/{made['id']}/test")
        assert answer.status_code == 200
        result = answer.json()["result"]
        assert (result["success"], result["statusCode"]) == (False, 503)
        assert result["error"]
        attempts = [each.headers["x-dexto-delivery-attempt"] for each in receiver.requests]
        assert attempts == ["1", "2", "3"]


async def test_the_events_of_a_run_come_as_those_of_its_stream(
    serve: Any, receiver: Receiver, say: Any
) -> None:
    async with serve([say("Hello", " there")]) as served:
        await add(served, url=receiver.url, secret="s")
        bench = served.bench
        session = await bench.session(id="mine")
        await bench.end(await bench.send(session))
        got = await until(receiver, "run:complete")
        types = [each["type"] for each in got]
        assert types[:2] == ["session:created", "llm:thinking"]
        assert types[-2:] == ["llm:response", "run:complete"]
        assert {each["data"]["sessionId"] for each in got} == {"mine"}
        said = [each["data"]["content"] for each in got if each["type"] == "llm:chunk"]
        assert "".join(said) == "Hello there"
        (response,) = [each["data"] for each in got if each["type"] == "llm:response"]
        assert (response["content"], response["finishReason"]) == ("Hello there", "stop")
        assert got[-1]["data"]["finishReason"] == "stop"
        assert len({each["id"] for each in got}) == len(got)


async def test_another_model_and_a_reset_are_told(serve: Any, receiver: Receiver) -> None:
    async with serve() as served:
        session = await served.bench.session(id="mine")
        await add(served, url=receiver.url)
        sessions = served.bench.workbench.sessions
        await sessions.configure(session.id, model="openai/gpt-5-nano")
        await sessions.clear(session.id)
        got = await until(receiver, "session:reset")
        config = {"provider": "openai", "model": "gpt-5-nano"}
        assert [(each["type"], each["data"]) for each in got] == [
            ("llm:switched", {"newConfig": config, "historyRetained": True, "sessionIds": ["mine"]}),
            (
                "state:changed",
                {"field": "llm", "oldValue": None, "newValue": config, "sessionId": "mine"},
            ),
            ("session:reset", {"sessionId": "mine"}),
        ]


async def test_what_becomes_of_mcp_servers_is_told(serve: Any, receiver: Receiver, tmp_path: Path) -> None:
    async with serve() as served:
        await add(served, url=receiver.url)
        place = "/dexto/api/mcp/servers"
        command, *args = small_server(tmp_path / "s.py", 'TOOLS = [{"name": "echo", "inputSchema": {}}]')
        good = {"type": "stdio", "command": command, "args": args}
        await served.http.post(place, json={"name": "My Notes", "config": good})
        await served.http.post(f"{place}/My%20Notes/restart")
        bad = {"type": "stdio", "command": "/no/such/program"}
        await served.http.post(place, json={"name": "bad", "config": bad})
        async with asyncio.timeout(10), receiver.grown:
            await receiver.grown.wait_for(lambda: len(receiver.requests) >= 5)
        got = [(each["type"], each["data"]) for each in bodies(receiver)]
        offered = ("tools:available-updated", {"tools": ["mcp--echo"], "source": "mcp"})
        assert got[:4] == [
            ("mcp:server-connected", {"name": "My Notes", "success": True}),
            offered,
            ("mcp:server-restarted", {"serverName": "My Notes"}),
            offered,
        ]
        assert (got[4][0], got[4][1]["success"]) == ("mcp:server-connected", False)
        assert got[4][1]["error"]


async def test_a_model_for_all_sessions_is_told(serve: Any, receiver: Receiver) -> None:
    async with serve() as served:
        await add(served, url=receiver.url)
        users = served.bench.workbench.users
        await users.annotate({"dexto": {"llm": {"tester": {"model": "openai/gpt-5-nano"}}}})
        await users.annotate({"dexto": {"llm": {"tester": {"model": "openai/gpt-5"}}, "agent": "tester"}})
        async with asyncio.timeout(10), receiver.grown:
            await receiver.grown.wait_for(lambda: len(receiver.requests) >= 4)
        first, second = [each["data"] for each in bodies(receiver) if each["type"] == "llm:switched"]
        assert first["newConfig"] == {"provider": "openai", "model": "gpt-5-nano"}
        assert second["sessionIds"] == []
        changed = [each["data"] for each in bodies(receiver) if each["type"] == "state:changed"]
        assert changed[0]["oldValue"] is None
        assert changed[1]["oldValue"] == first["newConfig"]


# --- how it is written


def session_of(**more: Any) -> Session:
    fields = {"title": "", "agent": "a", "project": "/p", "workspace": "/w", **more}
    return Session(id="s", created_at=AT, updated_at=AT, **fields)


def told(place: EventPlace) -> list[str]:
    """Returns what is told of the call of a tool: its event and what the tool is called."""
    events = (
        RunStarted(session_id="s", run_id="r", agent="a", model="m"),
        ToolCallRequested(session_id="s", run_id="r", call_id="c", step=1, name="mine", arguments={}),
    )
    teller = FORMAT.writer(WEBHOOK, place)
    found = [each for number, event in enumerate(events) for each in teller.take(logged(number, event))]
    return [f"{each.type} {each.data.get('toolName', '')}".strip() for each in found]


def logged(id: int, event: Any) -> LoggedEvent:
    return LoggedEvent(id=id, event=event)


def test_tools_of_a_users_own_are_named_so() -> None:
    own = EventPlace(session_of(), frozenset({"mine"}))
    assert told(own) == ["llm:thinking", "llm:tool-call custom--mine"]
    assert told(EventPlace(session_of())) == ["llm:thinking", "llm:tool-call internal--mine"]


def test_nothing_is_told_of_sessions_that_clients_do_not_know() -> None:
    child = ChildOf(session_id="p", run_id="q", call_id="c", root_id="p", depth=1)
    assert told(EventPlace(session_of(child_of=child))) == []
    assert told(EventPlace(session_of(ext={"dexto": {"hidden": True}}))) == []


def test_an_event_has_the_same_id_in_every_attempt() -> None:
    delivery = Delivery(
        id="d", webhook_id="w", event_id=1, type="x", status=DeliveryStatus.PENDING, attempts=1, created_at=AT
    )
    notice = Notice("llm:chunk", {"content": "é"})
    first = FORMAT.message(WEBHOOK, delivery, notice, 0, "s")
    again = FORMAT.message(WEBHOOK, delivery.model_copy(update={"attempts": 2}), notice, 0, "s")
    other = FORMAT.message(WEBHOOK, delivery, notice, 1, "s")
    assert first.body == again.body
    assert again.headers["X-Dexto-Delivery-Attempt"] == "2"
    said = json.loads(first.body)
    assert re.fullmatch(r"evt_1767323045678_[0-9a-z]{9}", said["id"])
    assert said["created"] == "2026-01-02T03:04:05.678Z"
    assert json.loads(other.body)["id"] != said["id"]
