"""From nothing to an answer by GenLabs' API alone: a key, an agent, tools with a document, calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.server.dialects.genlabs.mapping_tools import encoded

SCHEMA = {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]}


@pytest.mark.covers("genlabs.create_agent")
@pytest.mark.covers("genlabs.update_tool")
@pytest.mark.covers("genlabs.query_agent_v1")
async def test_an_agent_that_was_made_here_is_called_here(
    manage: Any, call: Any, say: Any, index: MemoryIndex
) -> None:
    steps = [
        call(("order_lookup", "{}")),
        call(("order_lookup", json.dumps({"number": "12345"}))),
        call(("contract_search", "{}")),
        call(("contract_search", json.dumps({"query": "liability"}))),
        say("none"),
        say("It ends."),
    ]
    async with manage(steps, knowledge=index) as asked:
        id = await asked.agent("Clerk", "Dedicated", region="us-east-1")
        await asked.tool("Order lookup", tool_schema=SCHEMA)
        number = await asked.tool("Contract_Search", "File Search")
        await asked.ok("PUT", "/update_tool", toolId=number, file=encoded(b"Section 3.2: liability ends."))
        key = (await asked.ok("POST", "/create_key", name="calls", type="Standard"))["key"]
        said = {"tools": ["Order lookup", "Contract_Search"], "system": "Be brief.", "apiKey": key}
        await asked.ok("PUT", "/update_agent", said, modelId=id)

        async def ask(text: str, shown: str = key) -> Any:
            message = {"message": {"role": "user", "content": text}}
            headers = {"Authorization": shown}
            return await asked.http.post(f"/genlabs/v1/{id}", json=message, headers=headers)

        assert (await ask("Get the details for order #12345")).json() == {
            "status": "success",
            "message": "Tool call(s) initiated",
            "tool_calls": [{"name": "Order lookup", "parameters": {"number": "12345"}}],
        }
        answer = (await ask("What does section 3.2 of the contract say about liability*?")).json()
        assert answer == {
            "status": "success",
            "data": {"file_searches": ["Contract_Search"], "response": "It ends."},
        }
        assert "liability ends" in asked.bench.model.requests[-1].model_dump_json()
        await asked.ok("DELETE", "/delete_key", key=key)
        assert (await ask("Hello")).status_code == 401
        (listed,) = [
            each for each in (await asked.ok("POST", "/get_agents"))["agents"] if each["modelId"] == id
        ]
        assert listed["requests"] == 2
