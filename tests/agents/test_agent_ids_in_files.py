"""The keys that say who an agent is: where they are wrong, and how an id gets into a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_folders import TOOLS
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.agents.loader import parse_agent
from holdfast.core.agents.rewrite import with_id
from holdfast.core.config.nodes import compose
from holdfast.core.domain.errors import Diagnostic

ID = "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"


def only(text: str) -> Diagnostic:
    found = parse_agent("version: 1\nname: a\n" + text, Path("a.yaml"), TOOLS).problems
    assert len(found) == 1, [str(one) for one in found]
    return found[0]


def test_an_id_is_written_in_one_way() -> None:
    found = only(f"id: {ID.upper()}\n")
    assert (found.line, found.column, found.key_path) == (3, 5, "id")
    assert found.expected == "a UUID in small letters"
    assert found.hint == f"write it as `{ID}`"
    assert only("id: mine\n").hint == "leave it out, and one is made of the name"


def test_a_name_cannot_look_like_an_id() -> None:
    (found,) = parse_agent(f"version: 1\nname: {ID}\n", Path("a.yaml")).problems
    assert (found.key_path, found.hint) == ("name", "write it as `id`")


@pytest.mark.parametrize(
    ("text", "key_path", "expected"),
    [
        (f"display_name: {'x' * 201}\n", "display_name", "at most 200 characters"),
        ("display_name: 3\n", "display_name", "text"),
        (f"author: {'x' * 201}\n", "author", "at most 200 characters"),
        ("tags: one\n", "tags", "a list"),
        ("tags: [a, '']\n", "tags[1]", "a length of at least 1"),
        (f"tags: [a, {'x' * 65}]\n", "tags[1]", "at most 64 characters"),
        (f"tags: [{', '.join(f't{n}' for n in range(33))}]\n", "tags", "at most 32 entries"),
        ("tools: [read_file, 3]\n", "tools[1]", "a tool's name, or a mapping {tool: NAME, id: UUID}"),
        ("tools: [{ tool: read_file, id: x }]\n", "tools[0].id", "a UUID in small letters"),
        ("tools: [{ tool: read_file, ids: x }]\n", "tools[0].ids", "one of tool, id, arguments, ext"),
    ],
)
def test_each_key_names_its_place_and_what_it_takes(text: str, key_path: str, expected: str) -> None:
    found = only(text)
    assert (found.key_path, found.expected) == (key_path, expected)


def test_a_tag_is_given_once() -> None:
    assert only("tags: [a, b, a]\n").key_path == "tags[2]"


def test_a_tool_in_a_mapping_is_checked_like_a_name_alone() -> None:
    found = only("tools:\n  - read_file\n  - tool: wirte_file\n")
    assert (found.line, found.column, found.key_path) == (5, 11, "tools[1].tool")
    assert found.hint == "did you mean `write_file`?"
    assert only("tools: [read_file, { tool: read_file }]\n").key_path == "tools[1].tool"


def test_a_tool_without_its_name_is_a_mistake() -> None:
    found = only(f"tools: [{{ id: {ID} }}]\n")
    assert (found.key_path, found.message) == ("tools[0].tool", "the required key is missing")


def test_two_tools_of_one_id_are_a_mistake() -> None:
    found = only(f"tools: [{{ tool: read_file, id: {ID} }}, {{ tool: ask_user, id: {ID} }}]\n")
    assert found.key_path == "tools[1].id"


@pytest.mark.thorough
def test_thousands_of_tags_and_tools_are_told_in_no_time() -> None:
    many = ", ".join(["read_file"] * 20_000)
    found = parse_agent(f"version: 1\nname: a\ntags: [{many}]\ntools: [{many}]\n", Path("a.yaml"), TOOLS)
    assert len(found.problems) == 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1\nname: a\n", f"version: 1\nname: a\nid: {ID}\n"),
        ("version: 1\nname: a", f"version: 1\nname: a\nid: {ID}\n"),
        ("name: a # why\n\n# tools\ntools: []\n", f"name: a # why\nid: {ID}\n\n# tools\ntools: []\n"),
        ("version: 1\r\nname: a\r\n", f"version: 1\r\nname: a\r\nid: {ID}\r\n"),
        ("{ name: a }", f"{{id: {ID},  name: a }}"),
        ("  name: a\n  version: 1\n", f"  name: a\n  id: {ID}\n  version: 1\n"),
        ("name: >-\n  a\nversion: 1\n", f"name: >-\n  a\nid: {ID}\nversion: 1\n"),
        ("%YAML 1.2\n---\nname: a\n...\n", f"%YAML 1.2\n---\nname: a\nid: {ID}\n...\n"),
        ("? name\n: a\n? version\n: 1\n", f"? name\n: a\nid: {ID}\n? version\n: 1\n"),
        ("\ufeffname: a\n", f"name: a\nid: {ID}\n"),
    ],
)
def test_an_id_goes_below_the_name_and_nothing_else_changes(text: str, expected: str) -> None:
    assert with_id(text, ID) == expected


def test_a_text_that_has_no_place_for_an_id_is_not_guessed_at() -> None:
    assert with_id("&x {version: 1, name: a}", ID) is None
    assert with_id("version: 1\nname: a\nid:\n", ID) is None


_COMMENTS = st.sampled_from(["", " # why", "  #: name: b"])
_BREAKS = st.sampled_from(["\n", "\r\n"])
_BLOCKS = st.lists(
    st.sampled_from(
        [
            "",
            "# a comment",
            "tags: [a]",
            "tools:\n- read_file",
            "instructions: |\n  name: x\n\n  # no",
            "'author': \"b\"",
        ]
    ),
    max_size=6,
    unique=True,
)


@given(
    st.sampled_from(["a", '"a"', "'a'", "|-\n  a", ">-\n  a", "\n  a"]),
    _COMMENTS,
    _BREAKS,
    _BLOCKS,
    st.integers(0, 6),
)
def test_whatever_is_around_it_the_rest_says_what_it_said(
    name: str, comment: str, line_break: str, blocks: list[str], at: int
) -> None:
    named = f"name: {name}" + (comment if not name.startswith(("|", ">")) else "")
    lines = [*blocks[:at], named, *blocks[at:], "version: 1"]
    text = "\n".join(lines).replace("\n", line_break)
    written = with_id(text, ID)
    assert written is not None
    before, after = compose(text, "")[0], compose(written, "")[0]
    assert before is not None
    assert after is not None
    assert isinstance(before.root.value, dict)
    assert after.root.value == {**before.root.value, "id": ID}
    assert written.replace(f"id: {ID}{line_break}", "", 1) == text
