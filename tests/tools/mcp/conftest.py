"""Servers to talk to, each ended after its test."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.tools.mcp.connection import Connection
from holdfast.core.tools.mcp.hub import McpHub

HERE = Path(__file__).parent
Connect = Callable[..., Connection]


def good(name: str = "good", **more: object) -> McpServerSpec:
    command = (sys.executable, str(HERE / "good_server.py"))
    return McpServerSpec(name=name, command=command, **more)  # type: ignore[arg-type]


def hostile(kind: str, **more: object) -> McpServerSpec:
    command = (sys.executable, "-I", "-S", str(HERE / "hostile_server.py"), kind)
    return McpServerSpec(name="hostile", command=command, **more)  # type: ignore[arg-type]


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[McpHub]:
    secrets = {("local", server, "given"): "s3cret-value" for server in ("good", "web")}
    made = McpHub(
        tmp_path / "logs", tmp_path / "cache", {"PATH": "/usr/bin:/bin"}, lambda *named: secrets.get(named)
    )
    yield made
    await made.close()


@pytest.fixture
def connect(hub: McpHub) -> Connect:
    def connection(spec: McpServerSpec, *, admin: bool = True) -> Connection:
        return hub.connection("local", spec, admin=admin)

    return connection


@pytest.fixture
def good_spec() -> Callable[..., McpServerSpec]:
    return good


@pytest.fixture
def hostile_spec() -> Callable[..., McpServerSpec]:
    return hostile
