"""Messages through Dexto's API: fire and forget, with the answer, as a stream."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from tests.dialects.dexto.dexto_talk import ASKED, FREE, last, names

from holdfast.core.domain.errors import ModelRequestRefused
from holdfast.core.domain.models import Finished, ReasoningDelta, TextDelta
from holdfast.server.kit import starting

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.covers("dexto.post_message_stream")
async def test_a_plain_answer_is_five_kinds_of_frames_to_the_field(talk, say, usage) -> None:
    step = [ReasoningDelta(text="Hm."), *say("Hi", " there")[:-1], usage, Finished(reason="stop")]
    async with talk([step]) as client:
        frames = await client.stream()
        assert names(frames) == ["llm:thinking", *["llm:chunk"] * 3, "llm:response", "run:complete"]
        base = {"sessionId": "s1"}
        assert frames[0][1] == {"name": "llm:thinking", **base}
        chunk = {"name": "llm:chunk", **base}
        assert frames[1][1] == {**chunk, "chunkType": "reasoning", "content": "Hm."}
        assert frames[2][1] == {**chunk, "chunkType": "text", "content": "Hi"}
        response = last(frames, "llm:response")
        took = response.pop("tokenUsage")
        assert (took["inputTokens"], took["outputTokens"], took["totalTokens"]) == (7, 3, 10)
        assert response == {
            "name": "llm:response",
            **base,
            "content": "Hi there",
            "reasoning": "Hm.",
            "provider": "openai-compatible",
            "model": "scripted",
            "finishReason": "stop",
        }
        complete = last(frames, "run:complete")
        assert complete.pop("durationMs") >= 0
        assert complete == {"name": "run:complete", **base, "finishReason": "stop", "stepCount": 0}


@pytest.mark.covers("dexto.post_message_stream")
async def test_a_tool_that_nobody_has_to_approve_runs_and_gives(talk, say, call) -> None:
    async with talk([call(FREE), say("Done")]) as client:
        frames = await client.stream()
        assert names(frames) == [
            "llm:thinking",
            "llm:tool-call",
            "tool:running",
            "llm:tool-result",
            "llm:chunk",
            "llm:response",
            "run:complete",
        ]
        called = last(frames, "llm:tool-call")
        assert (called["toolName"], called["args"]) == (
            "internal--write_file",
            {"path": "free.md", "content": "b\n"},
        )
        result = last(frames, "llm:tool-result")
        assert (result["success"], result["callId"]) == (True, called["callId"])
        assert last(frames, "tool:running")["toolCallId"] == called["callId"]
        assert not {"requireApproval", "error"} & result.keys()
        sanitized = result["sanitized"]
        assert sanitized["content"][0]["type"] == "text"
        assert sanitized["meta"]["toolName"] == "internal--write_file"
        assert sanitized["meta"]["display"]["type"] == "diff"
        assert sanitized["meta"]["display"]["additions"] == 1
        assert last(frames, "run:complete")["stepCount"] == 1
        said = await client.history()
        assert [each["role"] for each in said] == ["user", "assistant", "tool", "assistant"]
        assert said[1]["content"] == [{"type": "text", "text": ""}]
        asked = said[1]["toolCalls"][0]
        assert (asked["id"], asked["type"]) == (called["callId"], "function")
        assert json.loads(asked["function"]["arguments"]) == called["args"]
        assert (said[2]["toolCallId"], said[2]["success"]) == (called["callId"], True)
        assert said[3]["content"] == [{"type": "text", "text": "Done"}]
        assert (await client.history()) == said, "ids and all stay the same"


@pytest.mark.covers("dexto.post_message_stream")
async def test_what_a_tool_cannot_do_is_told_and_the_run_goes_on(talk, say, call) -> None:
    async with talk([call(("read_file", '{"path": "nowhere"}')), say("Ah")]) as client:
        frames = await client.stream()
        result, error = last(frames, "llm:tool-result"), last(frames, "llm:error")
        assert (result["success"], "sanitized" in result) == (False, False)
        assert error["recoverable"] is True
        assert error["toolCallId"] == result["callId"]
        assert error["context"] == "Tool execution failed: internal--read_file"
        assert error["error"]["message"] == result["error"]
        assert "Traceback" not in error["error"]["stack"]
        assert last(frames, "run:complete")["finishReason"] == "stop"


@pytest.mark.covers("dexto.post_message_stream", "dexto.post_message_sync")
async def test_a_provider_that_refuses_is_told_in_the_stream_and_as_502(talk) -> None:
    async with talk([[ModelRequestRefused("no such thing")]] * 2) as client:
        frames = await client.stream()
        assert names(frames) == ["llm:thinking", "llm:error", "run:complete"]
        error = frames[1][1]
        assert (error["recoverable"], error["context"]) == (False, "run_failed")
        assert error["error"]["name"] == "AI_APICallError"
        assert frames[2][1]["finishReason"] == "unknown"
        failed = frames[2][1]["error"]
        assert (failed["code"], failed["scope"], failed["type"]) == (
            "llm_generation_failed",
            "llm",
            "third_party",
        )
        answer = await client.post("message-sync", content="a", sessionId="s2")
        assert answer.status_code == 502
        body = answer.json()
        assert (body["code"], body["scope"], body["type"]) == ("llm_generation_failed", "llm", "third_party")
        assert body["context"]["details"]["model"] == "scripted"
        assert body["endpoint"] == "/api/message-sync"


@pytest.mark.covers("dexto.post_message_stream", "dexto.post_message_sync")
async def test_a_message_that_says_nothing_is_an_error_in_the_stream_and_400_elsewhere(talk) -> None:
    async with talk() as client:
        for content in ("", [], [{"type": "text", "text": " "}]):
            frames = await client.stream(content)
            assert names(frames) == ["llm:error"]
            assert frames[0][1]["recoverable"] is False
            answer = await client.post("message-sync", content=content, sessionId="s1")
            assert answer.status_code == 400
            assert answer.json()["code"] == "context_message_content_empty"
            assert answer.json()["scope"] == "context"


@pytest.mark.covers("dexto.post_message_sync")
async def test_the_answer_is_waited_for(talk, say) -> None:
    async with talk([[ReasoningDelta(text="Hm."), *say("Hi", " there")], say("Again")]) as client:
        answer = await client.post("message-sync", content="Hello", sessionId="s1")
        assert answer.status_code == 200
        body = answer.json()
        assert body.pop("tokenUsage").keys() >= {"inputTokens", "outputTokens", "totalTokens"}
        assert body == {
            "response": "Hi there",
            "sessionId": "s1",
            "reasoning": "Hm.",
            "model": "scripted",
            "provider": "openai-compatible",
        }
        assert (await client.post("message-sync", content="b", sessionId="s1")).json()["response"] == "Again"
        shown = [one.text for one in client.bench.model.requests[1].messages]
        assert shown[-3:] == ["Hello", "Hi there", "b"]


@pytest.mark.covers("dexto.post_message_sync")
async def test_one_that_waits_for_an_answer_waits_for_its_turn_before(talk, say, call, monkeypatch) -> None:
    waits, room = asyncio.Event(), starting._room

    async def waited_for(*given) -> None:
        waits.set()
        await room(*given)

    monkeypatch.setattr(starting, "_room", waited_for)
    async with talk([call(ASKED), say("one"), say("two")]) as client:
        first = asyncio.create_task(client.stream())
        approval = await client.bench.approval()
        second = asyncio.create_task(client.post("message-sync", content="b", sessionId="s1"))
        await asyncio.wait_for(waits.wait(), 20)
        decided = await client.post(f"approvals/{approval.id}", status="approved")
        assert decided.status_code == 200
        assert last(await first, "llm:response")["content"] == "one"
        assert (await second).json()["response"] == "two"
        said = [each["content"][0]["text"] for each in await client.history() if each["role"] != "tool"]
        assert said == ["Hello", "", "one", "b", "two"]


@pytest.mark.covers("dexto.post_message")
async def test_a_message_is_taken_at_once_and_its_answer_is_in_the_history(talk, say) -> None:
    async with talk([say("Later")]) as client:
        answer = await client.post("message", content="Hello", sessionId="s1")
        assert (answer.status_code, answer.json()) == (202, {"accepted": True, "sessionId": "s1"})
        await client.bench.until("run.completed")
        assert [each["content"][0]["text"] for each in await client.history()] == ["Hello", "Later"]
        failed = await client.post("message", content="", sessionId="s1")
        assert failed.status_code == 202, "what becomes of it is not told"


@pytest.mark.covers("dexto.post_message_stream")
async def test_a_busy_session_says_so_and_takes_nothing(talk, say, call) -> None:
    async with talk([call(ASKED), say("one")]) as client:
        first = asyncio.create_task(client.stream())
        approval = await client.bench.approval()
        answer = await client.post("message-stream", content="b", sessionId="s1")
        assert answer.status_code == 202
        body = answer.json()
        assert (body["busy"], body["sessionId"], body["queueLength"]) == (True, "s1", 0)
        assert "POST /api/queue/s1" in body["hint"]
        assert (await client.get("sessions/s1/load")).json()["session"]["isBusy"] is True
        await client.post(f"approvals/{approval.id}", status="denied")
        await first
        assert len([each for each in await client.history() if each["role"] == "user"]) == 1


async def test_images_and_files_are_kept_and_shown_again(talk, say) -> None:
    image = base64.b64encode(PNG).decode()
    text = base64.b64encode(b"a,b\n1,2\n").decode()
    async with talk([say("Nice")]) as client:
        content = [
            {"type": "text", "text": "See"},
            {"type": "image", "image": f"data:image/png;base64,{image}", "mimeType": "image/png"},
            {"type": "file", "data": text, "mimeType": "text/csv", "filename": "t.csv"},
        ]
        assert last(await client.stream(content), "run:complete")
        said = (await client.history())[0]["content"]
        assert said[:2] == [
            {"type": "text", "text": "See"},
            {"type": "image", "image": image, "mimeType": "image/png"},
        ]
        assert (said[2]["type"], said[2]["filename"]) == ("file", "t.csv")
        assert said[2]["data"].startswith("@blob:")
        broken = [{"type": "image", "image": "!!"}]
        answer = await client.post("message-sync", content=broken, sessionId="s1")
        assert answer.status_code == 400
        assert answer.json()["issues"][0]["code"] == "llm_input_file_unsupported"
        sound = [{"type": "file", "data": "aGk=", "mimeType": "audio/mpeg"}]
        answer = await client.post("message-sync", content=sound, sessionId="s1")
        assert (answer.status_code, answer.json()["issues"][0]["code"]) == (400, "llm_input_file_unsupported")
        private = [{"type": "image", "image": "http://127.0.0.1:9/x.png"}]
        answer = await client.post("message-sync", content=private, sessionId="s1")
        assert answer.status_code in (400, 403)


async def test_what_is_wrong_with_a_message_is_told_as_zod_tells_it(talk) -> None:
    async with talk() as client:
        for path in ("message", "message-sync", "message-stream"):
            answer = await client.post(path, content=5)
            assert answer.status_code == 400
            union, missing = answer.json()["error"]["issues"]
            assert (union["code"], union["path"]) == ("invalid_union", ["content"])
            assert (missing["path"], missing["message"]) == (["sessionId"], "Required")
            bad = [{"type": "video"}]
            answer = await client.post(path, content=bad, sessionId="s")
            (union,) = answer.json()["error"]["issues"]
            nested = union["unionErrors"][1]["issues"][0]
            assert (nested["code"], nested["path"]) == (
                "invalid_union_discriminator",
                ["content", 0, "type"],
            )


async def test_several_texts_of_a_step_are_one_answer_and_so_are_its_chunks(talk) -> None:
    async with talk([[TextDelta(text="a"), ReasoningDelta(text="r"), TextDelta(text="b")]]) as client:
        frames = await client.stream()
        chunks = [
            data["content"] for name, data in frames if name == "llm:chunk" if data["chunkType"] == "text"
        ]
        assert "".join(chunks) == last(frames, "llm:response")["content"] == "a\n\nb"


SENDER = """
version: 1
name: sender
model: scripted
fallback_models: []
instructions: You send.
subagents: [tester]
"""


async def test_what_a_sub_agent_asks_a_person_is_told_in_the_stream(talk, say, call) -> None:
    send = call(("delegate", '{"agent": "tester", "task": "Write it"}'))
    async with talk([send, call(ASKED), say("written"), say("Done")]) as client:
        await client.bench.workbench.agents.create(SENDER)
        await client.bench.workbench.users.annotate({"dexto": {"agent": "sender"}})
        streaming = client.streaming()
        waiting = await client.bench.approval()
        if waiting.tool == "delegate":
            await client.post(f"approvals/{waiting.id}", status="approved")
            waiting = await client.bench.approval()
        listed = (await client.get("approvals", sessionId="s1")).json()["approvals"]
        assert [each["approvalId"] for each in listed] == [waiting.id]
        await client.post(f"approvals/{waiting.id}", status="approved")
        frames = await streaming
        assert last(frames, "approval:request")["approvalId"] == waiting.id
        assert last(frames, "approval:response") == {"approvalId": waiting.id, "status": "approved"}
        tools = [data["toolName"] for name, data in frames if name == "llm:tool-call"]
        assert tools == ["internal--delegate"], "its own calls are its own"
        assert last(frames, "llm:response")["content"] == "Done"
