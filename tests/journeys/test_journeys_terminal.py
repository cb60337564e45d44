"""The journeys of which the terminal is the point: the first start, a small screen, and no screen at all."""

from __future__ import annotations

import re

import pytest
from tests.e2e.bench import Bench
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.thorough

GUARD_S = 0.7
"""The keys of a new approval do nothing for half a second; a person reads for longer."""


def test_first_run(bench: Bench) -> None:
    assert not bench.home.exists()
    with bench.open() as terminal:
        terminal.wait_for("general answers with offline", "needs nothing", "none yet", "alt+2")
        terminal.type("\x1b2")
        terminal.wait_for("│ Summarise @README.md into summary.md")
        terminal.press("enter")
        terminal.wait_for("⚠ 1", "write_file summary.md", "Approvals (1)", "@@ -0,0 +1,", "y once")
        assert not list(bench.paths.workspaces.glob("*/summary.md")), "written before it was approved"
        terminal.watch(GUARD_S)
        terminal.press("y")
        terminal.wait_for("Written to summary.md")
        terminal.press("f3")
        terminal.wait_for("Files (1)", "summary.md", "new", "enter preview")
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0
    assert list(bench.paths.workspaces.glob("*/summary.md"))


def test_80x24(bench: Bench) -> None:
    with bench.open(columns=80, rows=24) as terminal:
        terminal.wait_for("Message   @ file   / command")
        _ask_with_completion(terminal)
        _approve(bench, terminal)
        _preview_the_report(terminal)
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0
    report = next(bench.paths.workspaces.glob("*/report.md"))
    assert report.read_text().startswith("# Report on iowa-electricity.csv")
    with bench.open(columns=80, rows=24) as terminal:
        _come_back(terminal)
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0


def _ask_with_completion(terminal: Terminal) -> None:
    terminal.type("Summarise @iow")  # before the engine runs: it is completed when it does
    terminal.wait_for("@iowa-electricity.csv")
    terminal.press("tab")
    terminal.wait_for("Summarise @iowa-electricity.csv")
    terminal.type("and save a report to report.md")
    terminal.press("enter")


def _approve(bench: Bench, terminal: Terminal) -> None:
    terminal.wait_for("⚠ 1", "write_file report.md", "y once", "n deny", "r reason")
    terminal.wait_for("+# Report on iowa-electricity.csv")
    assert not list(bench.paths.workspaces.glob("*/report.md")), "written before it was approved"
    _read_all_of_it(terminal)
    terminal.watch(GUARD_S)
    terminal.press("y")
    terminal.wait_for("Written to report.md")
    terminal.wait_for("Message   @ file   / command")
    terminal.wait_gone("⚠")


def _read_all_of_it(terminal: Terminal) -> None:
    terminal.press("f2")
    terminal.wait_for("enter whole")
    terminal.press("enter")
    terminal.wait_for("pgdn scroll")
    terminal.press_until("end", "+| 2017 | 29,329 | 5,214 | 21,933 |")
    terminal.press("escape")
    terminal.wait_gone("pgdn scroll")
    terminal.press("escape")
    terminal.wait_gone("enter whole")


def _preview_the_report(terminal: Terminal) -> None:
    terminal.press("f3")
    terminal.wait_for("Files (1)", "report.md", "new", "enter preview")
    terminal.press("enter")
    terminal.wait_for("text/markdown", "Report on iowa-electricity.csv", "At a glance", "esc close")
    terminal.press("escape")
    terminal.wait_gone("esc close")


def _come_back(terminal: Terminal) -> None:
    terminal.wait_for("engine ●", "general answers with offline")
    terminal.press("ctrl+o")
    terminal.wait_for("enter open", "Summarise @iowa")
    terminal.press("enter")
    terminal.wait_for("Written to report.md", "Sources:", "iowa-electricity.csv", "▸ write_file")


def test_plain_mode(bench: Bench) -> None:
    with bench.open("chat", "--plain") as terminal:
        terminal.wait_for("You:")
        terminal.press("ctrl+c")
        terminal.wait_for("Nothing runs. Ctrl+D on an empty line, or /quit, leaves.")
        terminal.type("Write 'hello' to note.md")
        terminal.press("enter")
        terminal.wait_for(
            "Approval needed. Tool: write_file.", "+hello", "1. Approve once", "Choice, 1 to 6:"
        )
        assert not list(bench.paths.workspaces.glob("*/note.md")), "written before it was approved"
        terminal.type("1")
        terminal.press("enter")
        terminal.wait_for("approved by local (once)", "Written to `note.md`.")
        terminal.type("Write 'bye' to bye.md")
        terminal.press("enter")
        terminal.wait_for("+bye", re.compile(r"Choice, 1 to 6:\Z"))
        terminal.press("ctrl+c")
        terminal.wait_for("The run was stopped. What it has done stays.")
        terminal.press("ctrl+d")
        assert terminal.wait_end() == 0
        assert b"\x1b" not in terminal.received, "it moves no cursor and colours nothing"
        assert terminal.shows("Goodbye. Runs go on in the engine.")
    (note,) = bench.paths.workspaces.glob("*/note.md")
    assert note.read_text().strip() == "hello"
    assert not list(bench.paths.workspaces.glob("*/bye.md"))
