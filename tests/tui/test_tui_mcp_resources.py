"""Resources of MCP servers in messages: told from files, and sent along as one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, BinaryIO, cast

import pytest

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.mcp import McpContent
from holdfast.tui.control.mcp_resources import attached_resource, file_name, resource_of
from holdfast.tui.control.runs import RunsControl
from holdfast.tui.presenters.draft import Draft, Mention


class Servers:
    async def read(self, server: str, uri: str) -> tuple[McpContent, ...]:
        if server != "docs":
            raise NotFoundError("There is no MCP server of that name.")
        return (
            McpContent(uri=uri, media_type="text/markdown", text="# One"),
            McpContent(uri=uri, media_type="text/plain", data="aGk="),
        )


class Files:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []

    async def attach_data(self, session_id: str, name: str, data: BinaryIO) -> str:
        self.sent.append((session_id, name, data.read()))
        return "the part"


def workbench() -> Any:
    return SimpleNamespace(mcp=Servers(), files=Files())


@pytest.mark.parametrize(
    ("mention", "found"),
    [
        ("docs:docs://start", ("docs", "docs://start")),
        ("my-docs:mailto:ada", ("my-docs", "mailto:ada")),
        ("notes/today.md", None),
        ("C:/notes", None),
        ("docs:start", None),
        ("anna", None),
        ("Docs:docs://start", None),
    ],
)
def test_a_resource_is_told_from_a_file(mention: str, found: tuple[str, str] | None) -> None:
    assert resource_of(mention) == found


@pytest.mark.parametrize(
    ("uri", "kind", "name"),
    [
        ("docs://guide/start", "text/markdown", "start.md"),
        ("docs://a/b.txt?x=1", "text/markdown", "b.txt"),
        ("docs://../../..\x1b[2J", "text/plain", "2J.txt"),
        ("x://ü", "application/octet-stream", "resource.bin"),
    ],
)
def test_a_resource_becomes_a_file_with_a_plain_name(uri: str, kind: str, name: str) -> None:
    assert file_name(McpContent(uri=uri, media_type=kind, text="")) == name


async def test_a_message_takes_a_resource_along() -> None:
    bench = workbench()
    context = SimpleNamespace(workbench=bench, remote=None)
    control = RunsControl(cast("Any", context), cast("Any", None), cast("Any", None))
    (mention,) = Draft().mentions("Look at @docs:docs://start, please.")
    assert await control._attach("s1", mention) == ("the part", "docs:docs://start")
    assert bench.files.sent == [("s1", "start.md", b"# One\n\nhi")]
    with pytest.raises(NotFoundError):
        await control._attach("s1", Mention("other:docs://start", chosen=False))


async def test_what_cannot_be_read_is_not_sent() -> None:
    bench = workbench()
    with pytest.raises(NotFoundError):
        await attached_resource(bench, "s1", "other", "docs://start")
    assert not bench.files.sent
