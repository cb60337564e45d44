"""Chats and streams of Sage's API: their lines, their ends, and what is refused before."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from typing import Any

import httpx
import pytest
from tests.dialects.sage.stream_talk import (
    Driven,
    Line,
    asked,
    end_of,
    merged,
    open_stream,
    records,
    said,
    streamed,
)

from holdfast.core.domain.errors import ModelRequestRefused
from holdfast.core.domain.messages import ImagePart
from holdfast.core.domain.models import Finished, ReasoningDelta, TextDelta, ToolCallDelta, UsageReport
from holdfast.core.domain.runs import RunStatus
from holdfast.server.app import engine_app
from holdfast.server.dialects.sage.operations import DIALECT
from holdfast.server.dialects.sage.sessions import SESSIONS
from holdfast.server.kit.auth import ask_for_key, no_key
from holdfast.server.kit.operations import Door
from holdfast.server.kit.serving import dialect_api

USED = UsageReport(input_tokens=11, output_tokens=7)
LISTS = ToolCallDelta(key="0", name="list_files", arguments="{}")
THINKS = [
    ReasoningDelta(text="let me "),
    TextDelta(text="calling a tool"),
    LISTS,
    USED,
    Finished(reason="tool_calls"),
]
ANSWERS = [TextDelta(text="Hello "), TextDelta(text="there"), USED, Finished(reason="stop")]
WRITES = [
    ToolCallDelta(key="0", name="write_file", arguments='{"path": "asked.md", "content": "x"}'),
    Finished(reason="tool_calls"),
]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
BUSY = "会话正在运行中，请先调用 interrupt 或使用不同的会话ID"


async def refusal(http: httpx.AsyncClient, path: str, body: Any, **headers: str) -> tuple[int, str]:
    """Returns the status and the text of an envelope."""
    answer = await http.post(f"/sage/api/{path}", json=body, headers=headers)
    told = answer.json()
    assert (told["success"], told["data"]) == (False, None)
    return answer.status_code, told["message"]


def general(**more: Any) -> dict[str, Any]:
    """Returns a request to the agent that all users have."""
    return {**asked(**more), "agent_id": "general"}


# --- lines


@pytest.mark.covers("sage.chat")
async def test_a_chat_is_told_line_by_line(serve: Any) -> None:
    async with serve([THINKS, ANSWERS]) as served:
        lines = await streamed(served.http, "chat", asked(session_id="sess_t2"))
    assert {line["session_id"] for line in lines} == {"sess_t2"}
    assert {line.get("agent_name", "SimpleAgent") for line in lines} == {"SimpleAgent"}
    assert all(isinstance(line["timestamp"], float) for line in lines)
    thought, spoken, call, arguments, result, hello, *_, usage, end = lines
    assert (thought["type"], thought["reasoning_content"]) == ("reasoning_content", "let me ")
    assert (spoken["type"], spoken["content"]) == ("do_subtask_result", "calling a tool")
    (begun,), (rest,) = call["tool_calls"], arguments["tool_calls"]
    assert begun == {**begun, "type": "function", "index": 0}
    assert begun["function"] == {"name": "list_files", "arguments": ""}
    told = {"id": None, "type": None, "index": 0, "function": {"name": None, "arguments": "{}"}}
    assert rest == told
    assert (result["role"], result["type"]) == ("tool", "tool_call_result")
    assert (result["tool_call_id"], result["content"]) == (begun["id"], "No files.")
    assert result["metadata"] == {"tool_execution_status": "success"}
    one_message = {line["message_id"] for line in (thought, spoken, call, arguments)}
    assert len(one_message) == 1 and len({*one_message, result["message_id"], hello["message_id"]}) == 3
    assert (usage["type"], usage["content"]) == ("token_usage", "")
    told = usage["metadata"]["token_usage"]
    assert told["total_info"]["total_tokens"] == 36
    assert [step["usage"]["prompt_tokens"] for step in told["per_step_info"]] == [11, 11]
    assert (end["type"], end["total_stream_count"]) == ("stream_end", len(lines) - 1)


@pytest.mark.covers("sage.stream")
async def test_a_client_puts_the_lines_of_a_stream_together(serve: Any) -> None:
    async with serve([THINKS, ANSWERS]) as served:
        lines = await streamed(served.http, "stream", asked())
        session = end_of(lines)["session_id"]
        kept = await SESSIONS.known(served.bench.workbench, session)
        assert kept.agent == "tester"
    first, result, second, _ = merged(lines).values()
    assert (first["content"], first["reasoning_content"]) == ("calling a tool", "let me ")
    (call,) = first["calls"]
    assert call["function"] == {"name": "list_files", "arguments": "{}"}
    assert result["tool_call_id"] == call["id"]
    assert (second["role"], second["content"]) == ("assistant", "Hello there")


async def test_a_session_goes_on_and_keeps_the_ids_of_messages(serve: Any, say: Any) -> None:
    async with serve([say("One."), say("Two.")]) as served:
        first = [{"role": "user", "content": "First", "message_id": "mine-1"}]
        await streamed(served.http, "chat", {**asked(session_id="s"), "messages": first})
        await streamed(served.http, "chat", asked("Second", session_id="s"))
        seen = [(message.role, message.text) for message in served.bench.model.requests[1].messages[1:]]
        assert seen == [("user", "First"), ("assistant", "One."), ("user", "Second")]
        run = await served.bench.workbench.runs.of_message("mine-1")
        assert run.session_id == "s"
        # An id that a message has already is nobody else's: the message gets another one.
        await streamed(served.http, "chat", {**asked(session_id="s"), "messages": first})
        assert len((await served.bench.workbench.runs.list("s")).items) == 3


async def test_what_was_said_elsewhere_before_is_the_history_of_a_new_session(serve: Any, say: Any) -> None:
    talk = [
        {"role": "system", "content": "Speak like a sailor."},
        {"role": "user", "content": "Where were we?"},
        {"role": "assistant", "content": "At the harbour."},
        {"role": "user", "content": "Go on"},
        {"role": "user", "content": [{"type": "text", "text": "please"}]},
    ]
    async with serve([say("Ahoy.")]) as served:
        await streamed(served.http, "chat", {**asked(), "messages": talk})
        system, *rest = served.bench.model.requests[0].messages
    assert "Speak like a sailor." in system.text
    texts = [(message.role, message.text) for message in rest]
    assert texts == [("user", "Where were we?"), ("assistant", "At the harbour."), ("user", "Go on\nplease")]


async def test_images_are_taken_in(serve: Any, say: Any) -> None:
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    async with serve([say("A dot.")]) as served:
        await streamed(served.http, "stream", asked(parts))
        asked_with = served.bench.model.requests[0].messages[-1].parts
        assert any(isinstance(part, ImagePart) and part.media_type == "image/png" for part in asked_with)
        for part, text in (
            ({"type": "input_audio", "input_audio": {}}, "不支持的消息内容类型: input_audio"),
            ({"type": "image_url", "image_url": {"url": "data:image/png;base64,ü"}}, "图片数据无法读取"),
        ):
            assert await refusal(served.http, "stream", asked([part])) == (500, text)
        inner = {"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/x.png"}}
        status, _ = await refusal(served.http, "stream", asked([inner]))
        assert status == 500
        # What could not be begun has left nothing behind.
        assert len((await served.bench.workbench.sessions.list()).items) == 1


async def test_failed_tools_say_so_in_sages_words(serve: Any) -> None:
    wrong = [
        ToolCallDelta(key="0", name="read_file", arguments='{"path": "nothing.md"}'),
        ToolCallDelta(key="1", name="write_file", arguments='{"path": "forbidden.md", "content": "x"}'),
        Finished(reason="tool_calls"),
    ]
    async with serve([wrong, ANSWERS]) as served:
        lines = await streamed(served.http, "chat", asked())
    results = [line for line in lines if line["type"] == "tool_call_result"]
    told = [json.loads(line["content"]) for line in results]
    assert [line["metadata"] for line in results] == [{"tool_execution_status": "error"}] * 2
    assert [(one["success"], one["status"]) for one in told] == [(False, "error")] * 2
    assert [one["error_code"] for one in told] == ["TOOL_ERROR", "SAFETY_BLOCKED"]
    assert all(one["error"] == one["message"] == one["raw_error"] for one in told)
    assert [one.get("policy_action") for one in told] == [None, "deny"]


# --- ends


async def test_a_run_that_fails_says_why_and_ends(serve: Any) -> None:
    for locale, text in (
        ("zh-CN", "工作流执行失败: No such thing"),
        ("en-US", "The run has failed: No such thing"),
    ):
        async with serve(
            [[TextDelta(text="So "), ModelRequestRefused("No such thing")]], retries=0
        ) as served:
            body = asked()
            answer = await served.http.post("/sage/api/chat", json=body, headers={"X-Sage-Locale": locale})
            lines = records(answer.text)
        assert answer.status_code == 200
        *_, failed, usage, _ = lines
        assert (failed["type"], failed["role"]) == ("final_answer", "assistant")
        assert failed["content"].startswith(text)
        assert usage["type"] == "token_usage"
        end_of(lines)


async def test_a_client_that_leaves_a_chat_cancels_its_run_and_what_was_said_stays(serve: Any) -> None:
    for path in ("chat", "stream"):
        async with serve([ANSWERS]) as served:
            model = Driven(served.bench.model)
            model.let(1)
            async with open_stream(served.http, path, asked(session_id=f"left-{path}")) as lines:
                assert (await anext(lines))["content"] == "Hello "
            await served.bench.until("run.cancelled")
            export = await served.bench.workbench.sessions.export(f"left-{path}", "markdown")
            assert "Hello" in export


async def test_an_interrupted_chat_ends_with_a_record_and_a_web_stream_without(serve: Any) -> None:
    for path, kinds in (("chat", ["token_usage", "stream_end"]), ("web-stream", [])):
        async with serve([ANSWERS]) as served:
            model = Driven(served.bench.model)
            model.let(1)
            async with open_stream(served.http, path, asked(session_id=path)) as lines:
                assert (await anext(lines))["content"] == "Hello "
                session = await SESSIONS.known(served.bench.workbench, path)
                await served.bench.workbench.runs.cancel(session.run_id)
                rest = [line async for line in lines]
            assert [line["type"] for line in rest] == kinds


async def test_a_busy_session_takes_no_chat_and_a_web_stream_takes_its_place(serve: Any, say: Any) -> None:
    async with serve([ANSWERS, say("The second.")]) as served:
        model = Driven(served.bench.model)
        model.let(1)
        async with open_stream(served.http, "web-stream", asked(session_id="s")) as lines:
            await anext(lines)
            for path in ("chat", "stream"):
                assert await refusal(served.http, path, asked(session_id="s")) == (500, BUSY)
            assert await served.bench.workbench.sessions.queue("s") == ()
            model.finish()
            second = await streamed(served.http, "web-stream", asked("Another", session_id="s"))
            assert said(second) in ("The second.", "there")
            rest = [line async for line in lines]
        assert "stream_end" not in {line["type"] for line in rest} or said(second) == "The second."
        end_of(second)


async def test_two_web_streams_at_once_leave_one_run(serve: Any, say: Any) -> None:
    async with serve([say("A"), say("B"), say("C"), say("D")]) as served:
        both = await asyncio.gather(
            *(streamed(served.http, "web-stream", asked(str(n), session_id="s")) for n in range(4))
        )
        runs = (await served.bench.workbench.runs.list("s")).items
        assert all(run.status.ended for run in runs)
        assert len(runs) == 4
        ended = [lines for lines in both if lines and lines[-1]["type"] == "stream_end"]
        assert len(ended) == sum(run.status is RunStatus.COMPLETED for run in runs) >= 1


async def test_the_engines_end_is_told_to_chats(serve: Any) -> None:
    async with serve([ANSWERS]) as served:
        model = Driven(served.bench.model)
        model.let(1)
        async with open_stream(served.http, "chat", asked(session_id="s")) as lines:
            await anext(lines)
            served.stop.set()
            error, end = [line async for line in lines]
    assert (error["type"], error["role"]) == ("error", "assistant")
    assert error["content"].startswith("处理失败: ")
    assert (end["type"], end["session_id"]) == ("stream_end", "s")


# --- what is refused


async def test_what_cannot_be_begun_is_refused_in_an_envelope(serve: Any) -> None:
    async with serve() as served:
        http = served.http
        for path in ("chat", "stream", "web-stream"):
            empty = {**asked(), "messages": []}
            assert await refusal(http, path, empty) == (500, "消息列表不能为空")
            silent = {**asked(), "messages": [{"role": "user", "content": " "}]}
            assert await refusal(http, path, silent) == (500, "消息内容不能为空")
            alone = {**asked(), "messages": [{"role": "assistant", "content": "I?"}]}
            assert await refusal(http, path, alone) == (500, "消息列表不能为空")
            long = asked(session_id="x" * 1001)
            assert (await refusal(http, path, long))[0] == 500
            answer = await http.post(f"/sage/api/{path}", json=asked(provider_id="nobody"))
            told = answer.json()
            assert (answer.status_code, told["message"]) == (500, "内部服务器错误")
            assert told["error_detail"] == "LLM provider not found: nobody"
        unknown = asked(agent_id="nobody")
        assert await refusal(http, "chat", unknown) == (500, "Agent 不存在")
        assert await refusal(http, "chat", unknown, **{"X-Sage-Locale": "en"}) == (
            500,
            "Agent does not exist",
        )
        answer = await http.post("/sage/api/chat", json={"messages": [{"role": "user", "content": "Hi"}]})
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "agent_id"])
        assert (await served.bench.workbench.sessions.list()).items == ()


async def test_a_stream_without_an_agent_or_with_an_unknown_one_is_the_usual_agents(
    serve: Any, say: Any
) -> None:
    steps = [say("A"), say("B"), say("C")]
    async with serve(steps, more_settings={"default_agent": "tester"}) as served:
        for more in ({"agent_id": None}, {"agent_id": ""}, {"agent_id": "nobody"}):
            lines = await streamed(served.http, "stream", {**asked(), **more})
            session = await SESSIONS.known(served.bench.workbench, end_of(lines)["session_id"])
            assert session.agent == "tester"


async def test_unknown_fields_do_not_count(serve: Any, say: Any) -> None:
    async with serve([say("Fine.")]) as served:
        body = {**asked(), "chunk": 1, "user_id": "somebody else", "more": {"and": "more"}}
        lines = await streamed(served.http, "stream?params=[object Object]", body)
        assert said(lines) == "Fine."
        (session,) = (await served.bench.workbench.sessions.list()).items
        assert session.owner == "local", "who asks is known by what was shown"


# --- who may


class AskingDoor:
    """Lets nobody in who shows no secret of the engine's."""

    def __init__(self, app: Any, host: Any) -> None:
        self._app = app
        self._host = host

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope["state"].clear()
            ask_for_key(scope, self._admit)
        await self._app(scope, receive, send)

    async def _admit(self, secret: str) -> Any:
        if not secret:
            raise no_key()
        return await (await self._host()).authenticate(secret)


