"""The page on skills: its blocks work as they stand, and its example reaches a model."""

from __future__ import annotations

import re

import examples
import pytest
from shells import Shell

PAGE = "docs/how-to/skills.md"


@pytest.mark.thorough
def test_every_block_of_the_page_works_as_it_stands(shell: Shell) -> None:
    written, installed, given, loaded, removed = [
        shell.run(block).out for block in examples.blocks_of(PAGE, "sh")
    ]
    assert written == ""
    assert re.search(r"^minutes +user +Writes the minutes", installed, re.MULTILINE)
    assert "To do, by whom" in installed
    assert re.search(r"^minutes +user", given, re.MULTILINE)
    assert (
        loaded.count("List who was there") == 2
        and "- forms/short.md" in loaded
        and "To do, by whom" in loaded
    )
    assert "removed minutes" in removed and "restored skill" in removed
