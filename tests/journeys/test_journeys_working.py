"""What was said and made is found again, cited, compared, taken back; and a model of one's own is added."""

from __future__ import annotations

import pytest
from tests.fakes.openai_server import FakeOpenAI
from tests.journeys.person import Desk, calls, says

from holdfast import bootstrap

pytestmark = pytest.mark.thorough

LONG = "\n\n".join(f"Paragraph {number} of the old notes." for number in range(120))


async def test_attach_and_cite(desk: Desk) -> None:
    async with desk.sit_down(agent="librarian") as person:
        await person.ask("/knowledge")
        await person.sees("n new")
        await person.press("n")
        await person.sees("New collection: its name")
        await person.ask("power")
        await person.sees("What is power about?")
        await person.ask("Electricity in Iowa")
        await person.ask("about-the-data.md")
        await person.sees("about-the-data.md", "1 document")
        await person.press("escape")
        await person.ask("What does the file say about nuclear energy?")
        await person.sees("Sources  [1] about-the-data.md")
        cited = [each for part in await person.events("part.completed") for each in part.citations]
        assert {(each.number, each.document) for each in cited} == {(1, "about-the-data.md")}
        await person.press("f6", "1")
        await person.sees("next passage", "[1] 1–13 · About the data", "▌ Nuclear energy in these figures")


async def test_search_and_jump(desk: Desk) -> None:
    old = desk.script(
        "old",
        [{"type": "text", "text": f"The needle lies here.\n\n{LONG}"}, calls("list_files")],
        says("Those are the files."),
    )
    async with desk.sit_down(model=old) as person:
        await person.ask("Tell me of the old days")
        await person.sees("Those are the files.")
        await person.press("ctrl+n")
        await person.sees("enter choose")
        await person.press("enter")
        await person.sees("works now")
        await person.press("ctrl+r")
        await person.sees("Search all sessions")
        await person.type("needle")
        await person.press("enter")
        await person.sees("The needle lies here.", "find needle", "1 of 1")
        await person.press("t")
        await person.sees("▌ ▸ list_files")
        await person.press("M", "M")
        await person.sees("▌ Tell me of the old days", "The needle lies here.")
        await person.press("ctrl+f")
        await person.type("Paragraph 77 of")
        await person.sees("Paragraph 77 of the old notes.", "find Paragraph 77 of", "1 of 1")


async def test_fork_and_compare(desk: Desk) -> None:
    model = desk.script("first", says("Write it yourself."))
    async with desk.sit_down(model=model) as person:
        await person.ask("Write 'hello' to note.md")
        await person.sees("Write it yourself.")
        await person.press("f6", "R")
        await person.sees("Answer again: with which model?")
        await person.type("offline")
        await person.press("enter")
        await person.sees("Two answers", "Write it yourself.", "⚠ waits for you", "y once")
        await person.press("y")
        await person.sees("Written to note.md", "Write it yourself.", "o other")
        note = desk.written("note.md")
        assert note is not None and note.read_text().strip() == "hello"
        await person.press("o")
        await person.sees("Write 'hello' to note.md (fork)", "Written to note.md")
        await person.sees_no_more("Write it yourself.")
        first, copy = await person.events("session.created")
        assert (first.forked_from, copy.forked_from) == (None, first.session_id)
        said = {(each.session_id, each.text) for each in await person.events("part.completed")}
        assert (first.session_id, "Write it yourself.") in said, "the first answer stays where it was"
        assert (copy.session_id, "Write it yourself.") not in said


async def test_undo_a_runs_files(desk: Desk) -> None:
    model = desk.script(
        "two_runs",
        [calls("write_file", path="a.md", content="one")],
        says("The first is written."),
        [
            calls("write_file", "a", path="a.md", content="two"),
            calls("write_file", "b", path="b.md", content="new"),
        ],
        says("Both are written."),
    )
    async with desk.sit_down(model=model) as person:
        await person.press("shift+tab")
        await person.sees("✎ edits")
        await person.ask("Write it")
        await person.sees("The first is written.")
        await person.ask("And now better")
        await person.sees("Both are written.")
        await person.ends(2)  # while the run is under way its files are not undone
        first, second = desk.written("a.md"), desk.written("b.md")
        assert first is not None and second is not None and first.read_text() == "two"
        await person.press("f3")
        await person.sees("a.md", "b.md")
        await person.press("u")
        await person.until(lambda: first.read_text() == "one" and not second.exists(), "the undoing")
        await person.press("U")
        await person.until(lambda: first.read_text() == "two" and second.exists(), "the redoing")
        assert second.read_text() == "new"


async def test_add_a_provider(desk: Desk, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    server.key = "sk-right-0123456789abcdef0123"
    server.default = {"text": "I answer from over there."}
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    async with desk.sit_down() as person:
        await person.sees("none yet", "alt+p")
        await person.press("alt+2", "alt+1")
        await person.sees("│ Summarise @README.md into summary.md")
        await person.press("alt+p")
        await person.sees("Which provider?")
        await person.type("openai")
        await person.press("enter")
        await person.sees("paste the key; it is not shown")
        await person.type("sk-wrong")
        await person.press("enter")
        await person.sees("✗ ", "Nothing was kept.")
        assert "sk-wrong" not in person.text
        assert not bootstrap.paths().keys.exists()
        await person.press(*["backspace"] * 8)
        await person.type(server.key)
        await person.press("enter")
        await person.sees("general answers with openai/", "OpenAI in the key file")
        await person.sees("│ Summarise @README.md into summary.md")
        kept = bootstrap.paths().keys
        assert server.key in kept.read_text() and kept.stat().st_mode & 0o077 == 0
        await person.press("enter")
        await person.sees("I answer from over there.")
        wrong, right, asked = (request.headers["authorization"] for request in server.requests)
        assert wrong == "Bearer sk-wrong" and right == asked == f"Bearer {server.key}"
