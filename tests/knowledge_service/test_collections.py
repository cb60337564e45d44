"""Collections and documents as their owner names them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    UnsupportedError,
)
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.knowledge import IndexProblem, RetrievalSettings
from holdfast.core.domain.options import KnowledgeUse

DOCS = (KnowledgeUse(collection="docs"),)


async def kinds(shelf: Any) -> list[tuple[str, str]]:
    events = (await shelf.workbench.events.read(EventFilter())).items
    return [(e.event.name, e.event.change) for e in events if e.event.type == "knowledge.changed"]


async def test_a_collection_is_known_by_its_name_and_by_its_id(shelf: Any) -> None:
    by_name = await shelf.workbench.knowledge.get("docs")
    assert await shelf.workbench.knowledge.get(by_name.id) == by_name
    assert by_name.embedding_model == "wordllama"


async def test_a_wrong_name_is_told_with_the_nearest(shelf: Any) -> None:
    with pytest.raises(NotFoundError, match="Did you mean docs") as caught:
        await shelf.workbench.knowledge.get("dosc")
    assert caught.value.details == {"nearest": "docs"}


async def test_changes_are_told_to_clients(shelf: Any) -> None:
    knowledge = shelf.workbench.knowledge
    await knowledge.update("docs", name="book", description="A book", metadata={"a": 1})
    await shelf.added(shelf.file("a.md"), collection="book")
    (document,) = (await knowledge.documents("book")).items
    await knowledge.describe(document.id, questions=("Why?",))
    await knowledge.remove(document.id)
    await knowledge.delete("book")
    assert await kinds(shelf) == [
        ("docs", "created"),
        ("book", "updated"),
        ("book", "documents"),
        ("book", "documents"),
        ("book", "deleted"),
    ]


async def test_what_clients_keep_with_a_thing_is_refused_before_it_could_not_be_read(shelf: Any) -> None:
    knowledge = shelf.workbench.knowledge
    await shelf.added(shelf.file("a.md"))
    (document,) = (await knowledge.documents("docs")).items
    much = {"a": {"x": "y" * 40_000}}
    more = {"b": {"x": "y" * 40_000}}
    both = {"a": {"x": "y" * 80_000}}
    await knowledge.update("docs", ext=much)
    await knowledge.describe(document.id, ext=much)
    for refused in (
        knowledge.update("docs", ext=more),
        knowledge.describe(document.id, ext=more),
        knowledge.create("other", ext=both),
        knowledge.stage("a.md", b"one", ext=both),
        knowledge.add("docs", (str(shelf.folder),), ext=both),
    ):
        with pytest.raises(InvalidError) as caught:
            await refused
        assert caught.value.code == "invalid_ext"
    (docs,) = await knowledge.list()
    assert docs.ext == (await knowledge.document(document.id)).ext == much


async def test_the_trash_keeps_a_collection_whose_name_was_taken_and_goes_with_its_user(shelf: Any) -> None:
    workbench, index = shelf.workbench, shelf.index
    (old,) = await workbench.knowledge.list()
    await workbench.knowledge.delete("docs")
    new = await workbench.knowledge.create("docs")
    with pytest.raises(ConflictError) as caught:
        await workbench.trash.restore("collection", old.id)
    assert caught.value.code == "collection_exists"
    assert [(each.kind, each.title) for each in (await workbench.trash.list()).items] == [
        ("collection", "docs")
    ]
    await workbench.knowledge.delete("docs")
    await workbench.trash.restore("collection", old.id)
    assert [each.id for each in await workbench.knowledge.list()] == [old.id]
    await workbench._core.library.forget_user("local")
    assert (await index.collections(), new.id in index.kept) == ((), False)


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a\nb", "\x1b[31m", "x" * 201])
async def test_a_name_that_cannot_be_named_is_refused(shelf: Any, name: str) -> None:
    with pytest.raises(InvalidError) as caught:
        await shelf.workbench.knowledge.create(name)
    assert caught.value.code == "invalid_collection_name"


async def test_a_second_collection_of_a_name_is_refused(shelf: Any) -> None:
    with pytest.raises(ConflictError):
        await shelf.workbench.knowledge.create("docs")


async def test_another_embedding_model_than_a_collection_has_is_refused_with_the_command_that_changes_it(
    shelf: Any,
) -> None:
    knowledge = shelf.workbench.knowledge
    await knowledge.create("our docs")
    with pytest.raises(ConflictError) as caught:
        await knowledge.create("our docs", embedding_model="openai/x")
    assert caught.value.code == "embedding_mismatch"
    assert "`holdfast knowledge reembed 'our docs' --model openai/x`" in caught.value.message
    with pytest.raises(ConflictError) as caught:
        await knowledge.create("our docs", embedding_model="wordllama")
    assert caught.value.code == "collection_exists"


async def test_a_model_without_summaries_is_not_taken_for_one_that_makes_vectors(shelf: Any) -> None:
    with pytest.raises(InvalidError) as caught:
        await shelf.workbench.knowledge.add("docs", (str(shelf.file("a.md")),), model="openai/x")
    assert caught.value.code == "model_without_summaries"
    assert "`holdfast knowledge reembed docs --model MODEL`" in caught.value.message
    with pytest.raises(InvalidError):
        await shelf.workbench.knowledge.upload("docs", "a.md", b"a", model="openai/x")


@pytest.mark.parametrize("model", ["ada", "/x", "openai/", " "])
async def test_an_embedding_model_is_the_bundled_one_or_a_providers(shelf: Any, model: str) -> None:
    with pytest.raises(InvalidError) as caught:
        await shelf.workbench.knowledge.create("other", embedding_model=model)
    assert caught.value.code == "invalid_embedding_model"


async def test_metadata_is_small_and_plain_json(shelf: Any) -> None:
    for metadata in ({"x": "y" * 70_000}, {"x": float("nan")}, {"x": object()}):
        with pytest.raises(InvalidError) as caught:
            await shelf.workbench.knowledge.create("other", metadata=metadata)
        assert caught.value.code == "invalid_metadata"


async def test_what_others_have_is_not_there(shelf: Any) -> None:
    ann, job = shelf.view(), await shelf.added(shelf.file("a.md"))
    (document,) = (await shelf.workbench.knowledge.documents("docs")).items
    kept = await shelf.workbench.knowledge.keep("text", DOCS)
    assert await ann.knowledge.list() == ()
    assert (await ann.jobs.list()).items == ()
    assert (await ann.knowledge.contexts()).items == ()
    calls = [
        ann.knowledge.get("docs"),
        ann.knowledge.get(document.collection_id),
        ann.knowledge.delete(document.collection_id),
        ann.knowledge.document(document.id),
        ann.knowledge.chunks(document.id),
        ann.knowledge.text(document.id),
        ann.knowledge.describe(document.id, summary="x"),
        ann.knowledge.remove(document.id),
        ann.knowledge.search("text", (KnowledgeUse(collection=document.collection_id),)),
        ann.knowledge.context(kept.id),
        ann.knowledge.drop(kept.id),
        ann.jobs.get(job.id),
        ann.jobs.cancel(job.id),
        ann.jobs.retry(job.id),
    ]
    for call in calls:
        with pytest.raises(NotFoundError):
            await call


async def test_two_users_have_collections_of_one_name(shelf: Any) -> None:
    ann = shelf.view()
    hers = await ann.knowledge.create("docs")
    assert hers.owner == "ann"
    assert (await shelf.workbench.knowledge.get("docs")).id != hers.id


async def test_a_key_that_only_reads_changes_nothing(shelf: Any) -> None:
    reader = shelf.view(Principal(user_id="local", name="local", role=Role.ADMIN, scope=Scope.READ))
    assert [each.name for each in await reader.knowledge.list()] == ["docs"]
    with pytest.raises(ForbiddenError):
        await reader.knowledge.delete("docs")


async def test_a_removed_user_leaves_no_knowledge(shelf: Any) -> None:
    ann = await shelf.workbench.users.add("ann")
    hers = shelf.view(Principal(user_id=ann.id, name="ann", role=Role.USER, scope=Scope.ADMIN))
    await hers.knowledge.create("hers")
    await shelf.workbench.users.remove("ann")
    assert [each.name for each in shelf.index.kept.values()] == ["docs"]


async def test_nothing_is_asked_of_the_index_where_nothing_was_kept(open_shelf: Any) -> None:
    async with open_shelf() as shelf:
        shelf.index.collections = None
        assert await shelf.workbench.knowledge.list() == ()
        assert (await shelf.workbench.knowledge.contexts()).items == ()
        with pytest.raises(NotFoundError):
            await shelf.workbench.knowledge.get("docs")
        checks = {each.name: each for each in await shelf.workbench.engine.check()}
        assert checks["knowledge"].message == "There is none yet."


# --- uploads and addresses


async def test_an_upload_is_kept_until_it_is_taken_in(shelf: Any, open_shelf: Any) -> None:
    job = await shelf.ended(await shelf.workbench.knowledge.upload("docs", "a/b.md", b"text"))
    (document,) = (await shelf.workbench.knowledge.documents("docs")).items
    assert (document.name, document.source) == ("a/b.md", "upload:a/b.md")
    blob = job.request.items[0].blob
    assert blob in await shelf.workbench._core.log.reader.all_blobs()
    again = await shelf.ended(await shelf.workbench.knowledge.upload("docs", "a/b.md", b"another"))
    assert [each.status for each in await shelf.results(again)] == ["changed"]


async def test_an_upload_that_is_too_large_is_refused_and_not_kept(open_shelf: Any, tmp_path: Any) -> None:
    async with open_shelf(knowledge={"max_file_mb": 1}) as shelf:
        await shelf.collection()
        large = tmp_path / "large"
        large.write_bytes(b"x" * (2**20 + 1))
        with large.open("rb") as file, pytest.raises(TooLargeError, match="1 MiB") as caught:
            await shelf.workbench.knowledge.upload("docs", "a.md", file)
        assert caught.value.code == "document_too_large"
        assert [each for each in shelf.paths.blobs.rglob("*") if each.is_file()] == []
        with pytest.raises(InvalidError):
            await shelf.workbench.knowledge.upload("docs", "\n/..", b"x")


async def test_pages_are_fetched_across_sites_and_known_by_their_address(shelf: Any) -> None:
    shelf.web.pages |= {
        "https://a.test/start": (302, "text/plain", b"https://b.test/end"),
        "https://b.test/end": (200, "text/html", b"<html>text"),
    }
    job = await shelf.ended(
        await shelf.workbench.knowledge.add("docs", urls=("HTTPS://A.test/start",), metadata={"n": 1})
    )
    assert job.failures == ()
    (document,) = (await shelf.workbench.knowledge.documents("docs")).items
    assert (document.source, document.name, document.metadata) == (*["https://a.test/start"] * 2, {"n": 1})


async def test_what_cannot_be_fetched_is_listed_and_does_not_stop_the_rest(open_shelf: Any) -> None:
    async with open_shelf(knowledge={"max_file_mb": 1}) as shelf:
        await shelf.collection()
        shelf.web.pages |= {
            "https://a.test/big": (200, "text/plain", b"x" * (2**20 + 1)),
            "https://a.test/in": (302, "text/plain", b"http://inside.test/"),
            "https://a.test/ok": (200, "text/plain", b"text"),
        }
        urls = [f"https://a.test/{name}" for name in ("none", "big", "in", "ok")]
        job = await shelf.ended(
            await shelf.workbench.knowledge.add("docs", urls=(*urls, "http://inside.test/"))
        )
        codes = {each.source: each.error.code for each in job.failures}
        assert codes == {
            "https://a.test/none": "unreachable",
            "https://a.test/big": "document_too_large",
            "https://a.test/in": "private_address",
            "http://inside.test/": "private_address",
        }
        assert await shelf.names() == ["https://a.test/ok"]
        assert not [asked for asked in shelf.web.asked if "inside" in asked]


@pytest.mark.parametrize("url", ["ftp://a.test", "https://a b", "file:///etc/passwd", "https://u:p@a.test/"])
async def test_what_is_no_address_is_refused_at_once(shelf: Any, url: str) -> None:
    with pytest.raises(InvalidError):
        await shelf.workbench.knowledge.add("docs", urls=(url,))


async def test_a_retry_fetches_only_what_has_failed(shelf: Any) -> None:
    shelf.web.pages["https://a.test/ok"] = (200, "text/plain", b"text")
    urls = ("https://a.test/later", "https://a.test/ok")
    job = await shelf.ended(await shelf.workbench.knowledge.add("docs", urls=urls))
    shelf.web.pages["https://a.test/later"] = (200, "text/plain", b"text")
    shelf.web.asked.clear()
    await shelf.ended(await shelf.workbench.jobs.retry(job.id))
    assert shelf.web.asked == ["https://a.test/later"]


# --- vectors anew, searches, health


async def test_vectors_are_made_anew_document_by_document(shelf: Any) -> None:
    await shelf.added(shelf.file("a.md"), shelf.file("b.md"))
    shelf.index.ingested.clear()
    job = await shelf.ended(await shelf.workbench.knowledge.reembed("docs", "openai/x"))
    assert (job.kind, job.progress.done, job.progress.chunks) == ("reembed", 2, 2)
    assert (await shelf.workbench.knowledge.get("docs")).embedding_model == "openai/x"


async def test_a_search_finds_passages_and_can_be_kept(shelf: Any) -> None:
    await shelf.added(shelf.file("a.md", "Forty hinges"), shelf.file("b.md", "Doors"))
    knowledge = shelf.workbench.knowledge
    found = await knowledge.search("hinges", DOCS)
    assert [passage.document for passage in found.passages] == ["a.md"]
    kept = await knowledge.keep("hinges", DOCS, max_tokens=500)
    assert (kept.max_tokens, [item.number for item in kept.items]) == (500, [1])
    assert "[1] a.md" in kept.text and "> Forty hinges" in kept.text
    assert await knowledge.context(kept.id) == kept
    assert (await knowledge.contexts()).items == (kept,)
    await knowledge.drop(kept.id)
    with pytest.raises(NotFoundError):
        await knowledge.context(kept.id)


async def test_a_method_that_asks_a_model_is_refused_offline(shelf: Any) -> None:
    shelf.catalog.name = "offline"
    with pytest.raises(UnsupportedError):
        await shelf.workbench.knowledge.search("x", DOCS, method="hyde1")
    with pytest.raises(UnsupportedError):
        await shelf.workbench.knowledge.search("x", (KnowledgeUse(collection="docs", method="wide"),))


async def test_a_method_that_asks_a_model_asks_the_named_one(shelf: Any) -> None:
    await shelf.added(shelf.file("a.md", "Forty hinges"))
    shelf.model.answer = ""
    found = await shelf.workbench.knowledge.search("hinges", DOCS, method="hyde1", model="told/other")
    assert [request.model for request in shelf.model.asked] == ["told/other"]
    assert [passage.document for passage in found.passages] == ["a.md"]


async def test_a_key_that_may_only_look_asks_no_model(shelf: Any) -> None:
    await shelf.added(shelf.file("a.md", "Forty hinges"))
    local = Principal(user_id="local", name="local", role=Role.ADMIN, scope=Scope.READ)
    knowledge = shelf.view(local).knowledge
    with pytest.raises(ForbiddenError) as refused:
        await knowledge.search("hinges", DOCS, method="hyde1", model="told/other")
    assert refused.value.code == "scope_missing"
    settings = RetrievalSettings(method="hyde1")
    await shelf.workbench.knowledge.update("docs", retrieval=settings)
    with pytest.raises(ForbiddenError):
        await knowledge.search("hinges", DOCS)
    await shelf.workbench.knowledge.update("docs", retrieval=RetrievalSettings(rerank=True))
    assert [passage.document for passage in (await knowledge.search("hinges", DOCS)).passages] == ["a.md"]
    assert shelf.model.asked == []


async def test_nothing_tells_what_is_anothers_from_what_is_not(shelf: Any) -> None:
    await shelf.added(shelf.file("a.md", "Forty hinges"))
    (document,) = (await shelf.workbench.knowledge.documents("docs")).items
    kept = await shelf.workbench.knowledge.keep("hinges", DOCS)
    ann = shelf.view().knowledge
    for look, there in ((ann.document, document.id), (ann.context, kept.id)):
        said = []
        for asked in (there, "0" * len(there)):
            with pytest.raises(NotFoundError) as caught:
                await look(asked)
            said.append((caught.value.code, caught.value.message.replace(asked, "X")))
        assert said[0] == said[1]


async def test_a_user_has_a_bounded_number_of_collections(
    shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.core.services.library.MAX_COLLECTIONS", 2)
    await shelf.workbench.knowledge.create("second")
    with pytest.raises(ConflictError) as caught:
        await shelf.workbench.knowledge.create("third")
    assert caught.value.code == "too_many_collections"
    await shelf.view().knowledge.create("hers")


async def test_a_search_is_of_a_bounded_size(shelf: Any) -> None:
    for query, uses, top_k in ((" ", DOCS, 1), ("x" * 20_001, DOCS, 1), ("x", (), 1), ("x", DOCS, 0)):
        with pytest.raises(InvalidError):
            await shelf.workbench.knowledge.search(query, uses, top_k=top_k)
    for start, characters in ((-1, 1), (0, 0), (0, 10**7)):
        with pytest.raises(InvalidError):
            await shelf.workbench.knowledge.text("d", start, characters)


async def test_the_health_of_the_index_is_among_the_checks(shelf: Any) -> None:
    async def found(repair: bool) -> tuple[str, str]:
        checks = {each.name: each for each in await shelf.workbench.engine.check(repair)}
        return checks["knowledge"].state, checks["knowledge"].message

    assert (await found(False))[0] == "ok"
    shelf.index.problems = (IndexProblem(collection_id="k", collection="docs", problem="3 vectors lack"),)
    assert await found(False) == ("error", "docs: 3 vectors lack.")
    assert (await found(True))[0] == "repaired"


async def test_a_running_job_is_seen_and_keeps_the_engine(shelf: Any) -> None:
    shelf.index.gate = asyncio.Event()
    job = await shelf.workbench.knowledge.add("docs", (str(shelf.file("a.md")),))
    assert (await shelf.workbench.engine.status()).active_jobs == 1
    assert (await shelf.workbench.engine.figures()).active_jobs == 1
    shelf.index.gate.set()
    await shelf.ended(job)
    assert (await shelf.workbench.engine.status()).active_jobs == 0


async def test_the_next_engine_takes_up_a_job_and_the_index_is_let_go_last(open_shelf: Any) -> None:
    async with open_shelf() as shelf:
        await shelf.collection()
        shelf.index.gate = asyncio.Event()
        job = await shelf.workbench.knowledge.upload("docs", "a.md", b"text")
        await shelf.index.reached.wait()
    assert shelf.index.closed
    shelf.index.gate = None
    async with open_shelf() as shelf:
        assert (await shelf.ended(job)).status == "completed"
        assert await shelf.names() == ["a.md"]
