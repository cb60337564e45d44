"""The page on sub-agents: its command works as it stands, and its files mean what they say."""

from __future__ import annotations

import json
from pathlib import Path

import examples
import pytest
from shells import Shell

from holdfast.core.agents.loader import parse_agent
from holdfast.core.domain.runs import RunOptions

PAGE = "docs/how-to/sub-agents.md"


def test_the_file_is_valid_and_the_request_too() -> None:
    (block,) = examples.blocks_of(PAGE, "yaml")
    file = parse_agent(f"version: 1\nname: mine\n{block}", Path("mine.yaml"))
    assert not file.problems
    (request,) = examples.blocks_of(PAGE, "json")
    options = RunOptions.model_validate(json.loads(request))
    assert [use.name for use in options.sub_agents or ()] == ["researcher", "critic"]


@pytest.mark.thorough
def test_the_offline_model_hands_work_on(shell: Shell) -> None:
    (command,) = examples.blocks_of(PAGE, "sh")
    said = shell.run(command)
    assert "writer says:" in said.out
    assert "writer begins" in said.errors and "✓ write_file plan.md" in said.errors
