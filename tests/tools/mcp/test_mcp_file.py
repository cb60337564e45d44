"""The file with a user's MCP servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.errors import UnavailableError
from holdfast.core.domain.mcp import McpAssignment, McpServerSpec
from holdfast.core.services.mcp_servers import placed
from holdfast.core.tools.mcp.servers_file import ServersFile


def test_a_server_reads_as_it_was_added_with_texts_of_any_plane(tmp_path: Path) -> None:
    file = ServersFile(tmp_path / "mcp.yaml")
    spec = McpServerSpec(name="notes", command=("notes", "\U0001f600 \x85"), env={"A": "\U0001f600"})
    file.add(spec)
    assert file.read() == {"notes": spec}
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_servers_stay_in_their_order_and_the_first_of_a_name_counts(tmp_path: Path) -> None:
    file = ServersFile(tmp_path / "mcp.yaml")
    lines = [f"  - {{name: {name}, command: [{word}]}}\n" for name, word in ("ba", "ab", "bc")]
    file.path.write_text("servers:\n" + "".join(lines))
    file.add(McpServerSpec(name="c", command=("c",)))
    file.remove("a")
    assert {name: spec.command for name, spec in file.read().items()} == {"b": ("a",), "c": ("c",)}
    file.replace(McpServerSpec(name="b", command=("d",)))
    assert list(file.read()) == ["b", "c"]


async def test_a_folder_in_the_home_of_nobody_is_told(connect: Any, good_spec: Any) -> None:
    own = good_spec(cwd="~nobody-of-that-name/x")
    described = McpAssignment(server="good", command=own.command, cwd=own.cwd)
    for spec in (own, placed(described, "/project")):
        with pytest.raises(UnavailableError, match="there is no such home folder"):
            await connect(spec).listing()


@pytest.mark.parametrize(("cwd", "whole"), [(None, "/p"), ("a/b", "/p/a/b"), ("/c", "/c"), ("~/d", "~/d")])
def test_a_program_of_an_agents_file_starts_in_the_project(cwd: str | None, whole: str) -> None:
    assert placed(McpAssignment(server="a", command=("a",), cwd=cwd), "/p").cwd == whole