def behind_door(host: Any, stop: Any) -> Any:
    app = engine_app(host, log=logging.getLogger("holdfast.tests"), closing=stop)
    return AskingDoor(app, host)


async def test_nobody_chats_without_a_login_unless_the_settings_say_so(serve: Any, say: Any) -> None:
    async with serve([say("Mine.")], app=behind_door) as served:
        for path in ("chat", "stream", "web-stream"):
            assert await refusal(served.http, path, asked()) == (401, "未授权")
            wrong = {"Authorization": "Bearer hf_wrong"}
            assert await refusal(served.http, path, asked(), **wrong) == (401, "Token非法")
        for path in ("stream/resume/s", "stream/active_sessions"):
            assert (await served.http.get(f"/sage/api/{path}")).status_code == 401
        assert (await served.bench.workbench.sessions.list()).items == ()
        await served.bench.workbench.users.add("ann")
        login = (await served.bench.workbench.keys.create("anns", user="ann")).secret
        cookie = {"Cookie": f"sage_session={login}"}
        body = general(session_id="s")
        answer = await served.http.post("/sage/api/chat", json=body, headers=cookie)
        assert said(records(answer.text)) == "Mine."
        assert (await served.bench.workbench.sessions.list()).items == (), "it is Ann's"


async def test_who_shows_nothing_sends_no_files(serve: Any, say: Any) -> None:
    async with serve([say("A large one.")], app=behind_door) as served:
        large = general() | {"more": "x" * (9 * 1024 * 1024)}
        answer = await served.http.post("/sage/api/chat", json=large)
        assert answer.status_code == 413
        await served.bench.workbench.users.add("ann")
        key = (await served.bench.workbench.keys.create("anns", user="ann")).secret
        shown = {"Authorization": f"Bearer {key}"}
        answer = await served.http.post("/sage/api/chat", json=large, headers=shown)
        assert said(records(answer.text)) == "A large one."


