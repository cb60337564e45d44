"""`/a2a` at a listener on TCP that wants keys: cards, who is let in, and what is said to clients that err."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fakes.listener import listening
from tests.runs.conftest import Bench

from holdfast.core.domain.identity import Role, Scope
from holdfast.server.tcp import OpenListener

HERE = "/a2a/agents/tester"
CARD = "/.well-known/agent-card.json"
V1 = {"A2A-Version": "1.0"}


@dataclass
class Keyed:
    """A listener, and keys to it."""

    bench: Bench
    listener: OpenListener

    async def http(self, scope: Scope | None = Scope.CHAT, user: str = "") -> httpx.AsyncClient:
        headers = dict(V1)
        if scope is not None:
            if user:
                await self.bench.workbench.users.add(user, Role.USER)
            key = await self.bench.workbench.keys.create(f"{user}{scope}", scope, user=user or None)
            headers["Authorization"] = f"Bearer {key.secret}"
        return httpx.AsyncClient(
            base_url=self.listener.state.url, headers=headers, timeout=20, trust_env=False
        )


@pytest.fixture
def keyed(open_bench: Any, tmp_path: Path) -> Callable[..., Any]:
    @asynccontextmanager
    async def serving(steps: Any = ()) -> AsyncIterator[Keyed]:
        async with open_bench(steps) as bench, listening(bench.workbench, tmp_path) as opened:
            yield Keyed(bench, opened)

    return serving


def rpc(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}


def send(text: str = "Hi", **more: Any) -> dict[str, Any]:
    said = {"messageId": "m1", "role": "ROLE_USER", "parts": [{"text": text}], **more}
    return rpc("SendMessage", message=said)


async def test_a_card_says_how_an_agent_is_asked_and_with_a_key_what_it_is(keyed: Any) -> None:
    async with keyed() as served, await served.http(None) as nobody, await served.http() as somebody:
        short = (await nobody.get(f"{HERE}{CARD}")).json()
        unknown = (await nobody.get(f"/a2a/agents/nobody{CARD}")).json()
        shown = await somebody.get(f"{HERE}{CARD}")
        again = await somebody.get(f"{HERE}{CARD}", headers={"If-None-Match": shown.headers["etag"]})
        missing = await somebody.get(f"/a2a/agents/nobody{CARD}")
        wrong = await nobody.get(f"{HERE}{CARD}", headers={"Authorization": "Bearer wrong"})
        default = (await somebody.get(f"/a2a{CARD}")).json()
        every = (await somebody.get("/a2a/agents")).json()["agents"]
        refused = await nobody.get("/a2a/agents")
        url = f"{served.listener.state.url}{HERE}"
    assert {**short, "name": "x"} == {**unknown, "name": "x"} | {
        name: short[name] for name in ("supportedInterfaces", "skills", "url", "additionalInterfaces")
    }
    assert [each["url"] for each in shown.json()["supportedInterfaces"]] == [url] * 4
    assert shown.json()["url"] == url  # as clients of version 0.3 read it
    assert shown.json()["name"] == "tester"
    assert (again.status_code, again.content) == (304, b"")
    assert (missing.status_code, wrong.status_code, refused.status_code) == (404, 401, 401)
    assert default["name"] != "tester"
    assert "tester" in {each["name"] for each in every}


async def test_a_card_behind_a_proxy_that_ends_tls_never_leads_to_plain_http(keyed: Any) -> None:
    async with keyed() as served, await served.http() as somebody:
        told = [
            (await somebody.get(f"{HERE}{CARD}", headers={"X-Forwarded-Proto": scheme})).json()["url"]
            for scheme in ("https", "http", "ftp")
        ]
    assert [each.partition(":")[0] for each in told] == ["https", "http", "http"]


async def test_a_key_is_asked_for_in_the_words_of_each_binding(keyed: Any) -> None:
    async with keyed() as served, await served.http(None) as nobody:
        by_rpc = await nobody.post(HERE, json=send())
        by_rest = await nobody.get(f"{HERE}/tasks/1")
        elsewhere = await nobody.get("/a2a/nowhere")
    assert by_rpc.status_code == by_rest.status_code == elsewhere.status_code == 401
    assert by_rpc.json()["error"]["data"]["code"] == "key_missing"
    assert by_rest.json()["error"]["status"] == "UNAUTHENTICATED"
    assert by_rest.headers["www-authenticate"] == "Bearer"


async def test_a_key_that_may_only_read_starts_nothing(keyed: Any, say: Any) -> None:
    async with keyed([say("One.")]) as served, await served.http(Scope.READ) as reader:
        refused = await reader.post(HERE, json=send())
        card = await reader.post(HERE, json=rpc("GetExtendedAgentCard"))
        sessions = (await served.bench.workbench.sessions.list()).items
    assert refused.status_code == 403
    assert (refused.json()["id"], refused.json()["error"]["data"]["code"]) == (7, "scope_missing")
    assert card.json()["result"]["name"] == "tester"
    assert sessions == ()


async def test_nobody_learns_of_the_tasks_and_contexts_of_others(keyed: Any, say: Any) -> None:
    async with (
        keyed([say("One."), say("Two.")]) as served,
        await served.http() as mine,
        await served.http(Scope.CHAT, "ann") as hers,
    ):
        task = (await mine.post(HERE, json=send())).json()["result"]["task"]
        got = await hers.post("/a2a", json=rpc("GetTask", id=task["id"]))
        cancelled = await hers.post("/a2a", json=rpc("CancelTask", id=task["id"]))
        joined = await hers.post("/a2a", json=send(contextId=task["contextId"]))
        made_up = await hers.post("/a2a", json=send(contextId="mine-alone"))
        own = await mine.post(HERE, json=send(contextId="mine-alone"))
    codes = [each.json()["error"]["code"] for each in (got, cancelled, joined, made_up)]
    assert codes == [-32001, -32001, -32602, -32602]
    said = [each.json()["error"]["message"] for each in (joined, made_up)]
    assert said[0].replace(task["contextId"], "mine-alone") == said[1]
    assert own.json()["result"]["task"]["contextId"] == "mine-alone"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b'{"a": ' * 3_000, -32700),
        (b'"\\ud800"', -32700),
        (b"[]", -32600),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "GetTask"}]', -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "GetTask"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "Explode"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {}}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": 5}}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": {}}}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": 5}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {}}', -32600),
    ],
)
async def test_what_is_no_request_is_told_so_and_nothing_breaks(keyed: Any, body: bytes, code: int) -> None:
    async with keyed() as served, await served.http() as somebody:
        answer = await somebody.post(HERE, content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["error"]["code"] == code, answer.text
    assert "Traceback" not in answer.text


async def test_bodies_are_bounded_and_of_json(keyed: Any) -> None:
    async with keyed() as served, await served.http() as somebody:
        large = await somebody.post(HERE, content=b'"' + b"a" * 9_000_000 + b'"')
        text = await somebody.post(HERE, content=b"Hi", headers={"Content-Type": "text/plain"})
        empty = await somebody.post(f"{HERE}/message:send", json={})
        nowhere = await somebody.get("/a2a/agents/tester/nowhere")
        wrong = await somebody.delete(HERE)
    assert [each.status_code for each in (large, text, empty, nowhere, wrong)] == [413, 415, 400, 404, 405]
    assert all("error" in each.json() for each in (large, text, empty, nowhere, wrong))


async def test_a_bug_is_told_by_a_reference_alone(keyed: Any, monkeypatch: Any) -> None:
    async def broken(*args: Any) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr("holdfast.server.a2a.handler._run", broken)
    async with keyed() as served, await served.http() as somebody:
        by_rpc = await somebody.post(HERE, json=rpc("GetTask", id="1"))
        by_rest = await somebody.get(f"{HERE}/tasks/1")
    assert by_rpc.json()["error"]["code"] == -32603
    assert by_rest.status_code == 500
    assert "secret" not in by_rpc.text + by_rest.text
    assert by_rpc.headers["x-request-id"] in by_rpc.json()["error"]["message"]


async def test_version_0_3_is_spoken_too(keyed: Any, say: Any) -> None:
    said = {"messageId": "m1", "role": "user", "kind": "message", "parts": [{"kind": "text", "text": "Hi"}]}
    async with keyed([say("One."), say("Two.")]) as served, await served.http() as somebody:
        del somebody.headers["A2A-Version"]
        whole = (await somebody.post(HERE, json=rpc("message/send", message=said))).json()["result"]
        again = {**said, "messageId": "m2", "contextId": whole["contextId"]}
        stream = await somebody.post(HERE, json=rpc("message/stream", message=again))
        rest = await somebody.get(f"{HERE}/v1/tasks/{whole['id']}")
    assert (whole["kind"], whole["status"]["state"]) == ("task", "completed")
    assert whole["artifacts"][0]["parts"] == [{"kind": "text", "text": "One."}]
    assert '"final":true' in stream.text.replace(" ", "")
    assert rest.json()["status"]["state"] == "TASK_STATE_COMPLETED"


def test_the_engine_starts_without_the_sdk() -> None:
    code = (
        "import sys, holdfast.server.engine, holdfast.server.app, holdfast.server.formats\n"
        "holdfast.server.formats.format_of('a2a')\n"
        "print(sorted({'a2a', 'google', 'google.protobuf', 'jsonrpc', 'sse_starlette'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"
