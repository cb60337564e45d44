"""Sage's two clients in Python, made again from what they send, through the listener on TCP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.dialects.sage.stream_talk import Driven, Line, said
from tests.fakes.listener import listening
from tests.fakes.openai_server import FakeOpenAI

from holdfast.core.domain.identity import Principal, Role, Scope

TRUSTED = {"mode": "trusted_proxy", "trusted_proxies": ("127.0.0.1",)}
KEY = "sk-abcdefgh-1234"


def plain(url: str, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """Returns a client that knows no authorities: reading them takes long."""
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=20, trust_env=False, verify=False)


class FibreClient:
    """What agents delegate by: it says whose work it does in a header, and has neither cookie nor token."""

    def __init__(self, url: str, user_id: str) -> None:
        self._http = plain(url, {"X-Sage-Internal-UserId": user_id})

    async def __aenter__(self) -> FibreClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def check_health(self) -> bool:
        answer = await self._http.get("/active")
        return answer.status_code == 200 and "service is available" in answer.text.lower()

    async def create_agent(self, **config: Any) -> str:
        return str((await self._data("POST", "/api/agent/create", config))["agent_id"])

    async def get_agent(self, agent_id: str) -> dict[str, Any]:
        return dict(await self._data("GET", f"/api/agent/{agent_id}"))

    async def list_agents(self) -> list[dict[str, Any]]:
        return list(await self._data("GET", "/api/agent/list"))

    async def create_provider(self, **config: Any) -> str:
        return str((await self._data("POST", "/api/llm-provider/create", config))["provider_id"])

    async def stream_chat(self, agent_id: str, text: str, session_id: str) -> AsyncIterator[Line]:
        body = {
            "agent_id": agent_id,
            "messages": [{"role": "user", "content": text}],
            "session_id": session_id,
            "user_id": "somebody-else",
            "max_loop_count": 5,
        }
        async with self._http.stream("POST", "/api/chat", json=body) as answer:
            assert answer.status_code == 200, await answer.aread()
            async for line in answer.aiter_lines():
                if line.strip():
                    yield json.loads(line)

    async def interrupt_session(self, session_id: str) -> dict[str, Any]:
        path = f"/api/sessions/{session_id}/interrupt"
        return dict(await self._data("POST", path, {"message": "parent was interrupted"}))

    async def _data(self, method: str, path: str, body: Any = None) -> Any:
        answer = (await self._http.request(method, path, json=body)).json()
        if answer["code"] != 200:
            raise RuntimeError(answer["message"])
        return answer["data"]


class MessengerClient:
    """What brings messages of messengers to agents: it shows nothing, and puts the texts together."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def healthy(self) -> bool:
        return (await self._http.get("/health")).status_code == 200

    async def send_message(self, session_id: str, agent_id: str, content: str, user_id: str) -> str:
        """Returns what the agent answers. Raises `httpx.HTTPStatusError`."""
        context = {"name": "Ann", "provider": "feishu"}
        body = {
            "session_id": session_id,
            "agent_id": agent_id,
            "user_id": user_id,
            "messages": [{"role": "user", "content": content}],
            "system_context": context,
        }
        async with self._http.stream("POST", "/api/chat", json=body) as answer:
            answer.raise_for_status()
            lines = [json.loads(line) async for line in answer.aiter_lines() if line]
        spoken = [line for line in lines if line.get("role") == "assistant" and line.get("content")]
        return "".join(line["content"] for line in spoken)


@pytest.fixture
def door() -> str:
    return "local"


@pytest.fixture
def opened(open_bench: Any, tmp_path: Path) -> Callable[..., Any]:
    """Opens a listener that serves Sage's API at its root; gives the bench and the address."""

    @asynccontextmanager
    async def opening(steps: Any = (), **settings: Any) -> AsyncIterator[tuple[Any, str]]:
        async with (
            open_bench(steps, more_settings=settings) as bench,
            listening(bench.workbench, tmp_path, root=("sage",)) as listener,
        ):
            yield bench, listener.state.url

    return opening