async def test_anybody_may_chat_where_the_settings_say_so_and_sees_nothing_of_others(
    serve: Any, say: Any
) -> None:
    steps = [say("For all."), say("Again.")]
    async with serve(steps, app=behind_door, more_settings={"sage": {"anonymous": True}}) as served:
        first, second = await asyncio.gather(
            *(streamed(served.http, path, general(session_id=path)) for path in ("chat", "stream"))
        )
        assert {said(first), said(second)} == {"For all.", "Again."}
        workbench = served.bench.workbench
        (user,) = [each for each in await workbench.users.list() if each.name == "default_user"]
        assert user.role.value == "user"
        assert (await workbench.sessions.list()).items == ()
        wrong = {"Authorization": "Bearer hf_wrong"}
        assert await refusal(served.http, "chat", asked(), **wrong) == (401, "Token非法")
        assert await refusal(served.http, "web-stream", asked()) == (401, "未授权")
        server = {"extra_mcp_config": {"x": {"url": "https://mcp.example.com/"}}}
        status, _ = await refusal(served.http, "stream", general(**server))
        assert status == 500, "only who may add servers names some"


async def test_an_account_that_is_called_as_anybody_is_hears_nothing_of_others(serve: Any) -> None:
    async with serve(app=behind_door, more_settings={"sage": {"anonymous": True}}) as served:
        await served.bench.workbench.users.add("default_user")
        assert await refusal(served.http, "chat", general()) == (401, "未授权")


