"""What a person types too early, as the app starts or an approval comes, does no harm and is not lost."""

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
