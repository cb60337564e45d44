from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.knowledge import Chunking
from holdfast.core.knowledge.parsing.headings import headings_of
from holdfast.core.knowledge.parsing.model import Extract, Piece, Style
from holdfast.core.knowledge.parsing.splitting import split

_WORDS = [
    "one",
    "two.",
    "three!",
    "é",
    "漢字",
    "。",
    "👨‍👩‍👧",
    "e\u0301",
    "x" * 300,
    "`code`",
    "|a|b|",
    "- item",
    "1. one",
]
_BREAKS = [
    "\n",
    "\n\n",
    " ",
    "  ",
    "\t",
    "\n    ",
    "\n" * 40,
    "\n# Head\n",
    "\n## Sub *x*\n",
    "\n```\n",
    "\ndef f(a):\n",
    "\n---\n",
    "\u2028",
]
_TEXT = st.lists(st.sampled_from(_WORDS + _BREAKS), max_size=120).map("".join)
_PAGES = st.lists(st.integers(0, 400), max_size=5).map(lambda p: (0, *sorted(p)))


def _pieces(
    text: str, style: Style = Style.TEXT, max_chars: int = 200, overlap: int = 0, **more: object
) -> tuple[Piece, ...]:
    return split(Extract(text, style, **more), Chunking(max_chars=max_chars, overlap_chars=overlap))  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(
    text=_TEXT,
    style=st.sampled_from(Style),
    size=st.sampled_from([100, 150, 1200]),
    overlap=st.sampled_from([0, 30, 5000]),
    pages=_PAGES,
)
@example(text="", style=Style.TEXT, size=100, overlap=0, pages=(0,))
@example(text="x" * 9_000 + "\n" + "y " * 5_000, style=Style.MARKDOWN, size=100, overlap=30, pages=(0,))
def test_pieces_stand_where_they_say_and_hold_all_of_the_text(
    text: str, style: Style, size: int, overlap: int, pages: tuple[int, ...]
) -> None:
    pieces = split(
        Extract(text, style, pages=pages, has_lines=True), Chunking(max_chars=size, overlap_chars=overlap)
    )

    covered = 0
    for piece in pieces:
        place = piece.place
        assert text[place.start : place.end] == piece.text
        assert piece.text.strip()
        assert piece.text == piece.text.rstrip()
        assert len(piece.text) <= size
        assert not text[covered : place.start].strip(), "what no piece holds is white space"
        assert place.end > covered
        covered = place.end
        assert place.line == text.count("\n", 0, place.start) + 1
        assert place.last_line == text.count("\n", 0, place.end - 1) + 1
        assert place.page == sum(1 for p in pages if p <= place.start)
        assert place.last_page == sum(1 for p in pages if p <= place.end - 1)
    assert not text[covered:].strip()


def test_a_piece_says_which_headings_it_stands_under() -> None:
    text = (
        "# Guide\n\nIntro.\n\n## Install\n\n"
        + "Step. " * 30
        + "\n\n### Linux\n\n"
        + "apt. " * 30
        + "\n\n## Use\n\n"
        + "Run it. " * 20
    )
    paths = {p.text.split("\n\n")[-1].strip()[:4]: p.place.headings for p in _pieces(text, Style.MARKDOWN)}
    assert paths["Intr"] == ("Guide",)
    assert paths["Step"] == ("Guide", "Install")
    assert paths["apt."] == ("Guide", "Install", "Linux")
    assert paths["Run "] == ("Guide", "Use")


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("Title\n=====\n\nSub\n---\ntext", [("Title", 1), ("Sub", 2)]),
        ("```\n# no\n```\n# yes", [("yes", 1)]),
        ("~~~~\n```\n# no\n~~~~\n## yes ##", [("yes", 2)]),
        ("---\ntitle: x\nauthor: y\n---\n# yes", [("yes", 1)]),
        ("- item\n---\n\n#no\n\n    # code\n\n####### seven", []),
        ("two lines\nof text\n---", []),
        ("# [Linked](http://x) and **bold** `code`", [("Linked and bold code", 1)]),
        ("# \x1b]0;evil\x07", [("]0;evil", 1)]),
        ("#\n\n# \n", []),
        ("# " + "x" * 5_000, [("x" * 199 + "…", 1)]),
    ],
)
def test_headings_of_markdown_are_found(text: str, titles: list[tuple[str, int]]) -> None:
    assert [(h.title, h.level) for h in headings_of(text, Style.MARKDOWN)] == titles


