"""How blocks are put before a model: whatever stands in them, they cannot leave their frame."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.memory import MemoryBlock, MemoryEntry
from holdfast.core.domain.values import utc_now
from holdfast.core.memory.render import MAX_SHOWN, file_paths, framed, preface, section
from holdfast.core.memory.rules import (
    MAX_TAGS,
    appended,
    checked_metadata,
    checked_name,
    checked_tags,
    may_read,
    may_write,
    merged,
)

NOW = utc_now()
PIECES = st.sampled_from(["</memory-", "<memory-", "0123456789ab", ">", "\n", 'name="x"', "# Memory", "text"])
HOSTILE = st.lists(PIECES | st.text(max_size=10), max_size=30).map("".join)
NAMES = st.text(min_size=1, max_size=100).filter(lambda name: _fits(name))


def _fits(name: str) -> bool:
    try:
        return checked_name(name) == name
    except InvalidError:
        return False


def block_of(content: str = "", name: str = "a", **more: object) -> MemoryBlock:
    fields = {"id": f"id-{name}", "created_at": NOW, "updated_at": NOW, **more}
    return MemoryBlock.model_validate({"name": name, "content": content, **fields})


def entry_of(tags: tuple[str, ...], **more: object) -> MemoryEntry:
    fields = {"id": "e", "content": "x", "created_at": NOW, "updated_at": NOW, "tags": tags, **more}
    return MemoryEntry.model_validate(fields)


@given(HOSTILE, HOSTILE, NAMES)
def test_no_text_of_a_block_holds_the_mark_that_closes_it(content: str, instructions: str, name: str) -> None:
    text = framed(block_of(content, name, instructions=instructions))
    mark = re.match(r"<(memory-[0-9a-f]{12}) ", text)
    assert mark is not None
    closing = f"</{mark[1]}>"
    assert text.count(closing) == 1
    assert text.endswith(f"\n{closing}")
    assert text.count(mark[1]) == 2
    assert content in text


@given(st.lists(HOSTILE, min_size=2, max_size=4, unique=True))
def test_the_same_blocks_always_read_the_same(contents: list[str]) -> None:
    blocks = [block_of(content, str(number)) for number, content in enumerate(contents)]
    assert section(blocks, [], ["0"], []) == section(list(blocks), [], ["0"], [])
    assert preface(blocks) == preface(tuple(blocks))


@given(st.lists(NAMES, max_size=6, unique=True))
def test_every_block_gets_a_path_of_its_own_in_one_folder(names: list[str]) -> None:
    blocks = [block_of("", name, id=f"00{number}") for number, name in enumerate(names)]
    paths = [path for _, path in file_paths(blocks)]
    assert len({path.casefold() for path in paths}) == len(names)
    for path in paths:
        folder, _, file = path.partition("/")
        assert folder == "MEMORY"
        assert re.fullmatch(r"[\w.][\w .-]*\.md|-[\w .-]*\.md", file)
        assert not file.startswith(".")
        assert len(file.encode()) <= 255


def test_names_that_end_in_one_file_are_told_apart() -> None:
    blocks = [block_of("", name) for name in ("a:b", "a?b", "A_B", "..")]
    paths = [path for _, path in file_paths(blocks)]
    assert paths[0] == "MEMORY/a_b.md"
    assert paths[3] == "MEMORY/block.md"
    assert len({path.casefold() for path in paths}) == 4


def test_a_very_long_block_is_shown_in_part_and_says_so() -> None:
    text = framed(block_of("x" * (MAX_SHOWN + 7)))
    assert "x" * MAX_SHOWN in text
    assert "x" * (MAX_SHOWN + 1) not in text
    assert "7 characters are left out" in text


def test_where_there_is_nothing_nothing_is_said() -> None:
    assert section([], [], [], []) == ""
    assert preface([]) == ""


def test_the_section_names_what_can_be_changed_and_made() -> None:
    text = section([block_of("x")], [(block_of("y", "b"), "MEMORY/b.md")], ["a", "b"], ["new"])
    assert 'update_memory_block: "a", "b".' in text
    assert 'makes them: "new".' in text
    assert "MEMORY/b.md" in text
    assert "\ny\n" not in text


@pytest.mark.parametrize(
    ("access", "reads", "writes"),
    [("read", True, False), ("write", False, True), ("read_write", True, True)],
)
def test_access_is_to_read_to_write_or_both(access, reads, writes) -> None:
    assert (may_read(access), may_write(access)) == (reads, writes)


TAGS = st.lists(st.sampled_from("abcdefghijkl"), max_size=8, unique=True).map(tuple)


@given(TAGS, TAGS, st.booleans(), st.booleans())
def test_merging_keeps_what_was_there_adds_and_settles(old, new, was_pinned, is_pinned) -> None:
    before, after = entry_of(old, pinned=was_pinned), entry_of(new, pinned=is_pinned)
    result = before.model_copy(update=merged(before, after))
    assert result.tags[: len(old)] == old
    assert set(result.tags) <= {*old, *new}
    assert len(result.tags) == min(MAX_TAGS, len({*old, *new}))
    assert result.pinned == (was_pinned or is_pinned)
    assert merged(result, after) == {}


@given(st.lists(st.text(max_size=70), max_size=12))
def test_tags_are_either_refused_or_each_once_on_one_line(tags: list[str]) -> None:
    try:
        found = checked_tags(tags)
    except InvalidError:
        return
    assert len(set(found)) == len(found) <= 10
    assert all(tag == tag.strip() and 0 < len(tag) <= 64 and "\n" not in tag for tag in found)


@given(st.text(max_size=20), st.text(max_size=20))
def test_what_is_appended_stands_on_a_line_of_its_own(before: str, text: str) -> None:
    whole = appended(block_of(before), text)
    assert whole.startswith(before)
    assert whole.endswith(text)
    assert before == "" or whole[: len(whole) - len(text)].endswith("\n")


def test_metadata_is_json_and_not_too_deep() -> None:
    assert checked_metadata({"a": [1, {"b": None}]}) == {"a": [1, {"b": None}]}
    with pytest.raises(InvalidError):
        checked_metadata({"a": {1, 2}})
