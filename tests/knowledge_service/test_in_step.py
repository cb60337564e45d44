"""Collections that are brought in step with folders and addresses: when asked, as they change, for agents."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import Any

import pytest

from holdfast.core.domain.errors import ForbiddenError, InvalidError, NotFoundError, from_info
from holdfast.core.services.watching import Watches, folder_changes


async def synced(shelf: Any) -> Any:
    return await shelf.ended(await shelf.workbench.knowledge.sync("docs"))


async def test_a_sync_takes_in_what_changed_and_removes_what_is_gone(shelf: Any) -> None:
    kept, changed, gone = (shelf.file(f"book/{name}.md", name) for name in ("kept", "changed", "gone"))
    await shelf.added(shelf.folder / "book")
    changed.write_text("another text")
    gone.unlink()
    shelf.file("book/new.md", "new")
    job = await synced(shelf)
    told = {(each.name, each.status) for each in await shelf.results(job)}
    assert told == {("changed.md", "changed"), ("gone.md", "removed"), ("new.md", "added")}
    assert await shelf.names() == ["changed.md", "kept.md", "new.md"]
    assert (await shelf.workbench.knowledge.get("docs")).folders[0].synced_at is not None
    assert kept.exists()


async def test_a_sync_looks_at_single_files_and_addresses_too(shelf: Any) -> None:
    single = shelf.file("single.md", "one")
    shelf.web.pages["https://a.test/page"] = (200, "text/html", b"<html>one")
    given = {"paths": (str(single),), "urls": ("https://a.test/page",)}
    await shelf.ended(await shelf.workbench.knowledge.add("docs", **given))
    single.write_text("two")
    shelf.web.pages["https://a.test/page"] = (200, "text/html", b"<html>two")
    job = await synced(shelf)
    assert [(r.name, r.status) for r in await shelf.results(job)] == [
        ("single.md", "changed"),
        ("https://a.test/page", "changed"),
    ]
    single.unlink()
    assert (await synced(shelf)).status == "completed"
    assert "single.md" in await shelf.names()  # nothing says that it was meant to go


async def test_a_link_that_took_the_place_of_a_file_is_not_followed(shelf: Any) -> None:
    single, keys = shelf.file("single.md", "one"), shelf.paths.config / "keys.md"
    keys.write_text("secret")
    shelf.file("book/a.md")
    await shelf.added(single, shelf.folder / "book")
    single.unlink()
    single.symlink_to(keys)
    shelf.index.ingested.clear()
    await synced(shelf)
    assert str(single) not in shelf.index.ingested


async def test_a_folder_that_is_gone_keeps_its_documents(shelf: Any) -> None:
    shelf.file("book/a.md")
    await shelf.added(shelf.folder / "book")
    shutil.rmtree(shelf.folder / "book")
    job = await synced(shelf)
    assert [each.error.code for each in job.failures] == ["source_unreadable"]
    assert await shelf.names() == ["a.md"]


async def test_a_collection_without_sources_cannot_be_brought_in_step(shelf: Any) -> None:
    with pytest.raises(InvalidError, match="no folder"):
        await shelf.workbench.knowledge.sync("docs")


class Changing:
    """Changes in folders, by the test's word."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[frozenset[str]] = asyncio.Queue()
        self.watched: list[tuple[str, ...]] = []
        self.open = 0
        self.seen = 0
        """Changes that were dealt with."""

    async def __call__(self, folders: Any) -> Any:
        self.watched.append(tuple(folders))
        self.open += 1
        try:
            while True:
                yield await self.queue.get()
                self.seen += 1
        finally:
            self.open -= 1


async def until_named(shelf: Any, *names: str) -> None:
    async with asyncio.timeout(10):
        while await shelf.names() != list(names):
            for job in (await shelf.workbench.jobs.list()).items:
                await shelf.workbench.jobs.get(job.id, wait_s=5)
            await asyncio.sleep(0.005)


async def test_a_watched_folder_is_followed_as_it_changes(open_shelf: Any) -> None:
    changing = Changing()
    async with open_shelf(changes=changing) as shelf:
        await shelf.collection()
        book = shelf.file("book/a.md").parent
        watched = await shelf.workbench.knowledge.watch("docs", str(book))
        assert [(folder.path, folder.watched) for folder in watched.folders] == [(str(book), True)]
        await until_named(shelf, "a.md")
        new = shelf.file("book/b.md")
        changing.queue.put_nowait(frozenset({str(new)}))
        await until_named(shelf, "a.md", "b.md")
        await shelf.workbench.knowledge.watch("docs", str(book), on=False)
        async with asyncio.timeout(10):
            while changing.open:  # noqa: ASYNC110
                await asyncio.sleep(0)


