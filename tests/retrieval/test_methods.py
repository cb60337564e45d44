"""The ways to find passages, on a fake index and a scripted model."""

from __future__ import annotations

import pytest

from holdfast.core.domain.errors import (
    KnowledgeUnavailable,
    ModelUnavailable,
    NotFoundError,
    UnsupportedError,
)
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.knowledge.retrieval.searcher import Searcher

DOCS = KnowledgeUse(collection="id-docs-local")
GUIDE = KnowledgeUse(collection="id-guide-local")


def texts(retrieval) -> list[str]:
    return [passage.text for passage in retrieval.passages]


def actions(retrieval) -> list[str]:
    return [step.action for step in retrieval.steps]


@pytest.mark.parametrize("method", ["hybrid", "vector", "lexical"])
async def test_a_method_without_a_model_is_one_search(index, method) -> None:
    found = await Searcher(index).retrieve("hotels cost", [DOCS], method=method)
    assert (found.method, texts(found)) == (method, ["Hotels cost ninety euros."])
    assert [(step.action, step.text, step.found) for step in found.steps] == [("search", "hotels cost", 1)]
    (asked,) = index.searches
    assert (asked["method"], asked["top_k"]) == (method, 2)


async def test_what_is_left_out_is_as_the_use_says_else_as_the_collection(index) -> None:
    index.add("own", {"a.md": ["x"]}, top_k=5, method="lexical", min_score=0.4)
    own = KnowledgeUse(collection="id-own-local")
    searcher = Searcher(index)
    await searcher.retrieve("x", [own])
    await searcher.retrieve("x", [own.model_copy(update={"top_k": 1, "method": "vector", "min_score": 0.0})])
    await searcher.retrieve("x", [own], method="hybrid", top_k=7)
    assert [(each["method"], each["top_k"]) for each in index.searches] == [
        ("lexical", 5),
        ("vector", 1),
        ("hybrid", 7),
    ]
    assert [each["uses"][0].min_score for each in index.searches] == [0.4, 0.0, 0.4]


async def test_several_collections_are_one_search_and_a_text_in_two_of_them_comes_once(index) -> None:
    found = await Searcher(index).retrieve("hotels cost ninety", [DOCS, GUIDE])
    assert texts(found) == ["Hotels cost ninety euros.", "Hotels near the station."]
    (asked,) = index.searches
    assert asked["top_k"] == 3
    assert [use.top_k for use in asked["uses"]] == [2, 3]


async def test_collections_of_different_methods_are_fused_by_rank(index) -> None:
    uses = [DOCS.model_copy(update={"method": "vector"}), GUIDE.model_copy(update={"method": "lexical"})]
    found = await Searcher(index).retrieve("hotels station", uses)
    assert {each["method"] for each in index.searches} == {"vector", "lexical"}
    assert texts(found)[0] in ("Hotels cost ninety euros.", "Hotels near the station.")
    assert len(texts(found)) == len(set(texts(found))) == 2
    assert all(0 < passage.score <= 1 for passage in found.passages)


class TestLostCollections:
    async def test_one_that_is_gone_is_said_and_the_others_are_searched(self, index) -> None:
        await index.delete("id-guide-local")
        found = await Searcher(index).retrieve("hotels", [GUIDE, DOCS])
        assert texts(found) == ["Hotels cost ninety euros."]
        assert "id-guide-local could not be searched" in found.steps[0].text

    async def test_one_that_cannot_be_reached_is_left_out(self, index) -> None:
        async def broken(uses, query, **more):
            if any(use.collection == "id-guide-local" for use in uses):
                raise KnowledgeUnavailable("away")
            return await type(index).search(index, uses, query, **more)

        index.search = broken
        found = await Searcher(index).retrieve("hotels", [DOCS, GUIDE])
        assert texts(found) == ["Hotels cost ninety euros."]
        assert found.steps[0].text == "guide could not be searched: away"

    async def test_when_none_is_left_the_first_mistake_is_raised(self, index) -> None:
        index.broken["id-docs-local"] = KnowledgeUnavailable("away")
        await index.delete("id-guide-local")
        with pytest.raises(KnowledgeUnavailable):
            await Searcher(index).retrieve("hotels", [DOCS, GUIDE])
        with pytest.raises(NotFoundError):
            await Searcher(index).retrieve("hotels", [GUIDE])

    async def test_other_mistakes_are_not_taken_for_a_lost_collection(self, index, asker) -> None:
        with pytest.raises(ModelUnavailable):
            ask = asker(ModelUnavailable("busy"))
            await Searcher(index).retrieve("hotels", [DOCS, GUIDE], method="hyde1", ask=ask)


