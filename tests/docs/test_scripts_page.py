"""The agent that `docs/how-to/scripts-of-agents.md` shows runs offline, as it stands there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import examples
import pytest

from holdfast.core.agents.scripts import code_mistakes
from holdfast.core.domain.scripts import MODULES

PAGE = "docs/how-to/scripts-of-agents.md"


@pytest.mark.thorough
def test_the_agent_of_the_page_answers_offline(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
        "HOLDFAST_HOME": str(tmp_path / "home"),
        "HOLDFAST_MODELS__DEFAULT": "offline",
        "HOLDFAST_SANDBOX__UNCONFINED_SCRIPTS": "true",  # for machines that have no sandbox
    }
    (block,) = examples.blocks_of(PAGE, "sh")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"trap 'holdfast engine stop' EXIT; {block.rstrip()} --json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"id"')]
    assert [line["model"] for line in lines if line["type"] == "step.started"] == ["offline", "offline"]
    parts = [line for line in lines if line["type"] == "part.completed"]
    assert [part["kind"] for part in parts] == ["reasoning", "text"]
    assert parts[1]["text"].strip()


def test_the_other_examples_are_scripts_and_the_modules_are_those_that_there_are() -> None:
    (code,) = examples.blocks_of(PAGE, "python")
    assert not list(code_mistakes(code))
    text = (examples.ROOT / PAGE).read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in MODULES)