async def test_the_next_engine_watches_again_and_sees_what_it_missed(open_shelf: Any) -> None:
    async with open_shelf(changes=Changing()) as shelf:
        await shelf.collection()
        await shelf.workbench.knowledge.watch("docs", str(shelf.file("book/a.md").parent))
        await until_named(shelf, "a.md")
    shelf.file("book/b.md")
    async with open_shelf(changes=Changing(), start_after_s=0) as shelf:
        await until_named(shelf, "a.md", "b.md")


def old(path: Any) -> Any:
    """Makes a file look as if it was written long ago: a new one is looked at twice."""
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


async def test_a_change_that_is_none_starts_no_job(open_shelf: Any) -> None:
    changing = Changing()
    async with open_shelf(changes=changing) as shelf:
        await shelf.collection()
        old(shelf.file("book/a.md")), old(shelf.file("book/bad.md", "BAD"))
        await shelf.workbench.knowledge.watch("docs", str(shelf.folder / "book"))
        await until_named(shelf, "a.md")
        async with asyncio.timeout(10):
            while (await shelf.workbench.engine.status()).active_jobs:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert len((await shelf.workbench.jobs.list()).items) == 1
        for _ in range(3):
            changing.queue.put_nowait(frozenset({str(shelf.folder / "book" / "bad.md")}))
        async with asyncio.timeout(10):
            while changing.seen < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        new = old(shelf.file("b.md")).rename(shelf.folder / "book" / "b.md")
        changing.queue.put_nowait(frozenset({str(new)}))
        await until_named(shelf, "a.md", "b.md")
        assert len((await shelf.workbench.jobs.list()).items) == 2


async def test_the_system_tells_of_changes(tmp_path: Any) -> None:
    changes = folder_changes([str(tmp_path)])
    try:
        async with asyncio.timeout(15):
            waiting = asyncio.ensure_future(anext(changes))
            file = tmp_path / "a.md"
            while not waiting.done():
                file.write_text("x")
                await asyncio.wait({waiting}, timeout=0.3)
            found = waiting.result()
            while str(file) not in found:
                found = await anext(changes)
    finally:
        await changes.aclose()


async def test_a_folder_that_comes_back_is_watched_again(tmp_path: Any) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    changing = Changing()

    async def react(collection_id: str, folder: str) -> None:
        told.put_nowait(folder)

    watches = Watches(react, changing, again_s=0.001)
    folder = tmp_path / "book"
    unreachable = f"/{'x' * 300}"  # asking whether it is there fails
    watches.set("k1", frozenset({str(folder), unreachable}))
    folder.mkdir()
    async with asyncio.timeout(10):
        assert await told.get() == str(folder)
        await watches.close()


# --- for agents


async def keep(shelf: Any, folder: Any, owner: str = "local", name: str = "book", wait_s: float = 20) -> bool:
    return bool(await shelf.keeper.keep_in_step(owner, name, folder, wait_s))


async def test_the_folder_of_an_agent_becomes_a_collection(shelf: Any) -> None:
    folder = shelf.file("book/a.md").parent
    assert await keep(shelf, folder)
    assert await shelf.names("book") == ["a.md"]
    shelf.file("book/b.md")
    assert await keep(shelf, folder, wait_s=0)  # later times are not waited for
    async with asyncio.timeout(10):
        while await shelf.names("book") != ["a.md", "b.md"]:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_a_first_time_that_takes_long_is_said(shelf: Any) -> None:
    shelf.index.gate = asyncio.Event()
    folder = shelf.file("book/a.md").parent
    assert not await keep(shelf, folder, wait_s=0)
    assert not await keep(shelf, folder, wait_s=0)
    assert len((await shelf.workbench.jobs.list()).items) == 1
    shelf.index.gate.set()
    assert await keep(shelf, folder)


async def test_two_runs_at_once_make_one_collection(shelf: Any) -> None:
    folder = shelf.file("book/a.md").parent
    assert await asyncio.gather(*(keep(shelf, folder) for _ in range(3))) == [True] * 3
    assert [each.name for each in await shelf.workbench.knowledge.list()] == ["book", "docs"]


async def test_an_agent_of_another_user_cannot_name_folders_elsewhere(shelf: Any) -> None:
    with pytest.raises(ForbiddenError):
        await keep(shelf, shelf.folder, owner="ann")
    with pytest.raises(NotFoundError):
        await keep(shelf, shelf.folder / "none")
    with pytest.raises(NotFoundError):
        await keep(shelf, shelf.file("a.md"))


async def test_what_ends_the_first_time_is_said(shelf: Any, gone: Any) -> None:
    shelf.index.errors = [gone] * 3
    with pytest.raises(type(from_info(gone.info)), match="away"):
        await keep(shelf, shelf.file("book/a.md").parent)
