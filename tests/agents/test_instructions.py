"""The system prompt."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from holdfast.core.agents.instructions import MAX_NOTES, project_notes, system_sections

DAY = date(2026, 1, 31)


def test_instructions_come_first_then_facts_then_notes() -> None:
    text = "\n\n".join(
        system_sections(
            instructions="Be kind.\n",
            today=DAY,
            workspace="/w",
            tools=("read_file",),
            project_notes="Use tabs.",
        )
    )
    assert text.startswith("Be kind.\n\n# Where you work\n- Today is 2026-01-31.\n- Your workspace is /w.")
    assert text.endswith("# The project's notes (AGENTS.md)\nUse tabs.")


def test_without_tools_and_notes_nothing_is_said_of_them() -> None:
    text = "\n\n".join(system_sections(instructions="", today=DAY, workspace="/w"))
    assert text == "# Where you work\n- Today is 2026-01-31."


def test_notes_over_the_limit_are_cut_and_say_so() -> None:
    text = "\n\n".join(
        system_sections(instructions="", today=DAY, workspace="/w", project_notes="x" * (MAX_NOTES + 5))
    )
    assert text.count("x") == MAX_NOTES
    assert text.endswith("[AGENTS.md goes on; 5 characters are left out]")


def test_the_notes_of_a_project_are_read(tmp_path: Path) -> None:
    assert project_notes(tmp_path) == ""
    (tmp_path / "AGENTS.md").write_text("Run make.\n")
    assert project_notes(tmp_path) == "Run make.\n"


def test_notes_that_link_out_of_the_project_are_not_read(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "secret").write_text("secret")
    (project / "AGENTS.md").symlink_to(tmp_path / "secret")
    assert project_notes(project) == ""


def test_notes_that_link_to_themselves_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").symlink_to("AGENTS.md")
    assert project_notes(tmp_path) == ""


def test_notes_that_are_no_text_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_bytes(b"\xff\xfe\x00")
    assert project_notes(tmp_path) == ""
