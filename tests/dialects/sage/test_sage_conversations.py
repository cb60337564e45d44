"""Conversations of Sage's API: listed, read, shared, steered, and said anew."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import zipfile
from typing import Any

import httpx
import pytest
from tests.dialects.sage.stream_talk import (
    Driven,
    asked,
    end_of,
    merged,
    open_stream,
    records,
    said,
    streamed,
)
from tests.dialects.sage.test_sage_streams import ANSWERS, PNG, THINKS

from holdfast.core.domain.errors import ModelRequestRefused

PLAN = {
    "items": [{"text": "Trim the wick", "status": "completed"}, {"text": "Light it", "status": "in_progress"}]
}


async def data_of(asked: Any, code: int = 200) -> Any:
    """Returns what the envelope of an answer holds; of an error its text."""
    answer = await asked
    told = answer.json()
    assert (answer.status_code, told["code"], told["success"]) == (code, code, code == 200), answer.text
    return told["data"] if code == 200 else told["message"]


async def messages(http: httpx.AsyncClient, session: str, **more: Any) -> list[dict[str, Any]]:
    found = await data_of(http.get(f"/sage/api/conversations/{session}/messages", **more))
    assert found["message_count"] == len(found["messages"])
    return list(found["messages"])


def short(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["type"], each["content"]) for each in told]


@pytest.mark.covers("sage.list_conversations")
async def test_conversations_are_listed_by_page_and_found(serve: Any, say: Any) -> None:
    async with serve([say("one"), say("two"), say("three")]) as served:
        http = served.http
        await streamed(http, "chat", asked("Beta lamps", session_id="sess_b"))
        await streamed(http, "chat", asked("again", session_id="sess_b"))
        await streamed(http, "chat", asked("alpha wicks", session_id="sess_a"))

        async def listed(query: str = "") -> Any:
            return await data_of(http.get(f"/sage/api/conversations{query}"))

        found = await listed("?page_size=1")
        (line,) = found["list"]
        assert (line["session_id"], line["title"], line["user_id"]) == ("sess_a", "alpha wicks", "local")
        assert (line["message_count"], line["user_count"], line["agent_count"]) == (2, 1, 1)
        agent = await served.bench.workbench.agents.get("tester")
        assert line["agent_id"] == agent.id and len(line["trace_id"]) == 32
        pages = {name: found[name] for name in ("total", "page", "page_size", "total_pages", "has_next")}
        assert pages == {"total": 2, "page": 1, "page_size": 1, "total_pages": 2, "has_next": True}
        second = await listed("?page_size=1&page=2")
        assert ([each["session_id"] for each in second["list"]], second["has_next"], second["has_prev"]) == (
            ["sess_b"],
            False,
            True,
        )
        for query, ids in (
            ("?sort_by=title", ["sess_a", "sess_b"]),
            ("?sort_by=messages", ["sess_b", "sess_a"]),
            ("?search=LAMPS", ["sess_b"]),
            ("?search=sess_a", ["sess_a"]),
            (f"?agent_id={agent.id}", ["sess_a", "sess_b"]),
            ("?agent_id=unknown", []),
            ("?user_id=local", ["sess_a", "sess_b"]),
            ("?user_id=somebody", []),
        ):
            assert [each["session_id"] for each in (await listed(query))["list"]] == ids
        for query in ("?page=0", "?page_size=101", "?page_size=0"):
            assert (await http.get(f"/sage/api/conversations{query}")).status_code == 422


@pytest.mark.covers("sage.conversation_messages")
async def test_a_conversation_is_what_its_stream_has_told(serve: Any) -> None:
    async with serve([THINKS, ANSWERS]) as served:
        lines = await streamed(served.http, "chat", asked("Look", session_id="sess_t"))
        told = await messages(served.http, "sess_t")
        assert [(each["role"], each["type"], each["message_type"]) for each in told] == [
            ("user", "user_input", "user_input"),
            ("assistant", "tool_call", "tool_call"),
            ("tool", "tool_call_result", "tool_call_result"),
            ("assistant", "do_subtask_result", "do_subtask_result"),
        ]
        streamed_as = merged(lines)
        for each in told[1:]:
            line = streamed_as[each["message_id"]]
            assert (each["content"], each["agent_name"]) == (line["content"], line["agent_name"])
            assert each.get("reasoning_content", "") == line["reasoning_content"]
        assert [each["function"] for each in told[1]["tool_calls"]] == [
            each["function"] for each in streamed_as[told[1]["message_id"]]["calls"]
        ]
        assert told[2]["tool_call_id"] == told[1]["tool_calls"][0]["id"]
        assert told[2]["metadata"] == {"tool_execution_status": "success"}
        for each in told:
            assert (each["session_id"], each["is_final"], each["is_chunk"]) == ("sess_t", False, False)
        info = await data_of(served.http.get("/sage/api/conversations/sess_t/messages"))
        assert (info["next_stream_index"], info["conversation_info"]["title"]) == (0, "Look")
        missing = served.http.get("/sage/api/conversations/none/messages")
        assert await data_of(missing, 404) == "会话 none 不存在"


async def test_who_opens_a_conversation_that_goes_on_misses_nothing(serve: Any) -> None:
    async with serve([ANSWERS]) as served:
        model = Driven(served.bench.model)
        model.let(1)
        async with open_stream(served.http, "web-stream", asked(session_id="s")) as lines:
            assert (await anext(lines))["content"] == "Hello "
        found = await data_of(served.http.get("/sage/api/conversations/s/messages"))
        assert short(found["messages"]) == [("user_input", "Hello"), ("do_subtask_result", "Hello ")]
        assert found["next_stream_index"] == 1
        model.finish()
        answer = await served.http.get("/sage/api/stream/resume/s", params={"last_index": 1})
        rest = records(answer.text)
        assert said(rest) == "there" and rest[0]["message_id"] == found["messages"][1]["message_id"]


async def test_images_failed_tools_and_failed_runs_are_in_a_conversation(serve: Any, call: Any) -> None:
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    bad = call(("read_file", json.dumps({"path": "no.md"})))
    async with serve([bad, ModelRequestRefused("The model is away.")]) as served:
        await streamed(served.http, "chat", asked(parts, session_id="s"))
        told = await messages(served.http, "s")
        assert told[0]["content"] == parts
        assert json.loads(told[2]["content"])["success"] is False
        assert told[2]["metadata"] == {"tool_execution_status": "error"}
        assert told[3]["type"] == "final_answer" and "工作流执行失败" in told[3]["content"]


@pytest.mark.covers("sage.shared_conversation_messages")
async def test_only_shared_conversations_are_open_to_everybody(serve_users: Any, say: Any) -> None:
    async with serve_users([say("It burns.")]) as served:
        http, ann, bob = served.http, await served.user("ann"), await served.user("bob")
        body = {"messages": asked("Burn")["messages"], "session_id": "sess_lamp"}
        answer = await http.post("/sage/api/web-stream", json=body, headers=ann)
        end_of(records(answer.text))
        (session,) = (await data_of(http.get("/sage/api/conversations", headers=ann)))["list"]
        assert session["session_id"] == "sess_lamp"
        path = "/sage/api/share/conversations/sess_lamp/messages"
        for headers in ({}, ann, bob):
            assert await data_of(http.get(path, headers=headers), 404) == "会话 sess_lamp 不存在"
        keyed = {"authorization": ann["Authorization"]}
        listed = (await http.get("/holdfast/v1/sessions", headers=keyed)).json()
        (id,) = [each["id"] for each in listed["items"]]
        assert id != "sess_lamp"
        shared = await http.put(f"/holdfast/v1/sessions/{id}/shared", json={"shared": True}, headers=keyed)
        assert shared.status_code == 200, shared.text
        for headers in ({}, bob):
            found = await data_of(http.get(path, headers=headers))
            assert short(found["messages"]) == [("user_input", "Burn"), ("do_subtask_result", "It burns.")]
            told = json.dumps(found)
            assert "ann" not in told and id not in told and "workspace" not in told
        private = http.get("/sage/api/conversations/sess_lamp/messages", headers=bob)
        assert await data_of(private, 404) == "会话 sess_lamp 不存在"
        assert (await http.get(f"/holdfast/v1/shared/{id}")).json()["title"] == "Burn"


@pytest.mark.covers("sage.set_conversation_title", "sage.delete_conversation")
async def test_a_conversation_gets_a_title_and_goes(serve: Any, say: Any) -> None:
    async with serve([say("one"), say("two")]) as served:
        http = served.http
        await streamed(http, "chat", asked("Hello", session_id="sess_1"))
        path = "/sage/api/conversations/sess_1"
        assert await data_of(http.post(f"{path}/title", json={"title": " "}), 500) == "标题不能为空"
        answer = await http.post(f"{path}/title", json={"title": "灯"})
        assert (answer.json()["data"], answer.json()["message"]) == (
            {"session_id": "sess_1", "title": "灯"},
            "会话 sess_1 标题已更新",
        )
        assert await data_of(http.delete(path)) == {"session_id": "sess_1"}
        assert (await data_of(http.get("/sage/api/conversations")))["total"] == 0
        for gone in (http.delete(path), http.post(f"{path}/title", json={"title": "x"})):
            assert await data_of(gone, 500) == "会话 sess_1 不存在"
        await data_of(http.get(f"{path}/messages"), 404)
        await streamed(http, "chat", asked("Hello", session_id="sess_1"))
        assert len(await messages(http, "sess_1")) == 2


@pytest.mark.covers("sage.interrupt_session")
async def test_a_session_is_interrupted_and_what_waits_does_not_start(serve: Any) -> None:
    async with serve([ANSWERS, ANSWERS]) as served:
        http, path = served.http, "/sage/api/sessions/s/interrupt"
        model = Driven(served.bench.model)
        model.let(1)
        async with open_stream(http, "chat", asked(session_id="s")) as lines:
            await anext(lines)
            await data_of(http.post("/sage/api/sessions/s/inject-user-message", json={"content": "more"}))
            answer = await http.post(path, json={"message": "stop"})
            assert (answer.json()["data"], answer.json()["message"]) == (
                {"session_id": "s", "user_id": "local"},
                "会话 s 已中断",
            )
            assert [line["type"] async for line in lines] == ["token_usage", "stream_end"]
        model.finish()
        assert len((await served.bench.workbench.runs.list("s")).items) == 1
        assert (await http.post(path)).status_code == 200
        assert (await http.post("/sage/api/sessions/unknown/interrupt")).status_code == 200


@pytest.mark.covers("sage.download_session")
async def test_a_conversation_is_downloaded_as_a_zip_by_who_owns_it(serve_users: Any, say: Any) -> None:
    async with serve_users([say("It burns.")]) as served:
        await streamed(served.http, "chat", asked("Burn", session_id="s"))
        answer = await served.http.get("/sage/api/sessions/s/download")
        assert answer.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert sorted(archive.namelist()) == ["session.json", "session.md"]
            assert b"It burns." in archive.read("session.md")
        stranger = served.http.get("/sage/api/sessions/s/download", headers=await served.user("ann"))
        assert await data_of(stranger, 500) == "会话 s 不存在"


@pytest.mark.covers("sage.tasks_status")
async def test_the_plan_of_an_agent_is_told_as_tasks(serve: Any, say: Any, call: Any) -> None:
    async with serve([call(("update_plan", json.dumps(PLAN))), say("Done.")]) as served:
        await streamed(served.http, "chat", asked("Burn", session_id="s"))
        found = await data_of(served.http.post("/sage/api/sessions/s/tasks_status"))
        assert [
            (each["task_id"], each["title"], each["status"]) for each in found["tasks_status"]["tasks"]
        ] == [
            ("1", "Trim the wick", "completed"),
            ("2", "Light it", "in_progress"),
        ]
        unknown = served.http.post("/sage/api/sessions/none/tasks_status")
        assert await data_of(unknown, 500) == "会话 none 已完成或者不存在"


@pytest.mark.covers(
    "sage.inject_user_message",
    "sage.list_injected_messages",
    "sage.change_injected_message",
    "sage.delete_injected_message",
)
async def test_an_agent_is_steered_while_it_works(serve: Any) -> None:
    async with serve([THINKS, ANSWERS]) as served:
        http, path = served.http, "/sage/api/sessions/s/inject-user-message"
        model = Driven(served.bench.model)
        model.let(1)
        async with open_stream(http, "chat", asked(session_id="s")) as lines:
            await anext(lines)
            given = {"content": "Use brass", "guidance_id": "guide_1", "metadata": {"by": "web"}}
            said_so = await data_of(http.post(path, json=given))
            assert (said_so["guidance_id"], said_so["accepted"]) == ("guide_1", True)
            assert await data_of(http.post(path, json=given), 500) == "guidance_id=guide_1 已存在"
            other = (await data_of(http.post(path, json={"content": "and oil"})))["guidance_id"]
            changed = await data_of(http.patch(f"{path}/guide_1", json={"content": "Use copper"}))
            assert changed["updated"] is True
            assert (await data_of(http.delete(f"{path}/{other}")))["deleted"] is True
            (waiting,) = (await data_of(http.get(path)))["items"]
            assert (waiting["guidance_id"], waiting["content"]) == ("guide_1", "Use copper")
            for gone in (
                http.patch(f"{path}/{other}", json={"content": "x"}),
                http.delete(f"{path}/{other}"),
            ):
                assert await data_of(gone, 500) == f"未找到 guidance_id={other}"
            model.finish()
            rest = [line async for line in lines]
        (guide,) = [line for line in rest if line["type"] == "guide"]
        assert (guide["content"], guide["metadata"]["guidance_id"]) == ("Use copper", "guide_1")
        assert [each["metadata"] for each in await messages(http, "s") if each["type"] == "guide"] == [
            {"guidance_id": "guide_1"}
        ]
        assert (await data_of(http.get(path)))["items"] == []
        idle = http.post(path, json={"content": "too late"})
        assert await data_of(idle, 500) == "会话不存在或已结束，无法注入引导消息"


async def test_what_is_said_twice_meanwhile_is_told_by_both_ids(serve: Any) -> None:
    async with serve([THINKS, ANSWERS]) as served:
        http, path = served.http, "/sage/api/sessions/s/inject-user-message"
        model = Driven(served.bench.model)
        model.let(1)
        async with open_stream(http, "chat", asked(session_id="s")) as lines:
            await anext(lines)
            for id in ("g1", "g2"):
                await data_of(http.post(path, json={"content": f"Say {id}", "guidance_id": id}))
            model.finish()
            rest = [line async for line in lines]
        (guide,) = [line for line in rest if line["type"] == "guide"]
        assert guide["metadata"] == {"guidance_id": "g1", "guidance_ids": ["g1", "g2"]}
        (kept,) = [each for each in await messages(http, "s") if each["type"] == "guide"]
        assert (kept["metadata"], kept["message_id"]) == (guide["metadata"], guide["message_id"])


@pytest.mark.covers("sage.edit_last_user_message", "sage.rerun_stream")
async def test_the_last_message_is_said_and_answered_anew(serve: Any, say: Any) -> None:
    async with serve([say("one"), say("two"), say("three"), say("four")]) as served:
        http, path = served.http, "/sage/api/conversations/s"
        await streamed(http, "chat", asked("a", session_id="s"))
        await streamed(http, "chat", asked("b", session_id="s"))
        edit = await data_of(http.post(f"{path}/edit-last-user-message", json={"content": "B!"}))
        assert (edit["message_count"], edit["last_user_message"]["content"]) == (3, "B!")
        edit = await data_of(http.post(f"{path}/edit-last-user-message", json={"content": "B?"}))
        expected = [("user_input", "a"), ("do_subtask_result", "one"), ("user_input", "B?")]
        assert short(await messages(http, "s")) == expected
        lines = await streamed(http, "conversations/s/rerun-stream", {"max_loop_count": 5})
        assert said(lines) == "three" and end_of(lines)
        seen = served.bench.model.requests[-1].messages
        assert [each.text for each in seen if each.role != "system"] == ["a", "one", "B?"]
        assert short(await messages(http, "s")) == [*expected, ("do_subtask_result", "three")]
        body = {"guidance_content": "in brass", "guidance_id": "g"}
        assert said(await streamed(http, "conversations/s/rerun-stream", body)) == "four"
        told = short(await messages(http, "s"))
        assert told[:2] == expected[:2] and told[3] == ("do_subtask_result", "four")
        assert "B?" in told[2][1] and "in brass" in told[2][1]


async def test_what_cannot_be_said_anew_is_refused_and_nothing_is_lost(serve: Any, say: Any) -> None:
    async with serve([say("one"), ANSWERS]) as served:
        http, path = served.http, "/sage/api/conversations/s"
        for asking in (
            http.post(f"{path}/edit-last-user-message", json={"content": "x"}),
            http.post(f"{path}/rerun-stream"),
        ):
            assert await data_of(asking, 500) == "会话 s 不存在"
        await streamed(http, "chat", asked("a", session_id="s"))
        empty = http.post(f"{path}/edit-last-user-message", json={"content": " "})
        assert await data_of(empty, 500) == "消息内容不能为空"
        assert len(await messages(http, "s")) == 2
        unheard = {"guidance_content": [{"type": "input_audio", "input_audio": {}}]}
        refused = http.post(f"{path}/rerun-stream", json=unheard)
        assert await data_of(refused, 500) == "不支持的消息内容类型: input_audio"
        assert short(await messages(http, "s")) == [("user_input", "a")]
        await served.bench.workbench.sessions.create("tester", id="fresh")
        fresh = http.post("/sage/api/conversations/fresh/rerun-stream")
        assert await data_of(fresh, 500) == "会话 fresh 没有可编辑的用户消息"
        model = Driven(served.bench.model)
        model.let(1)
        async with open_stream(http, "chat", asked("b", session_id="s")) as lines:
            await anext(lines)
            for asking in (
                http.post(f"{path}/edit-last-user-message", json={"content": "x"}),
                http.post(f"{path}/rerun-stream"),
            ):
                assert "会话正在运行中" in await data_of(asking, 500)
            model.finish()
            assert end_of([line async for line in lines])


async def test_nobody_touches_anothers_conversation(serve_users: Any, say: Any) -> None:
    async with serve_users([say("one")]) as served:
        http, ann = served.http, await served.user("ann")
        await streamed(http, "chat", asked("Hello", session_id="sess_mine"))
        assert (await data_of(http.get("/sage/api/conversations", headers=ann)))["total"] == 0
        conversation, session = "/sage/api/conversations/sess_mine", "/sage/api/sessions/sess_mine"
        content = {"content": "x"}
        for method, path, body, code in (
            ("GET", f"{conversation}/messages", None, 404),
            ("POST", f"{conversation}/title", {"title": "x"}, 500),
            ("DELETE", conversation, None, 500),
            ("POST", f"{conversation}/edit-last-user-message", content, 500),
            ("POST", f"{conversation}/rerun-stream", {}, 500),
            ("POST", f"{session}/tasks_status", None, 500),
            ("POST", f"{session}/inject-user-message", content, 500),
            ("PATCH", f"{session}/inject-user-message/g", content, 500),
            ("DELETE", f"{session}/inject-user-message/g", None, 500),
        ):
            unknown = path.replace("sess_mine", "sess_none")
            answers = [await http.request(method, each, json=body, headers=ann) for each in (path, unknown)]
            assert [each.status_code for each in answers] == [code, code]
            mine, none = (each.json()["message"].replace("sess_none", "sess_mine") for each in answers)
            assert mine == none
        await asyncio.gather(http.post(f"{session}/interrupt", headers=ann))
        assert len(await messages(http, "sess_mine")) == 2
