"""Markdown in pieces becomes the same blocks as Markdown at once, and those become lines."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.widgets.transcript import splitter as splitter_module
from holdfast.tui.widgets.transcript.inline import LINK_META
from holdfast.tui.widgets.transcript.markdown import parser, render
from holdfast.tui.widgets.transcript.sources import CHUNK, Code, Markdown
from holdfast.tui.widgets.transcript.splitter import Splitter

LINES = st.sampled_from(
    [
        *("text", "more *text*", "", "", "# head", "---", "===", "- a", "  - b", "* c", "1. one", "2. two"),
        *("```", "```py", "~~~~", "~~~", "    code", "\tcode", "> quote", ">", "| a | b |", "|---|---|"),
        *("  indented", "`` ` ``", "+", "<b>", "[a]: http://x.y", "\u2028", "日本語", "-", "1)", "   "),
    ]
)
sources = st.lists(LINES, max_size=14).map("\n".join)


def split(pieces: Iterable[str]) -> list[tuple[object, bool]]:
    splitter = Splitter()
    done = []
    for piece in pieces:
        done += splitter.feed(piece)
        assert splitter.tail is None or splitter.tail.lines(40) is not None
    return done + splitter.finish()


@settings(max_examples=300, deadline=None)
@given(source=sources, cuts=st.lists(st.integers(0, 120), max_size=12))
def test_blocks_do_not_depend_on_how_the_text_is_cut(source: str, cuts: list[int]) -> None:
    edges = sorted({0, len(source), *(cut for cut in cuts if cut < len(source))})
    pieces = [source[a:b] for a, b in itertools.pairwise(edges)]
    at_once = split([source])
    assert split(pieces) == at_once
    assert split(source) == at_once


@settings(max_examples=200, deadline=None)
@given(source=sources)
def test_blocks_are_those_that_the_parser_sees(source: str) -> None:
    tokens = [t for t in parser().parse(source) if t.level == 0 and t.map is not None]
    blocks = [block for block, joined in split(source) if not joined]
    assert [isinstance(block, Code) for block in blocks] == [t.type == "fence" for t in tokens]
    fences = [t.content.removesuffix("\n").rstrip() for t in tokens if t.type == "fence"]
    assert [block.text.rstrip() for block in blocks if isinstance(block, Code)] == fences


def test_a_long_fence_is_cut_into_pieces_that_join_without_a_gap() -> None:
    source = "```py\n" + "".join(f"x = {n}\n" for n in range(CHUNK * 2 + 5)) + "```\n"
    blocks = split([source])
    assert [joined for _, joined in blocks] == [False, True, True]
    assert "\n".join(block.text for block, _ in blocks) == source[6:-5]


def test_a_half_written_end_of_a_fence_is_not_shown() -> None:
    splitter = Splitter()
    splitter.feed("```py\nx = 1\n``")
    assert splitter.tail == Code("x = 1", "py")


def test_the_work_is_linear_in_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece looks at the unfinished rest only: all looks together are a few times the text."""
    looked = 0
    block_starts = splitter_module._block_starts

    def counted(text: str) -> list[tuple[int, str]]:
        nonlocal looked
        looked += len(text)
        return block_starts(text)

    monkeypatch.setattr(splitter_module, "_block_starts", counted)
    section = "## Head\n\nSome *text* here that goes on.\n\n- a\n- b\n\n```py\n" + "x = 1\n" * 50 + "```\n\n"
    split([section] * 200)
    assert looked < 3 * len(section) * 200
    looked = 0
    text = section * 20
    split(text[at : at + 16] for at in range(0, len(text), 16))
    assert looked < 6 * len(text)


def lines(source: str, width: int = 40) -> list[str]:
    return ["".join(t for t, _ in line.first) + line.content.plain for line in render(source, width)]


def test_lists_are_marked_and_nested_and_numbers_go_on() -> None:
    assert lines("- a\n- b\n\n3. c\n   - d\n4. e") == [
        *("  • a", "  • b", "  ", "  3. c", "     • d", "  4. e"),
    ]


def test_a_loose_list_has_room_between_its_items() -> None:
    assert lines("- a\n\n- b") == ["  • a", "  ", "  • b"]


def test_an_item_may_hold_code_and_a_quote() -> None:
    assert lines("- a\n\n  ```\n  x\n  ```\n- > q") == ["  • a", "    ", "    ▏ x", "  ", "  • ▌ q"]


def test_tables_are_aligned_and_their_cells_wrapped_to_the_width() -> None:
    source = "| name | sum |\n|---|--:|\n| 日本 | 5 |\n| a very long name indeed that goes on | 1,200 |"
    assert lines(source, 30) == [
        "  name                 │   sum",
        "  ─────────────────────┼──────",
        "  日本                 │     5",
        "  a very long name     │ 1,200",
        "  indeed that goes on  │      ",
    ]


def test_rows_of_a_table_that_is_much_too_wide_are_shown_one_by_one() -> None:
    source = "| name | what it is about | sum |\n|---|---|--:|\n| north | the first | 5 |\n| south | | 6 |"
    assert lines(source, 18) == [
        "  name      north",
        "  what it…  the first",
        "  sum       5",
        "  ────────────────",
        "  name      south",
        "  sum       6",
    ]


def test_html_and_brackets_are_text() -> None:
    assert lines("<b>x</b> [red]y[/red] [z](\n") == ["  <b>x</b> [red]y[/red] [z]("]


def test_links_carry_their_address_and_bare_ones_too() -> None:
    [line] = render("see [docs](https://a.b/c) and https://x.y/z(1), or [file](notes.md)", 80)
    found = [
        (line.content.plain[span.start : span.end], span.style.meta[LINK_META], span.style.link)
        for span in line.content.spans
        if not isinstance(span.style, str)
    ]
    assert found == [
        ("docs", "https://a.b/c", "https://a.b/c"),
        ("https://x.y/z(1)", "https://x.y/z(1)", "https://x.y/z(1)"),
        ("file", "notes.md", None),
    ]


def test_a_script_is_no_link() -> None:
    [line] = render("[x](javascript:alert(1)) [y](data:text/html,1)", 80)
    assert all(isinstance(span.style, str) for span in line.content.spans)


def test_absurd_nesting_loses_no_text() -> None:
    for source in ("> " * 30 + "deep", "> " * 3_000 + "deep", "- " * 200 + "deep"):
        drawn = lines(source, 40)
        assert "deep" in "".join(drawn)


def test_gutters_leave_room_for_the_text_however_deep_it_is() -> None:
    [line] = render("> " * 20 + "deep", 40)
    assert sum(len(text) for text, _ in line.first) <= 24


def test_a_huge_block_is_shown_as_plain_text() -> None:
    assert len(Markdown("*a* " * 20_000).lines(80)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "a&#13;b&#12;c",
        "# a&#13;b",
        "| &#13;a | b |\n|---|---|\n| &#x202E;c | &rlm;d |",
        "- **&#13;a**&NewLine;b",
    ],
)
def test_entities_bring_no_control_characters_back(source: str) -> None:
    shown = "".join(lines(source))
    assert shown == sanitize_line(shown)
