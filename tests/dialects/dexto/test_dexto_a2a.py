"""A2A as Dexto has it: the card, messages, streams, tasks, and the same by JSON-RPC."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import ModelAuthError, ModelRequestRefused
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.status import ListenOptions
from holdfast.server.connections import Patience
from holdfast.server.tcp import Behind, OpenListener

SEND, STREAM, TASKS, RPC = (
    "/dexto/v1/message:send",
    "/dexto/v1/message:stream",
    "/dexto/v1/tasks",
    "/dexto/jsonrpc",
)
WRITE = ("write_file", '{"path": "a.md", "content": "Alpha\\n"}')
PAGE = {
    "message": {
        "role": "user",
        "parts": [{"kind": "text", "text": "string", "metadata": {"property1": 1, "property2": 2}}],
        "messageId": "string",
        "taskId": "string",
        "contextId": "string",
        "metadata": {"property1": 1, "property2": 2},
        "extensions": ["string"],
        "referenceTaskIds": ["string"],
        "kind": "message",
    },
    "configuration": {
        "acceptedOutputModes": ["string"],
        "historyLength": 0,
        "pushNotificationConfig": {
            "url": "http://127.0.0.1:9/",
            "headers": {"property1": "string", "property2": "string"},
        },
        "blocking": True,
    },
    "metadata": {"property1": 1, "property2": 2},
}
"""The sample of Dexto's page."""


def body(text: str = "Hi", task: str = "t1", **more: Any) -> dict[str, Any]:
    parts = [{"kind": "text", "text": text}, *more.pop("parts", ())]
    said = {"role": "user", "parts": parts, "messageId": "m", "taskId": task, "kind": "message", **more}
    return {"message": said}


