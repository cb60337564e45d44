"""What a request for a run means here, and what of a run is told: functions without an engine."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from holdfast.core.domain.agents import AgentInfo, AgentSpec
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.knowledge import Citation
from holdfast.core.domain.options import ItemsContext, KnowledgeUse, StoredContext, TextContext
from holdfast.server.dialects.powabase.mapping_retrieved import CONTEXT_TOKENS, citations_of, uses_of
from holdfast.server.dialects.powabase.mapping_runs import (
    MOST_ITEMS,
    check_one_source,
    options_of,
    reasons,
    schema_of,
    source_of,
    tokens_of,
)
from holdfast.server.dialects.powabase.wire_runs import RunRequest

SOURCES: dict[str, Any] = {
    "knowledge_bases": [{"id": "a"}],
    "context_handler_id": "b",
    "context_override": "c",
    "context_items": [{"text": "d"}],
}


def request(**fields: Any) -> RunRequest:
    return RunRequest.model_validate({"message": "Hello", **fields})


def agent(settings: Any = None, **model: Any) -> AgentInfo:
    ext = {"powabase": {"settings": settings}} if settings is not None else {}
    spec = AgentSpec.model_validate({"version": 1, "name": "a", "ext": ext, "model_settings": model})
    return AgentInfo(id="i", name="a", layer="user", path="a.yaml", spec=spec)


@pytest.mark.parametrize("pair", combinations(SOURCES, 2), ids=" and ".join)
def test_one_source_is_taken_and_two_are_not(pair: tuple[str, str]) -> None:
    for name in pair:
        check_one_source(request(**{name: SOURCES[name]}))
    with pytest.raises(InvalidError, match=pair[0]):
        check_one_source(request(**{name: SOURCES[name] for name in pair}))


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_empty_is_no_source(name: str) -> None:
    other = next(each for each in SOURCES if each != name)
    for empty in (None, type(SOURCES[name])()):
        check_one_source(request(**{name: empty, other: SOURCES[other]}))


def test_a_knowledge_base_is_searched_as_the_request_says() -> None:
    given = {
        "id": "a",
        "top_k": 3,
        "similarity_threshold": 0.5,
        "filter_metadata": {"kind": "x"},
        "retrieval_method": "full_text",
        "source_ids": ["s"],
    }
    asked = request(knowledge_bases=[given, {"id": "b"}]).knowledge_bases or ()
    first, second = uses_of(asked)
    assert first == KnowledgeUse(
        collection="a", top_k=3, min_score=0.5, where={"kind": "x"}, method="lexical", documents=("s",)
    )
    assert second == KnowledgeUse(collection="b")


def test_each_source_is_what_the_run_is_shown() -> None:
    assert source_of(request(), 9, None) is None
    assert source_of(request(context_override=" c"), 9, None) == TextContext(text=" c")
    assert source_of(request(), 9, "kept") == StoredContext(id="kept")
    items = [
        {"text": "d", "meta": {"a": 1}},
        {"id": 7},
        {"item_id": "8"},
        {"id": "odd"},
        {"id": "\u0663"},
        {"id": "9" * 40},
        {"text": " "},
        {},
    ]
    found = source_of(request(context_items=items), 9, None)
    assert isinstance(found, ItemsContext) and found.max_tokens == 9
    assert [(each.text, each.id) for each in found.items] == [("d", None), ("", "7"), ("", "8")]
    assert source_of(request(context_items=items[3:]), 9, None) is None
    many = source_of(request(context_items=[{"text": "x"}] * (MOST_ITEMS + 1)), 9, None)
    assert isinstance(many, ItemsContext) and len(many.items) == MOST_ITEMS


def test_the_request_says_before_the_agent_how_large_the_context_is() -> None:
    assert tokens_of(request(max_context_tokens=5), agent({"max_context_tokens": 7})) == 5
    assert tokens_of(request(), agent({"max_context_tokens": 7})) == 7
    for odd in (None, 0, -1, True, "7", [7]):
        assert tokens_of(request(), agent({"max_context_tokens": odd})) == CONTEXT_TOKENS
    assert tokens_of(request(), AgentInfo(id="i", name="a", layer="user", path="a.yaml")) == CONTEXT_TOKENS


def test_reasoning_is_told_where_the_request_or_the_agent_wants_it() -> None:
    assert reasons(request(reasoning_requested=True), agent())
    assert reasons(request(), agent(reasoning_effort="low"))
    assert not reasons(request(), agent(reasoning_effort="none"))
    assert not reasons(request(reasoning_requested=None), agent())


def test_a_single_call_has_nothing_to_act_with() -> None:
    plain, whole = (options_of(request(timeout_seconds=4), None, plain=each) for each in (True, False))
    assert (plain.tools, plain.skills, plain.knowledge, plain.sub_agents) == ((), (), (), ())
    assert (whole.tools, whole.skills, whole.knowledge, whole.sub_agents) == (None, None, None, None)
    assert plain.timeout_s == whole.timeout_s == 4
    assert not (plain.hand_over or whole.hand_over)


@pytest.mark.parametrize(
    ("format", "schema"),
    [
        (None, None),
        ({}, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "json_schema": {"schema": {"type": "array"}}}, {"type": "array"}),
    ],
)
def test_a_format_is_a_schema(format: Any, schema: Any) -> None:
    assert schema_of(format) == schema


@pytest.mark.parametrize(
    "format",
    [{"type": "xml"}, {"type": "json_schema"}, {"type": "json_schema", "json_schema": []}, {"schema": {}}],
)
def test_what_is_no_format_is_refused(format: Any) -> None:
    with pytest.raises(InvalidError, match="response_format"):
        schema_of(format)


def test_citations_are_in_the_order_of_their_numbers_and_each_once() -> None:
    found = [Citation(number=number, document=f"d{number}", excerpt="e" * 999) for number in (2, 1, 2)]
    cited = citations_of(found)
    assert [(each.key, each.source_name, len(each.text_excerpt)) for each in cited] == [
        ("1", "d1", 300),
        ("2", "d2", 300),
    ]
