"""The page on skills: its blocks work as they stand, and its example reaches a model."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import examples
import pytest

PAGE = "docs/how-to/skills.md"


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
            timeout=60,
            env=self._environment,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    opened = Shell(tmp_path)
    yield opened
    opened.run("holdfast engine stop")


@pytest.mark.thorough
def test_every_block_of_the_page_works_as_it_stands(shell: Shell) -> None:
    written, installed, given, loaded, removed = [
        shell.run(block) for block in examples.blocks_of(PAGE, "sh")
    ]
    assert written == ""
    assert re.search(r"^minutes +user +Writes the minutes", installed, re.MULTILINE)
    assert "To do, by whom" in installed
    assert re.search(r"^minutes +user", given, re.MULTILINE)
    assert (
        loaded.count("List who was there") == 2
        and "- forms/short.md" in loaded
        and "To do, by whom" in loaded
    )
    assert "removed minutes" in removed and "restored skill" in removed
