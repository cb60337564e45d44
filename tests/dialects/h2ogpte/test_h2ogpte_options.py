"""What is asked for a completion, as the options of a run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.runs import RunOptions
from holdfast.server.dialects.h2ogpte.mapping_completions import (
    Way,
    options_of,
    use_of,
    way_of,
    with_defaults,
    without_history,
)
from holdfast.server.dialects.h2ogpte.wire_chats import CompletionRequest
from holdfast.server.kit.reading import parsed

TYPES = [
    "auto",
    "llm_only",
    "agent_only",
    "rag",
    "agentic_rag",
    "rlm_rag",
    "fast_agentic_rag",
    "hyde1",
    "hyde2",
    "rag+",
    "all_data",
]
AGENT = Way(agent=True)


def asked(**body: Any) -> CompletionRequest:
    request: CompletionRequest = parsed(CompletionRequest, {"message": "Hello", **body})
    return request


def options(way: Way = AGENT, **body: Any) -> RunOptions:
    return options_of(asked(**body), way, None, KnowledgeUse(collection="c"), {"tools": None})


@given(st.sampled_from(TYPES), st.booleans())
def test_without_documents_nothing_is_looked_into(kind: str, agent: bool) -> None:
    request = asked(rag_config={"rag_type": kind}, llm_args={"use_agent": agent})
    way = way_of(request, documents=False)
    assert way == Way(agent=way.agent)
    assert way.agent is (agent or kind in ("agentic_rag", "rlm_rag", "fast_agentic_rag"))


@given(st.sampled_from(TYPES), st.booleans())
def test_passages_are_given_or_looked_for_and_files_are_for_agents_alone(kind: str, agent: bool) -> None:
    request = asked(rag_config={"rag_type": kind}, llm_args={"use_agent": agent})
    way = way_of(request, documents=True)
    assert not (way.given and way.tools)
    assert way.given or way.tools or kind == "llm_only"
    assert way.agent or not (way.tools or way.files)
    assert way.files is (kind == "agent_only" and agent)


@pytest.mark.parametrize(
    ("args", "turns", "seconds"),
    [
        ({}, 40, 3_600),
        ({"agent_accuracy": "quick"}, 10, 300),
        ({"agent_accuracy": "basic"}, 20, 1_200),
        ({"agent_accuracy": "maximum", "agent_total_timeout": 100_000}, 80, 19_200),
        ({"agent_max_turns": 3, "agent_timeout": 10}, 3, 30),
        ({"agent_max_turns": "3", "agent_timeout": "10"}, 3, 30),
        ({"agent_max_turns": "auto", "agent_timeout": "auto", "agent_total_timeout": 300}, 40, 300),
        ({"max_time": 90}, 40, 90),
        ({"agent_max_turns": 10**9, "agent_total_timeout": 1e300, "agent_timeout": 1e300}, 1_000, 604_800),
        ({"agent_max_turns": -1, "max_time": 0}, 40, 3_600),
    ],
)
def test_limits_of_an_agent(args: dict[str, Any], turns: int, seconds: float) -> None:
    found = options(llm_args=args)
    assert (found.max_steps, found.timeout_s) == (turns, seconds)


def test_a_model_alone_has_the_time_that_is_said() -> None:
    found = options(Way(), llm_args={"max_time": 90, "agent_max_turns": 3})
    assert (found.max_steps, found.timeout_s, found.mode, found.skills) == (None, 90, "single", ())
    assert options(Way()).timeout_s is None


@pytest.mark.parametrize(
    ("kind", "mode", "told"),
    [
        ("auto", None, ""),
        ("general", None, ""),
        ("agent_rag", None, ""),
        ("deep_research", "deep", ""),
        ("task", None, "plan"),
        ("coder", None, "code"),
        ("search", None, "sources"),
    ],
)
def test_types_of_agents_are_ways_of_working(kind: str, mode: str | None, told: str) -> None:
    found = options(llm_args={"agent_type": kind})
    assert found.mode == mode
    assert (told in found.instructions_prefix) and bool(found.instructions_prefix) is bool(told)


def test_prompts_around_the_passages_count_where_there_are_some() -> None:
    prompts = {"system_prompt": "S", "pre_prompt_query": "Before.", "prompt_query": "After."}
    assert options(Way(given=True), **prompts).instructions_prefix == "S\n\nBefore.\n\nAfter."
    assert options(Way(), **prompts).instructions_prefix == "S"
    assert options(Way(), system_prompt="auto").instructions_prefix == ""


@pytest.mark.parametrize(
    ("said", "effort"),
    [
        (0, None),
        (-1, None),
        ("", None),
        ("0", None),
        ("high", "high"),
        (100, "low"),
        ("8000", "medium"),
        (10**6, "high"),
        ("much", None),
    ],
)
def test_effort_is_a_name_or_a_number_of_tokens(said: Any, effort: str | None) -> None:
    settings = options(llm_args={"reasoning_effort": said}).model_settings
    assert (settings.reasoning_effort if settings else None) == effort


def test_how_a_collection_is_searched() -> None:
    config = {"rag_max_chunks": 5_000, "rag_min_chunk_score": 0.25}
    found = use_of(asked(rag_config=config, metadata_filter={"year": 2020}), Way(method="wide"), "c", ("d",))
    assert (found.top_k, found.min_score, found.method) == (200, 0.25, "wide")
    assert (found.where, found.documents) == ({"year": 2020}, ("d",))
    plain = use_of(asked(rag_config={"rag_max_chunks": -1, "rag_min_chunk_score": 0.0}), Way(), "c", None)
    assert plain == KnowledgeUse(collection="c")


def test_defaults_fill_what_is_not_said_and_nothing_else() -> None:
    kept = {"llm": "m", "llm_args": {"temperature": 1.0}, "message": "No", "system_prompt": "No"}
    found = with_defaults(asked(llm_args={}), kept)
    assert (found.message, found.system_prompt, found.llm) == ("Hello", None, "m")
    assert found.llm_args is not None and found.llm_args.temperature is None
    with pytest.raises(InvalidError):
        with_defaults(asked(), {"llm_args": {"temperature": 9}})


@given(st.one_of(st.none(), st.booleans(), st.text()))
def test_history_is_on_off_or_refused(said: Any) -> None:
    try:
        assert without_history(said) in (True, False)
    except InvalidError:
        assert isinstance(said, str)
