"""Messages that wait, through Dexto's API."""

from __future__ import annotations

import pytest
from tests.dialects.dexto.dexto_talk import ASKED, last, names


@pytest.mark.covers("dexto.queue_message", "dexto.get_queue")
async def test_what_waits_enters_the_run_under_way_as_one_message_in_its_stream(talk, say, call) -> None:
    async with talk([call(ASKED), say("both")]) as client:
        streaming = client.streaming()
        approval = await client.bench.approval()
        first = await client.post("queue/s1", content="a")
        assert first.status_code == 201
        assert first.json() == {"queued": True, "id": first.json()["id"], "position": 1}
        content = [{"type": "text", "text": "b"}]
        second = (await client.post("queue/s1", content=content, kind="background")).json()
        assert second["position"] == 2
        queue = (await client.get("queue/s1")).json()
        assert queue["count"] == 2
        assert queue["messages"][1] == {
            "id": second["id"],
            "content": content,
            "queuedAt": queue["messages"][1]["queuedAt"],
            "kind": "background",
        }
        busy = await client.post("message-stream", content="c", sessionId="s1")
        assert (busy.status_code, busy.json()["queueLength"]) == (202, 2)
        await client.post(f"approvals/{approval.id}", status="approved")
        frames = await streaming
        ids = [first.json()["id"], second["id"]]
        queued = [data for name, data in frames if name == "message:queued"]
        assert [(each["id"], each["position"]) for each in queued] == [(ids[0], 1), (ids[1], 2)]
        taken = last(frames, "message:dequeued")
        assert (taken["count"], taken["ids"], taken["coalesced"]) == (2, ids, True)
        assert [each["text"] for each in taken["content"]] == ["User follow-up 1: a", "\n\n", "b"]
        assert names(frames).index("message:dequeued") < names(frames).index("llm:response")
        assert last(frames, "llm:response")["content"] == "both"
        assert names(frames)[-1] == "run:complete"
        together = (await client.history())[-2]
        assert together["metadata"] == {
            "coalesced": True,
            "messageCount": 2,
            "originalMessageIds": ids,
        }


@pytest.mark.covers("dexto.queue_message")
async def test_what_waits_in_an_idle_session_comes_with_the_next_message(talk, say) -> None:
    async with talk([say("both")]) as client:
        await client.post("sessions", sessionId="s1")
        for text in ("a", "b"):
            await client.post("queue/s1", content=text)
        assert (await client.get("sessions/s1/load")).json()["session"]["isBusy"] is False
        assert client.bench.model.requests == []
        frames = await client.stream("now")
        assert names(frames)[:2] == ["llm:thinking", "message:dequeued"]
        assert frames[1][1]["content"][0]["text"] == "First: a"
        assert await client.said() == ["now", "First: a\n\nAlso: b", "both"]


@pytest.mark.covers("dexto.clear_queue", "dexto.remove_queued_message")
async def test_what_waits_can_be_taken_back(talk) -> None:
    async with talk() as client:
        await client.post("sessions", sessionId="s1")
        ids = [(await client.post("queue/s1", content=text)).json()["id"] for text in ("a", "b", "c")]
        gone = await client.ask("DELETE", f"queue/s1/{ids[1]}")
        assert (gone.status_code, gone.json()) == (200, {"removed": True, "id": ids[1]})
        again = await client.ask("DELETE", f"queue/s1/{ids[1]}")
        assert (again.status_code, again.json()) == (404, {"error": "Message not found in queue"})
        left = (await client.get("queue/s1")).json()["messages"]
        assert [each["content"][0]["text"] for each in left] == ["a", "c"]
        cleared = await client.ask("DELETE", "queue/s1")
        assert (cleared.status_code, cleared.json()) == (200, {"cleared": True, "count": 2})
        for wrong in ({}, {"content": 1}, {"content": "a", "kind": "loud"}):
            assert (await client.post("queue/s1", **wrong)).status_code == 400
        assert (await client.post("queue/s1", content="")).status_code == 400