async def sessions_of(bench: Any, name: str) -> int:
    """Returns how many sessions a user has."""
    (user,) = [user for user in await bench.workbench.users.list() if user.name == name]
    principal = Principal(user_id=user.id, name=name, role=Role.USER, scope=Scope.READ)
    return len((await bench.workbench.as_principal(principal).sessions.list()).items)


async def test_agents_delegate_for_whom_a_header_names(opened: Any, say: Any) -> None:
    private = {"allow_private_hosts": True}
    with FakeOpenAI(default={"text": "OK"}, key=KEY) as models:
        config = {"base_url": models.url, "api_keys": [KEY], "model": "m", "name": "Mine"}
        async with (
            opened([say("Seven ", "stars.")], accounts=TRUSTED, tools=private) as (bench, url),
            FibreClient(url, "ann") as client,
            FibreClient(url, "bob") as other,
        ):
            assert await client.check_health()
            provider = await client.create_provider(**config)
            agent = await client.create_agent(
                name="Counter", systemPrefix="You count.", maxLoopCount=5, llm_provider_id=provider
            )
            shown = await client.get_agent(agent)
            assert (shown["name"], shown["llm_provider_id"]) == ("Counter", provider)
            (ann,) = [user for user in await bench.workbench.users.list() if user.name == "ann"]
            assert shown["user_id"] == ann.id
            assert agent in [each["id"] for each in await client.list_agents()]
            assert agent not in [each["id"] for each in await other.list_agents()]
            with pytest.raises(RuntimeError, match=f"'{agent}' 不存在"):
                await other.get_agent(agent)

            lines = [line async for line in client.stream_chat(agent, "Count", "s_sub_0")]
            assert said(lines) == "Seven stars."
            assert {line["session_id"] for line in lines} == {"s_sub_0"}
            assert lines[-1]["type"] == "stream_end"
            assert await sessions_of(bench, "ann") == 1, "who is named in the body is nobody"
            assert await sessions_of(bench, "bob") == 0


async def test_who_delegated_interrupts(opened: Any, say: Any) -> None:
    async with opened([say("One ", "two ", "three.")], accounts=TRUSTED) as (bench, url):
        driven = Driven(bench.model)
        async with FibreClient(url, "ann") as client, asyncio.timeout(20):
            agent = await client.create_agent(name="Counter", maxLoopCount=5)
            lines: list[Line] = []
            driven.let(1)
            async for line in client.stream_chat(agent, "Count", "s1"):
                lines.append(line)
                if len(lines) == 1:
                    assert (await client.interrupt_session("s1"))["session_id"] == "s1"
            assert said(lines) == "One "
            assert [line["type"] for line in lines[-2:]] == ["token_usage", "stream_end"]
            assert (await client.interrupt_session("unknown"))["session_id"] == "unknown"


async def test_a_messenger_chats_where_anybody_may(opened: Any, say: Any) -> None:
    async with (
        opened([say("Good ", "evening.")], sage={"anonymous": True}) as (bench, url),
        plain(url) as http,
    ):
        client = MessengerClient(http)
        assert await client.healthy()
        assert await client.send_message("im_1", "general", "Hello", "ou_123") == "Good evening."
        assert await sessions_of(bench, "default_user") == 1


async def test_elsewhere_a_messenger_is_asked_for_a_login(opened: Any) -> None:
    async with opened() as (_, url), plain(url) as http:
        client = MessengerClient(http)
        assert await client.healthy()
        with pytest.raises(httpx.HTTPStatusError, match="401"):
            await client.send_message("im_1", "general", "Hello", "ou_123")


async def test_a_name_from_elsewhere_is_nobody(opened: Any) -> None:
    elsewhere = {"mode": "trusted_proxy", "trusted_proxies": ("192.0.2.1",)}
    async with opened(accounts=elsewhere) as (_, url), FibreClient(url, "ann") as client:
        assert await client.check_health()
        with pytest.raises(RuntimeError, match="未授权"):
            await client.list_agents()
        with pytest.raises(AssertionError, match="401"):
            await anext(client.stream_chat("general", "Count", "s1"))
