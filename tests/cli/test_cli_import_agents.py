"""`holdfast agents import`: agents out of another system's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench

from holdfast.core.domain.agents import AgentInfo, Layer

Cli = Callable[..., Any]
FILE = """\
systemPrompt: You are a clerk.
llm: {provider: anthropic, model: claude-sonnet-4-5, apiKey: sk-ant-secret-0123456789}
internalTools: [ask_user]
storage: {database: {type: sqlite}}
mcpServers:
  docs: {type: http, url: "https://example.org/mcp", headers: {Authorization: "Bearer $DOCS"}}
"""


class Kept:
    """Keeps what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    async def compose(self, values: dict[str, Any]) -> AgentInfo:
        self.calls.append(("compose", values))
        return AgentInfo(id="i", name=values["name"], layer=Layer.USER, path=f"/a/{values['name']}.yaml")

    async def set_provider(self, provider: str, key: str) -> str:
        self.calls.append(("set_provider", provider, key))
        return "file"

    async def add(self, spec: Any, secrets: dict[str, str]) -> None:
        self.calls.append(("add", spec.name, spec.headers, secrets))


@pytest.fixture
def kept(fake: FakeDoors) -> Kept:
    found = Kept()

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench()
        workbench.agents = workbench.keys = workbench.mcp = found  # type: ignore[assignment,attr-defined]
        return workbench

    fake.build = build
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "My Clerk.yml"
    path.write_text(FILE)
    return path


def test_a_file_becomes_an_agent_and_what_is_left_out_is_told(cli: Cli, kept: Kept, file: Path) -> None:
    done = cli("agents", "import", "dexto", str(file))
    assert done.status == 0, done.err
    assert done.out == "imported my-clerk: /a/my-clerk.yaml\n"
    assert "left out storage: where sessions are kept" in done.err
    assert "holdfast mcp secret docs DOCS" in done.err
    provider, server, compose = kept.calls  # who may not keep secrets makes no agent
    assert compose[1] == {
        "version": 1,
        "model": "anthropic/claude-sonnet-4-5",
        "instructions": "You are a clerk.",
        "mcp": ["docs"],
        "tools": ["ask_user"],
        "name": "my-clerk",
    }
    assert provider == ("set_provider", "anthropic", "sk-ant-secret-0123456789")
    assert server == ("add", "docs", {"Authorization": "Bearer ${secret:DOCS}"}, {})


def test_a_dry_run_prints_the_agent_and_keeps_nothing(cli: Cli, kept: Kept, file: Path) -> None:
    done = cli("agents", "import", "dexto", str(file), "--name", "clerk", "--dry-run")
    assert done.status == 0
    assert "name: clerk" in done.out
    assert "sk-ant" not in done.out + done.err
    assert kept.calls == []


def test_every_mistake_is_told_with_its_place(cli: Cli, kept: Kept, file: Path) -> None:
    file.write_text("systemPrompt: x\nllm:\n  provider: nobody\n")
    done = cli("agents", "import", "dexto", str(file))
    assert done.status == 2
    assert "3:" in done.err and "llm.provider" in done.err and "llm.model" in done.err
    assert kept.calls == []


def test_an_unknown_system_is_refused(cli: Cli, kept: Kept, file: Path) -> None:
    done = cli("agents", "import", "other", str(file))
    assert done.status == 2
    assert "there is: dexto" in done.err
