"""The file with a user's MCP servers."""

from __future__ import annotations

from pathlib import Path

from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.tools.mcp.servers_file import ServersFile


def test_a_server_reads_as_it_was_added_with_texts_of_any_plane(tmp_path: Path) -> None:
    file = ServersFile(tmp_path / "mcp.yaml")
    spec = McpServerSpec(name="notes", command=("notes", "\U0001f600 \x85"), env={"A": "\U0001f600"})
    file.add(spec)
    assert file.read() == {"notes": spec}
    assert file.path.stat().st_mode & 0o777 == 0o600
