"""The page on limits: every command on it is executed, one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import examples
import pytest
from tests.e2e.presence import program

PAGE = "docs/how-to/limits-and-usage.md"


@pytest.fixture
def shell() -> Iterator[Callable[[str], str]]:
    """Executes scripts on a home of its own, in which one run has ended."""
    for name in ("bash", "curl", "jq"):
        program(name)
    with tempfile.TemporaryDirectory(prefix="hf") as folder:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
        environment = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
            "HOLDFAST_HOME": folder,
            "HOLDFAST_MODELS__DEFAULT": "offline",
        }

        def run(script: str) -> str:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", script],
                capture_output=True,
                text=True,
                timeout=120,
                env=environment,
                check=False,
            )
            assert done.returncode == 0, f"{script}\n{done.stderr}"
            return done.stdout

        run("holdfast run general hello")
        yield run
        run("holdfast engine stop")


def test_every_command_on_the_page_works(shell: Callable[[str], str]) -> None:
    blocks = examples.blocks_of(PAGE, "sh")
    said = [shell(block) for block in blocks]
    assert len(blocks) == 6
    used, laid_down, taken_away, tiers, everybody, over_http = said
    assert "(none)" in used
    assert '"total"' in used
    assert "$5.00 a day" in laid_down
    assert "no limit on the key demo any more" in taken_away
    assert "free" in tiers
    assert "500 requests a day (free)" in everybody
    assert "false" in over_http
