"""The README's walk-through as a person does it: ask, approve, open the report, quit, come back. Offline."""

from __future__ import annotations

import pytest
from tests.e2e.bench import Bench
from tests.e2e.terminal import Terminal

GUARD_S = 0.7
"""The keys of a new approval do nothing for half a second; a person reads for longer."""


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24)])
def test_ask_approve_see_the_file_quit_and_come_back(bench: Bench, columns: int, rows: int) -> None:
    wide = columns >= 120
    with bench.open(columns=columns, rows=rows) as terminal:
        terminal.wait_for("Message   @ file   / command", "general answers with offline")
        _ask_with_completion(terminal)
        _approve(bench, terminal, wide)
        _preview_the_report(terminal)
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0
    report = next(bench.paths.workspaces.glob("*/report.md"))
    assert report.read_text().startswith("# Report on iowa-electricity.csv")
    with bench.open(columns=columns, rows=rows) as terminal:
        _resume(terminal, wide)
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0


def _ask_with_completion(terminal: Terminal) -> None:
    terminal.type("Summarise @iow")
    terminal.wait_for("@iowa-electricity.csv")
    terminal.press("tab")
    terminal.wait_for("Summarise @iowa-electricity.csv")
    terminal.type("and save a report to report.md")
    terminal.press("enter")


def _approve(bench: Bench, terminal: Terminal, wide: bool) -> None:
    terminal.wait_for("⚠ 1", "write_file report.md", "y once", "n deny", "r reason")
    terminal.wait_for("+# Report on iowa-electricity.csv")
    if wide:
        terminal.wait_for("Approvals (1)", "@@ -0,0 +1,")
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


def _resume(terminal: Terminal, wide: bool) -> None:
    terminal.wait_for("engine ●", "general answers with offline")
    terminal.press("ctrl+o")
    terminal.wait_for("enter open", "Summarise @iowa")
    terminal.press("enter")
    terminal.wait_for("Written to report.md", "Sources:", "iowa-electricity.csv")
    terminal.wait_for("▸ write_file")
    if wide:
        terminal.wait_for("▌ Summarise @iowa-electricity.csv and save a report", "Files (1)")


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


def test_what_is_typed_before_the_engine_runs_is_sent_when_it_does(bench: Bench) -> None:
    with bench.open() as terminal:
        terminal.wait_for("Message   @ file   / command")
        terminal.type("List the files")
        terminal.press("enter")
        terminal.wait_for("▌ you", "▌ List the files", "list_files")


def test_a_path_that_was_begun_before_the_engine_runs_is_completed_when_it_does(bench: Bench) -> None:
    with bench.open() as terminal:
        terminal.wait_for("Message   @ file   / command")
        terminal.type("Read @que")
        terminal.wait_for("@questions.md")
        terminal.press("tab")
        terminal.wait_for("Read @questions.md")
