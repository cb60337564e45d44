"""Each dialect's manifest is its table, and what it calls full has a test that names it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from holdfast.server.dialects.every import DIALECTS, DialectPlace
from holdfast.server.kit.manifest import SOCKET, Manifest, OperationRow, read_manifest
from holdfast.server.kit.openapi import operation_path
from holdfast.server.kit.operations import Dialect

PROMISED = {
    "powabase": """
        GET /api/agents
        POST /api/agents
        GET /api/agents/{}
        PATCH /api/agents/{}
        DELETE /api/agents/{}
        POST /api/agents/{}/tools
        GET /api/agents/{}/tools
        PATCH /api/agents/{}/tools/{}
        DELETE /api/agents/{}/tools/{}
        POST /api/agents/{}/knowledge-bases
        GET /api/agents/{}/knowledge-bases
        DELETE /api/agents/{}/knowledge-bases/{}
        POST /api/agents/{}/mcp-servers
        GET /api/agents/{}/mcp-servers
        PUT /api/agents/{}/mcp-servers/{}
        DELETE /api/agents/{}/mcp-servers/{}
        POST /api/agents/{}/hooks
        GET /api/agents/{}/hooks
        DELETE /api/agents/{}/hooks/{}
        GET /api/agents/{}/sessions
        POST /api/agents/{}/run
        POST /api/agents/{}/run/stream
        GET /api/agents/runs/{}
        POST /api/agents/runs/{}/approve
    """,
    "h2ogpte": """
        GET /rpc/health/readiness
        GET /rpc/health/liveness
        GET /api/v1/models
        GET /openai_api/v1/models
        POST /openai_api/v1/chat/completions
        POST /api/v1/collections
        GET /api/v1/collections
        GET /api/v1/collections/{}
        DELETE /api/v1/collections/{}
        PUT /api/v1/uploads
        POST /api/v1/uploads/{}/ingest
        POST /api/v1/chats
        GET /api/v1/chats
        GET /api/v1/chats/{}
        DELETE /api/v1/chats/{}
        GET /api/v1/chats/{}/messages
        GET /api/v1/chats/{}/questions
        POST /api/v1/chats/{}/completions
        GET /api/v1/messages/{}/meta
        GET /api/v1/messages/{}/references
        POST /api/v1/messages/{}/pause
        POST /api/v1/messages/{}/resume
        POST /api/v1/messages/{}/stop
        POST /api/v1/messages/{}/finish
        GET /api/v1/chats/{}/agent_server_files
        DELETE /api/v1/chats/{}/agent_server_files
        GET /api/v1/chats/{}/agent_server_directories/stats
        GET /api/v1/chats/{}/agent_server_directories/{}/stats
        GET /api/v1/agents/directory_stats
        GET /api/v1/agents/tools
        GET /api/v1/agents/tool_preference
        GET /api/v1/agents/custom_tools/{}
        GET /api/v1/agents/custom_tools/{}/download
        GET /file
        POST /api/v1/memory_blocks
        GET /api/v1/memory_blocks
        GET /api/v1/memory_blocks/{}
        PUT /api/v1/memory_blocks/{}
        DELETE /api/v1/memory_blocks/{}
        PUT /api/v1/memory_blocks/{}/permissions/{}
        DELETE /api/v1/memory_blocks/{}/permissions/{}
        PUT /api/v1/memory_blocks/{}/privacy
        GET /api/v1/users/current/default_memory_blocks
        PUT /api/v1/users/current/default_memory_blocks
    """,
    "dexto": """
        POST /api/message
        POST /api/message-sync
        POST /api/reset
        POST /api/message-stream
        POST /api/sessions
        PATCH /api/sessions/{}
        GET /api/sessions/{}/history
        POST /api/sessions/{}/cancel
        GET /api/sessions/{}/load
        GET /api/llm/current
        GET /api/llm/catalog
        POST /api/llm/switch
        GET /api/llm/custom-models
        POST /api/llm/custom-models
        GET /api/llm/capabilities
        GET /api/llm/key/{}
        POST /api/llm/key
        POST /api/mcp/servers
        GET /api/mcp/servers/{}/tools
        POST /api/mcp/servers/{}/tools/{}/execute
        GET /api/mcp/servers/{}/resources
        GET /api/mcp/servers/{}/resources/{}/content
        POST /api/webhooks
        GET /api/webhooks
        POST /api/webhooks/{}/test
        GET /api/search/messages
        GET /api/search/sessions
        POST /api/memory
        GET /api/memory
        GET /api/memory/{}
        PUT /api/memory/{}
        GET /api/prompts
        POST /api/prompts/custom
        GET /api/prompts/{}
        GET /api/prompts/{}/resolve
        GET /api/resources
        GET /api/resources/{}/content
        POST /api/agent/config
        POST /api/agent/validate
        GET /api/agents
        POST /api/agents/install
        POST /api/agents/switch
        POST /api/agents/validate-name
        POST /api/agents/uninstall
        POST /api/agents/custom/create
        GET /api/queue/{}
        POST /api/queue/{}
        GET /api/openrouter/validate/{}
        GET /api/discovery
        GET /api/tools
        GET /api/models/local
        GET /api/models/ollama
        POST /api/models/local/validate
        DELETE /api/models/local/{}
        POST /v1/message:send
        GET /v1/tasks
        GET /v1/tasks/{}
        POST /v1/tasks/{}:cancel
        GET /api/approvals
        POST /api/approvals/{}
        GET /health
        GET /api/greeting
        GET /api/sessions
        GET /api/sessions/{}
        DELETE /api/sessions/{}
        POST /api/sessions/{}/generate-title
        DELETE /api/llm/custom-models/{}
        GET /api/mcp/servers
        DELETE /api/mcp/servers/{}
        POST /api/mcp/servers/{}/restart
        GET /api/webhooks/{}
        DELETE /api/webhooks/{}
        DELETE /api/prompts/custom/{}
        HEAD /api/resources/{}
        DELETE /api/memory/{}
        GET /api/agents/current
        GET /api/agent/path
        GET /api/agent/config
        GET /api/agent/config/export
        DELETE /api/queue/{}
        DELETE /api/queue/{}/{}
        POST /api/openrouter/refresh-cache
        GET /api/dexto-auth/status
        GET /.well-known/agent-card.json
        GET /jsonrpc
        POST /jsonrpc
        POST /v1/message:stream
    """,
    "genlabs": """
        POST /create_agent
        DELETE /delete_agent
        POST /get_agent_details
        PUT /update_agent
        POST /create_tool
        POST /get_tools
        DELETE /delete_tool/{}
        PUT /update_tool
        POST /get_tool_details
        POST /v1/{}
        POST /v2/{}
    """,
    "sage": """
        POST /api/auth/register/send-code
        POST /api/auth/register
        POST /api/auth/login
        GET /api/auth/session
        GET /api/auth/providers
        GET /api/auth/upstream/login/{}
        GET /api/auth/upstream/login
        GET /api/auth/upstream/callback/{}
        POST /api/auth/logout
        GET /api/user/options
        POST /api/user/change-password
        GET /api/user/list
        POST /api/user/add
        POST /api/user/delete
        GET /api/user/config
        POST /api/user/config
        GET /.well-known/oauth-authorization-server
        GET /api/oauth2/metadata
        GET /oauth2/metadata
        GET /api/oauth2/authorize
        GET /oauth2/authorize
        POST /api/oauth2/token
        POST /oauth2/token
        GET /api/oauth2/userinfo
        POST /api/oauth2/userinfo
        GET /oauth2/userinfo
        POST /oauth2/userinfo
        POST /api/chat
        POST /api/stream
        POST /api/web-stream
        GET /api/stream/resume/{}
        GET /api/stream/active_sessions
        GET /api/conversations
        GET /api/conversations/{}/messages
        GET /api/share/conversations/{}/messages
        POST /api/conversations/{}/title
        DELETE /api/conversations/{}
        POST /api/sessions/{}/interrupt
        POST /api/sessions/{}/tasks_status
        GET /api/agent/list
        GET /api/agent/template/default_system_prompt
        POST /api/agent/create
        GET /api/agent/{}
        PUT /api/agent/{}
        DELETE /api/agent/{}
        POST /api/agent/auto-generate
        POST /api/agent/system-prompt/optimize
        GET /api/agent/{}/auth
        POST /api/agent/{}/auth
        POST /api/agent/{}/file_workspace
        GET /api/agent/{}/file_workspace/download
        DELETE /api/agent/{}/file_workspace/delete
        POST /api/knowledge-base/add
        POST /api/knowledge-base/update
        GET /api/knowledge-base/info
        POST /api/knowledge-base/retrieve
        GET /api/knowledge-base/list
        DELETE /api/knowledge-base/delete/{}
        POST /api/knowledge-base/clear
        POST /api/knowledge-base/redo_all
        GET /api/knowledge-base/doc/list
        GET /api/knowledge-base/doc/info/{}
        POST /api/knowledge-base/doc/add_by_files
        DELETE /api/knowledge-base/doc/delete/{}
        PUT /api/knowledge-base/doc/redo/{}
        GET /api/knowledge-base/doc/task_process
        POST /api/knowledge-base/doc/task_redo
        GET /api/tools
        POST /api/tools/exec
        GET /api/skills
        GET /api/skills/agent-available
        POST /api/skills/upload
        POST /api/skills/import-url
        DELETE /api/skills
        GET /api/skills/content
        PUT /api/skills/content
        POST /api/mcp/add
        GET /api/mcp/list
        DELETE /api/mcp/{}
        POST /api/mcp/{}/refresh
        POST /api/llm-provider/verify
        POST /api/llm-provider/verify-multimodal
        GET /api/llm-provider/list
        POST /api/llm-provider/create
        PUT /api/llm-provider/update/{}
        DELETE /api/llm-provider/delete/{}
        GET /api/system/info
        POST /api/system/update_settings
        GET /api/health
        POST /api/oss/upload
        GET /api/system/version/check
        GET /api/system/version/latest
        POST /api/system/version/import_github
        POST /api/system/version
        GET /api/system/version
        DELETE /api/system/version/{}
        GET /api/observability/jaeger/login
        GET /api/observability/jaeger/auth
        GET /api/observability/jaeger
        GET /api/observability/jaeger/{}
        POST /api/observability/jaeger/{}
        PUT /api/observability/jaeger/{}
        PATCH /api/observability/jaeger/{}
        DELETE /api/observability/jaeger/{}
        POST /api/user/register/send-code
        POST /api/user/register
        POST /api/user/login
        GET /api/user/auth-providers
        GET /api/user/oauth/login/{}
        GET /api/user/oauth/login
        GET /api/user/oauth/callback/{}
        POST /api/user/logout
        GET /api/user/check_login
    """,
}
"""What each upstream's guide shows, and of Dexto what its clients ask beside it; all of it is there."""

