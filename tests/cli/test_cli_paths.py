"""Paths on the command line, as people write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeDoors

from holdfast.cli.places import project_folder

Cli = Callable[..., Any]
NOBODYS = "~nobody-of-that-name/x"


@pytest.mark.parametrize(
    "command",
    [
        ("skills", "install", NOBODYS),
        ("run", "general", "hi", "--file", NOBODYS),
        ("run", "general", "hi", "--cwd", NOBODYS),
        ("knowledge", "add", "docs", NOBODYS),
        ("knowledge", "watch", "docs", NOBODYS),
        ("hooks", "add", "before_tool", "--python", NOBODYS),
        ("mcp", "serve", "--project", NOBODYS),
        ("sessions", "import", "FILE", "--project", NOBODYS),
    ],
)
def test_a_home_of_nobody_is_said_in_a_line(
    cli: Cli, fake: FakeDoors, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "FILE").write_text("[]")
    said = cli(*(str(tmp_path / "FILE") if word == "FILE" else word for word in command))
    assert said.status in (1, 2)
    assert said.err == f"holdfast: {NOBODYS}: there is no such home folder; write the whole path\n"


def test_a_folder_in_the_home_is_told_whole(
    fake: FakeDoors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert project_folder("~/work") == str(tmp_path / "work")
