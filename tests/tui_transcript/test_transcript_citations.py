"""Retrievals and citations in the transcript: shown once, links to passages, opened by mouse and by key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from holdfast.tui.presenters.entries import Entry, PassagesView
from holdfast.tui.presenters.passages import PassageView
from holdfast.tui.presenters.words import words_of
from holdfast.tui.widgets.transcript import Transcript
from holdfast.tui.widgets.transcript.inline import SOURCE_META
from holdfast.tui.widgets.transcript.line import Line
from holdfast.tui.widgets.transcript.markdown import render
from holdfast.tui.widgets.transcript.pieces import Cited

MakeHost = Callable[[], Any]


def links(lines: list[Line]) -> list[tuple[str, int]]:
    """Returns the texts that open a passage, each with the key that it names."""
    found = []
    for one in lines:
        for span in one.content.spans:
            meta = getattr(span.style, "meta", None)
            if meta and SOURCE_META in meta:
                found.append((one.content.plain[span.start : span.end], meta[SOURCE_META]))
    return found


# --- entries


def test_a_retrieval_before_the_first_step_is_one_closed_line(log: Any) -> None:
    log.start()
    log.retrieve()
    entry = log.entries()[-1]
    assert (entry.kind, entry.collapsed) == ("notice", True)
    assert entry.title == "searched docs · 2 passages, 1 dropped · 12 ms"
    assert [p.label for p in entry.sources.values()] == ["guide1.md:1", "guide2.md:2", "guide9.md:9"]
    assert [p.used for p in entry.sources.values()] == [True, True, False]


def test_a_retrieval_of_a_call_is_shown_in_the_call_alone(log: Any) -> None:
    log.start()
    log.request("c", name="search_knowledge", query="how")
    log.retrieve("c")
    log.complete("c", text="the same passages as text for the model")
    entries = log.entries()
    assert [e.kind for e in entries] == ["user", "tool"]
    assert entries[-1].subject == "how · 2 passages, 1 dropped"
    assert [type(block) for block in entries[-1].blocks] == [PassagesView]


def test_several_retrievals_of_one_call_keep_their_passages_apart(log: Any) -> None:
    log.start()
    log.request("c", name="search_knowledge", query="how")
    log.retrieve("c", numbers=[1])
    log.retrieve("c", numbers=[2])
    log.complete("c")
    call = log.entries()[-1]
    keys = [key for block in call.blocks for key, _ in block.passages]
    assert keys == [0, 1, 2, 3]
    assert [call.sources[key].number for key in keys] == [1, None, 2, None]


def test_a_call_whose_search_failed_shows_its_own_result(log: Any) -> None:
    log.start()
    log.request("c", name="search_knowledge", query="how")
    log.retrieve("c", error="the index does not answer")
    log.complete("c", outcome="error", text="no knowledge")
    call = log.entries()[-1]
    assert call.note == "knowledge: the index does not answer"
    assert "no knowledge" in words_of(call)


def test_a_failed_retrieval_before_the_first_step_is_a_warning(log: Any) -> None:
    log.start()
    log.retrieve(error="the index\x1b]0;pwn\x07 does not answer")
    entry = log.entries()[-1]
    assert (entry.state, entry.collapsed, entry.blocks) == ("warning", False, [])
    assert entry.title == "knowledge: the index]0;pwn does not answer"


def test_numbers_are_links_while_the_reply_streams_once_the_passages_are_there(log: Any) -> None:
    log.start()
    log.retrieve()
    log.part("p", "It is so [1]", end=False)
    reply = log.entries()[-1]
    assert reply.open
    assert set(reply.sources) == {1, 2}


def test_a_finished_reply_has_the_settled_text_and_what_it_cites(log: Any) -> None:
    log.start()
    log.retrieve()
    log.part("p", "It is so [2] and [99]", cites=[2])
    reply = log.entries()[-1]
    assert reply.text == "It is so [2] and "
    assert list(reply.sources) == [2]
    assert reply.sources[2].document == "guide2.md"


def test_a_cut_reply_keeps_the_links_of_what_it_says(log: Any) -> None:
    log.start()
    log.retrieve()
    log.part("p", "It is so [2]", end=False)
    log.fail("gone")
    reply = next(e for e in log.entries() if e.kind == "reply")
    assert list(reply.sources) == [2]


def test_a_passage_is_sanitised(log: Any) -> None:
    log.start()
    log.retrieve(numbers=[1])
    assert log.entries()[-1].sources[0].excerpt == "passage 1[31m"


# --- lines


def test_only_known_numbers_outside_of_code_and_links_are_links() -> None:
    text = "So [1], `[1]`, [3], **bold [2]**, [12, 2] and [1](https://x.example)\n\n    [1]\n\n"
    text += "| a |\n|---|\n| [2] |"
    assert links(render(text, 60, cites={1, 2})) == [("[1]", 1), ("[2]", 2), ("2", 2), ("[2]", 2)]


def test_sources_stand_below_each_other_and_are_never_torn() -> None:
    sources = tuple((n, PassageView(n, f"a/long/way/to/document-{n}.md", where="1–2")) for n in (1, 2, 30))
    for width in (30, 44, 80, 200):
        lines = list(Cited(sources).lines(width))
        assert [number for _, number in links(lines)] == [1, 2, 30]
        used = [sum(len(text) for text, _ in one.first) + one.content.cell_length for one in lines]
        assert max(used) <= width
    assert len(Cited(sources).lines(200)) == 1
    assert len(Cited(sources).lines(60)) == 3


# --- the widget


def cited(id: str, **more: Any) -> Entry:
    sources = {n: PassageView(n, f"doc{n}.md", document_id="d") for n in (1, 2, 12)}
    return Entry(id, "reply", 1, "r", text="It is so [1] and [12].", sources=more.pop("sources", sources))


async def press(pilot: Pilot[None], *keys: str) -> list[Any]:
    await pilot.press(*keys)
    await pilot.pause()
    return [message.passage.number for message in pilot.app.of(Transcript.SourceActivated)]


async def test_a_click_on_a_number_or_on_a_source_opens_it(host: MakeHost) -> None:
    async with host().run_test(size=(60, 10)) as pilot:
        pilot.app.view.set_entries([cited("a")])
        await pilot.pause()
        rows = pilot.app.rows()
        assert rows[:3] == [
            "  It is so [1] and [12].",
            "",
            "  Sources  [1] doc1.md  [2] doc2.md  [12] doc12.md",
        ]
        await pilot.click(Transcript, offset=(rows[0].index("12"), 0))
        await pilot.click(Transcript, offset=(rows[2].index("doc2"), 2))
        await pilot.pause()
        assert [m.passage.number for m in pilot.app.of(Transcript.SourceActivated)] == [12, 2]


async def test_digits_open_a_source_once_no_other_number_begins_so(host: MakeHost) -> None:
    async with host().run_test(size=(60, 10)) as pilot:
        pilot.app.view.set_entries([cited("a")])
        await pilot.pause()
        assert await press(pilot, "2") == [2]
        assert await press(pilot, "1") == [2]  # it may become 12
        assert await press(pilot, "2") == [2, 12]
        await press(pilot, "7")
        assert [m.number for m in pilot.app.of(Transcript.NumberTyped)] == [7]


async def test_digits_mean_the_reply_at_the_cursor(host: MakeHost) -> None:
    async with host().run_test(size=(60, 14)) as pilot:
        other = {2: PassageView(2, "other.md", document_id="o")}
        pilot.app.view.set_entries([cited("a", sources=other), cited("b")])
        await pilot.pause()
        await press(pilot, "left_square_bracket", "left_square_bracket", "2")
        assert [m.passage.document for m in pilot.app.of(Transcript.SourceActivated)] == ["other.md"]


async def test_a_click_on_a_found_passage_opens_it_and_one_on_the_header_closes(host: MakeHost) -> None:
    async with host().run_test(size=(70, 10)) as pilot:
        passage = PassageView(1, "doc1.md", document_id="d", score=0.5, vector_rank=3)
        view = PassagesView((), ((0, passage),))
        entry = Entry("n", "notice", 1, "r", title="searched docs", blocks=[view], sources={0: passage})
        pilot.app.view.set_entries([entry])
        await pilot.pause()
        rows = pilot.app.rows()
        assert rows[0].startswith("  ▾ searched docs")
        assert rows[1].startswith("  │ [1] doc1.md")
        assert rows[1].endswith("meaning 3  0.50")
        await pilot.click(Transcript, offset=(10, 1))
        assert await press(pilot) == [1]
        await pilot.click(Transcript, offset=(6, 0))
        await pilot.pause()
        assert "▸ searched docs" in pilot.app.rows()[0]
        assert pilot.app.rows()[1] == ""
