"""Fakes for the command line's tests."""

from __future__ import annotations

import io
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_fakes import FakeDoors

from holdfast.cli import doors
from holdfast.cli.main import main


@dataclass
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDoors]:
    """Doors in memory, in place of the real ones."""
    replacement = FakeDoors(tmp_path / "home")
    doors.use(replacement)
    hook = sys.excepthook
    yield replacement
    sys.excepthook = hook
    doors.use(None)


@pytest.fixture
def cli(
    fake: FakeDoors, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Runs `holdfast` in this process, with no terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*args: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        status = main(list(args))
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that writes one more line."""
    script = tmp_path / "editor"
    script.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[-1], 'a').write('One more.\\n')\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("VISUAL", str(script))
