"""The page on prompts: its blocks work as they stand, offline."""

from __future__ import annotations

import examples
import pytest
from shells import Shell

from holdfast.core.config.yaml import parse
from holdfast.core.domain.agents import AgentSpec

PAGE = "docs/how-to/prompts.md"


@pytest.mark.thorough
def test_every_block_of_the_page_works_as_it_stands(shell: Shell) -> None:
    written, sent, summarised, attached, removed = [
        "".join(shell.run(block)) for block in examples.blocks_of(PAGE, "sh")
    ]
    assert "added explain: send it as /explain" in written
    assert "topic (required): What is to be explained" in written
    assert "Explain the tides to a sailor, with one example." in sent
    assert "Explain rain to a beginner, with one example." in sent
    assert "> Explain tides to a beginner, with one example." in sent
    assert "> Summarise @notes.md in one sentence." in summarised
    assert "[file: notes.md]" in summarised
    assert attached == "changed explain\nchanged explain\n"
    assert "removed summarise" in removed and "restored prompt" in removed


def test_the_example_of_an_agents_file_is_right() -> None:
    (block,) = examples.blocks_of(PAGE, "yaml")
    spec, problems = parse(AgentSpec, f"version: 1\nname: it\n{block}", "it.yaml")
    assert problems == []
    assert spec is not None
    assert [argument.name for argument in spec.prompts[0].arguments] == ["file", "tone"]
