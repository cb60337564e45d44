"""The SDK of A2A, as it is: its current line against `/a2a`, its 0.3 line against that and Dexto's API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients_running import run_program, run_script
from tests.e2e.bench import Bench
from tests.e2e.over_tcp import API, Door
from tests.e2e.presence import client_python

pytestmark = pytest.mark.thorough

HERE = Path(__file__).parent
NAME = "writer-of-tests"
WRITE = {
    "type": "tool_call",
    "key": "1",
    "name": "write_file",
    "arguments": {"path": "a.md", "content": "Alpha\n"},
}
SAY = {"type": "text", "text": "Written."}


def scripted(bench: Bench) -> str:
    """Makes an agent that asks for an approval in each second run of a session, beginning with the first."""
    model = bench.script("s", [WRITE], [SAY], [WRITE], [SAY], by="conversation")
    bench.agent(NAME, f"description: Writes.\ntools: [write_file]\nmodel: {model}\n")
    return model


async def test_the_current_sdk_talks_streams_follows_lists_and_cancels(bench: Bench, door: Door) -> None:
    python = client_python("a2a")
    scripted(bench)
    url = door.url.removesuffix(API)
    said = await run_script(python, HERE / "ask_with_a2a.py", url, door.key, NAME, cwd=bench.root)
    assert "key" in said["short"]
    for binding in ("JSONRPC", "HTTP+JSON"):
        found: dict[str, Any] = said[binding]
        assert found.pop("asked").startswith("The agent writer-of-tests wants to use write_file")
        assert found == {
            "asks": "TASK_STATE_INPUT_REQUIRED",
            "waiting": "TASK_STATE_INPUT_REQUIRED",
            "ended": True,
            "done": "TASK_STATE_COMPLETED",
            "reply": "Written.",
            "seen": True,
            "cancelled": "TASK_STATE_CANCELED",
            "after": "TASK_STATE_CANCELED",
            "refused": ["TaskNotCancelableError", "TaskNotFoundError"],
            "listed": True,
            "card": NAME,
        }


@pytest.mark.parametrize("place", [f"/a2a/agents/{NAME}", "/dexto"])
async def test_the_sdk_of_version_0_3_talks_streams_and_cancels(bench: Bench, door: Door, place: str) -> None:
    python = client_python("a2a-03")
    scripted(bench)
    url = door.url.removesuffix(API)
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {door.key}"}) as http:
        chosen = await http.post(f"{url}/dexto/api/agents/switch", json={"id": NAME})
        assert chosen.status_code == 200, chosen.text
    said = await run_script(python, HERE / "ask_with_a2a_03.py", url + place, door.key, cwd=bench.root)
    assert said["card"][1].startswith(url + place)
    for way in ("send", "stream"):
        assert said[way] == {
            "waiting": "input-required",
            "done": "completed",
            "reply": "Written.",
            "streamed": "Written.",
            "cancelled": "canceled",
        }


async def test_the_example_of_the_page_prints_the_reply(bench: Bench, door: Door) -> None:
    python = client_python("a2a")
    model = bench.script("s", [SAY], by="conversation")
    bench.agent(NAME, f"description: Writes.\nmodel: {model}\n")
    page = (HERE.parents[1] / "docs/how-to/a2a.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (bench.root / "example.py").write_text(example, encoding="utf-8")
    place = f"{door.url.removesuffix(API)}/a2a/agents/{NAME}"
    environment = {"AGENT": place, "HOLDFAST_KEY": door.key, "PATH": "/usr/bin:/bin"}
    out = await run_program(python, "-I", bench.root / "example.py", cwd=bench.root, environment=environment)
    assert out == "Written."
