"""The page on prompts: its blocks work as they stand, offline."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import examples
import pytest

from holdfast.core.config.yaml import parse
from holdfast.core.domain.agents import AgentSpec

PAGE = "docs/how-to/prompts.md"


class Shell:
    """Executes blocks of the page in a folder, on a home of its own."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "project"
        self.folder.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HOLDFAST_")}
        self._environment = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
            "HOLDFAST_HOME": str(root / "home"),
            "HOLDFAST_MODELS__DEFAULT": "offline",
        }

    def run(self, script: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            env=self._environment,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    opened = Shell(tmp_path)
    yield opened
    opened.run("holdfast engine stop")


@pytest.mark.thorough
def test_every_block_of_the_page_works_as_it_stands(shell: Shell) -> None:
    written, sent, summarised, attached, removed = [
        shell.run(block) for block in examples.blocks_of(PAGE, "sh")
    ]
    assert "added explain: send it as /explain" in written
    assert "topic (required): What is to be explained" in written
    assert "Explain the tides to a sailor, with one example." in sent
    assert "Explain rain to a beginner, with one example." in sent
    assert "> Explain tides to a beginner, with one example." in sent
    assert "> Summarise @notes.md in one sentence." in summarised
    assert "[file: notes.md]" in summarised
    assert attached == "changed explain\nchanged explain\n"
    assert "removed summarise" in removed and "restored prompt" in removed


def test_the_example_of_an_agents_file_is_right() -> None:
    (block,) = examples.blocks_of(PAGE, "yaml")
    spec, problems = parse(AgentSpec, f"version: 1\nname: it\n{block}", "it.yaml")
    assert problems == []
    assert spec is not None
    assert [argument.name for argument in spec.prompts[0].arguments] == ["file", "tone"]
