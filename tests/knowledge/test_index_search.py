"""What a search finds, and what it does not."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.plain_index import Library

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.knowledge import SearchMethod
from holdfast.core.domain.options import KnowledgeUse

METHODS: tuple[SearchMethod, ...] = ("hybrid", "vector", "lexical")


@pytest.fixture
def filled(library: Library) -> Library:
    library.add("owl.md", "# Birds\n\nThe owl flies at night.", metadata={"year": 2020, "kind": "bird"})
    library.add("fox.md", "The fox runs in the wood.", metadata={"year": 2021})
    library.add("zip.md", "zzz zz zzzz", metadata={"year": 2022})
    return library


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("delivered", [True, False])
def test_the_best_passage_comes_first(filled: Library, method: SearchMethod, delivered: bool) -> None:
    if delivered:
        filled.index.deliver()
    best = filled.find("the fox runs in the wood", method=method, top_k=2)[0]
    assert (best.document, best.collection, best.text) == ("fox.md", "docs", "The fox runs in the wood.")
    assert best.score == pytest.approx(1.0, abs=0.01)
    assert best.vector_rank == (None if method == "lexical" else 1)
    assert best.lexical_rank == (None if method == "vector" else 1)
    assert best.metadata == {"year": 2021}


def test_vectors_that_wait_and_those_that_chroma_has_are_one(filled: Library) -> None:
    filled.index.deliver()
    filled.add("new.md", "The fox runs in the wood!")
    found = filled.find("the fox runs in the wood", method="vector")
    assert [p.document for p in found[:2]] == ["fox.md", "new.md"]
    assert [p.vector_rank for p in found] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("method", ["hybrid", "vector"])
def test_a_server_of_vectors_cannot_hand_out_what_was_not_asked_for(
    filled: Library, monkeypatch: pytest.MonkeyPatch, method: SearchMethod
) -> None:
    hers = filled.collection("hers", owner="ann")
    filled.add("secret.md", "The code is 42.", collection=hers.id)
    filled.index.deliver()
    chunks = [
        chunk.id
        for collection in (filled.id, hers.id)
        for document in filled.index.documents(collection).items
        for chunk in filled.index.chunks(document.id).items
    ]
    everything = [(chunk, 1.0) for chunk in (*chunks, 2**70, -1)]
    monkeypatch.setattr(filled.index._vectors, "query", lambda *_, **__: everything)
    assert "secret.md" not in filled.names("the code", method=method)
    only = {"where": {"$name": "owl.md"}}
    assert filled.names("the code", method=method, use=only) == ["owl.md"]


def test_words_in_a_heading_are_found(filled: Library) -> None:
    assert filled.names("bird", method="lexical") == ["owl.md"]


@pytest.mark.parametrize("method", METHODS)
def test_a_filter_holds_for_every_method(filled: Library, method: SearchMethod) -> None:
    query = "owl fox zzz wood night"
    late = {"where": {"year": {"$gte": 2021}}}
    assert set(filled.names(query, method=method, use=late)) == {"fox.md", "zip.md"}
    named = {"where": {"$name": "owl.md"}}
    assert filled.names(query, method=method, use=named) == ["owl.md"]
    fox = filled.index.documents(filled.id, "fox").items[0].id
    assert filled.names(query, method=method, use={"documents": (fox, "nobody")}) == ["fox.md"]
    assert filled.names(query, method=method, use={"documents": ()}) == []
    assert filled.names(query, method=method, use={"where": {"kind": "none"}}) == []
    with pytest.raises(InvalidError, match=r"where\.year"):
        filled.find(query, method=method, use={"where": {"year": {}}})


def test_each_use_has_its_own_limits(filled: Library) -> None:
    other = filled.collection("other")
    for number in range(4):
        filled.add(f"o{number}.md", f"The fox runs {number}", collection=other.id)
    uses = [
        KnowledgeUse(collection=filled.id, method="lexical"),
        KnowledgeUse(collection=other.id, method="lexical", top_k=2),
    ]
    found = filled.index.search(uses, "fox runs", method="vector")
    assert [p.collection for p in found].count("other") == 2
    assert all(p.vector_rank is None for p in found)
    assert len(filled.index.search(uses, "fox runs", top_k=1)) == 1
    strict = [KnowledgeUse(collection=filled.id, min_score=0.99)]
    assert [p.document for p in filled.index.search(strict, "the fox runs in the wood")] == ["fox.md"]


def test_scores_of_several_collections_can_be_compared(filled: Library) -> None:
    other = filled.collection("other")
    filled.add(
        "poor.md", "A hen in the wood with many other words that are about nothing", collection=other.id
    )
    uses = [KnowledgeUse(collection=other.id), KnowledgeUse(collection=filled.id)]
    for method in METHODS:
        found = filled.index.search(uses, "the fox runs in the wood", method=method)
        assert found[0].document == "fox.md"
        assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)


def test_an_unknown_collection_is_not_searched(filled: Library) -> None:
    with pytest.raises(NotFoundError):
        filled.index.search([KnowledgeUse(collection="nope")], "owl")


def test_an_empty_collection_has_nothing_to_find(library: Library) -> None:
    for method in METHODS:
        assert library.find("owl", method=method) == ()


def test_other_users_documents_are_not_found(filled: Library) -> None:
    theirs = filled.collection("theirs", owner="ann")
    filled.add("secret.md", "The fox runs in the wood.", collection=theirs.id)
    for method in METHODS:
        assert "secret.md" not in filled.names("the fox runs in the wood", method=method)


@given(query=st.text(max_size=40) | st.sampled_from(['"', "NEAR(", "a AND", "text:", "-", "*", "^a", "a*"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_query_is_an_error(filled: Library, query: str) -> None:
    for method in METHODS:
        filled.find(query, method=method)


def test_documents_that_are_gone_do_not_stand_before_those_that_are_there(library: Library) -> None:
    many = library.add("many.md", "\n\n".join(["the fox runs"] * 300)).document_id or ""
    library.add("one.md", "the fox ran")
    library.index.deliver()
    library.index.remove(many)
    assert library.names("the fox runs", method="vector", top_k=3) == ["one.md"]


def test_many_documents_can_be_filtered_by(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.core.knowledge.index.vectors._MAX_FILTERED", 3)
    for number in range(8):
        library.add(f"{number}.md", f"fox {'x' * number}", metadata={"n": number})
    library.index.deliver()
    found = library.names("fox", method="vector", use={"where": {"n": {"$gte": 1}}})
    assert sorted(found) == [f"{number}.md" for number in range(1, 8)]


def test_a_model_that_makes_other_vectors_is_refused_with_the_way_out(filled: Library) -> None:
    filled.embeddings.dimensions["wordllama"] = 20
    for attempt in (lambda: filled.find("owl"), lambda: filled.add("new.md", "a new owl")):
        with pytest.raises(
            ConflictError, match="holdfast knowledge reembed docs --model wordllama"
        ) as caught:
            attempt()
        assert caught.value.code == "embedding_mismatch"
    assert filled.names("owl", method="lexical") == ["owl.md"]
    assert "new.md" not in [d.name for d in filled.index.documents(filled.id).items]


def test_all_passages_come_in_order_until_there_is_no_room(filled: Library) -> None:
    use = KnowledgeUse(collection=filled.id)
    passages, total = filled.index.all_passages([use], 1_000)
    assert [p.document for p in passages] == ["fox.md", "owl.md", "owl.md", "zip.md"]
    assert total == 4
    some, total = filled.index.all_passages([use], 40)
    assert (len(some), total) == (2, 4)
    late, total = filled.index.all_passages([KnowledgeUse(collection=filled.id, where={"year": 2022})], 1_000)
    assert ([p.document for p in late], total) == (["zip.md"], 1)


def test_passages_are_found_by_a_vector(library: Library) -> None:
    assert library.index.nearest(library.id, [1.0]) == ()
    library.add("a.md", "aaa\n\nbbb\n\nab")
    (vector,) = library.index.embed("wordllama", ["a"])
    found = library.index.nearest(library.id, vector, 2)
    assert [each.text for each in found] == ["aaa", "ab"]
    assert (found[0].score, found[0].vector_rank) == (pytest.approx(1), 1)
    assert library.index.nearest(library.id, [1e300 * each for each in vector], 2) == found
    for nowhere in (0.0, math.inf, math.nan):
        assert library.index.nearest(library.id, [nowhere] * len(vector)) == ()
    with pytest.raises(InvalidError) as caught:
        library.index.nearest(library.id, vector[1:])
    assert caught.value.code == "wrong_dimensions"