class TestHyde:
    async def test_a_draft_is_searched_with(self, index, asker) -> None:
        ask = asker("Trains leave when the clock strikes noon.")
        found = await Searcher(index).retrieve("When do we go?", [DOCS], method="hyde1", ask=ask)
        assert texts(found)[0] == "Trains run at noon."
        assert actions(found) == ["draft", "search"]
        assert index.searches[0]["query"].startswith("When do we go?\nTrains leave")
        assert "When do we go?" in ask.asked[0]

    async def test_the_second_search_is_with_an_answer_from_the_first(self, index, asker) -> None:
        ask = asker("something on trains", "wine and receipt")
        found = await Searcher(index).retrieve("When?", [DOCS], method="hyde2", ask=ask)
        assert actions(found) == ["draft", "search", "draft", "search"]
        assert "> Trains run at noon." in ask.asked[1]
        assert set(texts(found)) == {"Meals need a receipt.", "Wine is not paid."}

    async def test_braces_in_a_question_are_words(self, index, asker) -> None:
        found = await Searcher(index).retrieve("{hotels} {0}", [DOCS], method="hyde1", ask=asker("{}"))
        assert texts(found) == ["Hotels cost ninety euros."]


class TestWide:
    async def test_neighbours_are_read_and_the_model_chooses_pieces(self, index, asker) -> None:
        ask = asker("The pieces that matter: [1]")
        found = await Searcher(index).retrieve("hotels cost", [DOCS], method="wide", top_k=3, ask=ask)
        assert index.searches[0]["top_k"] == 9
        assert texts(found) == ["Trains run at noon.", "Hotels cost ninety euros.", "Planes are late."]
        assert "[1] travel.md, line 2, Top\n> Trains run at noon.\n> Hotels cost" in ask.asked[0]
        assert actions(found) == ["search", "read", "filter"]
        assert found.passages[1].score > 0, "what was found keeps its score"

    async def test_pieces_of_a_document_stand_in_its_order(self, index, asker) -> None:
        ask = asker("[2]")
        found = await Searcher(index).retrieve("wine hotels receipt", [DOCS], method="wide", ask=ask)
        assert ask.asked[0].index("> Meals need a receipt.\n> Wine is not paid.")
        assert len(texts(found)) == 2

    async def test_none_matters(self, index, asker) -> None:
        found = await Searcher(index).retrieve("hotels", [DOCS], method="wide", ask=asker("[]"))
        assert texts(found) == []

    async def test_an_answer_that_cannot_be_read_leaves_the_order_of_the_search(self, index, asker) -> None:
        ask = asker("I would take the first one.")
        found = await Searcher(index).retrieve("trains hotels cost", [DOCS], method="wide", ask=ask, top_k=1)
        assert texts(found) == ["Hotels cost ninety euros."]
        assert "could not be read" in found.steps[-1].text


