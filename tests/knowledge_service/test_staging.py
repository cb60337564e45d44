"""Uploads that wait to be taken in."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.errors import InvalidError, NotFoundError, TooLargeError
from holdfast.core.services import patterns, staging


def path_of(shelf: Any, digest: str) -> Path:
    found: Path = shelf.paths.blobs / digest[:2] / digest[2:4] / digest
    return found


async def test_what_waits_is_taken_in_with_its_metadata_and_waits_no_longer(shelf: Any) -> None:
    knowledge = shelf.workbench.knowledge
    one = await knowledge.stage("a.md", b"one", ext={"there": {"uri": "u"}})
    two = await knowledge.stage("../b.md", b"two")
    assert [each.name for each in await knowledge.staged()] == ["a.md", "b.md"]
    assert one.expires_at - one.created_at == staging.KEPT
    job = await shelf.ended(
        await knowledge.take_in("docs", (one.id, two.id, one.id), metadata={one.id: {"year": 2020}})
    )
    assert (job.progress.done, job.progress.failed) == (2, 0)
    assert await shelf.names() == ["a.md", "b.md"]
    assert await knowledge.staged() == ()
    with pytest.raises(NotFoundError) as caught:
        await knowledge.take_in("docs", (one.id,))
    assert caught.value.code == "upload_not_found"


async def test_a_document_of_the_same_name_is_replaced_or_stays(shelf: Any) -> None:
    knowledge = shelf.workbench.knowledge
    for text, replace in (("one", True), ("two", True), ("three", False), ("four", False)):
        upload = await knowledge.stage("a.md", text.encode())
        await shelf.ended(await knowledge.take_in("docs", (upload.id,), replace=replace))
    texts = sorted(text for _, text in shelf.index.held.values())
    assert texts == ["four", "three", "two"]


async def test_nothing_is_taken_in_when_one_of_them_is_unknown(shelf: Any) -> None:
    knowledge = shelf.workbench.knowledge
    mine = await knowledge.stage("a.md", b"one")
    theirs = await shelf.view().knowledge.stage("b.md", b"two")
    with pytest.raises(NotFoundError):
        await knowledge.take_in("docs", (mine.id, theirs.id))
    with pytest.raises(InvalidError):
        await knowledge.take_in("docs", ())
    assert [each.id for each in await knowledge.staged()] == [mine.id]
    with pytest.raises(NotFoundError):
        await knowledge.unstage(theirs.id)
    assert [each.id for each in await shelf.view().knowledge.staged()] == [theirs.id]


async def test_what_is_dropped_leaves_no_bytes_unless_somebody_else_has_them(shelf: Any) -> None:
    knowledge = shelf.workbench.knowledge
    one, two = [await knowledge.stage(name, b"same") for name in ("a.md", "b.md")]
    path = path_of(shelf, one.blob)
    await knowledge.unstage(one.id)
    assert path.exists()
    await knowledge.unstage(two.id)
    assert not path.exists()
    with pytest.raises(NotFoundError):
        await knowledge.unstage(two.id)


async def test_bytes_that_are_being_kept_are_not_removed_with_the_same_of_another(
    shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowledge, table = shelf.workbench.knowledge, shelf.workbench._core.staging._table
    kept, named, add = asyncio.Event(), asyncio.Event(), table.add

    async def patient(*args: Any) -> bool:
        kept.set()
        await named.wait()
        added: bool = await add(*args)
        return added

    one = await knowledge.stage("a.md", b"same")
    other = await knowledge.stage("c.md", b"other")
    monkeypatch.setattr(table, "add", patient)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        staging_two = tasks.create_task(knowledge.stage("b.md", b"same"))
        await kept.wait()
        await knowledge.unstage(one.id)
        await knowledge.unstage(other.id)
        named.set()
    assert not path_of(shelf, other.blob).exists()
    job = await shelf.ended(await knowledge.take_in("docs", (staging_two.result().id,)))
    assert (job.progress.done, job.progress.failed) == (1, 0)


async def test_there_is_a_quota_and_a_largest_size(open_shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "MOST", 2)
    monkeypatch.setattr(staging, "MOST_BYTES", 10)
    async with open_shelf(knowledge={"max_file_mb": 1}) as shelf:
        knowledge = shelf.workbench.knowledge
        with pytest.raises(TooLargeError) as caught:
            await knowledge.stage("a.md", b"x" * (2**20 + 1))
        assert caught.value.code == "document_too_large"
        await knowledge.stage("a.md", b"x" * 6)
        with pytest.raises(TooLargeError) as caught:
            await knowledge.stage("b.md", b"y" * 6)
        assert caught.value.code == "too_many_uploads"
        await knowledge.stage("b.md", b"y")
        with pytest.raises(TooLargeError):
            await knowledge.stage("c.md", b"")
        await shelf.view().knowledge.stage("c.md", b"z" * 6)
        assert len(await knowledge.staged()) == 2


async def test_what_waits_for_too_long_is_dropped(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    knowledge = shelf.workbench.knowledge
    upload = await knowledge.stage("a.md", b"one")
    waiting = shelf.workbench._core.staging
    now = waiting._now
    monkeypatch.setattr(waiting, "_now", lambda: now() + staging.KEPT + timedelta(seconds=1))
    with pytest.raises(NotFoundError):
        await knowledge.take_in("docs", (upload.id,))
    assert await knowledge.staged() == ()


async def test_what_waits_survives_the_sweep_of_unused_bytes(shelf: Any) -> None:
    upload = await shelf.workbench.knowledge.stage("a.md", b"one")
    assert upload.blob in await shelf.workbench._core.log.reader.all_blobs()


async def test_files_that_fit_a_pattern_are_taken_in_once(shelf: Any) -> None:
    for name in ("a.md", "b.txt", "deep/c.md", "deep/er/d.md"):
        shelf.file(name, name)
    job = await shelf.added(shelf.folder, pattern="**/*.md", ext={"there": {"k": 1}})
    assert job.progress.done == 3
    assert await shelf.names() == ["a.md", "c.md", "d.md"]
    assert (await shelf.workbench.knowledge.get("docs")).folders == ()
    for pattern, code in (
        ("*.pdf", "nothing_to_add"),
        ("../*", "invalid_pattern"),
        ("/a", "invalid_pattern"),
    ):
        with pytest.raises(InvalidError) as caught:
            await shelf.added(shelf.folder, pattern=pattern)
        assert caught.value.code == code


async def test_a_pattern_names_no_more_files_than_a_job_can_remember(
    shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patterns, "MOST_FITTING", 2)
    for name in ("a.md", "b.md", "c.txt"):
        shelf.file(name)
    assert (await shelf.added(shelf.folder, pattern="*.md")).progress.done == 2
    with pytest.raises(TooLargeError) as caught:
        await shelf.added(shelf.folder, pattern="*")
    assert caught.value.code == "too_many_files"


async def test_a_document_is_copied_with_what_is_said_of_it(shelf: Any) -> None:
    knowledge = shelf.workbench.knowledge
    await shelf.collection("other")
    upload = await knowledge.stage("a.md", b"one", ext={"there": {"tags": ["x"]}})
    await shelf.ended(await knowledge.take_in("docs", (upload.id,), metadata={upload.id: {"year": 2020}}))
    await shelf.added(shelf.file("b.md", "two"))
    for each in (await knowledge.documents("docs")).items:
        await shelf.ended(await knowledge.copy(each.id, "other"))
    assert await shelf.names("other") == ["a.md", "b.md"]
    copied = (await knowledge.documents("other")).items[0]
    assert copied.metadata == {"year": 2020}
    with pytest.raises(NotFoundError):
        await shelf.view().knowledge.copy(copied.id, "other")


async def test_too_many_texts_are_not_embedded(shelf: Any) -> None:
    for texts in ((), ("a",) * 201, ("a" * 1_000_001,)):
        with pytest.raises(InvalidError) as caught:
            await shelf.workbench.knowledge.embed(texts)
        assert caught.value.code == "too_many_texts"
