"""The agent that `docs/how-to/scripts-of-agents.md` shows runs offline, as it stands there."""

from __future__ import annotations

import json

import examples
import pytest
from shells import Shell

from holdfast.core.agents.scripts import code_mistakes
from holdfast.core.domain.scripts import MODULES

PAGE = "docs/how-to/scripts-of-agents.md"


@pytest.mark.thorough
def test_the_agent_of_the_page_answers_offline(shell: Shell) -> None:
    (block,) = examples.blocks_of(PAGE, "sh")
    for_all = "export HOLDFAST_SANDBOX__UNCONFINED_SCRIPTS=true"  # also on machines that have no sandbox
    said = shell.run(f"{for_all}\n{block.rstrip()} --json").out
    lines = [json.loads(line) for line in said.splitlines() if line.startswith('{"id"')]
    assert [line["model"] for line in lines if line["type"] == "step.started"] == ["offline", "offline"]
    parts = [line for line in lines if line["type"] == "part.completed"]
    assert [part["kind"] for part in parts] == ["reasoning", "text"]
    assert parts[1]["text"].strip()


def test_the_other_examples_are_scripts_and_the_modules_are_those_that_there_are() -> None:
    (code,) = examples.blocks_of(PAGE, "python")
    assert not list(code_mistakes(code))
    text = (examples.ROOT / PAGE).read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in MODULES)
