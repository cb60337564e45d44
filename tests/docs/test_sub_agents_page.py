"""The page on sub-agents: its command works as it stands, and its files mean what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import examples
import pytest

from holdfast.core.agents.loader import parse_agent
from holdfast.core.domain.runs import RunOptions

PAGE = "docs/how-to/sub-agents.md"


def test_the_file_is_valid_and_the_request_too() -> None:
    (block,) = examples.blocks_of(PAGE, "yaml")
    file = parse_agent(f"version: 1\nname: mine\n{block}", Path("mine.yaml"))
    assert not file.problems
    (request,) = examples.blocks_of(PAGE, "json")
    options = RunOptions.model_validate(json.loads(request))
    assert [use.name for use in options.sub_agents or ()] == ["researcher", "critic"]


@pytest.mark.thorough
def test_the_offline_model_hands_work_on(tmp_path: Path) -> None:
    (command,) = examples.blocks_of(PAGE, "sh")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    environment = {**kept, "PATH": path, "HOLDFAST_HOME": str(tmp_path / "home")}

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            env=environment,
            check=False,
        )

    try:
        done = run(command)
        assert done.returncode == 0, done.stderr
        assert "writer says:" in done.stdout
        assert "writer begins" in done.stderr and "✓ write_file plan.md" in done.stderr
    finally:
        run("holdfast engine stop")