# --- active sessions


async def snapshots(lines: Any, wanted: Any) -> list[Line]:
    """Returns the first list that is as wanted."""
    async with asyncio.timeout(20):
        async for line in lines:
            if line.startswith("data: "):
                found: list[Line] = json.loads(line.removeprefix("data: "))
                if wanted(found):
                    return found
    raise AssertionError("not told")


@pytest.mark.covers("sage.stream_active_sessions")
async def test_active_sessions_are_told_as_they_change_and_only_ones_own(serve_users: Any) -> None:
    async with serve_users([ANSWERS, ANSWERS]) as served:
        ann = await served.user("ann")
        http, model = served.http, Driven(served.bench.model)
        path = "/sage/api/stream/active_sessions"
        async with http.stream("GET", path) as mine, http.stream("GET", path, headers=ann) as hers:
            assert mine.headers["content-type"].startswith("text/event-stream")
            told, others = mine.aiter_lines(), hers.aiter_lines()
            assert await snapshots(told, lambda found: True) == []
            assert await snapshots(others, lambda found: True) == []
            model.let(1)
            async with open_stream(http, "web-stream", asked("What is up?", session_id="s")):
                (item,) = await snapshots(told, lambda found: found != [])
            assert (item["session_id"], item["status"], item["is_completed"]) == ("s", "running", False)
            assert item["query"] == "What is up?"
            assert 0 < item["created_at"] <= item["last_activity"]
            async with http.stream("GET", path) as later:
                (same,) = await snapshots(later.aiter_lines(), lambda found: True)
                assert same["session_id"] == "s", "at once, and while its client is away"
            model.finish()
            assert await snapshots(told, lambda found: found == []) == []
            answer = await http.post("/sage/api/chat", json=general(session_id="hers"), headers=ann)
            end_of(records(answer.text))
            (item,) = await snapshots(others, lambda found: found != [])
            assert item["session_id"] == "hers", "the first that she was told of"


