from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.tools import Preview, Tool, ToolContext, ToolOutput
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.sandbox.environment import child_environment
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.tools.builtin.catalog import builtin_tools
from holdfast.core.tools.registry import ToolRegistry, validate_arguments

ENVIRONMENT = child_environment({"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "SOME_API_KEY": "canary-env"})


@dataclass
class Bench:
    """A real workspace, and a way to call tools on it as the executor does."""

    workspace: WorkspaceJail
    blobs: FileBlobs
    registry: ToolRegistry
    progress: list[str] = field(default_factory=list)

    def context(self, **more: Any) -> ToolContext:
        given: dict[str, Any] = {
            "session_id": "s",
            "run_id": "r",
            "call_id": "call-1",
            "workspace": self.workspace,
            "blobs": self.blobs,
            "progress": self.progress.append,
            "environment": ENVIRONMENT,
            "timeout_s": 20,
            **more,
        }
        return ToolContext(**given)

    def tool(self, tool: str | Tool) -> Tool:
        return self.registry.get(tool) if isinstance(tool, str) else tool

    async def run(self, tool: str | Tool, given: dict[str, Any], **context: Any) -> ToolOutput:
        found = self.tool(tool)
        return await found.run(validate_arguments(found, given), self.context(**context))

    async def preview(self, tool: str | Tool, given: dict[str, Any]) -> Preview:
        found = self.tool(tool)
        return await found.preview(validate_arguments(found, given), self.context())

    def subjects(self, tool: str | Tool, given: dict[str, Any]) -> tuple[str, ...]:
        found = self.tool(tool)
        return found.subjects(validate_arguments(found, given))

    def mistakes(self, tool: str, given: dict[str, Any]) -> str:
        with pytest.raises(InvalidError) as raised:
            validate_arguments(self.tool(tool), given)
        return raised.value.message


@pytest.fixture
def processes() -> ChildProcesses:
    return ChildProcesses(grace_s=0.3)


@pytest.fixture
def bench(tmp_path: Path, processes: ChildProcesses) -> Bench:
    root = tmp_path / "workspace"
    root.mkdir()
    return Bench(WorkspaceJail(root), FileBlobs(tmp_path / "blobs"), ToolRegistry(builtin_tools(processes)))


@pytest.fixture
def text() -> Callable[[ToolOutput], str]:
    """Returns the text that the model gets."""
    return lambda output: "\n".join(part.text for part in output.content if part.type == "text")
