"""Memory as data: blocks and entries in lists, and the whole of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fake_knowledge import THEN, block, entry
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.memory import MemoryDefaults
from holdfast.tui.presenters.memory import (
    MemoryState,
    block_detail,
    block_row,
    block_views,
    entry_detail,
    entry_row,
    entry_views,
    footer,
    headline,
    note_lines,
    tags_of,
)
from holdfast.tui.presenters.spans import plain

EVIL = "x\x1b]0;pwn\x07y\x9bz"
NOW = THEN + timedelta(hours=3)


def view(name: str = "project", defaults: MemoryDefaults | None = None, **more: Any) -> Any:
    return block_views([block(name, **more)], defaults or MemoryDefaults(), "local")[0]


def test_a_block_says_size_place_access_and_default() -> None:
    made = view(content="abc", defaults=MemoryDefaults(chat="project-id", agent="project-id"))
    assert plain(block_row(made, 40)) == (
        "project                      3 of 10,000\n"
        "  system prompt · read and write · default for chat and agent"
    )
    text = plain(block_detail(made, NOW))
    assert "behind the instructions · agents read and write it" in text
    assert text.endswith("changed 3h\n\nabc")


def test_a_shared_block_says_whose_it_is_and_what_one_may_do() -> None:
    shared = view(owner="ann", can_edit=False)
    assert "shared with you" in plain(block_row(shared, 60))
    assert "You may read it, not change it." in plain(block_detail(shared, NOW))
    assert "public" in plain(block_row(view(owner="ann", public=True), 60))
    assert "all users see it and may edit it" in plain(block_detail(view(public=True, public_edit=True), NOW))


def test_an_empty_block_says_how_it_is_written() -> None:
    assert "enter writes into it" in plain(block_detail(view(), NOW))
    assert block_detail(None, NOW) == []


def test_what_is_remembered_is_sanitised() -> None:
    made = entry_views([entry("e", EVIL, tags=(EVIL,), agent=EVIL)])[0]
    assert {made.content, made.agent, *made.tags} == {"x]0;pwnyz"}
    assert view(name="ok", content=EVIL, instructions=EVIL).content == "x]0;pwnyz"


def test_an_entry_says_who_made_it_when_and_whether_it_is_pinned() -> None:
    made = entry_views(
        [entry("e", "The build\ntakes long.", tags=("build", "ci"), pinned=True, source="agent")]
    )[0]
    assert plain(entry_row(made, 40, NOW)) == "◆ The build takes long.\n  #build #ci an agent · 3h"
    assert plain(entry_detail(made, NOW)).endswith("The build\ntakes long.")


@pytest.mark.parametrize(
    ("typed", "tags"),
    [("#a b,c", ("a", "b", "c")), ("a a", ("a",)), (" , # ", ()), ("", ())],
)
def test_tags_are_written_with_spaces_or_commas(typed: str, tags: tuple[str, ...]) -> None:
    assert tags_of(typed) == tags


@given(text=st.text("#ab, ", max_size=20))
def test_tags_are_never_empty_and_never_twice(text: str) -> None:
    tags = tags_of(text)
    assert all(tags) and len(set(tags)) == len(tags)


def test_each_list_says_why_it_is_empty() -> None:
    state = MemoryState()
    assert "Reading" in plain(note_lines(state, "blocks"))
    state.blocks, state.entries = [], []
    assert "n makes one" in plain(note_lines(state, "blocks"))
    assert "n makes one" in plain(note_lines(state, "entries"))
    state.query = "x"
    assert plain(note_lines(state, "entries")) == "No entry fits."
    state.error = "The store is gone."
    assert plain(note_lines(state, "entries")) == "The store is gone."


def test_the_keys_are_those_of_the_tab() -> None:
    assert ("o", "options", "options") in footer("blocks")
    assert ("p", "pin", "pin") in footer("entries")
    assert not [key for key, _, _ in footer("blocks", some=False) if key in ("enter", "d")]
    assert [key for key, _, _ in footer("entries", typing=True)] == ["esc", "↓", "F1"]


def test_an_engine_that_is_not_ready_is_named_in_the_first_line() -> None:
    assert "engine lost" in plain([headline(0, "lost")])
    assert "engine" not in plain([headline(0)])