# --- approvals


@pytest.mark.covers("sage.decide_sandbox_approval", "sage.audit_sandbox_approvals")
async def test_a_chat_waits_for_a_decision_and_says_so(serve: Any) -> None:
    async with serve([WRITES, ANSWERS, WRITES, ANSWERS]) as served:
        http = served.http

        async def decided(id: str, decision: str, session: str = "s", **more: str) -> str:
            body = {"session_id": session, "approval_id": id, "decision": decision, **more}
            answer = (await http.post("/sage/api/sandbox/approval", json=body)).json()
            resolved = answer["data"]["status"] == "resolved"
            assert answer["data"]["success"] is resolved
            assert (answer["message"] == "审批已提交") is resolved
            return str(answer["data"]["status"])

        for decision, status in (("approve", "success"), ("deny", "error")):
            async with open_stream(http, "chat", asked(session_id="s")) as lines:
                seen = [await anext(lines) for _ in range(3)]
                waits = seen[-1]
                assert (waits["type"], waits["role"]) == ("sandbox_approval_requested", "system")
                assert (waits["tool_name"], waits["category"]) == ("write_file", "write")
                id, hashed = waits["approval_id"], waits["command_hash"]
                assert "asked.md" in waits["command"] and len(hashed) == 64
                assert await decided(id, "perhaps") == "invalid_decision"
                assert await decided("nobody", decision) == "not_found"
                assert await decided(id, decision, "elsewhere") == "session_mismatch"
                assert await decided(id, decision, command_hash="x") == "command_mismatch"
                assert await decided(id, decision, command_hash=hashed) == "resolved"
                assert await decided(id, decision) == "already_resolved"
                rest = [line async for line in lines]
            assert rest[0]["type"] == "sandbox_approval_resolved"
            assert rest[0]["approval_id"] == id
            assert rest[1]["metadata"] == {"tool_execution_status": status}
            end_of(rest)
        audit = (await http.get("/sage/api/sandbox/approval/audit?session_id=s&limit=5")).json()["data"]
        assert [each["status"] for each in audit["records"]] == ["denied", "approved"]
        none = (await http.get("/sage/api/sandbox/approval/audit?session_id=nowhere")).json()["data"]
        assert none == {"success": True, "records": []}


