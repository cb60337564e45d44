"""Every call of Sage's web pages, with what they read of the answer, and how they show what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.dialects.sage.web_front_end import (
    ANN,
    ARTIFACT,
    BOSS,
    DOCUMENT,
    SECRET,
    SKILL,
    Page,
    WebError,
    World,
    first_event,
    fits,
    provider,
)
from tests.fakes.listener import listening
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.small_mcp import small_server
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.core.domain.identity import Role

NOBODY = "0b8c7ee2-4a9f-4a5b-9a43-3b8b54d5a000"
TELLS = """
TOOLS = [{"name": "tell", "inputSchema": {"type": "object", "properties": {}}}]
def call(params):
    return "told"
"""


@pytest.fixture
def door() -> str:
    return "local"


@pytest.fixture
def models() -> Iterator[str]:
    """The address of a server of models."""
    with FakeOpenAI(default={"text": "OK"}) as server:
        yield server.url


def browser(url: str) -> httpx.AsyncClient:
    """Returns a client that keeps cookies; reading all authorities would take longer than most tests."""
    return httpx.AsyncClient(base_url=url, timeout=20, trust_env=False, verify=False)


@pytest.fixture
def open_world(
    open_bench: Any, index: MemoryIndex, models: str, tmp_path: Path, say: Any, validated: Any
) -> Callable[[], Any]:
    """Opens an engine behind its listener, with the pages of a user and of an administrator."""
    settings = {"accounts": {"registration": True}, "tools": {"allow_private_hosts": True}}

    @asynccontextmanager
    async def opened() -> AsyncIterator[World]:
        async with (
            open_bench([say("One, ", "two.")] * 3, knowledge=index, more_settings=settings) as bench,
            listening(bench.workbench, tmp_path) as listener,
            browser(listener.state.url) as ann,
            browser(listener.state.url) as boss,
        ):
            pages = [Page(validated(http)) for http in (ann, boss)]
            for page, name, role in zip(pages, (ANN, BOSS), (Role.USER, Role.ADMIN), strict=True):
                await bench.workbench.users.add(name, role, password=SECRET, email=f"{name}@example.org")
                await page.sign_in(name)
            yield World(bench, *pages, models)

    return opened


@dataclass(frozen=True, slots=True)
class Row:
    """A call of the pages: what is sent, and what is read of the data that comes back. Things in braces are
    there when it is sent."""

    method: str
    path: str
    reads: Any
    body: Any = None
    who: str = ANN
    form: dict[str, Any] = field(default_factory=dict)
    """What is sent as a form, with its files."""

    def __str__(self) -> str:
        return f"{self.method} {self.path.partition('?')[0]}"


OPTIONAL = (str, type(None))
NUMBER = (int, float)
USER = {"userid": str, "username": str, "nickname": str, "email": str, "role": str, "avatar_url": str}
AGENT = {
    "id": str,
    "user_id": OPTIONAL,
    "name": str,
    "systemPrefix": OPTIONAL,
    "systemContext": (dict, type(None)),
    "availableWorkflows": (dict, type(None)),
    "availableTools": (list, type(None)),
    "availableSubAgentIds": (list, type(None)),
    "availableSkills": (list, type(None)),
    "availableKnowledgeBases": (list, type(None)),
    "memoryType": OPTIONAL,
    "maxLoopCount": int,
    "deepThinking": bool,
    "llm_provider_id": OPTIONAL,
    "enableMultimodal": bool,
    "multiAgent": bool,
    "agentMode": str,
    "description": OPTIONAL,
    "is_default": bool,
}
TASK = {"task_id": str, "task_type": str, "status": str, "result": (dict, type(None)), "created_at": str}
CONVERSATION = {
    "session_id": str,
    "agent_id": str,
    "agent_name": str,
    "title": str,
    "message_count": int,
    "user_count": int,
    "agent_count": int,
    "created_at": str,
    "updated_at": str,
    "user_id": str,
}
MESSAGE = {
    "role": str,
    "content": str,
    "message_id": str,
    "type": str,
    "message_type": str,
    "timestamp": float,
    "session_id": str,
    "is_final": bool,
    "is_chunk": bool,
    "metadata": dict,
}
MESSAGES = {
    "conversation_id": str,
    "messages": [MESSAGE],
    "message_count": int,
    "next_stream_index": int,
    "conversation_info": {"session_id": str, "agent_id": str, "title": str, "created_at": str},
}
DONE = {"success": bool, "user_id": str}
KDB = {"kdbId": str, "name": str, "intro": str, "type": str, "createdAt": int, "updatedAt": int}
KDB_ROW = {
    "id": str,
    "name": str,
    "index_name": str,
    "intro": str,
    "createTime": str,
    "dataSource": str,
    "docNum": int,
    "cover": str,
    "defaultColor": bool,
    "type": None,
}
DOC_ROW = {"id": str, "doc_name": str, "status": int, "create_time": str, "metadata": dict, "task_id": str}
PROCESS = {"success": int, "fail": int, "inProgress": int, "waiting": int, "total": int, "taskProcess": float}
FOUND = {
    "doc_id": str,
    "doc_segment_id": str,
    "doc_content": str,
    "score": float,
    "start": int,
    "end": int,
    "title": str,
    "path": str,
    "metadata": dict,
    "full_content": str,
}
TOOL = {"name": str, "description": str, "parameters": dict, "required": list, "type": str, "source": str}
SKILL_ROW = {"name": str, "description": str, "user_id": str, "dimension": str, "owner_user_id": str}
SERVER = {
    "name": str,
    "protocol": str,
    "disabled": bool,
    "streamable_http_url": OPTIONAL,
    "sse_url": OPTIONAL,
    "api_key": OPTIONAL,
    "user_id": str,
}
PROVIDER = {
    "id": str,
    "name": str,
    "base_url": str,
    "api_keys": [str],
    "model": str,
    "max_tokens": (int, type(None)),
    "temperature": (*NUMBER, type(None)),
    "supports_multimodal": bool,
    "supports_structured_output": bool,
    "is_default": bool,
    "user_id": str,
    "created_at": str,
}
ARTIFACT_ROW = {
    "platform": str,
    "installer_url": OPTIONAL,
    "updater_url": OPTIONAL,
    "updater_signature": OPTIONAL,
}
VERSION = {"version": str, "release_notes": str, "pub_date": str, "artifacts": [ARTIFACT_ROW]}
UPDATE = {"url": str, "signature": str}
LOGIN_WAY = {"id": str, "type": str, "name": str, "button_text": str, "description": str, "icon": str}
FILE = {"name": str, "path": str, "size": int, "modified_time": float, "is_directory": bool}
LINE = {"type": str, "session_id": str, "timestamp": float}
CAPABILITY = {"supported": bool, "response": (str, type(None))}
PROBED = {"supports_multimodal": bool, "supports_structured_output": bool, "connection": CAPABILITY}
SETTINGS = {
    "allow_registration": bool,
    "auth_mode": str,
    "auth_providers": [LOGIN_WAY],
    "has_local_auth": bool,
    "has_oauth_auth": bool,
    "native_login_admin_only": bool,
}
USER_ROW = {
    "user_id": str,
    "username": str,
    "email": OPTIONAL,
    "phonenum": OPTIONAL,
    "role": str,
    "created_at": str,
}
USAGE = {"session_count": int, "input_tokens": int, "output_tokens": int, "total_tokens": int}
TALK: dict[str, Any] = {"messages": [{"role": "user", "content": "And?"}], "session_id": "s-1"}
DRAFT = {"agent_description": "Finds hotels", "available_tools": []}
KB, AGENTS, AUTH = "/api/knowledge-base", "/api/agent", "/api/auth"
LLM, VERSIONS, SPACE = "/api/llm-provider", "/api/system/version", "/api/agent/{agent}/file_workspace"

ROWS = (
    # who one is
    Row("GET", "/api/system/info", SETTINGS),
    Row("POST", f"{AUTH}/login", {"access_token": str, "refresh_token": str, "expires_in": int},
        {"username_or_email": "ANN@example.org", "password": SECRET}),
    Row("GET", f"{AUTH}/session", {"user": USER, "has_provider": bool, "has_agent": bool}),
    Row("GET", f"{AUTH}/providers", [LOGIN_WAY]),
    Row("POST", f"{AUTH}/register/send-code", {"expires_in": int, "retry_after": int},
        {"email": "new@example.org"}),
    Row("POST", f"{AUTH}/register", {"user_id": str},
        {"username": "new", "password": SECRET, "email": "new@example.org", "phonenum": "",
         "verification_code": "{code}"}),
    Row("POST", f"{AUTH}/logout", {}),
    Row("POST", "/api/user/change-password", {},
        {"old_password": SECRET, "new_password": "another horse battery"}),
    Row("GET", "/api/user/options", [{"label": str, "value": str}]),
    Row("GET", "/api/user/config", {"config": dict}),
    Row("POST", "/api/user/config", {"config": {"theme": str}}, {"config": {"theme": "dark"}}),
    # administrators
    Row("GET", "/api/user/list?page=1&page_size=20", {"items": [USER_ROW], "total": int}, who=BOSS),
    Row("POST", "/api/user/add", {"user_id": str},
        {"username": "eve", "password": SECRET, "email": "", "phonenum": "", "role": "user"}, BOSS),
    Row("POST", "/api/user/delete", {}, {"user_id": "{user}"}, BOSS),
    Row("POST", "/api/system/update_settings", {}, {"allow_registration": True}, BOSS),
    # agents
    Row("GET", f"{AGENTS}/list", [AGENT]),
    Row("GET", f"{AGENTS}/template/default_system_prompt?params=[object Object]", {"content": str}),
    Row("POST", f"{AGENTS}/create", {"agent_id": str},
        {"name": "Clerk", "maxLoopCount": 10, "agentMode": "fibre", "availableTools": ["file_read"]}),
    Row("GET", f"{AGENTS}/{{agent}}", AGENT),
    Row("PUT", f"{AGENTS}/{{agent}}", {"agent_id": str}, {"name": "Clerk", "maxLoopCount": 3}),
    Row("DELETE", f"{AGENTS}/{{agent}}", {"agent_id": str}),
    Row("GET", f"{AGENTS}/{{agent}}/auth", list),
    Row("POST", f"{AGENTS}/{{agent}}/auth", {}, {"user_ids": ["{user}"]}),
    Row("POST", f"{AGENTS}/auto-generate/submit", TASK, DRAFT),
    Row("POST", f"{AGENTS}/system-prompt/optimize/submit", TASK,
        {"original_prompt": "be clerk", "optimization_goal": "short"}),
    Row("GET", f"{AGENTS}/tasks/{{task}}", TASK),
    Row("POST", f"{AGENTS}/tasks/{{task}}/cancel", TASK),
    Row("POST", f"{AGENTS}/abilities", {"items": list}, {"agent_id": "{agent}", "language": "zh"}),
    # the files of agents
    Row("POST", f"{SPACE}?session_id={{session}}", {"agent_id": str, "files": list, "message": str}),
    Row("POST", f"{SPACE}/upload", {"filename": str, "path": str, "size": int},
        form={"files": {"file": ("n.txt", b"lamps", "text/plain")}}),
    Row("GET", f"{SPACE}/download?file_path={{file}}", bytes),
    Row("DELETE", f"{SPACE}/delete?file_path={{file}}", {}),
    # conversations
    Row("POST", "/api/web-stream", [LINE], {**TALK, "agent_id": "{agent}", "agent_mode": "simple"}),
    Row("GET", "/api/stream/resume/{session}?last_index=1", [LINE]),
    Row("GET", "/api/conversations?page=1&page_size=10&search=&agent_id={agent}&sort_by=date&like={session}",
        {"list": [CONVERSATION], "total": int, "page": int, "page_size": int, "total_pages": int,
         "has_next": bool, "has_prev": bool}),
    Row("GET", "/api/conversations/{session}/messages", MESSAGES),
    Row("GET", "/api/share/conversations/{shared}/messages", MESSAGES, who=BOSS),
    Row("POST", "/api/conversations/{session}/title", {"session_id": str, "title": str}, {"title": "Lamps"}),
    Row("DELETE", "/api/conversations/{session}", {"session_id": str}),
    Row("POST", "/api/sessions/{session}/interrupt", {"session_id": str, "user_id": str}, {}),
    Row("POST", "/api/sessions/{session}/tasks_status", {"session_id": str, "tasks_status": {"tasks": list}}),
    Row("GET", "/api/sessions/{session}/inject-user-message", {"session_id": str, "items": list}),
    Row("POST", "/api/conversations/{session}/edit-last-user-message",
        {"session_id": str, "title": str, "message_count": int, "last_user_message": dict},
        {"content": "Count again"}),
    Row("POST", "/api/conversations/{session}/rerun-stream", [LINE], {"agent_id": "{agent}"}),
    # knowledge bases
    Row("POST", f"{KB}/add", {"kdb_id": str, "user_id": str},
        {"name": "Docs", "type": "document", "intro": "i", "language": "zh"}),
    Row("POST", f"{KB}/update", DONE, {"kdb_id": "{kdb}", "name": "Papers", "intro": ""}),
    Row("GET", f"{KB}/info?kdb_id={{kdb}}", KDB),
    Row("GET", f"{KB}/list?query_name=Docs&type=&page=1&page_size=20&like={{kdb}}",
        {"list": [KDB_ROW], "total": int, "user_id": str}),
    Row("POST", f"{KB}/doc/add_by_files", {"taskId": str, "user_id": str},
        form={"data": {"kdb_id": "{kdb}", "override": "false"}, "files": [DOCUMENT]}),
    Row("GET", f"{KB}/doc/list?kdb_id={{kdb}}&query_status=2&task_id={{job}}&page_no=1&page_size=20",
        {"list": [DOC_ROW], "total": int}),
    Row("GET", f"{KB}/doc/info/{{doc}}",
        {"id": str, "type": str, "dataName": str, "status": int, "createTime": str, "taskId": str}),
    Row("GET", f"{KB}/doc/task_process?kdb_id={{kdb}}&task_id={{job}}", PROCESS),
    Row("POST", f"{KB}/retrieve", {"results": [FOUND], "user_id": str},
        {"kdb_id": "{kdb}", "query": "wick", "top_k": 5, "like": "{doc}"}),
    Row("PUT", f"{KB}/doc/redo/{{doc}}", DONE),
    Row("POST", f"{KB}/doc/task_redo", DONE, {"kdb_id": "{kdb}", "task_id": "{job}"}),
    Row("POST", f"{KB}/redo_all", DONE, {"kdb_id": "{kdb}"}),
    Row("POST", f"{KB}/clear", DONE, {"kdb_id": "{kdb}"}),
    Row("DELETE", f"{KB}/doc/delete/{{doc}}", DONE),
    Row("DELETE", f"{KB}/delete/{{kdb}}", DONE),
    # tools, skills
    Row("GET", "/api/tools", {"tools": [TOOL]}),
    Row("POST", "/api/tools/exec", {"raw_text": str, "tool_response": str, "parsed": {"success": bool}},
        {"tool_name": "{policy}", "tool_params": {}}),
    Row("POST", "/api/skills/upload", {"user_id": str},
        form={"files": {"file": SKILL}, "data": {"is_system": "false"}}),
    Row("GET", "/api/skills?dimension=user&like={skill}", {"skills": [SKILL_ROW]}),
    Row("GET", "/api/skills/agent-available?agent_id={agent}&like={skill}",
        {"skills": [{"name": str, "description": str, "source_dimension": str, "need_update": bool}]}),
    Row("GET", "/api/skills/content?name={skill}", {"content": str}),
    Row("PUT", "/api/skills/content", {},
        {"name": "{skill}", "content": "---\nname: minutes\ndescription: New.\n---\nSay it.\n"}),
    Row("DELETE", "/api/skills?name={skill}", {}),
    # providers
    Row("POST", f"{LLM}/verify", None, provider("{models}")),
    Row("POST", f"{LLM}/verify-multimodal", {"supports_multimodal": bool}, provider("{models}")),
    Row("POST", f"{LLM}/verify-capabilities", PROBED, provider("{models}")),
    Row("POST", f"{LLM}/create", {**PROVIDER, "provider_id": str}, provider("{models}", max_tokens=100)),
    Row("GET", f"{LLM}/list?like={{provider}}", [PROVIDER]),
    Row("PUT", f"{LLM}/update/{{provider}}", PROVIDER, {"name": "Other"}),
    Row("DELETE", f"{LLM}/delete/{{provider}}", None),
    # versions, files, usage
    Row("POST", VERSIONS, VERSION, {"version": "2.0", "release_notes": "n", "artifacts": [ARTIFACT]}, BOSS),
    Row("GET", f"{VERSIONS}?like={{version}}", [VERSION]),
    Row("GET", f"{VERSIONS}/latest?like={{version}}", VERSION),
    Row("GET", f"{VERSIONS}/check?like={{version}}",
        {"version": str, "notes": str, "pub_date": str, "platforms": {"linux-x86_64": UPDATE}}),
    Row("DELETE", f"{VERSIONS}/{{version}}", {"success": bool}, who=BOSS),
    Row("POST", "/api/oss/upload", {"url": str}, form={"files": {"file": ("e x.png", b"x", "image/png")}}),
    Row("POST", "/api/system/agent/usage-stats", {"usage": dict}, {"days": 7, "agent_id": "{agent}"}),
    Row("POST", "/api/token-usage/stats", {"summary": USAGE, "items": list},
        {"dimension": "session", "session_id": "{session}"}),
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_the_pages_find_what_they_read(open_world: Any, row: Row) -> None:
    async with open_world() as world:
        path, body, form = [await world.filled(each) for each in (row.path, row.body, row.form)]
        fits(await world.pages[row.who].ask(row.method, path, body, **form), row.reads)


@pytest.mark.parametrize("way", ["auto-generate", "system-prompt/optimize"])
async def test_the_pages_come_back_until_a_draft_is_done(open_world: Any, way: str) -> None:
    async with open_world() as world:
        page = world.pages[ANN]
        body = {**DRAFT, "original_prompt": "be clerk"}
        id = (await page.ask("POST", f"{AGENTS}/{way}/submit", body))["task_id"]
        async with asyncio.timeout(10):
            while (task := await page.ask("GET", f"{AGENTS}/tasks/{id}"))["status"] in ("pending", "running"):
                pass
        # The model has said nothing that could be used.
        assert task["status"] == "failed"
        fits(task["error"], {"message": str, "code": int})


async def test_the_pages_hear_of_what_runs(open_world: Any) -> None:
    async with open_world() as world:
        await world.id("session")
        assert await first_event(world.pages[ANN].http, "/api/stream/active_sessions") == []


async def test_an_mcp_server_goes_through_its_page(open_world: Any, tmp_path: Path) -> None:
    async with open_world() as world:
        page = world.pages[BOSS]
        command, *args = small_server(tmp_path / "server.py", TELLS)
        sent = {"name": "small", "protocol": "stdio", "command": command, "args": args}
        fits(await page.ask("POST", "/api/mcp/add", sent), {"server_name": str, "status": str})
        fits(await page.ask("GET", "/api/mcp/list"), {"servers": [SERVER]})
        assert (await page.ask("POST", "/api/mcp/small/refresh"))["status"] == "refreshed"
        assert (await page.ask("PUT", "/api/mcp/small/toggle"))["disabled"] is True
        assert await page.ask("DELETE", "/api/mcp/small") == {"server_name": "small"}
        shown = await shown_of(page, "POST", "/api/mcp/small/refresh")
        assert shown == (400, "请求失败 (400)"), "the text is in the answer, and pages do not show it"


async def shown_of(page: Page, method: str, path: str, body: Any = None, **more: Any) -> tuple[Any, str]:
    """Returns the code and the text of what a page shows of a request that goes wrong."""
    with pytest.raises(WebError) as caught:
        await page.ask(method, path, body, **more)
    return caught.value.code, caught.value.message


WRONG: tuple[tuple[Row, int, str], ...] = (
    # The status says it all.
    (Row("GET", f"{AUTH}/session", None, who=""), 401, "UNAUTHORIZED"),
    (Row("POST", "/api/web-stream", None, TALK, who=""), 401, "UNAUTHORIZED"),
    (Row("GET", "/api/no-such-path", None, who=""), 401, "UNAUTHORIZED"),
    (Row("GET", "/api/no-such-path", None), 404, "404"),
    (Row("GET", f"/api/conversations/{NOBODY}/messages", None), 404, "404"),
    (Row("GET", "/api/share/conversations/{session}/messages", None, who=BOSS), 404, "404"),
    (Row("GET", "/api/observability/jaeger/login", None), 403, "权限不足"),
    (Row("POST", f"{AUTH}/register/send-code", None, {"email": ""}), 400, "请求失败 (400)"),
    (Row("POST", "/api/skills/upload", None, form={"files": {"file": ("a.txt", b"x", "text/plain")}}),
        400, "请求失败 (400)"),
    (Row("GET", f"{VERSIONS}/check", None), 404, "404"),
    # The text is shown, so the status is 500.
    (Row("POST", f"{AUTH}/login", None, {"username_or_email": ANN, "password": "wrong"}, ""),
        500, "用户名或密码错误"),
    (Row("POST", f"{AUTH}/register/send-code", None, {"email": "ann@example.org"}), 500, "邮箱已存在"),
    (Row("POST", f"{AUTH}/register/send-code", None, {"email": "nowhere"}), 500, "邮箱格式不正确"),
    (Row("POST", f"{AUTH}/register", None,
        {"username": "new", "password": SECRET, "email": "new@example.org", "verification_code": "123456"}),
        500, "验证码错误"),
    (Row("POST", "/api/user/change-password", None, {"old_password": "wrong", "new_password": SECRET}),
        500, "旧密码错误"),
    (Row("POST", "/api/user/delete", None, {"user_id": NOBODY}, BOSS), 500, "用户不存在"),
    (Row("POST", "/api/user/add", None, {"username": ANN, "password": SECRET}, BOSS), 500, "用户名已存在"),
    (Row("GET", f"{AGENTS}/{NOBODY}", None), 500, f"Agent '{NOBODY}' 不存在"),
    (Row("POST", f"{AGENTS}/create", None, {"name": "", "maxLoopCount": 3}), 500, "Agent 名称不能为空"),
    (Row("POST", "/api/web-stream", None, {**TALK, "messages": []}), 500, "消息列表不能为空"),
    (Row("POST", "/api/chat", None, {**TALK, "agent_id": NOBODY}), 500, "Agent 不存在"),
    (Row("POST", f"/api/conversations/{NOBODY}/title", None, {"title": "x"}), 500, f"会话 {NOBODY} 不存在"),
    (Row("DELETE", f"/api/conversations/{NOBODY}", None), 500, f"会话 {NOBODY} 不存在"),
    (Row("GET", f"{KB}/info?kdb_id={NOBODY}", None), 500, "知识库不存在"),
    (Row("DELETE", f"{KB}/doc/delete/{NOBODY}", None), 500, "知识库文档不存在"),
    (Row("GET", f"{SPACE}/download?file_path=none.txt", None), 500, "文件不存在: none.txt"),
    (Row("POST", "/api/tools/exec", None, {"tool_name": "no_such", "tool_params": {}}), 500, "工具不存在"),
    # So is that of another code inside.
    (Row("GET", "/api/user/list", None), 403, "权限不足"),
    (Row("POST", "/api/user/add", None, {"username": "eve", "password": SECRET}), 403, "权限不足"),
    (Row("POST", "/api/system/update_settings", None, {"allow_registration": True}), 403, "权限不足"),
    (Row("PUT", f"{LLM}/update/{NOBODY}", None, {"name": "x"}), 500, "Provider not found"),
    (Row("DELETE", f"{LLM}/delete/{NOBODY}", None), 500, "Provider not found"),
    (Row("DELETE", f"{VERSIONS}/none", None, who=BOSS), 404, "未找到版本"),
    (Row("POST", VERSIONS, None,
        {"version": "{version}", "release_notes": "", "artifacts": [ARTIFACT]}, BOSS),
        400, "版本已存在"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("row", "code", "text"), WRONG, ids=[f"{row} {code} {at}" for at, (row, code, _) in enumerate(WRONG)]
)
async def test_the_pages_show_what_went_wrong(open_world: Any, row: Row, code: int, text: str) -> None:
    async with open_world() as world, browser(str(world.pages[ANN].http.base_url)) as http:
        path, body = await world.filled(row.path), await world.filled(row.body)
        page = world.pages[row.who] if row.who else Page(http)
        assert await shown_of(page, row.method, path, body, **row.form) == (code, text)


async def test_mistakes_in_a_request_are_told_field_by_field(open_world: Any) -> None:
    async with open_world() as world:
        code, text = await shown_of(world.pages[ANN], "POST", f"{AUTH}/login", {"username_or_email": ANN})
        assert code == 422
        assert "password" in text and "Field required" in text
        code, text = await shown_of(world.pages[ANN], "GET", "/api/conversations?page_size=101")
        assert code == 422
        assert "page_size" in text
