"""YAML files: limits, places and messages."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.config.nodes import MAX_DUPLICATES, MAX_NODES, compose, plain_scalar
from holdfast.core.config.yaml import MAX_BYTES, parse, parse_file, read_file
from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import Diagnostic

GOOD = "version: 1\nname: a\n"


def problems(text: str) -> list[Diagnostic]:
    value, found = parse(AgentSpec, text, "a.yaml")
    assert (value is None) == bool(found)
    return found


def only(text: str) -> Diagnostic:
    found = problems(text)
    assert len(found) == 1, found
    return found[0]


def test_a_valid_file_becomes_its_value() -> None:
    value, found = parse(AgentSpec, GOOD + "limits: { max_steps: 3 }\n", "a.yaml")
    assert found == []
    assert value is not None
    assert (value.name, value.limits.max_steps) == ("a", 3)


def test_every_mistake_is_told_at_once_and_in_the_order_of_the_file() -> None:
    found = problems(
        "version: 2\nname: A b\ninstrucions: x\ntools: read_file\n"
        "limits:\n  max_steps: 0\n  max_step: 1\nprompts:\n  - { name: x }\n"
    )
    assert [(p.line, p.column, p.key_path) for p in found] == [
        (1, 10, "version"),
        (2, 7, "name"),
        (3, 1, "instrucions"),
        (4, 8, "tools"),
        (6, 14, "limits.max_steps"),
        (7, 3, "limits.max_step"),
        (9, 5, "prompts[0].text"),
    ]
    assert found[2].hint == "did you mean `instructions`?"
    assert found[3].expected == "a list"
    assert found[4].expected == "more than 0"
    assert found[5].hint == "did you mean `max_steps`?"


def test_a_key_at_the_wrong_level_is_sent_home() -> None:
    assert only(GOOD + "temperature: 1\n").hint == "did you mean `model_settings.temperature`?"


def test_the_printed_form_names_file_line_column_path_and_hint() -> None:
    text = str(only(GOOD + "tool: []\n"))
    assert text.startswith("a.yaml:3:1: tool: the key is unknown (expected one of version, name,")
    assert text.endswith("did you mean `tools`?")


def test_a_misspelt_choice_names_the_nearest() -> None:
    found = only(GOOD + "model_settings: { reasoning_effort: hihg }\n")
    assert (found.key_path, found.hint) == ("model_settings.reasoning_effort", "did you mean `high`?")


def test_a_duplicate_key_names_both_lines() -> None:
    found = only("version: 1\nname: a\n\nname: b\n")
    assert (found.line, found.key_path) == (4, "name")
    assert "first in line 2, again in line 4" in found.message


def test_a_duplicate_key_does_not_hide_the_other_mistakes() -> None:
    assert [p.key_path for p in problems(GOOD + "name: b\nfoo: 1\n")] == ["name", "foo"]


@pytest.mark.parametrize(
    "text", ["version: 1\nname: a\ntools:\n\t- read_file\n", "version: 1\n\n\tname: a\n"]
)
def test_a_tab_in_the_indentation_is_called_a_tab(text: str) -> None:
    found = only(text)
    assert "a tab is used for indentation" in found.message
    assert text.split("\n")[found.line - 1].startswith("\t")


def test_a_tab_inside_a_text_is_no_mistake() -> None:
    value, found = parse(AgentSpec, GOOD + "instructions: |\n  a\tb\n  \tc\n", "a.yaml")
    assert found == []
    assert value is not None
    assert value.instructions == "a\tb\n\tc\n"


def test_a_second_document_is_refused_where_it_starts() -> None:
    found = only("---\nversion: 1\nname: a\n---\nversion: 1\n")
    assert (found.line, found.message) == (4, "a second document starts here")


def test_tags_and_merge_keys_are_refused() -> None:
    assert "python/object" in only("a: !!python/object/apply:os.system [x]\n").message
    assert "merge keys" in only("<<: { a: 1 }\n").message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: *nobody\n", "has no anchor"),
        ("a: &a [*a]\n", "inside its own anchor"),
        ("a: 'x\n", "end of stream"),
        ("a: b: c\n", "mapping values"),
        ("? [a]\n: 1\n", "a key must be a word"),
        ("a: \x1b[2J\n", "U+001B"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_place(text: str, message: str) -> None:
    found = only(text)
    assert message in found.message
    assert "\x1b" not in str(found)


def test_an_alias_repeats_its_anchor() -> None:
    value, found = parse(AgentSpec, GOOD + "approvals: { allow: &r [read_file], ask: *r }\n", "a.yaml")
    assert found == []
    assert value is not None
    assert value.approvals.ask == ("read_file",)


def test_a_mistake_behind_an_alias_points_at_the_anchored_value() -> None:
    found = problems(GOOD + "approvals:\n  allow: &r [3]\n  ask: *r\n")
    assert {p.key_path for p in found} == {"approvals.allow[0]", "approvals.ask[0]"}
    assert {(p.line, p.column) for p in found} == {(4, 14)}


def test_aliases_that_multiply_end_early() -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    started = time.process_time()
    found = only("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n" + "\n".join(levels) + "\n")
    assert f"more than {MAX_NODES} values" in found.message
    assert time.process_time() - started < 2


@pytest.mark.parametrize("text", ["[" * 500_000, "a: " + "{b: " * 200_000, "- " * 400_000])
def test_deep_nesting_ends_early(text: str) -> None:
    started = time.process_time()
    assert "levels deep" in only(text).message
    assert time.process_time() - started < 2


def test_thousands_of_unknown_keys_are_cut_to_a_readable_number() -> None:
    started = time.process_time()
    found = problems(GOOD + "".join(f"key{n}: 1\n" for n in range(20_000)))
    assert len(found) == 100
    assert time.process_time() - started < 5


def test_text_after_a_byte_order_mark_keeps_its_places() -> None:
    found = only("\ufeff" + GOOD + "foo: 1\n")
    assert (found.line, found.column) == (3, 1)


def test_columns_count_characters_not_bytes() -> None:
    assert only(GOOD + "limits: { é: 1 }\n").column == 11
    assert only(GOOD + "limits: { max_steps: 1, 😀: 1 }\n").column == 25


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-0x1f", "-0x1f"),
        ("0x1f", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ("true", True),
        ("yes", "yes"),
        ("on", "on"),
        ("2024-01-01", "2024-01-01"),
        ("1:30", "1:30"),
        ("~", None),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert plain_scalar(text) == value
    assert type(plain_scalar(text)) is type(value)


def test_an_empty_file_misses_its_required_keys() -> None:
    assert [p.key_path for p in problems("# nothing\n")] == ["version", "name"]


def test_a_key_without_a_value_says_what_to_do() -> None:
    assert only(GOOD + "tools:\n").hint == "write a value, or remove the key"


@given(st.text(max_size=200))
def test_any_text_gives_a_document_or_mistakes(text: str) -> None:
    document, found = compose(text, "a.yaml")
    assert document is not None or found
    for problem in found:
        assert problem.line >= 1
        assert problem.column >= 1


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=8), lambda x: st.lists(x, max_size=3)))
def test_parsing_a_model_never_raises(value: object) -> None:
    parse(AgentSpec, f"version: 1\nname: {value!r}\ntools: {value!r}\n", "a.yaml")


class TestFiles:
    def test_ten_megabytes_are_refused_unread(self, tmp_path: Path) -> None:
        path = tmp_path / "big.yaml"
        path.write_bytes(b"a: b\n" * 2_000_000)
        started = time.process_time()
        value, found = parse_file(AgentSpec, path)
        assert value is None
        assert [p.message for p in found] == ["the file is larger than 1 MiB"]
        assert time.process_time() - started < 1

    def test_a_file_of_exactly_the_limit_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_bytes(b"#" * (MAX_BYTES - len(GOOD) - 1) + b"\n" + GOOD.encode())
        value, found = parse_file(AgentSpec, path)
        assert found == []
        assert value is not None

    def test_a_byte_that_is_not_utf_8_is_named_with_line_and_offset(self, tmp_path: Path) -> None:
        path = tmp_path / "latin.yaml"
        path.write_bytes("version: 1\nname: é".encode() + b"\xe9\n")
        text, found = read_file(path)
        assert text is None
        assert (found[0].line, found[0].column) == (2, 8)
        assert "0xe9 at offset 19" in found[0].message

    def test_utf_16_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "wide.yaml"
        path.write_bytes(GOOD.encode("utf-16"))
        assert "UTF-16" in read_file(path)[1][0].message

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        path = tmp_path / "pipe.yaml"
        os.mkfifo(path)
        assert read_file(path)[1][0].message == "this is not a regular file"

    def test_a_device_is_not_read(self, tmp_path: Path) -> None:
        path = tmp_path / "zero.yaml"
        path.symlink_to("/dev/zero")
        assert read_file(path)[1][0].message == "this is not a regular file"

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        assert read_file(tmp_path)[1]

    def test_a_missing_file_is_the_callers_matter(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            read_file(tmp_path / "none.yaml")


def test_thousands_of_keys_written_twice_are_told_a_few_times() -> None:
    document, problems = compose("a: 1\n" * 40_000, "x.yaml")
    assert document is None
    assert len(problems) == MAX_DUPLICATES + 1
