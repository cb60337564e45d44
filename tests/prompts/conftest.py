"""A workbench with a project folder, and the prompts of MCP servers that the tests choose."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import NotFoundError, ToolError
from holdfast.core.domain.mcp import McpAssignment
from holdfast.core.domain.prompts import GivenContent, PromptSource, ServerPrompt
from holdfast.core.domain.runs import Session
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.models.catalog import Catalog
from holdfast.core.models.scripted import ScriptedModel
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.services.local import LocalWorkbench, Parts
from holdfast.core.services.prompt_finding import PromptFinder
from holdfast.core.services.prompt_resolving import PromptResolver
from holdfast.core.services.prompts import PromptService
from holdfast.core.tools.builtin.catalog import builtin_tools
from holdfast.core.tools.registry import ToolRegistry

AGENT = """
version: 1
name: tester
model: offline
prompts:
  - { name: plain, text: "Say {{word}}." }
  - name: review
    description: Reviews.
    arguments: [{ name: tone, default: kind }]
    text: "Review in a {{tone}} tone: $1"
"""


@dataclass
class Servers:
    """Stands for the MCP servers of a user: what they offer, what was asked of them."""

    offered: list[ServerPrompt] = field(default_factory=list)
    stopped: list[ServerPrompt] = field(default_factory=list)
    """Of servers that were never started."""
    given: Mapping[str, tuple[GivenContent, ...]] = field(default_factory=dict)
    """By the names of prompts and the URIs of resources."""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def source(
        self, owner: str, assigned: tuple[McpAssignment, ...] | None = None, project: str | None = None
    ) -> PromptSource:
        return self

    async def known(self) -> tuple[ServerPrompt, ...]:
        return tuple(self.offered)

    async def prompts(self, server: str) -> tuple[ServerPrompt, ...]:
        return tuple(each for each in (*self.offered, *self.stopped) if each.server == server)

    async def get(self, server: str, name: str, arguments: Mapping[str, str]) -> tuple[GivenContent, ...]:
        self.asked.append((server, name, dict(arguments)))
        if name not in self.given:
            raise ToolError(f"{server} refuses {name}", code="mcp_failed")
        return self.given[name]

    async def read(self, server: str, uri: str) -> tuple[GivenContent, ...]:
        if uri not in self.given or server != "files":
            raise NotFoundError("no such resource", code="resource_not_found")
        return self.given[uri]


@dataclass
class Bench:
    host: LocalWorkbench
    paths: Paths
    project: Path
    blobs: FileBlobs
    servers: Servers
    prompts: PromptService
    """Of the local user, with `servers`."""

    async def session(self) -> Session:
        return await self.host.sessions.create("tester", str(self.project))

    async def trust(self) -> None:
        await self.host.agents.trust(str(self.project), True)

    def write(self, name: str, text: str, *, project: bool = False) -> Path:
        """Writes the file of a prompt."""
        folder = self.project / ".holdfast" / "prompts" if project else self.paths.user_prompts("local")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    paths.make()
    paths.agents.mkdir()
    (paths.agents / "tester.yaml").write_text(AGENT)
    project = tmp_path / "project"
    project.mkdir()
    settings, blobs = Settings(), FileBlobs(paths.blobs)
    keys = ProviderKeys(paths, {}, {})
    parts = Parts(
        paths=paths,
        settings=lambda project: settings,
        blobs=blobs,
        client=ScriptedModel([]),
        catalog=Catalog(keys.get, settings.models, {}),
        tools=ToolRegistry(builtin_tools(ChildProcesses())),
        keys=keys,
        environment={},
    )
    host = await LocalWorkbench.open(parts)
    core, servers = host._core, Servers()
    prompts = PromptService(
        host.prompts._access,  # type: ignore[attr-defined]
        PromptFinder(core.prompts._folders, core.own_prompts, servers),
        core.own_prompts,
        PromptResolver(core.workspaces, blobs),
        core.registry,
        core.attachments,
    )
    yield Bench(host, paths, project, blobs, servers, prompts)
    await host.close()
