"""The page on limits: every command on it is executed, one after the other."""

from __future__ import annotations

import examples
import pytest
from shells import Shell
from tests.e2e.presence import program

PAGE = "docs/how-to/limits-and-usage.md"


@pytest.mark.thorough
def test_every_command_on_the_page_works(shell: Shell) -> None:
    for name in ("bash", "curl", "jq"):
        program(name)
    blocks = examples.blocks_of(PAGE, "sh")
    assert len(blocks) == 6
    shell.run("holdfast run general hello")
    used, laid_down, taken_away, tiers, everybody, answered = (shell.run(block).out for block in blocks)
    assert "(none)" in used
    assert '"total"' in used
    assert "$5.00 a day" in laid_down
    assert "no limit on the key demo any more" in taken_away
    assert "free" in tiers
    assert "500 requests a day (free)" in everybody
    assert "false" in answered
