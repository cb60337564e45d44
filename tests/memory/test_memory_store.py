"""The tables of memory: whatever is done to entries, the search knows them as they are."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.memory import MemoryBlock, MemoryEntry
from holdfast.core.domain.values import all_items, new_id, utc_now
from holdfast.core.memory.rules import merged
from holdfast.core.store import memory as tables
from holdfast.core.store.entries import MemoryEntries
from holdfast.core.store.memory import MemoryBlocks

WORDS = ("tea", "coffee", "milk", "water")
CONTENT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
STEPS = st.lists(
    st.tuples(st.sampled_from(["keep", "change", "remove"]), CONTENT, st.integers(0, 5)), max_size=20
)


def entry_of(owner: str, content: str) -> MemoryEntry:
    now = utc_now()
    return MemoryEntry(id=new_id(), owner=owner, content=content, created_at=now, updated_at=now)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_the_search_finds_what_is_kept_and_nothing_else(log: Any, steps: list[Any]) -> None:
    entries = MemoryEntries(log.writer, log.reader)
    owner = new_id()
    kept: dict[str, str] = {}
    for action, content, number in steps:
        ids = list(kept)
        chosen = ids[number % len(ids)] if ids else ""
        if action == "keep":
            made = await entries.keep(entry_of(owner, content), merged, 100)
            assert made.entry is not None
            assert (made.change == "created") == (content not in kept.values())
            assert (made.entry.id in kept) == (made.change == "")
            kept[made.entry.id] = content
        elif action == "change":
            changed = await entries.change(owner, chosen, {"content": content}, utc_now())
            assert (changed is None) == (chosen not in kept)
            if changed is not None:
                kept[chosen] = content
        else:
            assert await entries.remove(owner, chosen) == (kept.pop(chosen, None) is not None)
    for word in WORDS:
        found = {hit.entry.id: hit.entry.content for hit in await entries.search(owner, word, 100)}
        assert found == {id: content for id, content in kept.items() if word in content.split()}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(0, 12), limit=st.integers(1, 5))
async def test_pages_give_every_entry_once_in_order(log: Any, count: int, limit: int) -> None:
    entries = MemoryEntries(log.writer, log.reader)
    owner = new_id()
    for number in range(count):
        await entries.keep(entry_of(owner, str(number)), merged, 100)
    found, cursor = [], None
    while True:
        page = await entries.page(owner, None, None, None, limit, cursor)
        found += [each.content for each in page.items]
        assert len(page.items) <= limit
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == [str(number) for number in reversed(range(count))]


async def test_a_page_of_long_blocks_ends_sooner(log: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(tables, "MAX_PAGE_CHARS", 25)
    blocks = MemoryBlocks(log.writer, log.reader)
    now = utc_now()
    for name, size in (("a", 40), ("b", 10), ("c", 10), ("d", 10)):
        block = MemoryBlock(id=name, name=name, content="x" * size, created_at=now, updated_at=now)
        assert await blocks.add(block, 10) == ""
    pages = []
    cursor = None
    while True:
        page = await blocks.page("local", "", 10, cursor)
        pages.append([block.name for block in page.items])
        cursor = page.next_cursor
        if cursor is None:
            break
    assert pages == [["a"], ["b", "c"], ["d"]]
    every = await all_items(lambda limit, at: blocks.page("local", "", limit, at))
    assert [block.name for block in every] == ["a", "b", "c", "d"]


async def test_what_went_away_or_is_not_to_be_edited_is_not_changed(log: Any) -> None:
    blocks = MemoryBlocks(log.writer, log.reader)
    now = utc_now()
    block = MemoryBlock(id="b", name="b", content="kept", public=True, created_at=now, updated_at=now)
    await blocks.add(block, 10)
    assert await blocks.change("b", "somebody", {"content": "x"}, now) == "gone"
    assert await blocks.change("none", "local", {"content": "x"}, now) == "gone"
    assert await blocks.change("b", "local", {"content": "x" * 10_001}, now) == "long"
    found = await blocks.find("local", "b")
    assert found is not None
    assert found.content == "kept"
