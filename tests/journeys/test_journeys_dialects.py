"""Runs of other systems' clients and runs of the app are one: each sees the other's, and either decides."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from tests.journeys.person import Desk, calls, says

from holdfast import bootstrap
from holdfast.assembly import open_workbench
from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Scope
from holdfast.core.domain.status import ListenOptions
from holdfast.server.connections import Patience
from holdfast.server.tcp import Behind, OpenListener

pytestmark = pytest.mark.thorough

WRITE = [{"type": "text", "text": "I write it down."}, calls("write_file", path="note.md", content="hello")]


class Client:
    """A program that was written for Powabase, with a key."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self.told: list[dict[str, Any]] = []
        """The events of the stream so far."""

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = await self._http.request(method, path, json=body or None)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def agent(self, model: str) -> Any:
        """Makes an agent that can write; returns it."""
        made = await self.ask("POST", "/agents", name="Clerk", model=model, system_prompt="Be brief.")
        await self.ask("POST", f"/agents/{made['id']}/tools", tool_name="write_file")
        return made

    async def stream(self, agent: str, message: str) -> None:
        """Runs an agent; `told` gets what it tells."""
        path = f"/agents/{agent}/run/stream"
        async with self._http.stream("POST", path, json={"message": message}) as response:
            assert response.status_code == 200
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    self.told.append(json.loads(line[6:]))

    def kinds(self) -> list[str]:
        return [each["event"] for each in self.told]


@asynccontextmanager
async def engine(api: str = "/powabase/api") -> AsyncIterator[tuple[Any, Client]]:
    """An engine in this process, with a listener on TCP; gives what an app has of it, and a client."""
    where = bootstrap.paths()
    where.make()
    host = await open_workbench(where, os.environ)

    async def opened() -> Any:
        return host

    behind = Behind(opened, logging.getLogger("holdfast.tests"), ServerSettings(), Patience(), where.logs)
    listener = await OpenListener.open(ListenOptions(port=0), behind)
    key = (await host.keys.create("program", Scope.ADMIN)).secret
    try:
        async with httpx.AsyncClient(
            base_url=f"{listener.state.url}{api}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
            trust_env=False,
        ) as http:
            yield host.as_principal(LOCAL_PRINCIPAL.model_copy(update={"client": "app"})), Client(http)
    finally:
        listener.close()
        async with asyncio.timeout(10):
            await listener.task
        await host.close()


async def test_a_run_of_another_systems_client_is_seen_and_approved_in_the_app(desk: Desk) -> None:
    model = desk.script("clerk", WRITE, says("It is written."))
    async with engine() as (workbench, client), desk.sit_down(at=workbench) as person:
        agent = await client.agent(model)
        streaming = asyncio.create_task(client.stream(agent["id"], "Write hello"))
        await person.sees("⚠ 1", "write_file note.md")
        await person.press("ctrl+o")
        await person.sees("enter open", "Write hello")
        await person.press("enter")
        await person.sees("▌ Write hello", "I write it down.", "y once")
        await person.until(lambda: client.kinds()[-1:] == ["approval_requested"], "the client to be told")
        assert desk.written("note.md") is None
        await person.press("y")
        await person.sees("It is written.")
        await person.sees_no_more("⚠ 1")
        async with asyncio.timeout(20):
            await streaming
        assert client.kinds()[-4:] == ["step_started", "chunk", "step_completed", "complete"]
        (decided,) = (each for each in client.told if each["event"] == "approval_resolved")
        assert (decided["approved"], client.told[-1]["status"]) == (True, "completed")
        assert client.told[-1]["content"] == "I write it down.\n\nIt is written."
        assert desk.written("note.md") is not None
        (resolved,) = await person.events("approval.resolved")
        assert resolved.decision.client == "app"


async def test_a_run_of_the_app_is_seen_and_approved_by_another_systems_client(desk: Desk) -> None:
    model = desk.script("clerk", WRITE, says("It is written."))
    async with engine() as (workbench, client):
        agent = await client.agent(model)
        name = (await workbench.agents.get(agent["id"])).name
        async with desk.sit_down(at=workbench, agent=name) as person:
            await person.ask("Write hello")
            await person.sees("⚠ 1", "write_file note.md")
            (session,) = (await client.ask("GET", f"/agents/{agent['id']}/sessions"))["sessions"]
            assert (session["first_message"], session["run_count"]) == ("Write hello", 1)
            place = f"/sessions/{session['session_id']}"
            said = (await client.ask("GET", f"{place}/messages"))["messages"]
            assert [(each["role"], each["content"]) for each in said][:1] == [("user", "Write hello")]
            (run,) = (await client.ask("GET", f"{place}/runs"))["runs"]
            assert run["status"] == "running" and desk.written("note.md") is None
            await client.ask("POST", f"/agents/runs/{run['run_id']}/approve", approved=True)
            await person.sees("It is written.")
            await person.sees_no_more("⚠ 1")
            await person.ends()
            assert desk.written("note.md") is not None
            said = (await client.ask("GET", f"{place}/messages"))["messages"]
            assert [each["content"] for each in said] == [
                "Write hello",
                "I write it down.\n\nIt is written.",
            ]
            record = await client.ask("GET", f"/agents/runs/{run['run_id']}")
            assert [each["tool_name"] for each in record["tool_calls"]] == ["write_file"]
            assert [each["event"] for each in record["events"]][-1] == "complete"
            (resolved,) = await person.events("approval.resolved")
            assert resolved.decision.client != "app"


async def test_a_completion_of_h2ogpte_is_seen_and_approved_in_the_app_and_its_chats_are_the_sessions(
    desk: Desk,
) -> None:
    model = desk.script("clerk", WRITE, says("It is written."))
    asked = {"message": "Write hello", "llm": model, "llm_args": {"use_agent": True}}
    async with engine("/h2ogpte/api/v1") as (workbench, client), desk.sit_down(at=workbench) as person:
        chat = (await client.ask("POST", "/chats"))["id"]
        completing = asyncio.create_task(client.ask("POST", f"/chats/{chat}/completions", **asked))
        await person.sees("⚠ 1", "write_file note.md")
        await person.press("ctrl+o")
        await person.sees("enter open", "Write hello")
        await person.press("enter")
        await person.sees("▌ Write hello", "I write it down.", "y once")
        assert desk.written("note.md") is None
        await person.press("y")
        await person.sees("It is written.")
        async with asyncio.timeout(20):
            reply = await completing
        assert reply["body"] == "I write it down.\n\nIt is written."
        assert desk.written("note.md") is not None
        await person.ask("Thanks")
        await person.ends()
        said = await client.ask("GET", f"/chats/{chat}/messages")
        assert [each["content"] for each in said if not each.get("reply_to")] == ["Write hello", "Thanks"]
