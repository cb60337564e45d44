"""The guided tour, walked to its end in a small terminal: it notices what was done, and leaves nothing."""

from __future__ import annotations

import pytest
from tests.e2e.bench import Bench
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.thorough

GUARD_S = 0.7
"""The keys of a new approval do nothing for half a second; a person looks for longer."""


def test_the_tour_is_walked_to_its_end_and_leaves_nothing_behind(bench: Bench) -> None:
    temporary = bench.root / "tmp"
    temporary.mkdir()
    bench.environment["TMPDIR"] = str(temporary)
    with bench.open("demo", columns=80, rows=24) as terminal:
        terminal.wait_for("Tour 1/7  Ask", "Write a report on sales.csv")
        terminal.press("enter")
        _decide(terminal)
        _look(terminal)
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0
    assert list(temporary.iterdir()) == []
    assert not bench.home.exists()


def _decide(terminal: Terminal) -> None:
    terminal.wait_for("Tour 2/7  Approve", "write_file report.md  +10 -0", "y once")
    terminal.watch(GUARD_S)
    terminal.press("y")
    terminal.wait_for("✓ You let it write", "Tour 3/7  Deny", "write_file notes.md")
    terminal.watch(GUARD_S)
    terminal.press("r")
    terminal.wait_for("why? The model sees it.")
    terminal.type("I need them")
    terminal.press("enter")
    terminal.wait_for("✓ Denied", "Tour 4/7", "what you decided holds")


def _look(terminal: Terminal) -> None:
    terminal.press("f3")
    terminal.wait_for("notes.md", "enter preview")
    terminal.press("enter")
    terminal.wait_for("report.md   text/markdown", "Revenue rose in every region")
    terminal.press("escape")
    terminal.wait_for("Tour 5/7")
    terminal.press("escape")
    terminal.wait_for("Message   @ file   / command")
    terminal.type("/context")
    terminal.press("enter")
    terminal.wait_for("What the model saw in step 4", "where it works", "tool  write_file")
    terminal.press("escape")
    terminal.wait_for("Tour 6/7")
    terminal.type("/fork")
    terminal.press("enter")
    terminal.wait_for("Tour 7/7", "You are in the copy now", "(fork)", "This is a copy")
    terminal.press("ctrl+o")
    terminal.wait_for("enter open  / search")
    terminal.press("/")
    terminal.watch(GUARD_S)  # the field takes the focus
    terminal.type("north")
    terminal.press("enter")
    terminal.wait_for("The north grew most. I write that")
    terminal.press_until("escape", "That was the tour.")
