"""A home with agents of three layers."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_folders import TOOLS, Agents

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.agents.trust import TrustStore
from holdfast.core.config.paths import Paths


@pytest.fixture
def agents(tmp_path: Path) -> Agents:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    trust = TrustStore(paths.trust)
    shipped, project = tmp_path / "shipped", tmp_path / "project"
    shipped.mkdir()
    project.mkdir()
    return Agents(paths, project, shipped, AgentRegistry(paths, TOOLS, trust, shipped), trust)