async def test_nobody_decides_for_another(serve_users: Any) -> None:
    async with serve_users([WRITES, ANSWERS]) as served:
        ann = await served.user("ann")
        async with open_stream(served.http, "chat", asked(session_id="s")):
            approval = await served.bench.approval()
            body = {"session_id": "s", "approval_id": approval.id, "decision": "approve"}
            answer = await served.http.post("/sage/api/sandbox/approval", json=body, headers=ann)
            assert answer.json()["data"]["status"] == "not_found"
            assert (await served.bench.approval()).id == approval.id
            resume = await served.http.get("/sage/api/stream/resume/s?last_index=1", headers=ann)
            assert resume.text == ""


# --- silence


async def test_silence_is_broken_on_streams_that_are_resumed_and_only_there(serve: Any) -> None:
    async with serve([ANSWERS], app=quick) as served:
        model = Driven(served.bench.model)
        async with served.http.stream("POST", "/sage/api/web-stream", json=asked(session_id="s")) as answer:
            raw = answer.aiter_lines()
            assert await anext(raw) == ": heartbeat"
            assert await anext(raw) == ""
            model.finish()
            rest = [line async for line in raw if line and not line.startswith(":")]
        assert said([json.loads(line) for line in rest]) == "Hello there"


def quick(host: Any, stop: Any) -> Any:
    door = Door(host, stop, ping_s=0.05)
    return dialect_api(DIALECT, door, log=logging.getLogger("holdfast.tests")).app