class TestAgentic:
    async def test_it_plans_looks_and_plans_again(self, index, asker) -> None:
        ask = asker(
            'Sure: {"queries": ["hotels", "trains"]}',
            '```json\n{"queries": ["wine", "hotels"]}\n```',
            '{"queries": []}',
        )
        found = await Searcher(index).retrieve("Tell me all", [DOCS], method="agentic", top_k=8, ask=ask)
        assert [each["query"] for each in index.searches] == ["hotels", "trains", "wine"]
        assert actions(found) == ["plan", "search", "search", "plan", "search"]
        assert set(texts(found)) == {"Hotels cost ninety euros.", "Trains run at noon.", "Wine is not paid."}
        assert "docs: All about docs." in ask.asked[0]
        assert "Hotels cost ninety euros." in ask.asked[1]

    async def test_it_ends_after_three_rounds_with_four_queries_each(self, index, asker) -> None:
        plans = ['{"queries": ["%sa", "%sb", "%sc", "%sd", "%se"]}' % ((round,) * 5) for round in "xyzw"]
        ask = asker(*plans)
        await Searcher(index).retrieve("all", [DOCS], method="agentic", ask=ask)
        assert (len(ask.asked), len(index.searches)) == (3, 12)

    async def test_without_a_plan_it_searches_once_with_the_question(self, index, asker) -> None:
        ask = asker("No idea.")
        found = await Searcher(index).retrieve("hotels", [DOCS], method="agentic", ask=ask)
        assert texts(found) == ["Hotels cost ninety euros."]
        assert found.steps[0].text == "the model's plan could not be read"

    async def test_a_model_that_fails_later_takes_nothing_away(self, index, asker) -> None:
        ask = asker('{"queries": ["hotels"]}', ModelUnavailable("busy"))
        found = await Searcher(index).retrieve("?", [DOCS], method="agentic", ask=ask)
        assert texts(found) == ["Hotels cost ninety euros."]
        assert found.steps[-1].text == "no further plan: busy"


async def test_all_is_everything_that_fits_in_the_order_of_documents(index) -> None:
    found = await Searcher(index).retrieve("", [DOCS], method="all", max_tokens=10)
    assert texts(found) == ["Start.", "Trains run at noon."]
    assert found.steps[0].text == "2 of 6 passages fit in 10 tokens"


@pytest.mark.parametrize("method", ["hyde1", "hyde2", "wide", "agentic"])
async def test_a_method_that_needs_a_model_says_so(index, method) -> None:
    with pytest.raises(UnsupportedError, match="hybrid, vector or lexical"):
        await Searcher(index).retrieve("hotels", [DOCS], method=method)


class TestReranking:
    async def test_more_is_found_and_put_in_order(self, index, asker) -> None:
        index.add("own", {"a.md": ["hotels one", "hotels two", "hotels three"]}, top_k=2, rerank=True)
        ask = asker("[3, 1]")
        found = await Searcher(index).retrieve("hotels", [KnowledgeUse(collection="id-own-local")], ask=ask)
        assert index.searches[0]["top_k"] == 6
        assert texts(found) == ["hotels three", "hotels one"]
        assert [passage.rerank_score for passage in found.passages] == [1.0, 0.5]
        assert actions(found) == ["search", "rerank"]

    async def test_without_a_model_the_order_stays(self, index) -> None:
        index.add("own", {"a.md": ["hotels one", "hotels two"]}, rerank=True)
        found = await Searcher(index).retrieve("hotels", [KnowledgeUse(collection="id-own-local")])
        assert (texts(found), actions(found)) == (["hotels one", "hotels two"], ["search"])

    @pytest.mark.parametrize("answer", ["no", "[]", "[7]", ModelUnavailable("busy")])
    async def test_what_the_model_cannot_order_stays_as_it_was(self, index, asker, answer) -> None:
        index.add("own", {"a.md": ["hotels one", "hotels two"]}, rerank=True)
        use = KnowledgeUse(collection="id-own-local")
        found = await Searcher(index).retrieve("hotels", [use], ask=asker(answer))
        assert texts(found) == ["hotels one", "hotels two"]

    async def test_a_reranker_of_ones_own_orders_every_retrieval(self, index) -> None:
        class Backwards:
            async def rerank(self, query, passages):
                return tuple(reversed(passages))

        found = await Searcher(index, Backwards()).retrieve("trains hotels cost", [DOCS])
        assert texts(found) == ["Trains run at noon.", "Hotels cost ninety euros."]
