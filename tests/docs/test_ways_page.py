"""The page on ways of working: its file and its request mean what they say."""

from __future__ import annotations

import json
from pathlib import Path

import examples

from holdfast.core.agents.loader import parse_agent
from holdfast.core.domain.runs import RunOptions

PAGE = "docs/how-to/ways-of-working.md"


def test_the_file_is_valid_and_the_request_too() -> None:
    (block,) = examples.blocks_of(PAGE, "yaml")
    assert not parse_agent(f"version: 1\nname: mine\n{block}", Path("mine.yaml")).problems
    (request,) = examples.blocks_of(PAGE, "json")
    options = RunOptions.model_validate(json.loads(request))
    assert options.mode == "deep" and options.workflow in (options.workflows or {})
