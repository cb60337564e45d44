"""A program's whole journey over HTTP with nothing but httpx: an agent, a run, a decision, the file."""

from __future__ import annotations

import asyncio

from tests.e2e.bench import Bench
from tests.e2e.over_tcp import Reader, open_door

AGENT = """
version: 1
name: clerk
description: Writes notes.
instructions: Write what is asked for.
tools: [write_file, read_file, list_files]
model: offline
"""


async def test_make_an_agent_run_it_approve_and_download_what_it_wrote(bench: Bench) -> None:
    workbench = bench.start_engine()
    door = await open_door(workbench)
    await workbench.close()
    async with door.client() as client:
        made = await client.post("/agents", json={"yaml": AGENT})
        assert (made.status_code, made.json()["name"]) == (201, "clerk")
        session = (await client.post("/sessions", json={"agent": "clerk", "title": "Notes"})).json()
        below = f"/sessions/{session['id']}"
        message = {"parts": [{"type": "text", "text": "Write 'Ordered: 40 hinges' to order.md"}]}
        sent = await client.post(f"{below}/runs", json=message, headers={"Idempotency-Key": "order-40"})
        again = await client.post(f"{below}/runs", json=message, headers={"Idempotency-Key": "order-40"})
        assert sent.status_code == 202
        assert (again.status_code, again.json()) == (202, sent.json())

        reader = Reader(client, f"{below}/events")
        async with asyncio.timeout(15):
            await reader.read_once(enough=lambda: reader.has("approval.requested"))
        (waiting,) = (await client.get("/approvals", params={"session_id": session["id"]})).json()["items"]
        assert (waiting["tool"], waiting["subject"]) == ("write_file", "order.md")
        assert (await client.get(f"{below}/files")).json() == []
        decided = await client.post(
            f"/approvals/{waiting['id']}/decision", json={"decision": {"outcome": "approve"}}
        )
        assert decided.json()["status"] == "approved"

        async with asyncio.timeout(15):
            await reader.read_once(enough=lambda: reader.has("run.completed"))
        assert (await client.get(f"/runs/{sent.json()['run_id']}")).json()["status"] == "completed"
        data = await client.get(f"{below}/files/data", params={"path": "order.md"})
        assert data.content == b"Ordered: 40 hinges\n"
        transcript = (await client.get(f"{below}/export", params={"format": "markdown"})).json()
        assert "Ordered: 40 hinges" in transcript
        assert (await client.delete(below)).status_code == 204
        gone = await client.get(below)
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "session_not_found")
