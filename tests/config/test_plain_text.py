"""The sanitiser: what a name may bring onto a terminal."""

from __future__ import annotations

import pytest

from holdfast.core.domain.text import sanitize, sanitize_line, without_unseen


@pytest.mark.parametrize("separator", ["\n", "\t", "\u2028", "\u2029"])
def test_a_name_stays_on_one_line_whatever_separator_it_holds(separator: str) -> None:
    line = sanitize_line(f"notes{separator}approved: yes")
    assert line == "notes approved: yes"
    assert line.splitlines() == [line]


def test_a_name_has_no_escapes_and_no_marks_that_turn_the_order_around() -> None:
    assert sanitize_line("a\x1b[2J\x9b\u202eb\u2066\x7f") == "a[2Jb"


def test_what_no_font_shows_is_not_there() -> None:
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "obey") + "\U000e0101\u2060\ufeff"
    for plain in (sanitize, sanitize_line, without_unseen):
        assert plain(f"tea{hidden}!") == "tea!"


def test_letters_that_need_their_neighbours_keep_what_joins_them() -> None:
    for text in ("👩\u200d🚀", "می\u200cخواهم", "❤\ufe0f"):
        assert sanitize(text) == without_unseen(text) == text
