"""Documents are taken in whole or not at all, and are what people see."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from tests.fakes.plain_index import Library

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.knowledge import Chunking, IngestItem
from holdfast.core.knowledge.index.stopping import Stop


def test_a_document_is_taken_in_with_its_chunks_and_text(library: Library) -> None:
    result = library.add("lamps.md", "# Lamps\n\nA lamp gives light.", metadata={"year": 2020})
    assert (result.status, result.chunks, result.size) == ("added", 2, 28)
    document = library.index.document(result.document_id or "")
    assert document.name == "lamps.md"
    assert document.title == "Title of lamps.md"
    assert document.metadata == {"year": 2020}
    assert document.characters == 28
    text = library.index.text(document.id)
    chunks = library.index.chunks(document.id).items
    assert [text[c.place.start : c.place.end] for c in chunks] == [c.text for c in chunks]
    assert chunks[1].place.headings == ("Lamps",)
    collection = library.index.collection(library.id)
    assert (collection.documents, collection.chunks, collection.size) == (1, 2, 28)
    assert collection.dimensions == 26


def test_the_same_bytes_are_not_taken_in_twice(library: Library) -> None:
    first = library.add("a.md", "one")
    second = library.add("a.md", "one")
    assert (second.status, second.document_id, second.chunks) == ("unchanged", first.document_id, 1)
    assert library.parser.parsed == 1


def test_unchanged_bytes_take_a_new_name_and_new_metadata(library: Library) -> None:
    first = library.add("a.md", "one", metadata={"team": "sales"})
    source = library.index.document(first.document_id or "").source
    item = IngestItem(source=source, name="renamed.md", path=source, metadata={"team": "law"})
    result = library.index.ingest(library.id, item, settings=KnowledgeSettings(), stop=Stop())
    document = library.index.document(first.document_id or "")
    assert (result.status, document.name, document.metadata) == ("unchanged", "renamed.md", {"team": "law"})


def test_other_bytes_take_the_place_of_the_old_ones(library: Library) -> None:
    first = library.add("a.md", "an owl", metadata={"kind": "bird"})
    second = library.add("a.md", "a fox")
    assert (second.status, second.document_id) == ("changed", first.document_id)
    assert library.names("owl", method="lexical") == []
    assert library.names("fox", method="lexical") == ["a.md"]
    assert library.index.document(first.document_id or "").metadata == {"kind": "bird"}
    assert library.index.collection(library.id).documents == 1
    assert library.index.check() == ()


def test_a_document_is_cut_anew_when_its_collection_cuts_otherwise(library: Library) -> None:
    library.add("a.md", "one")
    library.index.update(library.id, chunking=Chunking(max_chars=500))
    assert library.add("a.md", "one").status == "changed"


def test_chunk_ids_are_never_used_twice(library: Library) -> None:
    document_id = library.add("a.md", "one\n\ntwo").document_id or ""
    before = {chunk.id for chunk in library.index.chunks(document_id).items}
    library.index.remove(document_id)
    library.index.deliver()
    document_id = library.add("a.md", "three").document_id or ""
    assert {chunk.id for chunk in library.index.chunks(document_id).items}.isdisjoint(before)


def test_what_is_wrong_with_an_item_is_in_its_result(library: Library) -> None:
    result = library.add("empty.md", "")
    assert result.status == "failed"
    assert result.error is not None
    assert result.error.code == "document_unreadable"
    gone = IngestItem(source="nowhere", name="nowhere")
    failed = library.index.ingest(library.id, gone, settings=KnowledgeSettings(), stop=Stop())
    assert failed.status == "failed"
    assert library.index.documents(library.id).items == ()


def test_a_pipe_is_not_waited_for(library: Library, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    from holdfast.core.knowledge.index.ingesting import _digest

    item = IngestItem(source="pipe", name="pipe", path=str(pipe))
    assert _digest(item, KnowledgeSettings()) is None


def test_names_that_no_text_can_hold_are_kept_readable(library: Library) -> None:
    path = library.folder / "files"
    path.mkdir()
    (path / "x").write_text("an owl")
    item = IngestItem(
        source="bad\udcff\x00", name="n\udcff", path=str(path / "x"), metadata={"k\x00": ["v\udc00"]}
    )
    result = library.index.ingest(library.id, item, settings=KnowledgeSettings(), stop=Stop())
    assert result.status == "added"
    assert result.source == "bad\ufffd\ufffd"
    assert library.find("owl")[0].metadata == {"k\ufffd": ["v\ufffd"]}


def test_documents_are_listed_by_name_in_pages(library: Library) -> None:
    for name in ("c.md", "a.md", "b_1.md", "b%1.md"):
        library.add(name, f"about {name}")
    page = library.index.documents(library.id, limit=3)
    rest = library.index.documents(library.id, limit=3, cursor=page.next_cursor)
    assert [d.name for d in (*page.items, *rest.items)] == ["a.md", "b%1.md", "b_1.md", "c.md"]
    assert rest.next_cursor is None
    assert [d.name for d in library.index.documents(library.id, "TITLE b_1").items] == ["b_1.md"]
    with pytest.raises(InvalidError, match="cursor"):
        library.index.documents(library.id, cursor="WzFd")


def test_chunks_come_in_pages_and_text_in_parts(library: Library) -> None:
    document_id = library.add("a.md", "\n\n".join(f"part {i} ü" for i in range(5))).document_id or ""
    first = library.index.chunks(document_id, limit=2)
    second = library.index.chunks(document_id, limit=9, cursor=first.next_cursor)
    assert [chunk.number for chunk in (*first.items, *second.items)] == [0, 1, 2, 3, 4]
    assert library.index.text(document_id, 5, 3) == "0 ü"
    assert library.index.text(document_id, 10_000) == ""


def test_sources_are_told_below_a_folder(library: Library) -> None:
    a, b = library.add("x/a.md", "one").document_id, library.add("y/b.md", "two").document_id
    files = library.folder / "files"
    assert library.index.sources(library.id, f"{files}/x") == {f"{files}/x/a.md": a}
    assert set(library.index.sources(library.id).values()) == {a, b}


def test_what_is_said_of_a_document_can_be_changed(library: Library) -> None:
    document_id = library.add("a.md", "one").document_id or ""
    changed = library.index.describe(document_id, summary="short", questions=("Why?",), metadata={"n": 1})
    assert (changed.summary, changed.questions, changed.metadata) == ("short", ("Why?",), {"n": 1})
    assert library.index.describe(document_id, summary="other").questions == ("Why?",)


def test_a_removed_document_is_gone_at_once(library: Library) -> None:
    document_id = library.add("a.md", "an owl").document_id or ""
    library.index.deliver()
    library.index.remove(document_id)
    assert library.find("owl") == ()
    for look in (library.index.document, library.index.text, library.index.chunks, library.index.remove):
        with pytest.raises(NotFoundError):
            look(document_id)
    assert library.index.check() == ()


def test_chunks_are_found_by_id_and_with_their_neighbours(library: Library) -> None:
    document_id = library.add("a.md", "one\n\ntwo\n\nthree\n\nfour").document_id or ""
    ids = [chunk.id for chunk in library.index.chunks(document_id).items]
    assert [p.text for p in library.index.passages([ids[2], 999, ids[0]])] == ["three", "one"]
    assert [p.text for p in library.index.around(ids[0], 1)] == ["one", "two"]
    assert [p.text for p in library.index.around(ids[2], 1)] == ["two", "three", "four"]
    assert [p.text for p in library.index.around(ids[2], 0)] == ["three"]
    with pytest.raises(NotFoundError):
        library.index.around(999)


def test_the_database_is_for_its_user_alone(library: Library) -> None:
    library.add("a.md", "one")
    for file in (library.folder / "index").iterdir():
        if file.name.startswith("knowledge.db"):
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def test_what_cannot_be_is_not_an_accident(library: Library) -> None:
    document_id = library.add(
        "a.md", "one", metadata={"n": float("nan"), "deep": [{"x": float("inf")}]}
    ).document_id
    document_id = document_id or ""
    assert library.index.document(document_id).metadata == {"n": None, "deep": [{"x": None}]}
    assert library.index.text(document_id, 2**70) == ""
    assert library.index.text(document_id, -5, 2**70) == "one"
    assert library.index.passages([2**70, -1]) == ()
    assert library.index.documents(library.id, "word " * 5_000 + "%" * 100_000).items == ()
    with pytest.raises(NotFoundError):
        library.index.around(2**70)


def test_what_other_systems_say_of_a_document_stays_with_it(library: Library) -> None:
    first = library.add("a.md", "one")
    source = library.index.document(first.document_id or "").source
    said = {"there": {"tags": ["x"]}}
    item = IngestItem(source=source, name="a.md", path=source, ext=said)
    library.index.ingest(library.id, item, settings=KnowledgeSettings(), stop=Stop())
    assert library.index.document(first.document_id or "").ext == said
    library.add("a.md", "other bytes, of which nothing is said")
    assert library.index.document(first.document_id or "").ext == said
    changed = library.index.describe(first.document_id or "", name="b.md", ext={"there": {}})
    assert (changed.name, changed.ext) == ("b.md", {"there": {}})
    assert library.index.document(first.document_id or "") == changed


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ["name", "size", "pages", "media_type", "added_at"])
def test_the_documents_of_an_owner_are_listed_in_any_order(library: Library, order, descending) -> None:
    for number, name in enumerate(("c.md", "a.md", "d.md", "b.md")):
        library.add(name, "x" * (4 - number), metadata={"n": number})
    found, cursor = [], None
    while True:
        page = library.index.every_document(
            "local", order=order, descending=descending, limit=1, cursor=cursor
        )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    names = ["a.md", "b.md", "c.md", "d.md"] if order == "name" else ["c.md", "a.md", "d.md", "b.md"]
    expected = names[::-1] if descending is not (order == "size") else names
    assert [each.name for each in found] == expected
    assert library.index.every_document("somebody").items == ()
    assert library.index.every_document("local", "no-such-collection").items == ()
    few = library.index.every_document("local", library.id, "md", {"n": {"$gt": 1}}, "name", False)
    assert [each.name for each in few.items] == ["b.md", "d.md"]
    with pytest.raises(InvalidError):
        library.index.every_document("local", where={"$no": 1})
