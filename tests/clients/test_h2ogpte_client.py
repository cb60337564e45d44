"""The `h2ogpte` package as it is installed from its own wheel, changed in nothing but address and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from clients_running import run_script
from tests.e2e.bench import Bench
from tests.e2e.over_tcp import API, Door
from tests.e2e.presence import client_python

from holdfast.server.native.client import RemoteWorkbench

pytestmark = pytest.mark.thorough

SCRIPT = Path(__file__).with_name("use_h2ogpte.py")
MCP_SCRIPT = Path(__file__).with_name("use_h2ogpte_mcp.py")
KITE = "A red kite flies above the mill at noon."
POLICY = "allow: [write_file]\n"
WRITE = {
    "type": "tool_call",
    "key": "1",
    "name": "write_file",
    "arguments": {"path": "kites.csv", "content": "kite,1\n"},
}


@pytest.fixture
def models(bench: Bench) -> str:
    """Writes what the models say, and lets agents write; returns how the models' names begin."""
    bench.environment["HOLDFAST_SCRIPTED"] = "1"
    bench.paths.make()
    bench.paths.policy.write_text(POLICY)
    used = {"type": "usage", "input_tokens": 7, "output_tokens": 20}
    said = [{"type": "text", "text": word} for word in ("A red ", "kite ", "\u2028[1].")]
    bench.script("rag", [*said, used], [{"type": "text", "text": "As I said."}, used], by="conversation")
    name = bench.script(
        "agent", [WRITE, used], [{"type": "text", "text": "Written."}, used], by="conversation"
    )
    return name.removesuffix("agent.json")


@pytest.mark.parametrize(
    ("way", "at_root"), [("sync", False), ("async", False), ("sync", True), ("async", True)]
)
async def test_the_client_does_all_that_its_guide_shows(
    bench: Bench, models: str, door: Door, way: str, at_root: bool
) -> None:
    python = client_python("h2ogpte")
    url = f"{door.url.removesuffix(API)}/h2ogpte"
    if at_root:
        opened = await open_at_root(bench, door.key)
        url = opened.url
    said = await run_script(python, SCRIPT, url, door.key, way, models, cwd=bench.root)

    assert said["meta"][0] == "v1.7.5"
    assert said["unused"] is True
    assert said["ingested"] == ["IngestUploadsJob", True, 1.0, []]
    assert said["documents"] == ["kites.md"]
    assert said["collection"] == ["Mill", 1]
    assert said["recent"] == ["Mill"]

    told = said["rag"]
    assert told["content"] == told["last"] == "".join(told["partial"]) == "A red kite \u2028[1]."
    assert len(told["partial"]) > 1
    assert told["same"] is True
    assert said["again"]["content"] == "As I said."
    assert [mine for _, mine in said["messages"]] == [True, False, True, False]
    assert said["ids"] is True
    assert [name for name, _, _ in said["references"]] == ["kites.md"]
    assert KITE in said["references"][0][1]
    assert "selections" in said["references"][0][2]
    assert KITE in "".join(said["chunk"])
    assert {"usage", "response_time"} <= set(said["usage"])

    assert said["agent"]["content"] == "Written."
    assert said["files"] == [["kites.csv", 7]]
    assert said["file"] == "kite,1\n"
    assert ["kites.csv"] in said["directories"]

    assert said["memory"] == [["Tone", "Be kind.", True]]
    assert said["defaults"] == ["Tone", None]
    assert said["memory_left"] == 0
    assert {"write_file", "run_python"} <= set(said["tools"])
    assert said["preference"] is True
    assert said["models"]

    assert said["chats"] == 2
    assert said["deleted"] == [
        ["DeleteChatSessionsJob", True, []],
        ["DeleteDocumentsJob", True, []],
        ["DeleteCollectionsJob", True, []],
    ]
    assert said["left"] == [0, 0, 0]
    assert said["wrong_key"] == "UnauthorizedError"
    assert said["no_collection"] == said.get("no_chat", "ObjectNotFoundError") == "ObjectNotFoundError"
    assert ("no_chat" in said) is (way == "sync")
    assert said["no_type"] == "SessionError"


async def open_at_root(bench: Bench, key: str) -> Door:
    """Opens a listener with this API at its root; returns it with its own address."""
    address = bench.engine
    assert address is not None
    workbench = RemoteWorkbench(address.socket)
    listener = await workbench.engine.listen(port=0, root=("h2ogpte",))
    await workbench.close()
    return Door(listener.url, listener.port, key)


async def test_the_server_for_mcp_reads_our_document_and_takes_our_answers(
    bench: Bench, models: str, door: Door
) -> None:
    python = client_python("h2ogpte-mcp")
    url = f"{door.url.removesuffix(API)}/h2ogpte"
    file = bench.root / "kites.md"
    file.write_text(f"# Kites\n\n{KITE}\n")
    model = f"{models}rag.json"
    said = await run_script(python, MCP_SCRIPT, url, door.key, str(file), model, cwd=bench.root)
    assert {"create_collection", "get_completion", "upload_file", "list_agent_tools"} <= set(said["tools"])
    assert not [name for name in said["tools"] if name.endswith("_job") and name.startswith("create_")]
    assert said["documents"] == ["kites.md"]
    assert said["collections"] == ["Mill"]
    assert said["models"]
    assert said["reply"]["body"] == "A red kite \u2028[1]."
    assert said["messages"] == ["What flies above the mill?", "A red kite \u2028[1]."]
    assert "usage_stats" in said["kinds"]
    assert said["references"] == ["kites.md"]
    assert said["jobs"] == ["IngestUploadsJob"]
    assert said["chats"] is True
    assert said["blocks"] == 1
    assert said["agent_tools"]
    assert said["block"] == "Be brief."
    assert said["refused"][0] is True and "404" in said["refused"][1]
