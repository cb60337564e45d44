"""What is asked for a completion, as a run: how it comes to its answer, and what is not as the agent says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.knowledge import Document, Method
from holdfast.core.domain.models import ModelSettings
from holdfast.core.domain.options import KnowledgeTool, KnowledgeUse, MemoryUse, RetrievedContext
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.server.dialects.h2ogpte.mapping_ext import EXT
from holdfast.server.dialects.h2ogpte.wire_chats import CompletionRequest, LlmArgs, Tags
from holdfast.server.kit.reading import json_value, parsed

DEFAULTS = ("llm", "llm_args", "rag_config", "self_reflection_config", "include_chat_history", "tags")
"""What a collection says for its chats, where a request does not."""
TOTAL_S = 3_600.0
"""Seconds of an agent's run, where nothing else is said."""
MOST_S = 7 * 86_400.0
MOST_TURNS = 1_000
MOST_CHUNKS = 200

_ACCURACY = {"quick": (10, 30.0), "basic": (20, 60.0), "standard": (40, 120.0), "maximum": (80, 240.0)}
"""The turns of an agent, and the seconds of each."""
_KINDS = {
    "task": "Write down a plan of steps before you begin, and work through it step by step.",
    "coder": "Solve the task by writing and running code, and leave what you make as files.",
    "search": "Look things up before you answer, and answer briefly, naming your sources.",
}
"""What an agent of a type is told; `deep_research` is a way of working of its own."""
_FILES = "The documents that this is about are files in your working folder."
_OFF = ("off", "false", "no")
_ON = ("on", "true", "yes", "auto", "")


@dataclass(frozen=True, slots=True)
class Way:
    """How a completion comes to its answer."""

    agent: bool = False
    """Whether there are tools."""
    given: bool = False
    """Whether passages are looked up first, and given to the model."""
    tools: tuple[KnowledgeTool, ...] = ()
    """With which the agent looks into the documents by itself."""
    files: bool = False
    """Whether the documents are files in its working folder."""
    method: Method | None = None
    """How passages are found; None: as the collection says."""


_SEARCHING: tuple[KnowledgeTool, ...] = ("search_knowledge", "read_document")
_READING: tuple[KnowledgeTool, ...] = ("read_document", "analyse_documents")
_METHODS: dict[str, Method] = {"hyde1": "hyde1", "hyde2": "hyde2", "rag+": "wide", "all_data": "all"}
_TYPES = ("auto", "llm_only", "agent_only", "rag", "agentic_rag", "rlm_rag", "fast_agentic_rag", *_METHODS)


def way_of(asked: CompletionRequest, *, documents: bool) -> Way:
    """Returns how a completion comes to its answer; `documents`: whether there are some to look into.

    Raises `InvalidError` for a `rag_type` that there is not.
    """
    said = (asked.rag_config.rag_type if asked.rag_config else None) or "auto"
    agent = bool(asked.llm_args and asked.llm_args.use_agent)
    kind = "rag" if said == "graph_rag" else said
    if kind not in _TYPES:
        raise InvalidError(
            f"There is no rag_type {shorten(sanitize_line(said), 80)!r}: {', '.join(_TYPES)}.",
            code="invalid_rag_type",
        )
    if kind == "agent_only" and not agent:
        kind = "rag"
    if kind == "auto":
        kind = "agentic_rag" if agent else "rag"
    ways = {
        "llm_only": Way(agent),
        "agent_only": Way(True, tools=_READING, files=True),
        "rag": Way(agent, given=True),
        "agentic_rag": Way(True, tools=_SEARCHING),
        "rlm_rag": Way(True, tools=(*_SEARCHING, "analyse_documents")),
        "fast_agentic_rag": Way(True, given=True),
    }
    way = ways.get(kind) or Way(agent, given=True, method=_METHODS[kind])
    return way if documents else Way(way.agent)  # nothing is there to look into


def with_defaults(asked: CompletionRequest, settings: Mapping[str, Any]) -> CompletionRequest:
    """Returns the request with what a collection says where it says nothing itself."""
    more = {
        name: settings[name]
        for name in DEFAULTS
        if getattr(asked, name) is None and settings.get(name) is not None
    }
    if not more:
        return asked
    read: CompletionRequest = parsed(CompletionRequest, {"message": "", **more})
    return asked.model_copy(update={name: getattr(read, name) for name in more})


def options_of(
    asked: CompletionRequest, way: Way, model: str | None, use: KnowledgeUse | None, tools: Mapping[str, Any]
) -> RunOptions:
    """Returns what the run overrides; `use` is the collection it may look into, `tools` what is said of its
    tools. Raises `InvalidError`."""
    args = asked.llm_args or LlmArgs()
    turns, total_s = _limits(args, way)
    options = RunOptions(
        model=model,
        model_settings=_settings(args),
        instructions_prefix=_instructions(asked, args, way),
        **tools,
        timeout_s=total_s,
        max_steps=turns,
        response_format=_schema(args),
        knowledge=(use,) if use is not None and way.tools else (),
        knowledge_tools=way.tools or None,
        context_source=RetrievedContext(collections=(use,)) if use is not None and way.given else None,
        memory=_memory(args),
        mode="deep" if way.agent and args.agent_type == "deep_research" else None,
        analysis=True
        if asked.self_reflection_config and asked.self_reflection_config.llm_reflection
        else None,
        hand_over=False,
    )
    plain = {"skills": (), "sub_agents": (), "mode": "single"}
    return options if way.agent else options.model_copy(update=plain)


