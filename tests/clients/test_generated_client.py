"""A client that a generator of others makes of the engine's OpenAPI document, used for a whole journey."""

from __future__ import annotations

from pathlib import Path

import pytest
from clients_running import run_program, run_script
from tests.e2e.bench import Bench
from tests.e2e.over_tcp import Door
from tests.e2e.presence import client_python

pytestmark = pytest.mark.thorough

SCRIPT = Path(__file__).with_name("work_with_generated.py")


async def test_a_client_generated_from_the_document_does_a_whole_journey(bench: Bench, door: Door) -> None:
    python = client_python("openapi")
    document = bench.root / "openapi.json"
    async with door.client() as client:
        document.write_bytes((await client.get("/openapi.json")).raise_for_status().content)
    generate = (python.with_name("openapi-python-client"), "generate", "--path", document, "--meta", "none")
    told = await run_program(*generate, "--output-path", "made", "--fail-on-warning", cwd=bench.root)
    assert "WARNING" not in told and "ERROR" not in told
    said = await run_script(python, SCRIPT, str(bench.root), door.url, door.key, cwd=bench.root)
    assert "clerk" in said.pop("agents")
    assert said == {
        "tool": "write_file",
        "decided": "approved",
        "first": "RunStarted",
        "last": "RunCompleted",
        "file": "made\n",
        "size": 2,
        "missing": "session_not_found",
    }
