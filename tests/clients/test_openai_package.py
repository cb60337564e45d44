"""The newest `openai`, as it is installed from its own wheel, changed in nothing but its address and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from clients_running import run_script
from tests.e2e.bench import Bench
from tests.e2e.over_tcp import API, Door
from tests.e2e.presence import client_python

pytestmark = pytest.mark.thorough

SCRIPT = Path(__file__).with_name("ask_with_openai.py")
AGENT = "description: Talks.\ntools: []\nmodel: {model}\n"


async def test_models_replies_streams_and_errors(bench: Bench, door: Door) -> None:
    python = client_python("openai")
    used = {"type": "usage", "input_tokens": 7, "output_tokens": 20}
    steps = [[{"type": "text", "text": "word ", "repeat": 20}, used]]
    bench.agent("talker", AGENT.format(model=bench.script("s", *steps, by="conversation")))
    said = await run_script(python, SCRIPT, door.url.removesuffix(API), door.key, cwd=bench.root)
    assert "agent/talker" in said["models"]
    assert said["whole"] == said["streamed"] == "word " * 20
    assert (said["chunks"] > 1, said["usage"]) == (True, 27)
    assert said["unknown_model"] == "NotFoundError"
    assert said["wrong_key"] == "AuthenticationError"