def rpc(method: str, id: Any = 1, /, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


async def sent(served: Any, *given: Any, **more: Any) -> dict[str, Any]:
    answer = await served.http.post(SEND, json=body(*given, **more))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def read(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Returns the events of a stream."""
    frames = [
        dict(line.split(": ", 1) for line in each.split("\n"))
        for each in text.strip().split("\n\n")
        if not each.startswith(":")
    ]
    return [(frame.get("event", ""), json.loads(frame["data"])) for frame in frames]


@pytest.mark.covers("dexto.get_agent_card")
async def test_the_card_leads_to_json_rpc(serve: Any) -> None:
    async with serve() as served:
        card = (await served.http.get("/dexto/.well-known/agent-card.json")).json()
    assert card["url"] == "http://engine/dexto/jsonrpc"
    assert (card["protocolVersion"], card["preferredTransport"]) == ("0.3.0", "JSONRPC")
    assert card["capabilities"] == {
        "streaming": True,
        "pushNotifications": False,
        "stateTransitionHistory": False,
    }
    assert card["skills"][0]["id"] == "chat_with_agent"


@pytest.mark.covers("dexto.send_a2a_message")
async def test_the_sample_of_the_page_is_answered_as_the_page_says(serve: Any, say: Any) -> None:
    async with serve([say("Hello there.")]) as served:
        task = (await served.http.post(SEND, json=PAGE)).json()
    assert {name: task[name] for name in ("id", "contextId", "kind")} == {
        "id": "string",
        "contextId": "string",
        "kind": "task",
    }
    assert task["status"]["state"] == "completed"
    assert task["metadata"] == {"dexto": {"sessionId": "string"}}
    said = [(each["role"], each["parts"][0]["text"], each["kind"]) for each in task["history"]]
    assert said == [("user", "string", "message"), ("agent", "Hello there.", "message")]
    assert {each["taskId"] for each in task["history"]} == {"string"}
    assert task["artifacts"][0]["parts"] == [{"kind": "text", "text": "Hello there."}]


async def test_texts_are_joined_and_data_and_files_go_with_them(serve: Any, say: Any) -> None:
    more = [
        {"kind": "text", "text": "there"},
        {"kind": "data", "data": {"n": 1}},
        {"kind": "file", "file": {"bytes": "QWxwaGE=", "name": "a.txt", "mimeType": "text/plain"}},
    ]
    async with serve([say("Seen.")]) as served:
        await sent(served, parts=more)
        seen = served.bench.model.requests[-1].messages[-1]
    assert seen.text == 'Hi there {"n": 1}'
    assert "a.txt" in repr(seen.parts)


@pytest.mark.parametrize(
    ("given", "status", "found"),
    [
        ({}, 400, ("success", False)),
        ({"message": {**PAGE["message"], "role": "system"}}, 400, ("success", False)),
        ({"message": {**PAGE["message"], "parts": [{"kind": "film"}]}}, 400, ("success", False)),
        ({"message": {**PAGE["message"], "taskId": None}}, 400, ("success", False)),
        (body(""), 400, ("code", "context_message_content_empty")),
        (body(parts=[{"kind": "file", "file": {"bytes": "?"}}]), 400, ("name", "DextoValidationError")),
        (body(parts=[{"kind": "file", "file": {"uri": "http://127.0.0.1/"}}]), 403, ("type", "forbidden")),
    ],
)
async def test_what_is_no_message_is_refused(serve: Any, given: Any, status: int, found: Any) -> None:
    async with serve() as served:
        answer = await served.http.post(SEND, json=given)
        tasks = (await served.http.get(TASKS)).json()["totalSize"]
    assert (answer.status_code, answer.json()[found[0]]) == (status, found[1]), answer.text
    assert status != 400 or tasks == 0


async def test_a_stream_of_no_message_is_refused_in_its_own_words(serve: Any) -> None:
    async with serve() as served:
        answer = await served.http.post(STREAM, json={"message": 1})
    issue = {
        "code": "invalid_type",
        "expected": "object",
        "received": "number",
        "message": "Expected object, received number",
        "path": ["message"],
    }
    assert answer.status_code == 400
    assert answer.json() == {"error": "Invalid request body", "details": [issue]}


async def test_a_model_that_fails_is_a_502_and_a_failed_task(serve: Any) -> None:
    async with serve([[ModelAuthError("The key was refused.")]]) as served:
        answer = await served.http.post(SEND, json=body())
        task = (await served.http.get(f"{TASKS}/t1")).json()
    assert (answer.status_code, answer.json()["code"]) == (502, "llm_generation_failed")
    assert task["status"]["state"] == "failed"


@pytest.mark.covers("dexto.get_a2a_task", "dexto.cancel_a2a_task")
async def test_a_task_waits_for_its_client_and_is_cancelled(serve: Any, call: Any) -> None:
    async with serve([call(WRITE)]) as served:
        waiting = await sent(served)
        cancelled = await served.http.post(f"{TASKS}/t1:cancel")
        again = await served.http.post(f"{TASKS}/t1:cancel")
        got = (await served.http.get(f"{TASKS}/t1")).json()
        missing = [
            await served.http.get(f"{TASKS}/nobody"),
            await served.http.post(f"{TASKS}/nobody:cancel"),
        ]
    asked = waiting["status"]["message"]["parts"]
    assert waiting["status"]["state"] == "input-required"
    assert "wants to use write_file" in asked[0]["text"]
    assert (asked[1]["kind"], asked[1]["data"]["tool"]) == ("data", "write_file")
    assert [each.json()["status"]["state"] for each in (cancelled, again)] == ["canceled", "canceled"]
    assert got["status"]["state"] == "canceled"
    assert [(each.status_code, each.json()) for each in missing] == [(404, {"error": "Task not found"})] * 2


async def test_the_next_message_approves_what_waits(serve: Any, say: Any, call: Any) -> None:
    async with serve([call(WRITE), say("Written.")]) as served:
        await sent(served)
        unclear = await sent(served, "Which file is that?")
        done = await sent(served, "yes")
    assert unclear["status"]["state"] == "input-required"
    assert done["status"]["state"] == "completed"
    assert [each["role"] for each in done["history"]] == ["user", "agent", "agent"]
    assert done["history"][-1]["parts"][0]["text"] == "Written."


async def test_an_agents_own_words_approve_nothing(serve: Any, say: Any, call: Any) -> None:
    async with serve([call(WRITE), say("Written.")]) as served:
        await sent(served)
        echoed = await sent(served, "yes", role="agent")
        done = await sent(served, "yes")
    assert echoed["status"]["state"] == "input-required"
    assert done["status"]["state"] == "completed"


async def test_a_form_is_answered_by_data(serve: Any, say: Any, call: Any) -> None:
    ask = ("ask_user", '{"question": "Which colour?", "choices": ["red", "blue"]}')
    async with serve([call(ask), say("Blue.")]) as served:
        waiting = await sent(served)
        id = waiting["status"]["message"]["parts"][1]["data"]["id"]
        data = [{"kind": "data", "data": {"id": id, "answer": "blue"}}]
        done = await sent(served, "", parts=data)
    assert done["status"]["state"] == "completed"


@pytest.mark.covers("dexto.list_a2a_tasks")
async def test_tasks_are_listed_by_state_and_context(serve: Any, say: Any, call: Any) -> None:
    async with serve([say("One."), call(WRITE)]) as served:
        await sent(served, "Hi", "t1")
        await sent(served, "Hi", "t2")
        every = (await served.http.get(TASKS)).json()
        waiting = (await served.http.get(TASKS, params={"status": "input-required"})).json()
        one = (await served.http.get(TASKS, params={"contextId": "t1", "pageSize": "1"})).json()
        odd = (await served.http.get(TASKS, params={"pageSize": "1000"})).json()
        wrong = await served.http.get(TASKS, params={"status": "asleep"})
    assert [each["id"] for each in every["tasks"]] == ["t2", "t1"]
    assert (every["totalSize"], every["pageSize"], every["nextPageToken"]) == (2, 50, "")
    assert [each["id"] for each in waiting["tasks"]] == ["t2"]
    assert ([each["id"] for each in one["tasks"]], one["pageSize"]) == (["t1"], 1)
    assert odd["pageSize"] == 50
    assert wrong.status_code == 400


@pytest.mark.covers("dexto.stream_a2a_message")
async def test_a_stream_has_dextos_events_and_ends(serve: Any, say: Any, call: Any) -> None:
    async with serve([call(WRITE), say("Wri", "tten.")]) as served:
        first = await served.http.post(STREAM, json=body())
        rest = await served.http.post(STREAM, json=body("approve"))
        wrong = await served.http.post(STREAM, json={})
    begun, ended = read(first.text), read(rest.text)
    assert [name for name, _ in begun] == ["connected", "task.thinking", "task.toolCall", "task.message"]
    assert "Answer `yes`" in begun[-1][1]["message"]["content"][0]["text"]
    assert {data["taskId"] for _, data in (*begun, *ended)} == {"t1"}
    names = [name for name, _ in ended]
    assert names == ["connected", "task.toolResult", "task.chunk", "task.chunk", "task.message"]
    message = ended[-1][1]
    assert message["message"]["content"] == [{"type": "text", "text": "Written."}]
    assert {"tokenUsage", "provider", "model"} >= set(message) - {"taskId", "message"}
    assert first.headers["x-accel-buffering"] == "no"
    assert wrong.status_code == 400


async def test_a_stream_tells_pieces_and_failures(serve: Any, say: Any) -> None:
    async with serve([say("Hel", "lo."), [ModelRequestRefused("No.")]]) as served:
        whole = read((await served.http.post(STREAM, json=body())).text)
        failed = read((await served.http.post(STREAM, json=body(task="t2"))).text)
    pieces = [data for name, data in whole if name == "task.chunk"]
    assert "".join(each["content"] for each in pieces) == "Hello."
    assert {each["type"] for each in pieces} == {"text"}
    name, data = failed[-1]
    assert (name, data["error"]) == ("task.error", {"message": "No.", "recoverable": False})


@pytest.mark.covers("dexto.post_jsonrpc", "dexto.describe_jsonrpc")
async def test_json_rpc_does_the_same(serve: Any, say: Any) -> None:
    async with serve([say("One.")]) as served:

        async def ask(method: str, **params: Any) -> Any:
            answer = await served.http.post(RPC, json=rpc(method, **params))
            assert answer.status_code == 200
            return answer.json()

        task = (await ask("message/send", **body()))["result"]
        assert (await ask("tasks/get", id="t1"))["result"] == task
        assert (await ask("tasks/list"))["result"]["totalSize"] == 1
        assert (await ask("tasks/cancel", id="t1"))["result"]["status"]["state"] == "completed"
        described = (await served.http.get(RPC)).json()
    assert (task["id"], task["status"]["state"]) == ("t1", "completed")
    assert len(described["methods"]) == 5
    assert described["version"] == "0.3.0"


async def test_json_rpc_streams_as_the_protocol_has_it(serve: Any, say: Any, call: Any) -> None:
    async with serve([call(WRITE), say("Wri", "tten.")]) as served:
        first = await served.http.post(RPC, json=rpc("message/stream", 5, **body()))
        rest = await served.http.post(RPC, json=rpc("message/stream", 6, **body("yes")))
    begun, ended = ([data["result"] for _, data in read(each.text)] for each in (first, rest))
    assert (begun[0]["kind"], begun[0]["id"]) == ("task", "t1")
    assert (begun[-1]["status"]["state"], begun[-1]["final"]) == ("input-required", True)
    pieces = [each for each in ended if each["kind"] == "artifact-update"]
    assert "".join(part["text"] for each in pieces for part in each["artifact"]["parts"]) == "Written."
    assert ended[-1]["status"]["state"] == "completed"


@pytest.mark.parametrize(
    ("given", "code", "id"),
    [
        (b"{", -32700, None),
        (b"[]", -32600, None),
        (b"5", -32600, None),
        (b'{"jsonrpc": "1.0", "id": 4, "method": "tasks/list"}', -32600, 4),
        (b'{"jsonrpc": "2.0", "id": "x", "method": 5}', -32600, "x"),
        (b'{"jsonrpc": "2.0", "id": 4, "method": "tasks/fly"}', -32601, 4),
        (b'{"jsonrpc": "2.0", "id": 4, "method": "message/stream"}', -32602, 4),
        (b'{"jsonrpc": "2.0", "id": 4, "method": "message/send"}', -32603, 4),
        (b'{"jsonrpc": "2.0", "id": 4, "method": "tasks/get", "params": {"id": "no"}}', -32603, 4),
    ],
)
async def test_json_rpc_says_what_is_wrong(serve: Any, given: bytes, code: int, id: Any) -> None:
    async with serve() as served:
        answer = await served.http.post(RPC, content=given, headers={"Content-Type": "application/json"})
    said = answer.json()
    said = said[0] if isinstance(said, list) else said
    assert answer.status_code == 200
    assert (said["jsonrpc"], said["error"]["code"], said["id"]) == ("2.0", code, id)
    if given.endswith(b'"no"}}'):
        assert said["error"]["message"] == "Task not found: no"


async def test_a_batch_is_answered_in_order_and_notifications_are_not(serve: Any) -> None:
    note = {"jsonrpc": "2.0", "method": "tasks/list"}
    batch = [rpc("tasks/list", "a"), note, rpc("tasks/get", "b", id="no"), 7]
    async with serve() as served:
        answers = (await served.http.post(RPC, json=batch)).json()
        async with httpx.AsyncClient(base_url=served.address, trust_env=False) as http:
            alone = await http.post(RPC, json=note)
            only = await http.post(RPC, json=[note])
    assert [each["id"] for each in answers] == ["a", "b", None]
    assert [(each.status_code, each.content) for each in (alone, only)] == [(200, b"")] * 2


async def test_a_message_enters_what_goes_on_and_waits_for_its_end(serve: Any, say: Any, call: Any) -> None:
    async with serve([call(WRITE), say("Both.")]) as served:
        await sent(served)
        bench, workbench = served.bench, served.bench.workbench
        approval = await bench.approval()
        await workbench.runs.pause(approval.run_id)
        await workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.until("run.paused")
        asking = asyncio.create_task(sent(served, "And b.md."))
        await bench.until("message.queued")
        await workbench.runs.resume(approval.run_id)
        done = await asking
    assert done["status"]["state"] == "completed"
    said = [each["parts"][0]["text"] for each in done["history"] if each["role"] == "user"]
    assert said == ["Hi", "And b.md."]


async def test_the_card_says_more_to_who_shows_a_key(open_bench: Any, tmp_path: Path) -> None:
    async with open_bench() as bench:

        async def host() -> Any:
            return bench.workbench

        behind = Behind(host, logging.getLogger("holdfast.tests"), ServerSettings(), Patience(), tmp_path)
        opened = await OpenListener.open(ListenOptions(port=0), behind)
        key = (await bench.workbench.keys.create("k", Scope.READ)).secret
        shown = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {key}"}]
        async with httpx.AsyncClient(base_url=opened.state.url, trust_env=False) as http:
            path = "/dexto/.well-known/agent-card.json"
            names = [(await http.get(path, headers=each)).json()["name"] for each in shown]
        opened.close()
        async with asyncio.timeout(10):
            await opened.task
    assert names[0] == names[1] == "Holdfast" != names[2]
