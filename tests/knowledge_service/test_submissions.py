"""What collections were given, taken in yet or not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.knowledge import Chunking


async def given_to(shelf: Any, *files: tuple[str, str]) -> Any:
    """Takes uploads in by one job, which has ended."""
    knowledge = shelf.workbench.knowledge
    staged = [(await knowledge.stage(name, text.encode())).id for name, text in files]
    return await shelf.ended(await knowledge.take_in("docs", tuple(staged)))


async def listed(shelf: Any, **wanted: Any) -> list[tuple[str, str]]:
    found = await shelf.workbench.knowledge.submissions("docs", **wanted)
    assert len(found.items) <= found.total
    return [(each.name, each.status) for each in found.items]


async def test_a_document_is_listed_before_and_after_it_is_taken_in(shelf: Any) -> None:
    shelf.index.gate = asyncio.Event()
    knowledge = shelf.workbench.knowledge
    job = await knowledge.upload("docs", "keeper.md", b"the keeper")
    (before,) = (await knowledge.submissions("docs")).items
    assert (before.name, before.job_id, before.kept) == ("keeper.md", job.id, False)
    assert before.status in ("waiting", "working")
    with pytest.raises(ConflictError, match="being taken in"):
        await knowledge.remove(before.id)
    shelf.index.gate.set()
    await shelf.ended(job)
    after = await knowledge.submission(before.id)
    assert (after.status, after.kept, after.id) == ("taken_in", True, before.id)
    assert (await knowledge.document(before.id)).name == "keeper.md"


async def test_one_that_fails_is_listed_with_its_reason_and_can_be_redone_and_removed(shelf: Any) -> None:
    job = await given_to(shelf, ("lamp.md", "BAD"), ("wick.md", "good"))
    assert await listed(shelf) == [("wick.md", "taken_in"), ("lamp.md", "failed")]
    found = await shelf.workbench.knowledge.submissions("docs", statuses=("failed",), job_id=job.id)
    assert (found.total, found.counts) == (1, {"failed": 1, "taken_in": 1})
    failed = found.items[0]
    assert failed.error.message == "It is bad."
    again = await shelf.ended(await shelf.workbench.knowledge.redo("docs", documents=(failed.id,)))
    assert again.progress.failed == 1 and again.request.again
    assert (await shelf.workbench.knowledge.submission(failed.id)).job_id == job.id
    await shelf.workbench.knowledge.remove(failed.id)
    with pytest.raises(NotFoundError):
        await shelf.workbench.knowledge.submission(failed.id)
    assert await listed(shelf) == [("wick.md", "taken_in")]


async def test_all_of_a_job_is_taken_in_again_and_stays_with_it(shelf: Any) -> None:
    first = await given_to(shelf, ("a.md", "one"), ("b.md", "two"))
    await given_to(shelf, ("c.md", "three"))
    again = await shelf.ended(await shelf.workbench.knowledge.redo("docs", job_id=first.id))
    assert again.progress.total == 2
    assert sorted(await listed(shelf, job_id=first.id)) == [("a.md", "taken_in"), ("b.md", "taken_in")]
    whole = await shelf.ended(await shelf.workbench.knowledge.redo("docs"))
    assert whole.progress.total == 3
    with pytest.raises(InvalidError) as nothing:
        await shelf.workbench.knowledge.redo("docs", job_id="unknown")
    assert nothing.value.code == "nothing_to_redo"
    with pytest.raises(NotFoundError):
        await shelf.workbench.knowledge.redo("docs", documents=("unknown",))


async def test_a_cancelled_job_leaves_what_it_has_not_reached_as_failed(shelf: Any) -> None:
    shelf.index.gate = asyncio.Event()
    job = await shelf.workbench.knowledge.upload("docs", "late.md", b"late")
    await shelf.workbench.jobs.cancel(job.id)
    assert await listed(shelf) == [("late.md", "failed")]
    shelf.index.gate.set()
    await shelf.ended(await shelf.workbench.knowledge.redo("docs"))
    assert await listed(shelf) == [("late.md", "taken_in")]


async def test_files_of_folders_are_listed_and_go_with_a_sync(shelf: Any) -> None:
    shelf.file("book/a.md", "one"), shelf.file("book/b.md", "BAD")
    await shelf.added(shelf.folder / "book")
    assert sorted(await listed(shelf)) == [("a.md", "taken_in"), ("b.md", "failed")]
    shelf.file("book/b.md", "good")
    await shelf.ended(await shelf.workbench.knowledge.redo("docs"))
    assert sorted(await listed(shelf)) == [("a.md", "taken_in"), ("b.md", "taken_in")]
    (shelf.folder / "book" / "a.md").unlink()
    await shelf.ended(await shelf.workbench.knowledge.sync("docs"))
    assert await listed(shelf) == [("b.md", "taken_in")]


async def test_documents_that_the_list_has_not_seen_are_in_it(shelf: Any) -> None:
    await given_to(shelf, ("a.md", "one"), ("b.md", "two"))
    table = shelf.workbench._core.library.submissions
    (collection,) = await shelf.workbench.knowledge.list()
    await table.forget(collection_id=collection.id)
    documents = (await shelf.workbench.knowledge.documents("docs")).items
    assert sorted(await listed(shelf)) == [("a.md", "taken_in"), ("b.md", "taken_in")]
    again = await shelf.ended(await shelf.workbench.knowledge.redo("docs"))  # their uploads are still there
    assert (again.progress.total, again.progress.failed) == (2, 0)
    shelf.index.held.pop(documents[0].id)  # an index that was brought back from a copy
    assert len(await listed(shelf)) == 1


async def test_a_list_made_anew_from_the_log_is_the_same(shelf: Any) -> None:
    await given_to(shelf, ("a.md", "one"), ("b.md", "BAD"), ("c.md", "three"))
    gone = next(each for each in (await shelf.workbench.knowledge.submissions("docs")).items if each.kept)
    await shelf.workbench.knowledge.remove(gone.id)
    before = await shelf.workbench.knowledge.submissions("docs")
    await shelf.workbench._core.log.rebuild_index()
    assert await shelf.workbench.knowledge.submissions("docs") == before


async def test_clearing_leaves_an_empty_collection(shelf: Any) -> None:
    shelf.file("book/a.md", "one")
    await shelf.added(shelf.folder / "book")
    await given_to(shelf, ("b.md", "BAD"))
    cleared = await shelf.workbench.knowledge.clear("docs")
    assert (cleared.name, cleared.documents, cleared.folders) == ("docs", 0, ())
    assert await listed(shelf) == [] and await shelf.names() == []


async def test_what_is_another_users_is_not_there(shelf: Any) -> None:
    await given_to(shelf, ("a.md", "one"))
    (mine,) = (await shelf.workbench.knowledge.submissions("docs")).items
    other = shelf.view()
    for asked in (
        other.knowledge.submissions("docs"),
        other.knowledge.submission(mine.id),
        other.knowledge.redo(mine.collection_id),
        other.knowledge.clear(mine.collection_id),
        other.knowledge.remove(mine.id),
    ):
        with pytest.raises(NotFoundError):
            await asked
    assert await listed(shelf) == [("a.md", "taken_in")]


async def test_a_collection_of_questions_takes_tables_only(shelf: Any) -> None:
    await shelf.workbench.knowledge.update("docs", chunking=Chunking(unit="questions"))
    with pytest.raises(InvalidError) as refused:
        await shelf.workbench.knowledge.upload("docs", "keeper.md", b"prose")
    assert refused.value.code == "not_a_table"
    await shelf.ended(await shelf.workbench.knowledge.upload("docs", "KEEPER.CSV", b"q,a"))


@settings(max_examples=30)
@given(
    names=st.lists(st.text("ab%_é", min_size=1, max_size=4), unique=True, max_size=12),
    query=st.text("ab%_", max_size=2),
    size=st.integers(1, 5),
)
def test_pages_hold_everything_once_in_one_order(names: list[str], query: str, size: int) -> None:
    asyncio.run(_paged(names, query, size))


async def _paged(names: list[str], query: str, size: int) -> None:
    import sqlite3

    from holdfast.core.domain.knowledge import Document
    from holdfast.core.domain.values import new_id, utc_now
    from holdfast.core.store.migrations import STEPS
    from holdfast.core.store.submission_table import SubmissionTable, Wanted

    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    db.executescript(next(script for name, script in STEPS if name == "what_collections_were_given"))

    class Both:
        async def run(self, function: Any) -> Any:
            return function(db)

        async def rows(self, sql: str, values: Any = ()) -> Any:
            return db.execute(sql, tuple(values)).fetchall()

    table = SubmissionTable(Both(), Both())  # type: ignore[arg-type]
    documents = [
        Document(
            id=new_id(),
            collection_id="c",
            name=name,
            source=f"upload:{name}",
            media_type="text/plain",
            size=1,
            digest="",
            added_at=utc_now(),
        )
        for name in names
    ]
    await table.adopt("local", "c", documents)
    found: list[str] = []
    while True:
        page = await table.page(Wanted("c", query), len(found), size)
        assert page.total == sum(query in name for name in names)
        if not page.items:
            break
        found += [each.name for each in page.items]
    assert sorted(found) == sorted(name for name in names if query in name)
    db.close()
