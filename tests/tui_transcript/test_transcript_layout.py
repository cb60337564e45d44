"""Logical lines become rows; a column of entries shows any window of them."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.content import Content
from textual.geometry import Offset
from textual.selection import Selection

from holdfast.tui.presenters.entries import CommandView, DiffView, Entry, TableView, TextView
from holdfast.tui.widgets.transcript.block import Block, key_of, place_of
from holdfast.tui.widgets.transcript.column import Column
from holdfast.tui.widgets.transcript.index import Heights
from holdfast.tui.widgets.transcript.line import Line, Paint, lay_out
from holdfast.tui.widgets.transcript.selection import selected_text, word_at
from holdfast.tui.widgets.transcript.sources import Plain


def reply(id: str, text: str, **fields: object) -> Entry:
    return Entry(id, "reply", 1, "r", text=text, **fields)  # type: ignore[arg-type]


def screen(column: Column, top: int, rows: int) -> list[str]:
    found = [column.row(row) for row in range(top, min(top + rows, column.total))]
    return ["" if strip is None else strip.text.rstrip() for strip in found]


def everything(entries: Sequence[Entry], paint: Paint, width: int = 40) -> list[str]:
    column = Column(paint, width)
    column.fill(entries)
    column.settle(0, 100_000)
    return screen(column, 0, column.total)


@settings(max_examples=200, deadline=None)
@given(text=st.text("ab 日🎉\t,.", max_size=60), width=st.integers(8, 30))
def test_rows_hold_all_the_text_and_never_exceed_the_width(paint: Paint, text: str, width: int) -> None:
    text = text.expandtabs(4)
    rows = lay_out(Line(Content(text)), width, 7, paint)
    assert all(row.cell_length <= width for row in rows)
    assert "".join(row.text for row in rows).replace(" ", "") == text.replace(" ", "")


@settings(max_examples=100, deadline=None)
@given(text=st.text("ab 日", min_size=1, max_size=60))
def test_every_cell_says_which_character_it_shows(paint: Paint, text: str) -> None:
    for row in lay_out(Line(Content(text)), 12, 7, paint):
        gutter = 2
        for segment in row:
            assert segment.style is not None
            x, y = segment.style.meta["offset"]
            assert y == 7
            if gutter > 0:
                gutter -= 1
            elif segment.text.strip():
                assert text[x : x + len(segment.text)] == segment.text


def test_keys_grow_in_reading_order_and_can_be_read_back() -> None:
    places = [(-2, 0, 0), (-2, 3, 1), (-1, 0, 5), (0, 0, 0), (0, 1, 9), (7, 0, 0), (1 << 40, 2, 1)]
    keys = [key_of(*place) for place in places]
    assert keys == sorted(keys)
    assert [place_of(key) for key in keys] == places


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.data())
def test_heights_agree_with_adding_up(heights: list[int], data: st.DataObject) -> None:
    index = Heights(heights)
    for _ in range(5):
        at = data.draw(st.integers(0, len(heights) - 1))
        height = data.draw(st.integers(1, 9))
        heights[at] = height
        index[at] = height
        assert index.total == sum(heights)
        row = data.draw(st.integers(0, index.total - 1))
        found = index.at(row)
        assert sum(heights[:found]) <= row < sum(heights[: found + 1])
        assert index.top(found) == sum(heights[:found])


def test_a_conversation_looks_like_one(paint: Paint) -> None:
    entries = [
        Entry("u", "user", 1, "r", speaker="you", text="Save a report", attachments=["sales.csv · 2 KB"]),
        reply("p", "Revenue **rose**.\n\n- north", speaker="librarian"),
        Entry(
            "t", "tool", 3, "r", title="search", subject="sales", state="ok", collapsed=True, duration_ms=20
        ),
        Entry("w", "tool", 4, "r", title="write_file", subject="report.md", state="waiting"),
    ]
    assert everything(entries, paint) == [
        "▌ you",
        "▌ Save a report",
        "▌ + sales.csv · 2 KB",
        "",
        "▌ librarian",
        "  Revenue rose.",
        "",
        "  • north",
        "",
        "  · search  sales               20 ms  ✓",
        "  · write_file  report.md      ⚠ waiting",
    ]


def test_views_of_a_call_are_drawn_by_kind(paint: Paint) -> None:
    blocks = [
        CommandView("make all", "/p", "ok\n[bold]done[/bold]", 2),
        DiffView("a.md", "--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n same", created=False),
        TableView(("n", "sum"), (("a", "1"), ("b", "22"))),
        TextView("[red]plain[/red]"),
    ]
    rows = everything([Entry("t", "tool", 1, "r", title="x", state="ok", blocks=blocks)], paint)
    assert rows[1:] == [
        *("  │ $ make all", "  │ in /p", "  │ ok", "  │ [bold]done[/bold]", "  │ exit status 2"),
        *("  │ a.md", "  │ @@ -1 +1 @@", "  │ -old", "  │ +new", "  │  same"),
        *("  │ n │ sum", "  │ ──┼────", "  │ a │   1", "  │ b │  22", "  │ [red]plain[/red]"),
    ]


def test_only_what_is_seen_is_laid_out(paint: Paint) -> None:
    column = Column(paint, 40)
    column.fill([reply(str(n), "word " * 50) for n in range(10_000)])
    column.settle(0, 30, at_end=True)
    made = [item for item in column.items if item.built]
    assert 0 < len(made) < 20
    assert made[-1] is column.items[-1]


@pytest.mark.thorough
def test_rows_that_were_seen_are_forgotten_again(paint: Paint) -> None:
    column = Column(paint, 40)
    column.fill([reply(str(n), "word " * 50) for n in range(3_000)])
    top = 0
    while top + 30 < column.total:
        top = column.settle(top, 30) + 30
    assert sum(item.built for item in column.items) <= 500
    kept = [block for item in column.items for block in item.blocks if block.rows is not None]
    assert sum(block.height for block in kept) <= 2_000


def test_what_is_at_the_top_stays_there_when_guesses_above_were_wrong(paint: Paint) -> None:
    column = Column(paint, 40)
    column.fill([reply(str(n), f"number {n}\n\n" + "- x\n" * (n % 7)) for n in range(200)])
    top = column.settle(0, 20, at_end=True)
    for _ in range(30):
        shown = screen(column, top, 20)
        top = column.settle(top - 5, 20)
        assert screen(column, top + 5, 15) == shown[:15]


def test_older_entries_come_in_above_what_is_shown(paint: Paint) -> None:
    column = Column(paint, 40)
    column.fill([reply(str(n), f"number {n}") for n in range(50, 100)])
    top = column.settle(11, 20)
    shown = screen(column, top, 20)
    added = column.prepend([reply(str(n), f"number {n}\n\n" * (n % 3 + 1)) for n in range(50)])
    top = column.settle(top + added, 20)
    assert screen(column, top, 20) == shown


def test_another_width_keeps_the_place(paint: Paint) -> None:
    column = Column(paint, 60)
    column.fill([reply(str(n), f"number {n} " + "word " * 30) for n in range(100)])
    top = column.settle(200, 20)
    place = column.locate(top)
    assert place is not None
    top = column.settle(column.resize(30, top), 20)
    after = column.locate(top)
    assert after is not None
    assert (after.item, after.block) == (place.item, place.block)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["word ", "\n\n", "- a\n", "```\n", "x = 1\n", "| a |\n|---|\n", "# h\n", "日本"])
    ),
    st.booleans(),
)
def test_a_reply_that_grows_ends_like_one_that_came_at_once(
    paint: Paint, pieces: list[str], at_end: bool
) -> None:
    growing = Entry("p", "reply", 1, "r", speaker="a", open=True)
    column = Column(paint, 30)
    column.append(growing)
    column.settle(0, 10, at_end=at_end)
    for piece in pieces:
        growing.append(piece)
        item = column.change(growing)
        assert item is not None
        column.grow(item)
        column.settle(0, 10, at_end=at_end)
    growing.open = False
    column.grow(column.items[0])
    column.settle(0, 100_000)
    whole = everything([Entry("p", "reply", 1, "r", speaker="a", text="".join(pieces))], paint, 30)
    assert screen(column, 0, column.total) == whole


def test_queued_messages_stay_behind_what_comes(paint: Paint) -> None:
    column = Column(paint, 40)
    column.fill([Entry("q", "queued", 2, text="later"), reply("a", "one")])
    column.append(reply("b", "two"))
    assert [item.entry.id for item in column.items] == ["a", "b", "q"]
    column.remove("q")
    assert [item.entry.id for item in column.items] == ["a", "b"]
    column.settle(0, 100)
    assert screen(column, 0, 10) == ["  one", "", "  two"]


def test_copied_text_has_no_gutters_and_no_soft_wraps(paint: Paint) -> None:
    column = Column(paint, 20)
    long = "one two three four five six seven"
    column.fill([reply("a", f"{long}\n\n- item"), Entry("u", "user", 2, speaker="you", text="next")])
    column.settle(0, 50)
    start, end = column.items[0].blocks[0].key, column.items[1].blocks[-1].key
    whole = Selection(Offset(4, start), Offset(2, end))
    assert selected_text(column, whole) == "two three four five six seven\n\nitem\n\nyou\nne"
    assert selected_text(column, Selection(None, None)).startswith("one two")


def test_a_word_is_found_where_the_pointer_is(paint: Paint) -> None:
    column = Column(paint, 40)
    column.fill([reply("a", "open src/main.py now")])
    column.settle(0, 50)
    key = column.items[0].blocks[0].key
    assert word_at(column, Offset(7, key)) == Selection(Offset(5, key), Offset(16, key))


def test_a_message_of_five_megabytes_is_laid_out_in_bounded_pieces(paint: Paint) -> None:
    column = Column(paint, 80)
    column.fill([Entry("u", "user", 1, speaker="you", text="x" * 5_000_000)])
    column.settle(0, 40)
    assert column.total < 4_000
    assert screen(column, column.settle(0, 40, at_end=True), 40)[-1] == "▌ … 4,800,000 more characters"


@pytest.mark.thorough
def test_rows_that_are_forgotten_leave_nothing_to_the_collector(paint: Paint) -> None:
    block = Block(Plain("some words"), key_of(1, 0, 0), gap=False, width=20)
    gc.collect()
    gc.disable()
    try:
        for width in (20, 12):  # another width drops rows, too
            row = block.lay(width, paint)[0]
            # As the compositor does: a strip keeps what was cut from it, itself among that.
            assert row.adjust_cell_length(40).divide([40])
            row.divide([row.cell_length])
            row.crop_extend(0, row.cell_length, None)
            del row
        block.forget()
        assert gc.collect() == 0
    finally:
        gc.enable()
