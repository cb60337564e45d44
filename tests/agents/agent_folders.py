"""Folders of agent files in three layers, and the tools they may name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.agents.trust import TrustStore
from holdfast.core.config.paths import Paths
from holdfast.core.domain.agents import AgentSpec

TOOLS = (
    "read_file",
    "list_files",
    "search_files",
    "write_file",
    "edit_file",
    "run_command",
    "run_python",
    "fetch_url",
    "ask_user",
    "update_plan",
)


@dataclass
class Agents:
    """Folders for agent files, and a registry over them."""

    paths: Paths
    project: Path
    shipped: Path
    registry: AgentRegistry
    trust: TrustStore

    def write(self, layer: str, name: str, text: str = "", file: str = "") -> Path:
        """Writes a minimal agent plus `text`; `layer` is project, hidden, user or shipped."""
        folder = {
            "project": self.project / "agents",
            "hidden": self.project / ".holdfast" / "agents",
            "user": self.paths.agents,
            "shipped": self.shipped,
        }[layer]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (file or f"{name}.yaml")
        path.write_text(f"version: 1\nname: {name}\n{text}", encoding="utf-8")
        return path

    def spec(self, name: str) -> AgentSpec:
        info = self.registry.get(name, self.project)
        assert info.spec is not None, [str(problem) for problem in info.problems]
        return info.spec
