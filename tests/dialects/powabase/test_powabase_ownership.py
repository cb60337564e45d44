"""Two users of one server: what is of the other is not there, and nothing says that it is somewhere."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.knowledge_service.conftest import MemoryIndex

AGENT = {"name": "Mine", "model": "gpt-4o"}
WAITS = '{"path": "a.txt", "content": "x"}'


def places(own: dict[str, str]) -> list[tuple[str, str, Any]]:
    """Returns every call that names something of a user by its id; `own` are the ids."""
    agent, session, run = (f"/{kind}/{own[kind]}" for kind in ("agents", "sessions", "runs"))
    base, context = f"/knowledge-bases/{own['base']}", f"/context-handlers/{own['context']}"
    said = {"message": "Hello"}
    return [
        ("GET", agent, None),
        ("PATCH", agent, {"name": "Taken"}),
        ("DELETE", agent, None),
        *(("GET", f"{agent}/{part}", None) for part in ("tools", "knowledge-bases", "mcp-servers", "hooks")),
        ("POST", f"{agent}/knowledge-bases", {"knowledge_base_id": own["base"]}),
        ("DELETE", f"{agent}/knowledge-bases/{own['linked']}", None),
        ("POST", f"{agent}/mcp-servers", {"name": "a", "url": "https://a.test"}),
        ("PUT", f"{agent}/mcp-servers/{own['server']}", {"url": "https://b.test"}),
        ("DELETE", f"{agent}/mcp-servers/{own['server']}", None),
        ("DELETE", f"{agent}/hooks/{own['hook']}", None),
        ("GET", f"{agent}/sessions", None),
        ("POST", f"{agent}/sessions", None),
        ("DELETE", f"{agent}{session}", None),
        ("POST", f"{agent}/run", said),
        ("POST", f"{agent}/run/stream", said),
        ("GET", f"/agents{run}", None),
        ("POST", f"/agents{run}/approve", {"approved": True}),
        ("GET", session, None),
        ("GET", f"{session}/messages", None),
        ("GET", f"{session}/runs", None),
        ("GET", f"{session}{run}/retrieved-context", None),
        ("DELETE", session, None),
        ("GET", base, None),
        ("PATCH", base, {"name": "taken"}),
        ("DELETE", base, None),
        ("POST", f"{base}/search", {"query": "hotels"}),
        ("GET", f"{base}/sources", None),
        ("POST", f"{base}/sources", {"name": "b.md", "text": "b"}),
        ("DELETE", f"{base}/sources/{own['source']}", None),
        ("GET", context, None),
    ]


async def made(caller: Any, path: str, body: Any, key: str = "id") -> str:
    """Makes something; returns its id."""
    answer = await caller.ask("POST", path, body)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()[key])


async def belongings(caller: Any) -> dict[str, str]:
    """Makes one of everything for a user; the run has ended. Returns the ids."""
    agent, base = await made(caller, "/agents", AGENT), await made(caller, "/knowledge-bases", {"name": "kb"})
    run = (await caller.ask("POST", f"/agents/{agent}/run", {"message": "Hello"})).json()
    uses = {"query": "hotels", "knowledge_bases": [{"id": base}]}
    server, hook = {"name": "mine", "url": "https://a.test"}, {"config": {"url": "https://a.test"}}
    return {
        "agents": agent,
        "sessions": run["session_id"],
        "runs": run["run_id"],
        "base": base,
        "source": await made(caller, f"/knowledge-bases/{base}/sources", {"name": "a.md", "text": "hotels"}),
        "context": await made(caller, "/context-handlers", uses),
        "linked": await made(caller, f"/agents/{agent}/knowledge-bases", {"knowledge_base_id": base}),
        "server": await made(caller, f"/agents/{agent}/mcp-servers", server),
        "hook": await made(caller, f"/agents/{agent}/hooks", {"event": "after_run", "type": "http", **hook}),
    }


async def test_nothing_of_another_user_is_there_and_nothing_of_it_changes(
    keyed: Any, say: Any, index: MemoryIndex
) -> None:
    async with keyed([say("Hello.")] * 3, knowledge=index) as served:
        ann, bob = await served.caller("ann"), await served.caller("bob")
        hers, nobodys = await belongings(ann), "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"
        for method, path, body in places(hers):
            answer = await bob.ask(method, path, body)
            assert answer.status_code == 404, (method, path, answer.status_code, answer.text)
            unknown = path
            for id in hers.values():
                unknown = unknown.replace(id, nobodys)
            same = await bob.ask(method, unknown, body)
            assert same.json()["code"] == answer.json()["code"], "it says that there is something"
        for path, key in (
            ("/agents?q=Mine", "agents"),
            ("/knowledge-bases", "knowledge_bases"),
            ("/context-handlers", "context_handlers"),
        ):
            assert (await bob.ask("GET", path)).json()[key] == []
        for method, path, body in places(hers):
            if method == "GET":
                assert (await ann.ask(method, path, body)).status_code == 200, path
        assert (await ann.ask("GET", f"/agents/{hers['agents']}")).json()["name"] == "Mine"


@pytest.mark.covers("powabase.run_agent", "powabase.run_agent_stream")
async def test_a_run_takes_nothing_of_another_user_into_it(keyed: Any, say: Any, index: MemoryIndex) -> None:
    async with keyed([say("Hello.")] * 5, knowledge=index) as served:
        ann, bob = await served.caller("ann"), await served.caller("bob")
        hers, agent = await belongings(ann), await made(bob, "/agents", AGENT)
        for path in (f"/agents/{agent}/run", f"/agents/{agent}/run/stream"):
            said = []
            for session in (hers["sessions"], "nobodys-session"):
                answer = await bob.ask("POST", path, {"message": "Hello", "session_id": session})
                assert answer.status_code == 404, answer.text
                said.append(answer.json()["error"].replace(session, "it"))
            assert len(set(said)) == 1, "it tells which sessions there are"
            answer = await bob.ask("POST", path, {"message": "Hello", "context_handler_id": hers["context"]})
            assert answer.status_code == 404, answer.text
        uses = {"message": "hotels", "knowledge_bases": [{"id": hers["base"]}]}
        answer = (await bob.ask("POST", f"/agents/{agent}/run", uses)).json()
        assert (answer["status"], answer["retrieved_items"], bool(answer["warning"])) == (
            "completed",
            0,
            True,
        )
        linked = await bob.ask(
            "POST", f"/agents/{agent}/knowledge-bases", {"knowledge_base_id": hers["base"]}
        )
        assert linked.status_code == 404
        sessions = (await bob.ask("GET", f"/agents/{agent}/sessions")).json()["sessions"]
        assert [each["session_id"] for each in sessions] == [answer["session_id"]]
        kept = (await ann.ask("GET", f"/sessions/{hers['sessions']}/messages")).json()["messages"]
        assert len(kept) == 2


@pytest.mark.covers("powabase.approve_run")
async def test_only_who_has_started_a_run_decides_what_it_may_do(keyed: Any, say: Any, call: Any) -> None:
    async with keyed([call(("write_file", WAITS)), say("Done.")]) as served:
        ann, bob = await served.caller("ann"), await served.caller("bob")
        agent = await made(ann, "/agents", AGENT)
        assert (
            await ann.ask("POST", f"/agents/{agent}/tools", {"tool_name": "write_file"})
        ).status_code == 201
        statuses: list[int] = []

        def decide(event: dict[str, Any]) -> None:
            if event["event"] == "approval_requested":
                place = f"/agents/runs/{event['run_id']}/approve"
                statuses.extend(
                    who.ask_now("POST", place, {"approved": True}).status_code for who in (bob, ann)
                )

        async with asyncio.timeout(30):
            events = await ann.stream(f"/agents/{agent}/run/stream", {"message": "Write"}, decide)
        assert statuses == [404, 200]
        assert [e["approved"] for e in events if e["event"] == "approval_resolved"] == [True]
        assert events[-1]["status"] == "completed"
