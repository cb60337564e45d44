"""The page on limits: every command on it is executed, one after the other."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import examples
import pytest
from tests.e2e.presence import program

from holdfast.cli.main import main

PAGE = "docs/how-to/limits-and-usage.md"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home of its own, whose engine is ended."""
    for name in [name for name in os.environ if name.startswith("HOLDFAST_")]:
        monkeypatch.delenv(name)
    with tempfile.TemporaryDirectory(prefix="hf") as folder:
        monkeypatch.setenv("HOLDFAST_HOME", folder)
        monkeypatch.setenv("HOLDFAST_MODELS__DEFAULT", "offline")
        monkeypatch.setenv("COLUMNS", "200")  # a table cuts off what has no room
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        hook = sys.excepthook
        yield
        sys.excepthook = hook
        main(["engine", "stop"])


@pytest.mark.thorough
def test_every_command_on_the_page_works(home: None, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("bash", "curl", "jq"):
        program(name)

    def said(block: str) -> str:
        for line in block.splitlines():
            status = main(shlex.split(line)[1:])
            assert status == 0, f"{line}\n{capsys.readouterr().err}"
        return capsys.readouterr().out

    blocks = examples.blocks_of(PAGE, "sh")
    assert len(blocks) == 6
    said("holdfast run general hello")
    used, laid_down, taken_away, tiers, everybody = map(said, blocks[:-1])
    assert "(none)" in used
    assert '"total"' in used
    assert "$5.00 a day" in laid_down
    assert "no limit on the key demo any more" in taken_away
    assert "free" in tiers
    assert "500 requests a day (free)" in everybody
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", blocks[-1]],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "false" in done.stdout
