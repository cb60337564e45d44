"""Run by `test_h2ogpte_client.py` in the environment of the server for MCP: `use_h2ogpte_mcp.py URL KEY FILE
MODEL`. The server is a program of its own, which asks ours; FILE is uploaded, MODEL answers."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

_, url, key, file, model = sys.argv
SERVER = StdioServerParameters(
    command=str(Path(sys.executable).with_name("h2ogpte-mcp-server")),
    env={"H2OGPTE_SERVER_URL": url, "H2OGPTE_API_KEY": key, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
)
said: dict[str, Any] = {}


async def call(session: ClientSession, tool: str, **arguments: Any) -> Any:
    """Returns what a tool gives; the server has checked it against our document."""
    result = await session.call_tool(tool, arguments)
    assert not result.isError, (tool, result.content)
    found = result.structuredContent or {"result": "".join(part.text for part in result.content)}
    if set(found) != {"result"}:
        return found
    given = found["result"]
    return json.loads(given) if isinstance(given, str) and given else given


async def main() -> None:
    async with stdio_client(SERVER) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        said["tools"] = sorted(tool.name for tool in (await session.list_tools()).tools)
        made = await call(session, "create_collection", name="Mill", description="What flies above it")
        upload = await call(session, "upload_file", file=file)
        ingest = {"upload_ids": upload["id"], "collection_id": made["id"]}
        await call(session, "ingest_upload", **ingest)
        listed = await call(session, "list_documents_for_collection", collection_id=made["id"])
        said["documents"] = [one["name"] for one in listed]
        said["collections"] = [one["name"] for one in await call(session, "list_collections")]
        said["models"] = [one["id"] for one in await call(session, "list_models")]
        chat = await call(session, "create_chat_session", collection_id=made["id"])
        said["reply"] = await call(
            session,
            "get_completion",
            session_id=chat["id"],
            message="What flies above the mill?",
            llm=model,
            rag_config={"rag_type": "rag"},
        )
        messages = await call(session, "get_chat_session_messages", session_id=chat["id"])
        said["messages"] = [one["content"] for one in messages]
        reply = messages[-1]["id"]
        said["kinds"] = [
            one["message_type"] for one in await call(session, "get_message_meta", message_id=reply)
        ]
        found = await call(session, "get_message_references", message_id=reply)
        said["references"] = [one["document_name"] for one in found]
        said["jobs"] = [one["kind"] for one in await call(session, "list_jobs")]
        said["chats"] = [one["id"] for one in await call(session, "list_chat_sessions")] == [chat["id"]]
        block = await call(session, "create_memory_block", name="Tone", content="Be brief.")
        said["block"] = (await call(session, "get_memory_block", memory_block_id=block["id"]))["content"]
        said["blocks"] = (await call(session, "list_memory_blocks"))["total"]
        said["agent_tools"] = [one["name"] for one in await call(session, "list_agent_tools")]
        await call(session, "delete_chat_session", session_id=chat["id"])
        refused = await session.call_tool("get_chat_session", {"session_id": chat["id"]})
        said["refused"] = [refused.isError, "".join(part.text for part in refused.content)]
    print(json.dumps(said))


asyncio.run(main())
