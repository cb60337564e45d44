"""What an agent may do is decided: by one key, with a reason, with other arguments, several at once."""

from __future__ import annotations

import pytest
from tests.journeys.person import Desk, calls, says


async def test_ask_and_approve(desk: Desk) -> None:
    async with desk.sit_down() as person:
        await person.type("Summarise @iow")
        await person.sees("@iowa-electricity.csv")
        await person.press("tab")
        await person.sees("Summarise @iowa-electricity.csv")
        await person.type("and save a report to report.md")
        await person.press("enter")
        await person.sees("⚠ 1", "write_file report.md", "+# Report on iowa-electricity.csv", "y once")
        assert desk.written("report.md") is None, "written before it was approved"
        await person.press("y")
        await person.sees("Written to report.md")
        await person.sees_no_more("⚠ 1")
        report = desk.written("report.md")
        assert report is not None
        assert report.read_text().startswith("# Report on iowa-electricity.csv")
        (decided,) = await person.events("approval.resolved")
        decision = decided.decision
        assert (decision.outcome, decision.scope, decision.client) == ("approve", "once", "app")


@pytest.mark.thorough
async def test_deny_with_reason(desk: Desk) -> None:
    async with desk.sit_down() as person:
        await person.ask("Write 'hello' to note.md")
        await person.sees("write_file note.md", "r reason")
        await person.press("r")
        await person.sees("The model sees it")
        await person.type("the notes are not ready")
        await person.press("enter")
        await person.sees("⊘ denied", "denied: the notes are not ready", "I have stopped here")
        await person.ends()
        assert desk.written("note.md") is None
        (decided,) = await person.events("approval.resolved")
        assert (decided.status, decided.decision.reason) == ("denied", "the notes are not ready")


@pytest.mark.thorough
async def test_edit_arguments(desk: Desk) -> None:
    async with desk.sit_down() as person:
        await person.ask("Write 'hello' to note.md")
        await person.sees("write_file note.md", "e edit")
        await person.press("e")
        await person.sees("Edit the arguments of write_file", '"path": "note.md"')
        await person.press("f7")
        await person.type('{"path": "letter.md"')
        await person.press("ctrl+s")
        await person.sees("This is not JSON")
        await person.press("}", "ctrl+s")
        await person.sees("content")
        await person.press("backspace")
        await person.type(', "content": "good day"}')
        await person.press("ctrl+s")
        await person.sees_no_more("Edit the arguments")
        await person.ends()
        letter = desk.written("letter.md")
        assert letter is not None and letter.read_text() == "good day"
        assert desk.written("note.md") is None
        (decided,) = await person.events("approval.resolved")
        assert decided.decision.arguments == {"path": "letter.md", "content": "good day"}


@pytest.mark.thorough
async def test_batch_approve(desk: Desk) -> None:
    writes = [calls("write_file", str(n), path=f"part{n}.md", content=f"the text {n}") for n in range(3)]
    model = desk.script("parts", writes, says("The parts are there."))
    async with desk.sit_down(model=model) as person:
        await person.ask("Write it in three parts")
        await person.sees("⚠ 3", "g ")
        await person.press("g")
        await person.sees("3 of 3 calls", "+the text 0", "+the text 1")
        await person.press("down", "space", "y")
        await person.sees("⚠ 1", "write_file part1.md")
        await person.until(lambda: desk.written("part0.md"), "the first part")
        assert desk.written("part1.md") is None
        await person.press("n")
        await person.sees("The parts are there.")
        assert desk.written("part1.md") is None and desk.written("part2.md") is not None
        statuses = [each.status for each in await person.events("approval.resolved")]
        assert statuses == ["approved", "approved", "denied"]


@pytest.mark.thorough
async def test_follow_a_waiting_run_in_another_session(desk: Desk) -> None:
    async with desk.sit_down() as person:
        await person.ask("Write 'hello' to note.md")
        await person.sees("write_file note.md", "y once")
        await person.press("ctrl+n")
        await person.sees("enter choose")
        await person.press("enter")
        await person.sees("works now", "⚠ 1", "general · Write 'hello' to note.md")
        await person.ask("What is in this folder?")
        await person.ends()
        await person.press("ctrl+o")
        await person.sees("enter open")
        await person.press("down", "enter")
        await person.sees("▌ Write 'hello' to note.md", "y once")
        await person.press("y")
        await person.sees("Written to note.md")
        await person.sees_no_more("⚠ 1")
        note = desk.written("note.md")
        assert note is not None and note.read_text().strip() == "hello"
        waited, other = await person.events("run.started")
        assert waited.session_id != other.session_id