EVERY = pytest.mark.parametrize("place", DIALECTS, ids=lambda place: place.name)
TESTS = Path(__file__).parent


@cache
def manifest(place: DialectPlace) -> Manifest:
    return read_manifest(place.package)


def table(dialect: Dialect) -> set[tuple[str, str, str]]:
    operations = {(one.id, one.method, operation_path(one)) for one in dialect.operations}
    return operations | {(one.id, SOCKET, one.path) for one in dialect.sockets}


def shown(row: OperationRow) -> tuple[str, str, str]:
    return row.id, row.method, row.path


@cache
def covered() -> frozenset[str]:
    """Returns the names that tests say they cover."""
    paths = [*TESTS.rglob("test_*.py"), *TESTS.parent.joinpath("clients").rglob("test_*.py")]
    return frozenset(name for path in paths for name in _covered_in(path))


def _covered_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "covers":
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


@EVERY
def test_every_operation_has_a_row(place: DialectPlace) -> None:
    assert table(place.load()) - {shown(row) for row in manifest(place).operations} == set()


@EVERY
def test_every_row_has_an_operation_but_for_what_is_not_supported(place: DialectPlace) -> None:
    rows = {shown(row) for row in manifest(place).operations if row.status != "unsupported"}
    assert rows - table(place.load()) == set()


@EVERY
def test_all_that_the_guide_shows_is_full(place: DialectPlace) -> None:
    full = {
        f"{row.method} {re.sub('{[^}]*}', '{}', row.path)}"
        for row in manifest(place).operations
        if row.status == "full"
    }
    promised = {line.strip() for line in PROMISED[place.name].split("\n") if line.strip()}
    assert promised - full == set()


@EVERY
def test_ids_and_requests_are_there_once(place: DialectPlace) -> None:
    rows = list(table(place.load()))
    dialect = place.load()
    assert len(rows) == len(dialect.operations) + len(dialect.sockets)
    assert len({id for id, _, _ in rows}) == len(rows)
    assert len({(method, path) for _, method, path in rows}) == len(rows)


@EVERY
def test_every_operation_that_is_full_has_a_test_that_names_it(place: DialectPlace) -> None:
    full = {f"{place.name}.{row.id}" for row in manifest(place).operations if row.status == "full"}
    assert full - covered() == set()


def test_tests_name_operations_that_there_are() -> None:
    known = {f"{place.name}.{row.id}" for place in DIALECTS for row in manifest(place).operations}
    assert covered() - known == set()
