"""The page on observing: every command on it is executed, and its table names every metric."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import examples
import pytest
from tests.e2e.presence import program

PAGE = "docs/how-to/observe.md"
NEEDED = ("bash", "curl", "jq")


class Shell:
    """Executes blocks of the page on a home of its own."""

    def __init__(self, home: Path) -> None:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "HOLDFAST_"))
        }
        programs = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        self._environment = {
            **kept,
            "PATH": programs,
            "HOLDFAST_HOME": str(home),
            "HOLDFAST_MODELS__DEFAULT": "offline",
        }

    def run(self, script: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            timeout=60,
            env=self._environment,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """A shell with an engine in which one run has ended."""
    for name in NEEDED:
        program(name)
    with tempfile.TemporaryDirectory(prefix="hf") as folder:
        opened = Shell(Path(folder))
        opened.run("holdfast run general hello")
        yield opened
        opened.run("holdfast engine stop")


def blocks() -> list[str]:
    """Returns the page's blocks of shell, with ports that nobody else has."""
    return [
        block.replace("--port 8700", "--port 0").replace(":4318", ":9")
        for block in examples.blocks_of(PAGE, "sh")
    ]


@pytest.mark.thorough
def test_every_block_of_the_page_works_as_it_stands(shell: Shell) -> None:
    said = [shell.run(block) for block in blocks()]
    assert "offline" in said[0]
    assert "holdfast_runs_ended_total" in "".join(said)


def test_the_table_names_every_metric_and_no_other(shell: Shell) -> None:
    page = (examples.ROOT / PAGE).read_text(encoding="utf-8")
    named = set(re.findall(r"`(holdfast_\w+)", page))
    text = shell.run(next(block for block in blocks() if "/v1/metrics" in block))
    families = set(re.findall(r"^# TYPE (holdfast_\w+)", text, re.MULTILINE))
    # The loop's lag is there from the second reading on.
    assert named - families <= {"holdfast_event_loop_lag_seconds"}
    assert families - named <= {"holdfast_event_loop_lag_max_seconds"}
