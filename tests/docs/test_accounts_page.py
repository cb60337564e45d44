"""The page on accounts: every command on it is executed, one after the other."""

from __future__ import annotations

import examples
import pytest
from shells import Shell
from tests.e2e.presence import program

PAGE = "docs/how-to/accounts.md"


@pytest.mark.thorough
def test_every_command_on_the_page_works(shell: Shell) -> None:
    for name in ("bash", "curl", "jq"):
        program(name)
    blocks = examples.blocks_of(PAGE, "sh")
    assert len(blocks) == 6
    added, changed, signed_in, registration, outbox, secret = (shell.run(block).out for block in blocks)
    assert "added ann (user)" in added
    assert "ann@example.org" in added
    assert "ann has no password any more" in changed
    assert '"passwords":"all"' in signed_in
    assert '"display_name":"Ann Example"' in signed_in
    assert "people can make accounts themselves" in registration
    assert "There is nothing in the outbox." in outbox
    assert "stored in the file" in secret
