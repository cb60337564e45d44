"""`SKILL.md`: what its front matter must say, and where its mistakes are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.skills.front import MAX_FRONT_BYTES, MAX_TEXT_BYTES, parse_skill


def places(data: bytes, folder: str | None = None) -> list[tuple[int, int, str]]:
    found = parse_skill(data, "SKILL.md", folder).problems
    return [(each.line, each.column, each.key_path) for each in found]


def test_a_skill_is_a_name_a_description_and_whatever_else_it_says(text: Any) -> None:
    more = "license: MIT\nallowed-tools: [read_file]\nmetadata: { version: '1' }\n"
    said = parse_skill(text(more=more).encode(), "SKILL.md", "minutes")
    assert (said.name, said.description, said.problems) == ("minutes", "Writes minutes.", ())
    assert said.more == {"license": "MIT", "allowed-tools": ["read_file"], "metadata": {"version": "1"}}


def test_a_file_of_windows_and_one_with_a_mark_at_its_beginning_are_read(text: Any) -> None:
    assert parse_skill(text().replace("\n", "\r\n").encode(), "SKILL.md").name == "minutes"
    assert parse_skill(("\ufeff" + text()).encode(), "SKILL.md").name == "minutes"


def test_a_description_of_several_lines_becomes_one() -> None:
    data = b"---\nname: a\ndescription: |\n  One.\n  Two.\x20\n---\n"
    assert parse_skill(data, "SKILL.md").description == "One. Two."


def test_a_mistake_is_told_at_its_line_and_column_of_the_file() -> None:
    assert places(b"---\nname: a\ndescription:   7\n---\n") == [(3, 16, "description")]
    assert places(b"---\nname: My Skill\ndescription: x\n---\n") == [(2, 7, "name")]
    assert places(b"---\nname: a\ndescription: b: c\n---\n")[0][0] == 3


def test_a_skill_must_be_called_as_its_folder_is(text: Any) -> None:
    assert places(text().encode(), "other") == [(2, 7, "name")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"# Only text\n",
        b"\n---\nname: a\ndescription: b\n---\n",
        b"---\nname: a\ndescription: b\n",
        b"---\n---\n",
        b"---\n- a\n---\n",
        b"---\nname: a\n---\n",
        b"---\nname: a\ndescription: ''\n---\n",
        b"---\nname: a\ndescription: '  '\n---\n",
        b"---\nname: ../a\ndescription: b\n---\n",
        b"---\nname: a\nname: b\ndescription: b\n---\n",
        b"---\nname: !!python/object/apply:os.system [id]\ndescription: b\n---\n",
        b"---\nname: a\ndescription: " + b"x" * 1025 + b"\n---\n",
        b"---\nname: a\ndescription: b\nmetadata: &a [*a]\n---\n",
        b"---\nname: a\ndescription: b\nx: " + b"[" * 100 + b"]" * 100 + b"\n---\n",
        b"---\nname: a\ndescription: b\x1b[31m\n---\n",
        b"---\nname: a\ndescription: \xff\n---\n",
        "---\nname: a\ndescription: b\n---\n".encode("utf-16"),
        b"---\nname: a\ndescription: b\n---\n" + b"x" * MAX_TEXT_BYTES,
    ],
)
def test_what_is_no_skill_has_a_mistake_with_a_place(data: bytes) -> None:
    found = parse_skill(data, "SKILL.md").problems
    assert found
    assert all(each.line >= 1 and each.column >= 1 and each.file == "SKILL.md" for each in found)


def test_only_a_short_front_matter_is_parsed() -> None:
    begin = "---\nname: a\ndescription: b\nx: "
    for more, wrong in ((MAX_FRONT_BYTES - 100, False), (MAX_FRONT_BYTES, True)):
        problems = parse_skill(f"{begin}{'x' * more}\n---\n{'y' * 50_000}".encode(), "SKILL.md").problems
        told = ["the front matter is larger than 16 KiB"] if wrong else []
        assert [one.message for one in problems] == told


def test_many_aliases_end_early() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    front = "\n".join(["---", "name: a", "description: b", *lines, "---", ""])
    assert parse_skill(front.encode(), "SKILL.md").problems


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda each: f"---\n{each}\n---\n".encode()))
def test_anything_is_read_or_told_and_what_is_read_can_be_sent_as_json(data: bytes) -> None:
    said = parse_skill(data, "SKILL.md")
    json.dumps(said.more, allow_nan=False)
    assert said.problems or (said.name and "\n" not in said.description)
