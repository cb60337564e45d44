"""What waits for a person, through Dexto's API."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.dialects.dexto.dexto_talk import ASKED, Talk, last, names
from tests.dialects.test_every_dialect import switching

from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.identity import Scope


async def question(client: Talk) -> str:
    """Returns the id of the question that waits."""
    async with asyncio.timeout(20):
        async for _ in client.bench.workbench.events.follow(EventFilter(), 0):
            if found := (await client.bench.workbench.runs.questions()).items:
                return str(found[0].id)
    raise AssertionError("no question")


@pytest.mark.covers("dexto.list_approvals", "dexto.submit_approval", "dexto.post_message_stream")
async def test_a_call_waits_until_it_is_approved(talk, say, call) -> None:
    async with talk([call(ASKED), say("Done")]) as client:
        streaming = client.streaming()
        waiting = await client.bench.approval()
        listed = (await client.get("approvals", sessionId="s1")).json()
        (one,) = listed["approvals"]
        assert listed["ok"] is True
        assert (one["approvalId"], one["type"], one["sessionId"]) == (waiting.id, "tool_confirmation", "s1")
        assert one["timestamp"].endswith("Z")
        metadata = one["metadata"]
        assert (metadata["toolName"], metadata["args"]) == (
            "internal--write_file",
            {"path": "a", "content": "b"},
        )
        assert metadata["displayPreview"]["type"] == "diff"
        answer = await client.post(f"approvals/{waiting.id}", status="approved")
        assert (answer.status_code, answer.json()) == (
            200,
            {"ok": True, "approvalId": waiting.id, "status": "approved"},
        )
        frames = await streaming
        request = last(frames, "approval:request")
        assert request == {**one, "metadata": request["metadata"]}
        assert last(frames, "approval:response") == {"approvalId": waiting.id, "status": "approved"}
        order = [name for name in names(frames) if name.startswith(("approval", "tool", "llm:tool"))]
        assert order == [
            "llm:tool-call",
            "approval:request",
            "approval:response",
            "tool:running",
            "llm:tool-result",
        ]
        result = last(frames, "llm:tool-result")
        assert (result["requireApproval"], result["approvalStatus"]) == (True, "approved")
        tool = next(each for each in await client.history() if each["role"] == "tool")
        assert (tool["requireApproval"], tool["approvalStatus"]) == (True, "approved")
        assert (await client.get("approvals", sessionId="s1")).json()["approvals"] == []


@pytest.mark.covers("dexto.submit_approval")
async def test_a_denied_call_is_told_and_the_run_goes_on(talk, say, call) -> None:
    async with talk([call(ASKED), say("Pity")]) as client:
        streaming = client.streaming()
        waiting = await client.bench.approval()
        await client.post(f"approvals/{waiting.id}", status="denied")
        frames = await streaming
        response = last(frames, "approval:response")
        assert (response["status"], response["reason"]) == ("denied", "user_denied")
        result = last(frames, "llm:tool-result")
        assert result["error"] == ("Tool 'internal--write_file' was denied. User denied the request via API")
        assert (result["success"], result["approvalStatus"]) == (False, "rejected")
        assert last(frames, "llm:error")["recoverable"] is True
        assert last(frames, "run:complete")["finishReason"] == "stop"


async def test_an_approval_that_nobody_gives_times_out(talk, say, call) -> None:
    async with talk([call(ASKED), say("Pity")], expires="0.1") as client:
        frames = await client.stream()
        request, response = last(frames, "approval:request"), last(frames, "approval:response")
        assert request["timeout"] == 100
        assert (response["status"], response["reason"], response["timeoutMs"]) == (
            "cancelled",
            "timeout",
            100,
        )
        assert last(frames, "llm:tool-result")["error"].endswith("timed out after 100ms")
        late = await client.post(f"approvals/{request['approvalId']}", status="approved")
        assert (late.status_code, late.json()["code"]) == (404, "approval_not_found")


@pytest.mark.covers("dexto.submit_approval")
async def test_a_choice_is_remembered_for_the_session(talk, say, call) -> None:
    async with talk([call(ASKED), say("one"), call(ASKED), say("two")]) as client:
        streaming = client.streaming()
        waiting = await client.bench.approval()
        await client.post(f"approvals/{waiting.id}", status="approved", rememberChoice=True)
        assert last(await streaming, "approval:response")["data"] == {"rememberChoice": True}
        frames = await client.stream()
        assert not [name for name in names(frames) if name.startswith("approval")]
        assert "requireApproval" not in last(frames, "llm:tool-result")


@pytest.mark.covers("dexto.submit_approval", "dexto.list_approvals")
async def test_a_question_is_a_form_to_fill_in(talk, say, call) -> None:
    asks = call(("ask_user", '{"question": "Which?", "choices": ["red", "blue"], "free_text": false}'))
    async with talk([asks, say("ok"), asks, say("pity")]) as client:
        streaming = client.streaming()
        id = await question(client)
        (one,) = (await client.get("approvals", sessionId="s1")).json()["approvals"]
        assert (one["approvalId"], one["type"]) == (id, "elicitation")
        assert one["metadata"]["prompt"] == "Which?"
        assert one["metadata"]["serverName"] == "Dexto Agent"
        assert one["metadata"]["schema"]["properties"]["answer"]["enum"] == ["red", "blue"]
        wrong = await client.post(f"approvals/{id}", status="approved", formData={"answer": "green"})
        assert wrong.status_code == 400
        given = {"answer": "blue"}
        assert (await client.post(f"approvals/{id}", status="approved", formData=given)).status_code == 200
        frames = await streaming
        assert last(frames, "approval:request") == one
        assert last(frames, "approval:response")["data"] == {"formData": given}
        assert "blue" in json.dumps(last(frames, "llm:tool-result")["sanitized"])
        streaming = client.streaming()
        id = await question(client)
        assert (await client.post(f"approvals/{id}", status="denied")).status_code == 200
        response = last(await streaming, "approval:response")
        assert (response["status"], response["reason"]) == ("denied", "user_denied")


@pytest.mark.covers("dexto.submit_approval")
async def test_a_decision_can_be_sent_again_under_its_key(talk, say, call) -> None:
    async with talk([call(ASKED), say("Done")]) as client:
        streaming = client.streaming()
        waiting = await client.bench.approval()
        path, key = f"approvals/{waiting.id}", {"idempotency-key": "k1"}
        first = await client.ask("POST", path, {"status": "approved"}, **key)
        again = await client.ask("POST", path, {"status": "approved"}, **key)
        assert first.status_code == again.status_code == 200
        assert first.json() == again.json()
        assert again.headers["idempotency-replayed"] == "true"
        other = await client.ask("POST", path, {"status": "denied"}, **key)
        assert other.status_code == 409
        assert (await client.post(path, status="approved")).status_code == 404, "it is decided"
        unknown = await client.ask(
            "POST", "approvals/none", {"status": "denied"}, **{"idempotency-key": "k2"}
        )
        assert (unknown.status_code, unknown.json()["code"], unknown.json()["scope"]) == (
            404,
            "approval_not_found",
            "tools",
        )
        await streaming


@pytest.mark.covers("dexto.list_approvals")
async def test_what_is_wrong_is_told_and_others_things_are_not_there(talk, call, say) -> None:
    async with talk([call(ASKED), say("ok")], app=switching) as client:
        assert (await client.get("approvals")).status_code == 400
        assert (await client.get("approvals", sessionId="none")).json() == {"ok": True, "approvals": []}
        streaming = client.streaming()
        waiting = await client.bench.approval()
        issue = (await client.post(f"approvals/{waiting.id}", status="cancelled")).json()["error"]["issues"][
            0
        ]
        assert (issue["code"], issue["options"]) == ("invalid_enum_value", ["approved", "denied"])
        await client.bench.workbench.users.add("ann")
        key = await client.bench.workbench.keys.create("ann", Scope.ADMIN, user="ann")
        ann = Talk(client.served, key=key.secret)
        assert (await ann.get("approvals", sessionId="s1")).json()["approvals"] == []
        assert (await ann.post(f"approvals/{waiting.id}", status="approved")).status_code == 404
        await client.post(f"approvals/{waiting.id}", status="denied")
        await streaming
