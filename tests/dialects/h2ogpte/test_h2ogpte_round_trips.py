"""What goes both ways between h2oGPTe's words and ours comes back as it was."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain import memory
from holdfast.core.domain.mcp import McpServer
from holdfast.core.domain.references import with_secrets
from holdfast.core.domain.values import utc_now
from holdfast.server.dialects.h2ogpte.mapping_agents import preference_of, preferring
from holdfast.server.dialects.h2ogpte.mapping_custom import custom_tool, servers_of
from holdfast.server.dialects.h2ogpte.mapping_files import doc_id, doc_of
from holdfast.server.dialects.h2ogpte.mapping_memory import block_of, block_values, may_edit, permissions_of
from holdfast.server.dialects.h2ogpte.wire_memory import MemoryBlockBody, MemoryBlockChanges

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
BODIES = st.builds(
    MemoryBlockBody,
    name=TEXT.map(lambda text: f"n{text}n"),
    content=TEXT,
    system_prompt_amendment=TEXT,
    injection_mode=st.sampled_from(["system_prompt", "user_instruction", "agent_file"]),
    access_mode=st.sampled_from(["read", "write", "read_write"]),
    max_content_length=st.integers(0, 1_000_000),
)


@given(BODIES)
def test_a_block_says_what_it_was_made_with(body: MemoryBlockBody) -> None:
    now = utc_now()
    block = memory.MemoryBlock(id="b", created_at=now, updated_at=now, **block_values(body))
    assert body.model_dump().items() <= block_of(block, "local").model_dump().items()


@given(st.sets(st.sampled_from(sorted(MemoryBlockBody.model_fields))), BODIES)
def test_what_is_left_out_of_a_change_changes_nothing(names: set[str], body: MemoryBlockBody) -> None:
    changes = MemoryBlockChanges(**{name: getattr(body, name) for name in names})
    assert len(block_values(changes)) == len(names)
    assert block_values(changes).items() <= block_values(body).items()


@given(st.booleans())
def test_permissions_come_back(can_edit: bool) -> None:
    assert may_edit(permissions_of(can_edit)) is can_edit


@given(TEXT, st.text(max_size=50), st.text(max_size=64))
def test_the_id_of_a_file_names_what_it_was_made_of(chat: str, path: str, digest: str) -> None:
    id = doc_id(chat, path, digest)
    assert doc_of(id) == (chat, path, digest)
    assert id.isascii() and id.replace("-", "").replace("_", "").isalnum()


@given(st.lists(TEXT, unique=True))
def test_a_preference_comes_back(names: list[str]) -> None:
    assert preference_of(preferring(names)) == tuple(names)


@given(st.booleans(), st.booleans(), st.dictionaries(TEXT, st.text(max_size=30), max_size=3))
def test_a_server_comes_back_without_what_may_be_secret(
    sse: bool, default: bool, headers: dict[str, str]
) -> None:
    config: dict[str, Any] = {
        "a": {"url": "http://h/x", "type": "sse" if sse else "http", "headers": headers}
    }
    args = {"mcp_config_json": json.dumps(config), "enable_by_default": default}
    (made,) = servers_of(args, None, ())
    shown = custom_tool(McpServer(spec=made.spec), "ann").tool_args
    masked = {"headers": dict.fromkeys(headers, "***")} if headers else {}
    plain = {name: config["a"][name] for name in ("url", "type")}
    assert json.loads(shown["mcp_config_json"]) == {"a": {**plain, **masked}}
    kept = {name: with_secrets(text, made.secrets) for name, text in made.spec.headers.items()}
    assert kept == headers
    assert shown["enable_by_default"] is default
