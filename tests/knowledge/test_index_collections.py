"""Collections and kept retrievals."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.plain_index import Library

from holdfast.core.domain.errors import ConflictError, KnowledgeUnavailable, NotFoundError
from holdfast.core.domain.knowledge import (
    Chunking,
    ContextRecord,
    Folder,
    Passage,
    Place,
    Retrieval,
    RetrievalSettings,
    Retrieved,
)
from holdfast.core.domain.passages import shown
from holdfast.core.knowledge.index.contexts import Contexts
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.migrations import STEPS, VERSION

AT = Place(start=0, end=12)


def record(number: int, owner: str = "local") -> ContextRecord:
    return ContextRecord(
        id=f"context {number}",
        owner=owner,
        query="q\udcff",
        retrieval=Retrieval(query="q", method="hybrid"),
        max_tokens=100,
        text="text",
        items=(),
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
    )


def test_collections_are_listed_by_name_for_their_owner(library: Library) -> None:
    library.collection("b", owner="ann")
    library.collection("a", owner="ann")
    assert [c.name for c in library.index.collections("ann")] == ["a", "b"]
    assert [c.name for c in library.index.collections()] == ["a", "b", "docs"]


def test_a_name_is_taken_once_by_each_owner(library: Library) -> None:
    with pytest.raises(ConflictError) as caught:
        library.collection("docs")
    assert caught.value.code == "collection_exists"
    other = library.collection("docs", owner="ann")
    library.collection("more", owner="ann")
    with pytest.raises(ConflictError):
        library.index.update(other.id, name="more")


def test_only_what_is_given_is_changed(library: Library) -> None:
    before = library.index.collection(library.id)
    folder = Folder(path="/srv/docs", watched=True, synced_at=datetime(2026, 1, 2, tzinfo=UTC))
    changed = library.index.update(
        library.id,
        description="about",
        retrieval=RetrievalSettings(top_k=3),
        chunking=Chunking(max_chars=300),
        folders=(folder,),
        metadata={"a": [1, None]},
    )
    assert (changed.name, changed.description, changed.retrieval.top_k) == ("docs", "about", 3)
    assert (changed.chunking.max_chars, changed.folders, changed.metadata) == (
        300,
        (folder,),
        {"a": [1, None]},
    )
    assert changed.updated_at > before.updated_at
    assert library.index.update(library.id, folders=()).folders == ()


def test_a_deleted_collection_is_gone_with_all_that_was_in_it(library: Library) -> None:
    document_id = library.add("a.md", "an owl").document_id or ""
    library.index.deliver()
    library.index.delete(library.id)
    for look in (library.index.collection, library.index.documents, library.index.delete):
        with pytest.raises(NotFoundError):
            look(library.id)
    with pytest.raises(NotFoundError):
        library.index.document(document_id)
    assert library.index.check() == ()


def test_a_user_is_forgotten_with_all_that_he_has(library: Library) -> None:
    theirs = library.collection("theirs", owner="ann")
    library.add("a.md", "an owl", collection=theirs.id)
    library.index.keep_context(record(1, "ann"))
    library.index.keep_context(record(2))
    library.index.forget_owner("ann")
    assert [c.name for c in library.index.collections()] == ["docs"]
    assert library.index.contexts("ann").items == ()
    assert library.index.context("context 2").owner == "local"
    assert library.index.check() == ()


def test_contexts_are_listed_newest_first_in_pages(library: Library) -> None:
    for number in range(5):
        library.index.keep_context(record(number))
    first = library.index.contexts("local", limit=3)
    rest = library.index.contexts("local", limit=3, cursor=first.next_cursor)
    assert [c.id[-1] for c in (*first.items, *rest.items)] == ["4", "3", "2", "1", "0"]
    with pytest.raises(ConflictError):
        library.index.keep_context(record(4))
    library.index.drop_context("context 4")
    for look in (library.index.context, library.index.drop_context):
        with pytest.raises(NotFoundError):
            look("context 4")


def test_what_is_kept_of_a_retrieval_holds_each_text_once(tmp_path: Path) -> None:
    passage = Passage(
        chunk_id=1,
        number=0,
        collection_id="c",
        collection="docs",
        document_id="d",
        document="a.md",
        source="/a.md",
        text="Forty hinges",
        place=AT,
        score=1,
    )
    items = (Retrieved(passage=passage, number=1),)
    found = Retrieval(query="q", method="hybrid", passages=(passage,))
    plain = record(1).model_copy(update={"query": "q"})
    kept = plain.model_copy(update={"retrieval": found, "items": items, "text": shown(items)})
    database = Database(tmp_path / "contexts.db")
    Contexts(database).keep(kept)
    body = database.connection.execute("SELECT body FROM contexts").fetchone()["body"]
    assert body.count("Forty hinges") == 1
    assert Contexts(database).get(kept.id) == kept
    database.close()


def test_a_page_of_contexts_is_of_a_bounded_size_and_so_are_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "contexts.db")
    contexts = Contexts(database, most=3)
    for number in range(3):
        contexts.keep(record(number))
    with pytest.raises(ConflictError) as caught:
        contexts.keep(record(3))
    assert caught.value.code == "too_many_contexts"
    contexts.keep(record(4, "ann"))
    monkeypatch.setattr("holdfast.core.knowledge.index.contexts.MAX_PAGE_CHARS", 1)
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        page = contexts.list("local", 3, cursor)
        seen += [each.id[-1] for each in page.items]
        assert len(page.items) == 1
        cursor = page.next_cursor
    assert (seen, cursor) == (["2", "1", "0"], None)
    database.close()


def test_a_newer_database_is_left_as_it_is(library: Library, libraries: Callable[..., Library]) -> None:
    path = library.index.path
    library.index.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(KnowledgeUnavailable, match="newer Holdfast") as caught:
        library.opened()
    assert caught.value.code == "knowledge_too_new"
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 99
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.close()
    library.index = library.opened()


def test_a_damaged_database_says_so(library: Library) -> None:
    library.index.close()
    good = library.index.path.read_bytes()
    library.index.path.write_bytes(b"no database" * 1000)
    with pytest.raises(KnowledgeUnavailable) as caught:
        library.opened()
    assert caught.value.code == "knowledge_damaged"
    library.index.path.write_bytes(good)
    library.index = library.opened()


def test_a_database_of_this_version_is_not_migrated_again(library: Library) -> None:
    library.add("a.md", "an owl")
    library.reopen()
    assert library.names("owl") == ["a.md"]


def test_a_transaction_that_fails_leaves_nothing(library: Library, tmp_path: object) -> None:
    database = Database(library.folder / "other" / "knowledge.db")
    with pytest.raises(RuntimeError), database.writing() as connection:
        connection.execute("INSERT INTO dropped VALUES ('x')")
        raise RuntimeError
    assert database.connection.execute("SELECT count(*) FROM dropped").fetchone()[0] == 0
    database.close()


def test_what_other_systems_say_of_a_collection_stays_with_it(library: Library) -> None:
    said = {"there": {"settings": {"a": 1}}}
    assert library.index.update(library.id, ext=said).ext == said
    assert library.index.update(library.id, description="Other.").ext == said


def test_a_database_of_the_first_version_is_brought_to_this_one(library: Library, libraries: Any) -> None:
    result = library.add("a.md", "one")
    path = library.index.path
    library.index.close()
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE collections DROP COLUMN ext")
        connection.execute("ALTER TABLE documents DROP COLUMN ext")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    library.index = library.opened()
    assert len(STEPS) == VERSION
    assert (
        library.index.document(result.document_id or "").ext,
        library.index.collection(library.id).ext,
    ) == (
        {},
        {},
    )
