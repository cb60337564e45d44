"""The agents that come with Holdfast."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_folders import TOOLS

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.approvals.policy import Layers, evaluate
from holdfast.core.config.paths import Paths, shipped
from holdfast.core.config.settings import Settings
from holdfast.core.domain.agents import AgentInfo, Layer
from holdfast.core.domain.approvals import Verdict
from holdfast.core.domain.tools import Risk

NAMES = sorted(path.stem for path in shipped("agents").glob("*.yaml"))


@pytest.fixture
def registry(tmp_path: Path) -> AgentRegistry:
    return AgentRegistry(Paths.resolve({"HOLDFAST_HOME": str(tmp_path)}), TOOLS)


def test_the_seven_are_there_and_the_default_is_one_of_them() -> None:
    assert {"general", "coder", "analyst", "librarian", "writer", "researcher", "guide"} <= set(NAMES)
    assert Settings().default_agent in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_agent_is_valid_and_says_what_it_is_for(registry: AgentRegistry, name: str) -> None:
    info = loaded(registry, name)
    assert info.layer is Layer.SHIPPED
    assert info.spec is not None
    assert info.description.endswith(".")
    assert len(info.spec.instructions) > 400
    assert info.spec.prompts


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_agent_looks_freely_and_asks_for_the_rest(registry: AgentRegistry, name: str) -> None:
    spec = loaded(registry, name).spec
    assert spec is not None
    layers = Layers(agent=spec.approvals)
    assert evaluate("read_file", Risk.READ, ("a",), layers).verdict is Verdict.ALLOW
    for tool, risk in (("write_file", Risk.WRITE), ("run_python", Risk.EXECUTE), ("fetch_url", Risk.NETWORK)):
        assert evaluate(tool, risk, ("a",), layers).verdict is Verdict.ASK


def test_the_coder_works_in_the_project_and_the_guide_offline(registry: AgentRegistry) -> None:
    coder, guide = loaded(registry, "coder").spec, loaded(registry, "guide").spec
    assert coder is not None
    assert coder.workspace == "project"
    assert guide is not None
    assert guide.model == "offline"


def test_the_librarian_searches_all_that_its_user_has(registry: AgentRegistry) -> None:
    spec = loaded(registry, "librarian").spec
    assert spec is not None
    [assigned] = spec.knowledge
    assert (assigned.collection, assigned.retrieval.mode) == ("*", "tool")


def loaded(registry: AgentRegistry, name: str) -> AgentInfo:
    info = registry.get(name)
    assert info.problems == ()
    return info
