"""What was said in a chat, and what is told of a reply beside its text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import FileChanged, LoggedEvent, RunAnalysed, UsageRecorded
from holdfast.core.domain.knowledge import Passage
from holdfast.core.domain.messages import text_of
from holdfast.server.dialects.h2ogpte.mapping_files import doc_id
from holdfast.server.dialects.h2ogpte.wire_chats import ChatMessage, MessageMeta, Reference
from holdfast.server.kit.run_state import BETWEEN, CallState, RunState

_LIMITS = {"step_limit": "Reached max number of turns.", "timeout": "Reached the time limit."}
"""What is said in the reply of a run that a limit has ended; it is no failure here."""


def answer_of(state: RunState) -> str:
    """Returns the reply of a run as it is told everywhere."""
    notice = _LIMITS.get(state.error.code, "") if state.error is not None else ""
    return BETWEEN.join(text for text in (state.reply, notice) if text)


def failure_of(state: RunState) -> ErrorInfo | None:
    """Returns why a run has come to nothing; None where it has not failed, or was ended by a limit."""
    return None if state.error is None or state.error.code in _LIMITS else state.error


def messages_of(state: RunState, username: str, meta: Iterable[MessageMeta]) -> Iterator[ChatMessage]:
    """Yields what was said in a run by both, as far as it is complete; `meta` is of the reply."""
    if state.started_at is None:
        return
    if state.message_id and state.asked:
        yield ChatMessage(
            id=state.message_id, content=text_of(state.asked), created_at=state.started_at, username=username
        )
    failure = failure_of(state)
    if not state.ended or not (state.message_id or state.reply):
        return
    passages = passages_of(state)
    yield ChatMessage(
        id=state.run_id,
        content=answer_of(state),
        created_at=state.ended_at or state.started_at,
        has_references=bool(passages),
        total_references=len(passages),
        reply_to=state.message_id or None,
        error=None if failure is None else failure.message,
        llm_args="null",
        type_list=tuple(meta),
    )


def passages_of(state: RunState) -> tuple[Passage, ...]:
    """Returns the passages that the model was shown, best first, each once."""
    found: dict[int, Passage] = {}
    for lookup in state.lookups:
        for item in lookup.items:
            if item.passage is not None and item.used:
                before = found.get(item.passage.chunk_id)
                if before is None or before.score < item.passage.score:
                    found[item.passage.chunk_id] = item.passage
    return tuple(sorted(found.values(), key=lambda passage: -passage.score))


def reference_of(passage: Passage) -> Reference:
    """Returns a passage as what a reply rests on. Where in a page it stands is not known."""
    place = passage.place
    pages = range(place.page, (place.last_page or place.page) + 1) if place.page else ()
    return Reference(
        collection_id=passage.collection_id,
        document_id=passage.document_id,
        document_name=passage.document,
        chunk_id=passage.chunk_id,
        score=passage.score,
        pages=json.dumps({"selections": [{"page": page, "polygons": []} for page in pages]}),
        content=passage.text,
    )


# --- metadata of a reply


def usage_of(state: RunState, events: Iterable[LoggedEvent]) -> str:
    """Returns what a run took: tokens, dollars, and seconds."""
    by_model: dict[str, dict[str, Any]] = {}
    for event in (logged.event for logged in events):
        if isinstance(event, UsageRecorded):
            used = by_model.setdefault(event.model, {"input_tokens": 0, "output_tokens": 0, "cost": 0.0})
            used["input_tokens"] += event.input_tokens
            used["output_tokens"] += event.output_tokens
            used["cost"] += event.cost_usd or 0.0
    seconds = 0.0
    if state.started_at is not None and state.ended_at is not None:
        seconds = (state.ended_at - state.started_at).total_seconds()
    usage = {
        "llm": state.model,
        "usage": [{"llm": model, **used} for model, used in by_model.items()],
        "input_tokens": state.usage.input_tokens,
        "output_tokens": state.usage.output_tokens,
        "cost": state.usage.cost_usd,
        "response_time": round(seconds, 3),
        "queue_time": 0.0,
        "retrieval_time": round(sum(lookup.duration_ms for lookup in state.lookups) / 1_000, 3),
        "use_agent": bool(state.calls),
    }
    return json.dumps(usage)


def history_of(state: RunState) -> str:
    """Returns what an agent did, as the messages of a conversation."""
    return json.dumps([{"role": role, "content": text} for role, text in _told(state)])


def history_md_of(state: RunState) -> str:
    """Returns what an agent did, for people to read."""
    return "\n\n".join(f"**{role}**\n\n{text}" for role, text in _told(state))


def _told(state: RunState) -> Iterator[tuple[str, str]]:
    if state.asked:
        yield "user", text_of(state.asked)
    for step in state.steps:
        calls = [_call(call) for call in step.calls]
        said = BETWEEN.join(text for text in (step.text, *calls) if text)
        if said:
            yield "assistant", said
        for call in step.calls:
            if call.outcome:
                yield "tool", f"{call.name} ({call.outcome}):\n{call.text}"


def _call(call: CallState) -> str:
    return f"{call.name} {json.dumps(call.arguments, ensure_ascii=False)}"


def judged(events: Iterable[LoggedEvent]) -> str:
    """Returns what the model said of how a run went; empty where it was not asked."""
    return next((each.event.text for each in events if isinstance(each.event, RunAnalysed)), "")


def analysis_of(state: RunState, events: Iterable[LoggedEvent]) -> str:
    """Returns how an agent's run went: as its model has judged it, else what it did in figures."""
    if said := judged(events):
        return said
    outcomes = [call.outcome or "open" for call in state.calls.values()]
    told = ", ".join(f"{outcomes.count(each)} {each}" for each in dict.fromkeys(outcomes))
    turns = len([step for step in state.steps if step.number])
    return f"{turns} turns, {len(outcomes)} calls of tools" + (f": {told}." if told else ".")


def drafts_of(state: RunState) -> tuple[str, ...]:
    """Returns the answers that were drafted only to search with them."""
    return tuple(
        step.text for lookup in state.lookups for step in lookup.steps if step.action == "draft" and step.text
    )


def files_of(events: Iterable[LoggedEvent], chat_id: str) -> dict[str, str]:
    """Returns the files that runs have written as they stood behind them, by path: the ids of their
    contents. What was deleted or is too large to keep is left out."""
    found: dict[str, str] = {}
    for event in (logged.event for logged in events):
        if isinstance(event, FileChanged) and event.origin == "run":
            found.pop(event.path, None)
            if event.after is not None:
                found[event.path] = doc_id(chat_id, event.path, event.after)
    return found


def file_list(files: dict[str, str]) -> str:
    """Returns files as clients read them: `[{id: name}, …]`."""
    return json.dumps([{id: path} for path, id in files.items()])
