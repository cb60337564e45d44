"""`holdfast mcp`: servers added, looked at, tried, called and removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench

from holdfast.core.domain.mcp import (
    McpContent,
    McpLeftOut,
    McpResource,
    McpServer,
    McpServerSpec,
    McpState,
    secrets_of,
)
from holdfast.core.domain.tools import Risk, ToolInfo

Cli = Callable[..., Any]


class Servers:
    """Servers in memory, as the service keeps them."""

    def __init__(self) -> None:
        self.kept: dict[str, McpServer] = {}
        self.secrets: list[tuple[str, str, str | None]] = []
        self.asked: list[tuple[str, str, bool]] = []
        self.fails = False

    async def list(self) -> tuple[McpServer, ...]:
        return tuple(self.kept.values())

    async def get(self, name: str) -> McpServer:
        return self.kept[name]

    async def add(
        self, server: McpServerSpec, secrets: dict[str, str] | None = None, connect: bool = False
    ) -> McpServer:
        self.asked.append(("add", server.name, connect))
        self.kept[server.name] = McpServer(spec=server, missing=secrets_of(server))
        return self.kept[server.name]

    async def replace(
        self,
        name: str,
        server: McpServerSpec,
        secrets: dict[str, str] | None = None,
        connect: bool = False,
    ) -> McpServer:
        self.asked.append(("replace", name, connect))
        self.kept[name] = McpServer(spec=server)
        return self.kept[name]

    async def enable(self, name: str, enabled: bool = True) -> McpServer:
        spec = self.kept[name].spec.model_copy(update={"enabled": enabled})
        self.kept[name] = McpServer(spec=spec)
        return self.kept[name]

    async def set_secret(self, name: str, secret: str, value: str | None = None) -> McpServer:
        self.secrets.append((name, secret, value))
        return self.kept[name]

    async def remove(self, name: str) -> None:
        del self.kept[name]

    async def test(self, name: str) -> McpServer:
        state: dict[str, Any] = {"state": McpState.READY, "tools": 1}
        if self.fails:
            state = {"state": McpState.FAILED, "reason": "it fell over", "log": "trace\n"}
        left_out = (McpLeftOut(tool="bad", reason="its schema is wrong"),)
        return self.kept[name].model_copy(update={**state, "left_out": left_out})

    async def resources(self, name: str) -> tuple[McpResource, ...]:
        return (
            McpResource(server=name, uri="note://one", name="one\x1b[2J", media_type="text/plain"),
            McpResource(server=name, uri="note://{name}", template=True),
        )

    async def read(self, name: str, uri: str) -> tuple[McpContent, ...]:
        return (
            McpContent(uri=uri, media_type="text/plain", text="What\x1b[2J is noted", truncated=True),
            McpContent(uri=uri, media_type="image/png", data="aGk="),
        )

    async def tools(self, name: str) -> tuple[ToolInfo, ...]:
        parameters = {"type": "object", "properties": {"text": {"type": "string"}}}
        return (
            ToolInfo(
                name=f"mcp__{name}__say", description="Says.\nMore.", risk=Risk.EXECUTE, parameters=parameters
            ),
        )


@pytest.fixture
def servers(fake: FakeDoors) -> Servers:
    made = Servers()

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench()
        workbench.mcp = made  # type: ignore[attr-defined]
        return workbench

    fake.build = build
    return made


def test_a_program_is_added_with_its_own_options(servers: Servers, cli: Cli) -> None:
    outcome = cli("mcp", "add", "files", "--env", "KEY=a=${secret:k}", "--", "run", "-y", "--url", "x")

    spec = servers.kept["files"].spec
    assert (outcome.status, spec.command, spec.env) == (
        0,
        ("run", "-y", "--url", "x"),
        {"KEY": "a=${secret:k}"},
    )
    assert "holdfast mcp secret files k" in outcome.err


def test_an_address_is_added_with_headers(servers: Servers, cli: Cli) -> None:
    outcome = cli("mcp", "add", "docs", "--url", "https://a.test/mcp", "--header", "X-Key: a: b", "--trusted")

    spec = servers.kept["docs"].spec
    assert outcome.status == 0
    assert (spec.url, spec.headers, spec.trusted) == ("https://a.test/mcp", {"X-Key": "a: b"}, True)


def test_a_server_takes_anothers_place_and_is_started_at_once(servers: Servers, cli: Cli) -> None:
    cli("mcp", "add", "docs", "--url", "https://a.test/mcp", "--connect")
    cli("mcp", "add", "docs", "--url", "https://b.test/mcp", "--replace", "--connect")
    assert servers.asked == [("add", "docs", True), ("replace", "docs", True)]
    assert servers.kept["docs"].spec.url == "https://b.test/mcp"


@pytest.mark.parametrize(
    "wrong",
    [
        ("files",),
        ("Files", "run"),
        ("a__b", "run"),
        ("files", "run", "--url", "https://a.test"),
        ("files", "run", "--header", "A: b"),
        ("files", "run", "--env", "KEY"),
        ("files", "run", "--timeout", "0"),
    ],
)
def test_what_can_be_no_server_is_wrong_usage(servers: Servers, cli: Cli, wrong: tuple[str, ...]) -> None:
    assert cli("mcp", "add", *wrong).status == 2
    assert servers.kept == {}


def test_servers_are_listed_shown_and_removed(servers: Servers, cli: Cli) -> None:
    assert "holdfast mcp add" in cli("mcp", "list").out
    cli("mcp", "add", "files", "run", "it")
    cli("mcp", "disable", "files")
    assert cli("mcp", "list").out.splitlines()[1].split() == ["files", "disabled", "run", "it"]
    cli("mcp", "enable", "files")
    assert json.loads(cli("mcp", "show", "files", "--json").out)["spec"]["enabled"] is True
    assert cli("mcp", "remove", "files").status == 0
    assert servers.kept == {}


def test_a_test_says_what_is_wrong_and_fails(servers: Servers, cli: Cli) -> None:
    cli("mcp", "add", "files", "run")
    good = cli("mcp", "test", "files")
    servers.fails = True
    bad = cli("mcp", "test", "files")

    assert (good.status, bad.status) == (0, 1)
    assert "left out the tool bad: its schema is wrong" in good.err
    assert "it fell over" in bad.out and "trace" in bad.out


def test_a_secret_is_read_from_stdin_and_never_shown(servers: Servers, cli: Cli) -> None:
    cli("mcp", "add", "files", "run")
    outcome = cli("mcp", "secret", "files", "k", stdin="canary-value\n")
    cli("mcp", "secret", "files", "k", "--clear")

    assert servers.secrets == [("files", "k", "canary-value"), ("files", "k", None)]
    assert "canary" not in outcome.out + outcome.err


def test_tools_are_listed_with_their_risk(servers: Servers, cli: Cli) -> None:
    cli("mcp", "add", "files", "run")

    assert cli("mcp", "tools", "files").out.splitlines()[1].split() == ["mcp__files__say", "execute", "Says."]


def test_a_server_of_agents_is_told_which_and_the_whole_path_of_their_folder(
    fake: FakeDoors, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[dict[str, object]] = []
    monkeypatch.setattr(fake, "serve_mcp", lambda **options: served.append(options) or 7, raising=False)
    monkeypatch.chdir(tmp_path)

    assert cli("mcp", "serve").status == 7
    cli("mcp", "serve", "--agent", "coder", "--agent", "guide", "--project", "site")

    assert served == [
        {"agents": (), "project": ""},
        {"agents": ("coder", "guide"), "project": str(tmp_path / "site")},
    ]


def test_resources_are_listed_and_read(servers: Servers, cli: Cli, tmp_path: Path) -> None:
    listed = cli("mcp", "resources", "notes")
    assert "note://{name} (template)" in listed.out and "\x1b" not in listed.out
    read = cli("mcp", "read", "notes", "note://one")
    assert "What[2J is noted" in read.out and "-o FILE" in read.out
    assert "longer than what is read" in read.err
    target = tmp_path / "one"
    cli("mcp", "read", "notes", "note://one", "-o", str(target))
    assert target.read_bytes() == b"What\x1b[2J is notedhi"
    assert [each["uri"] for each in json.loads(cli("mcp", "resources", "notes", "--json").out)] == [
        "note://one",
        "note://{name}",
    ]


def test_what_a_server_may_ask_the_model_is_said_when_it_is_added(servers: Servers, cli: Cli) -> None:
    cli("mcp", "add", "own", "--sampling", "deny", "--", "server")
    assert servers.kept["own"].spec.sampling == "deny"
    assert cli("mcp", "add", "other", "--sampling", "perhaps", "--", "server").status == 2
