"""One value of a YAML text is changed, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.config.nodes import compose
from holdfast.core.config.rewrite import with_list, with_value, without_value, written

COMMENTED = """\
# mine
default_agent: general   # who answers

models:
  # the house model
  default: openai/gpt-4o
  retries: 2
tui: {theme: nord, mouse: false}
"""


def read(text: str) -> Any:
    document, problems = compose(text, "f")
    assert document is not None and not problems
    return document.root.value


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ("", ("approve",), "plan", "approve: plan\n"),
        ("# only a comment\n", ("tui", "mouse"), False, "# only a comment\ntui:\n  mouse: false\n"),
        ("a: 1", ("b",), 2, "a: 1\nb: 2\n"),
        (
            "tui:\n    theme: nord\nx: 1\n",
            ("tui", "mouse"),
            True,
            "tui:\n    theme: nord\n    mouse: true\nx: 1\n",
        ),
        ("tui:\nx: 1\n", ("tui", "mouse"), True, "tui:\n  mouse: true\nx: 1\n"),
        ("tui: {}\n", ("tui", "mouse"), True, "tui: {mouse: true}\n"),
        ("tui: {theme: nord}\n", ("tui", "mouse"), True, "tui: {theme: nord, mouse: true}\n"),
        ("theme:   'a'   # why\n", ("theme",), "b c", 'theme:   "b c"   # why\n'),
        ("keys:\n  a: x\n  b: y\nz: 1\n", ("keys",), {"c": "d"}, "keys: {c: d}\nz: 1\n"),
        ("l:\n- 1\n- 2\n", ("l",), [3], "l: [3]\n"),
        ("t: |\n  long\n  text\nz: 1\n", ("t",), "s", "t: s\nz: 1\n"),
        (
            "tui:\n  keys:\n    a.b: x\n",
            ("tui", "keys", "c.d"),
            "y",
            "tui:\n  keys:\n    a.b: x\n    c.d: y\n",
        ),
        ("a:\n", ("a",), "x", "a: x\n"),
    ],
)
def test_a_value_is_put_where_it_belongs(text: str, path: tuple[str, ...], value: Any, expected: str) -> None:
    assert with_value(text, path, value) == expected


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("a: 1\nb: 2\n", ("a",), "b: 2\n"),
        ("tui:\n  theme: nord\n", ("tui", "theme"), ""),
        ("tui:\n  theme: nord  # mine\n  mouse: true\n", ("tui", "theme"), "tui:\n  mouse: true\n"),
        ("tui: {theme: nord, mouse: true}\n", ("tui", "theme"), "tui: {mouse: true}\n"),
        ("tui: {theme: nord, mouse: true}\n", ("tui", "mouse"), "tui: {theme: nord}\n"),
        ("keys:\n  a: x\n  b: y\nz: 1\n", ("keys",), "z: 1\n"),
        ("a: 1\n", ("b",), "a: 1\n"),
    ],
)
def test_a_value_is_taken_out(text: str, path: tuple[str, ...], expected: str) -> None:
    assert without_value(text, path) == expected


def test_comments_and_order_stay() -> None:
    changed = with_value(COMMENTED, ("models", "default"), "offline")
    assert changed == COMMENTED.replace("openai/gpt-4o", "offline")
    assert without_value(COMMENTED, ("models", "retries")) == COMMENTED.replace("  retries: 2\n", "")


def test_what_an_alias_stands_for_is_not_broken() -> None:
    text = "a: &x {k: 1}\nb: *x\n"
    assert with_value(text, ("a",), 2) is None, "the alias would have nothing to stand for"
    assert with_value("a: [1\n", ("b",), 2) is None
    assert with_value("- 1\n", ("b",), 2) is None


VALUES = (
    st.booleans() | st.integers(-5, 5) | st.text(max_size=6) | st.lists(st.integers(0, 3), max_size=2)
    | st.dictionaries(st.text(min_size=1, max_size=3), st.text(max_size=3), max_size=2)
)  # fmt: skip


@given(VALUES, st.sampled_from((("default_agent",), ("models", "retries"), ("tui", "keys"), ("tools", "x"))))
def test_any_value_reads_as_it_was_meant_and_can_be_taken_out_again(
    value: Any, path: tuple[str, ...]
) -> None:
    changed = with_value(COMMENTED, path, value)
    assert changed is not None
    found = read(changed)
    for key in path:
        found = found[key]
    assert found == value
    assert changed.count("#") >= 2
    back = without_value(changed, path)
    assert back is not None
    left = read(COMMENTED)
    holder = left if len(path) == 1 else left.get(path[0], {})
    holder.pop(path[-1], None)
    assert read(back) == left


@given(st.text(max_size=20))
def test_a_text_is_written_so_that_it_is_read_again(text: str) -> None:
    assert read(f"a: {written(text)}\n") == {"a": text}


LISTED = """\
tools:
  # reads only
  - read_file  # all of it
  - write_file
  # why: a question saves a run
  - {tool: ask_user, id: x}

# who answers
model: m
"""


def test_a_list_in_lines_keeps_the_comments_of_what_stays() -> None:
    changed = with_list(LISTED, ("tools",), ["read_file", {"tool": "ask_user", "id": "x"}, "list_files"])
    assert changed == LISTED.replace("  - write_file\n", "").replace("id: x}\n", "id: x}\n  - list_files\n")


@pytest.mark.parametrize("values", [[], ["z"], ["read_file"], ["z", "read_file"]])
def test_a_list_reads_as_it_was_meant_and_what_follows_stays(values: list[Any]) -> None:
    changed = with_list(LISTED, ("tools",), values)
    assert changed is not None
    assert read(changed) == {"tools": values, "model": "m"}
    assert "\n\n# who answers\nmodel: m\n" in changed


def test_a_text_of_several_lines_is_a_block_of_them() -> None:
    text = "a: |\n  one\n  two\n\n# next\nb: 1\n"
    changed = with_value(text, ("a",), "first\n\n  deep: x\n")
    assert changed == "a: |\n  first\n\n    deep: x\n\n# next\nb: 1\n"
    assert with_value("b: 1\n", ("c", "d"), "x\ny") == "b: 1\nc:\n  d: |-\n    x\n    y\n"


@given(st.text(alphabet="ab :#-|\n\t\"'", max_size=30))
def test_any_text_of_several_lines_is_read_again(text: str) -> None:
    changed = with_value("# c\na: |\n  x\n\nb: 1\n", ("a",), text)
    assert changed is not None
    assert read(changed) == {"a": text, "b": 1}
