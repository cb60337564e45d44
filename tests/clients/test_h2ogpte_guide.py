"""h2oGPTe's guide to its REST API, from top to bottom, with `requests` and nothing of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from clients_running import run_script
from tests.e2e.bench import Bench
from tests.e2e.over_tcp import API, Door, open_door
from tests.e2e.presence import client_python

pytestmark = pytest.mark.thorough

SCRIPT = Path(__file__).with_name("follow_h2ogpte_guide.py")
NO_CONTENT = (
    "ingest",
    "pause",
    "resume",
    "stop",
    "finish",
    "delete files",
    "update block",
    "share",
    "unshare",
    "privacy",
    "delete block",
    "delete agent chat",
    "delete rag chat",
    "delete stream chat",
    "delete collection",
)
OTHERS = {
    **dict.fromkeys(
        ("collection", "chat", "rag chat", "stream chat", "slow chat", "block", "custom tool"), 201
    ),
    **dict.fromkeys(NO_CONTENT, 204),
    "same name": 409,
    "delete it again": 404,
    "gone": 404,
}
"""The statuses that are not 200."""
SUMMARY = "product,revenue\nWidget A,26700\n"


@pytest.fixture
async def guided(bench: Bench) -> tuple[Door, str]:
    """A listener of an engine whose default model plays an agent that may write; the name of a slow model."""
    used = {"type": "usage", "input_tokens": 7, "output_tokens": 20}
    write = {"type": "tool_call", "key": "1", "name": "write_file"}
    call = {**write, "arguments": json.dumps({"path": "sales_summary.csv", "content": SUMMARY})}
    text = {"type": "text", "text": "Widget A sells best."}
    model = bench.script("agent", [call, used], *[[text, used]] * 9, by="conversation")
    slow = bench.script("slow", [{"type": "text", "text": "and then ", "repeat": 2_000}], delay_s=0.05)
    bench.environment["HOLDFAST_MODELS__DEFAULT"] = model
    bench.paths.make()
    bench.paths.policy.write_text("allow: [write_file]\n")
    workbench = bench.start_engine()
    await workbench.users.add("bob")
    opened = await open_door(workbench)
    await workbench.close()
    return opened, slow


async def test_the_guide_is_followed_from_top_to_bottom(bench: Bench, guided: tuple[Door, str]) -> None:
    python = client_python("powabase")
    door, slow = guided
    url = f"{door.url.removesuffix(API)}/h2ogpte"
    said: dict[str, Any] = await run_script(python, SCRIPT, url, door.key, slow, cwd=bench.root)
    statuses = {name: answer["status"] for name, answer in said.items()}
    assert statuses == {**dict.fromkeys(said, 200), **OTHERS}, said
    bodies = {name: answer["body"] for name, answer in said.items()}

    assert bodies["models"][0]["name"]
    assert bodies["collections"][0]["id"] == bodies["collection"]["id"]
    assert (bodies["one collection"]["document_count"], bodies["collection after"]["document_count"]) == (
        0,
        1,
    )
    assert bodies["upload"]["filename"] == "sales_data.csv"
    assert {one["id"] for one in bodies["chats"]} == {bodies["chat"]["id"], bodies["rag chat"]["id"]}

    assert "Widget A sells best." in bodies["completion"]["body"]
    text, finished, error = bodies["stream"]
    assert text.count("Widget A sells best.") == 1
    assert (bool(finished), error) == (True, None)
    assert "Widget A sells best." in bodies["rlm"]["body"]
    told, ended, failed = bodies["slow stream"]
    assert "and then" in told
    assert told.count("and then") < 2_000
    assert (bool(ended), failed) == (True, None)

    question, reply = bodies["messages"]
    assert (question.get("reply_to"), reply["reply_to"]) == (None, question["id"])
    assert reply["id"] == bodies["completion"]["message_id"]
    (files,) = json.loads(bodies["agent_files"][0]["content"])
    assert list(files.values()) == ["sales_summary.csv"]
    assert bodies["file sales_summary.csv"].replace("\r\n", "\n") == SUMMARY
    assert json.loads(bodies["usage_stats"][0]["content"])
    assert "sales_summary.csv" in bodies["agent_chat_history_md"][0]["content"]

    assert [one["filename"] for one in bodies["files"]] == ["sales_summary.csv"]
    assert bodies["files"][0]["bytes"] == len(SUMMARY)
    assert bodies["directory"]["id"] == bodies["directories"][0]["id"]
    assert bodies["directories"][0]["file_count"] == 1
    assert [one["name"] for one in bodies["directories"][0]["files"]] == ["sales_summary.csv"]
    mine = {one["agent_chat_session_id"] for one in bodies["all directories"]}
    assert bodies["chat"]["id"] in mine
    assert bodies["files after"] == []
    assert bodies["tools"]
    assert (bodies["one tool"]["tool_name"], bodies["one tool"]["file_name"]) == ("tide", "tide.py")
    assert bodies["tool file"].startswith("def tide(")
    assert 'filename="tide.py"' in bodies["tool name"]
    # PREF assert isinstance(bodies["preference"], list)
    assert all(one["question"] for one in bodies["questions"])
    assert bodies["details"]["id"] == bodies["chat"]["id"]
    assert bodies["references"] == []

    assert bodies["blocks"]["total"] == 1
    assert bodies["one block"]["access_mode"] == "read_write"
    assert bodies["updated block"]["content"] == "Budget: $75,000 (revised Q2)"
    assert bodies["defaults"] == {"defaults": {"llm": None, "agent": None}}
    assert bodies["set default"]["memory_block"]["id"] == bodies["block"]["id"]
    assert bodies["no default"]["memory_block"] is None
    assert "Widget A sells best." in bodies["agent with memory"]["body"]
    assert bodies["delete it again"]["message"]