def use_of(
    asked: CompletionRequest, way: Way, collection_id: str, documents: tuple[str, ...] | None
) -> KnowledgeUse:
    """Returns how a collection is searched; `documents`: only these of it."""
    said = asked.rag_config
    most = said.rag_max_chunks if said else None
    least = said.rag_min_chunk_score if said else None
    return KnowledgeUse(
        collection=collection_id,
        top_k=min(most, MOST_CHUNKS) if most is not None and most > 0 else None,
        min_score=least if least is not None and least > 0 else None,
        method=way.method,
        where=asked.metadata_filter or None,
        documents=documents,
    )


def tags_of(asked: CompletionRequest) -> Tags:
    """Returns which documents are wanted, and which are not."""
    if asked.tags is None or isinstance(asked.tags, Tags):
        return asked.tags or Tags()
    return Tags(include=asked.tags)


def tagged(found: Iterable[Document], tags: Tags) -> tuple[str, ...] | None:
    """Returns the ids of the documents that are wanted; None: all. Tags that no document has count for
    nothing: clients send such."""
    documents = tuple(found)
    if tags.document_ids:
        return tuple(each.id for each in documents if each.id in tags.document_ids)
    by_id = {each.id: set(each.ext.get(EXT, {}).get("tags", ())) for each in documents}
    known = set[str]().union(*by_id.values())
    include, exclude = known.intersection(tags.include), known.intersection(tags.exclude)
    if not include and not exclude:
        return None
    wanted = (id for id, own in by_id.items() if (not include or own & include) and not own & exclude)
    return tuple(wanted)


# --- the parts of a run


def _settings(args: LlmArgs) -> ModelSettings | None:
    settings = ModelSettings(
        temperature=args.temperature,
        top_p=args.top_p or None,
        max_output_tokens=args.max_new_tokens or None,
        reasoning_effort=_effort(args.reasoning_effort),
        seed=args.seed or None,
    )
    return None if settings == ModelSettings() else settings


def _effort(said: int | str | None) -> Literal["minimal", "low", "medium", "high"] | None:
    if isinstance(said, str) and said.strip().isdecimal() and len(said) < 10:
        said = int(said)
    if isinstance(said, int):
        if said <= 0:
            return None
        return "low" if said <= 2_048 else "medium" if said <= 8_192 else "high"
    return next((each for each in ("minimal", "low", "medium", "high") if each == said), None)


def _limits(args: LlmArgs, way: Way) -> tuple[int | None, float | None]:
    """Returns the most turns, and the most seconds. Raises `InvalidError` for an accuracy that there is
    not."""
    accuracy = args.agent_accuracy or "standard"
    if accuracy not in _ACCURACY:
        raise InvalidError(
            f"There is no agent_accuracy {shorten(sanitize_line(accuracy), 80)!r}: {', '.join(_ACCURACY)}.",
            code="invalid_agent_accuracy",
        )
    whole = _seconds("max_time", args.max_time)
    if not way.agent:
        return None, whole
    turns, turn_s = _ACCURACY[accuracy]
    turns = _turns(args.agent_max_turns) or turns
    turn_s = _seconds("agent_timeout", args.agent_timeout) or turn_s
    total = _seconds("agent_total_timeout", args.agent_total_timeout) or TOTAL_S
    return turns, min(total, turns * turn_s, whole or total)


def _turns(said: int | str | None) -> int | None:
    number = _seconds("agent_max_turns", said)
    return None if number is None else min(max(1, int(number)), MOST_TURNS)


def _seconds(name: str, said: float | str | None) -> float | None:
    """Returns a number that is over 0; None for `auto`, and where nothing is said."""
    if said in (None, "", "auto"):
        return None
    try:
        number = float(said or 0)
    except ValueError:
        raise InvalidError(f"{name}: must be a number, or auto.", code="invalid_request") from None
    if not math.isfinite(number):
        raise InvalidError(f"{name}: must be a number, or auto.", code="invalid_request")
    return min(number, MOST_S) if number > 0 else None


def _instructions(asked: CompletionRequest, args: LlmArgs, way: Way) -> str:
    system = "" if asked.system_prompt == "auto" else asked.system_prompt or ""
    around = (asked.pre_prompt_query, asked.prompt_query) if way.given else ()
    kind = _KINDS.get(args.agent_type or "", "") if way.agent else ""
    files = _FILES if way.files else ""
    return "\n\n".join(text.strip() for text in (system, *around, kind, files) if text and text.strip())


def _schema(args: LlmArgs) -> dict[str, Any] | None:
    """Returns the JSON Schema that the reply has to fit. Raises `InvalidError`."""
    given = args.guided_json
    if isinstance(given, str) and given.strip():
        given = json_value(given, "guided_json")
        if not isinstance(given, dict):
            raise InvalidError("guided_json: must be an object.", code="invalid_request")
    if given:
        assert isinstance(given, dict)
        return given
    return {"type": "object"} if args.response_format in ("json_object", "json_code") else None


def without_history(said: bool | str | None) -> bool:
    """Says whether the model is to see nothing of what was said before. Raises `InvalidError` for what is no
    word for on or off."""
    if said is None or isinstance(said, bool):
        return said is False
    word = said.strip().lower()
    if word not in (*_ON, *_OFF):
        raise InvalidError("include_chat_history: must be on, off or auto.", code="invalid_request")
    return word in _OFF


def _memory(args: LlmArgs) -> MemoryUse | None:
    block = args.memory_block_id or args.memory_block_name
    return MemoryUse(type="user", block=block) if block else None
