"""What a person presses as an approval comes decides nothing."""

from __future__ import annotations

from tests.e2e.bench import Bench


def test_a_key_that_comes_with_the_approval_does_not_decide_it(bench: Bench) -> None:
    with bench.open() as terminal:
        terminal.wait_for("general answers with offline")
        terminal.type("Write 'hello' to note.md")
        terminal.press("enter")
        terminal.wait_for("write_file note.md")
        terminal.press("y")
        terminal.watch(0.4)
        assert terminal.shows("⚠ 1")
        assert not list(bench.paths.workspaces.glob("*/note.md"))
