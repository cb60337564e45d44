"""Changes of files as lines: side by side or one below the other, with signs and marked words."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from holdfast.tui.presenters.copying import copied, source_of
from holdfast.tui.presenters.diffs import (
    changed_words,
    diff_lines,
    is_split,
    rows_of,
    side_by_side,
    unified,
)
from holdfast.tui.presenters.entries import (
    ArgumentsView,
    CommandView,
    DiffView,
    Entry,
    PlanView,
    TableView,
)
from holdfast.tui.presenters.spans import plain

DIFF = """--- a/x.py
+++ b/x.py
@@ -8,4 +8,4 @@
 import os
-value = read(path, 2)
+value = read(path, 3)
--- gone
 end
\\ No newline at end of file
"""

LINES = st.lists(st.text("abc +-\\@漢", max_size=12), max_size=12)


def test_old_and_new_stand_beside_each_other_with_their_numbers_and_signs() -> None:
    assert plain(side_by_side(rows_of(DIFF), 63)).split("\n") == [
        "@@ -8,4 +8,4 @@",
        " 8   import os                 │  8   import os                ",
        " 9 - value = read(path, 2)     │  9 + value = read(path, 3)    ",
        "10 - -- gone                   │ ",
        "11   end                       │ 10   end                      ",
        "\\ No newline at end of file",
    ]


def test_a_removed_line_of_dashes_is_a_line_and_no_name_of_a_file() -> None:
    assert "--- gone" in plain(unified(rows_of(DIFF)))


def test_the_words_that_differ_are_marked_in_both_lines() -> None:
    marked = [text for one in unified(rows_of(DIFF)) for text, role in one if role.endswith("_word")]
    assert marked == ["2", "3"]
    assert changed_words("all of it is new", "nothing stayed the same") == ((), ()), "too different"


def test_a_diff_goes_side_by_side_by_itself_only_where_there_is_room_and_both_sides_say_something() -> None:
    rows, new = rows_of(DIFF), rows_of("@@ -0,0 +1,2 @@\n+a\n+b\n")
    assert is_split("auto", 120, rows)
    assert not is_split("auto", 80, rows)
    assert not is_split("auto", 120, new), "half of the room would be empty"
    assert is_split("side_by_side", 80, new)
    assert not is_split("side_by_side", 40, rows), "nothing could be read"
    assert diff_lines(rows, 200, "unified") == unified(rows)


@given(LINES, LINES)
def test_one_below_the_other_says_what_the_diff_says(old: list[str], new: list[str]) -> None:
    diff = list(difflib.unified_diff(old, new, "a", "b", lineterm=""))[2:]
    shown = plain(unified(rows_of("\n".join(diff)))).split("\n") if diff else []
    assert sorted(shown) == sorted(diff)


@given(LINES, LINES, st.integers(20, 90))
def test_every_row_of_a_half_has_its_cells(old: list[str], new: list[str], width: int) -> None:
    diff = "\n".join(list(difflib.unified_diff(old, new, "a", "b", lineterm=""))[2:])
    for one in side_by_side(rows_of(diff), width):
        text = plain([one])
        if not text.startswith("@@"):
            assert cell_len(text) <= max(width, 30)


def test_a_message_is_copied_as_it_was_written_and_a_call_with_what_came_out() -> None:
    assert source_of(Entry("1", "reply", text="**bold** [1]")) == "**bold** [1]"
    ran = Entry("2", "tool", title="run", blocks=[CommandView("make", "/w", "done\n", 0)])
    assert source_of(ran) == "$ make\ndone"
    asked = Entry("3", "tool", title="call", blocks=[ArgumentsView((("path", "a.md"),))])
    assert source_of(asked) == "path: a.md"
    plan = Entry("4", "tool", title="plan", blocks=[PlanView((("read", "completed"), ("write", "pending")))])
    assert source_of(plan) == "- [x] read\n- [ ] write"
    table = Entry("5", "tool", title="query", blocks=[TableView(("a|b", "c"), (("1", "2\n3"),))])
    assert source_of(table) == "| a\\|b | c |\n| --- | --- |\n| 1 | 2 3 |"
    assert source_of(Entry("6", "tool", title="edit", blocks=[DiffView("a", "-x\n+y\n")])) == "-x\n+y"
    assert copied("one\ntwo\n") == "Copied 2 lines."
    assert copied("four") == "Copied 4 characters."


def test_a_head_with_a_number_of_thousands_of_digits_is_shown_as_a_line() -> None:
    head = f"@@ -1 +{'9' * 5000} @@"
    assert "+b" in plain(unified(rows_of(f"{head}\n-a\n+b"))).replace(" ", "")