def test_a_piece_of_python_says_its_class_and_function() -> None:
    code = (
        "import os\n\n\nclass Store:\n    '''Keeps.'''\n\n    def put(self):\n        a = 1\n"
        + "        b = 2\n" * 20
        + "\n    async def get(self):\n"
        + "        c = 3\n" * 20
        + "\n\nTOP = 1\n"
        + "X = 2\n" * 30
    )
    pieces = _pieces(code, Style.PYTHON, has_lines=True)
    by_line = {piece.text.splitlines()[-1].strip(): piece.place.headings for piece in pieces}
    assert by_line["b = 2"] == ("Store", "put")
    assert by_line["c = 3"] == ("Store", "get")
    assert by_line["X = 2"] == ()


def test_code_keeps_the_indentation_of_a_pieces_first_line() -> None:
    code = "def f():\n" + "\n\n".join(f"    value_{i} = {i} * {i}" for i in range(60))
    assert all(p.text.startswith("    value_") for p in _pieces(code, Style.PYTHON)[1:])


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("# Leave\n\n## Holidays\n\nThirty days.\n\n## Parents\n\nFourteen weeks.\n", ("Leave",)),
        ("# Leave\n\n## Holidays\n\nThirty.\n\n### Carrying over\n\nFive.\n", ("Leave", "Holidays")),
        ("# Leave\n\nAll.\n\n# Travel\n\nBy train.\n", ()),
    ],
)
def test_a_piece_of_several_sections_is_under_what_is_over_all_of_them(
    text: str, path: tuple[str, ...]
) -> None:
    [piece] = _pieces(text, Style.MARKDOWN)
    assert piece.place.headings == path


def test_a_heading_is_not_parted_from_what_follows_it() -> None:
    text = "\n\n".join(f"## Section {i}\n\n" + f"Sentence {i} is here. " * 8 for i in range(12))
    assert all(len(p.text) > 30 for p in _pieces(text, Style.MARKDOWN))


def test_a_piece_repeats_whole_words_of_the_one_before() -> None:
    text = " ".join(f"word{i:04}" for i in range(200))
    pieces = _pieces(text, overlap=50)
    for before, after in pairwise(pieces):
        shared = text[after.place.start : before.place.end]
        assert 30 <= len(shared) <= 50
        assert shared.startswith("word")
        assert before.text.endswith(shared)


def test_a_person_of_several_characters_is_not_cut_in_two() -> None:
    pieces = _pieces("👨🏽‍👩🏽‍👧🏽" * 2_000, max_chars=100)
    assert all(p.text.startswith("👨") for p in pieces)


_CASES = {
    "prose": "The quick brown fox jumps over the lazy dog. " * 20 + "\n\n",
    "markdown": "# Head\n\n" + "Some words of prose, and more.\n" * 20 + "\n- a\n- b\n\n",
    "one line": "word ",
    "one word": "x",
    "line breaks": "\n",
    "blanks": " ",
    "emoji": "👨‍👩‍👧 ",
    "accents": "e\u0301",
    "CJK": "漢字仮名",
    "hashes": "# \n",
    "fences": "```\n",
    "brackets": "![[",
    "tabs": "\t\t\tx\n",
    "dashes": "-\n",
    "CJK lines": "漢字仮名" * 700 + "\n",
}


@pytest.mark.parametrize("style", [Style.MARKDOWN, Style.PYTHON])
@pytest.mark.parametrize("case", _CASES)
def test_the_time_grows_with_the_length_alone(case: str, style: Style) -> None:
    unit = _CASES[case]
    text = (unit * (400_000 // len(unit) + 1))[:400_000]
    started = time.process_time()
    split(Extract(text, style, has_lines=True), Chunking())
    assert time.process_time() - started < 4.0  # alone it takes a tenth; what is quadratic takes a minute
