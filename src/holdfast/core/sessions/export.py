"""A whole session as a document: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from holdfast.core.domain.events import (
    ApprovalResolved,
    ContextCompacted,
    HookCompleted,
    LoggedEvent,
    MessageAdded,
    ModelFellBack,
    PartCompleted,
    QuestionAnswered,
    QuestionAsked,
    RetrievalCompleted,
    RunCancelled,
    RunFailed,
    RunStarted,
    SessionModeChanged,
    ToolCallCompleted,
    ToolCallRequested,
)
from holdfast.core.domain.knowledge import Citation
from holdfast.core.domain.messages import ToolResultPart, UserPart, results_in, text_of, without_results
from holdfast.core.domain.passages import quoted, where
from holdfast.core.domain.runs import Session
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.core.sessions.speakers import below

_ACTIVE = re.compile(r"[\\`\[\]<]")
"""What links, pictures, code and HTML begin with in Markdown."""


def to_json(
    session: Session,
    events: Iterable[LoggedEvent],
    children: Iterable[tuple[Session, Iterable[LoggedEvent]]] = (),
) -> str:
    """Returns the session and its events, as stored, as one JSON document; `children` are the sessions that
    sub-agents have worked in for it.

    Deltas may be left out by the caller: completed parts and calls hold all of their text.
    """
    return json.dumps(
        {
            "format": "holdfast.session/1",
            "session": session.model_dump(mode="json"),
            "events": _stored(events),
            **({"children": below} if (below := [_child(*each) for each in children]) else {}),
        },
        indent=1,
        ensure_ascii=False,
    )


def _child(session: Session, events: Iterable[LoggedEvent]) -> dict[str, Any]:
    return {"session": session.model_dump(mode="json"), "events": _stored(events)}


def _stored(events: Iterable[LoggedEvent]) -> list[Any]:
    return [json.loads(logged.to_json()) for logged in events]


def to_markdown(session: Session, events: Iterable[LoggedEvent]) -> str:
    """Returns the conversation as Markdown: messages, replies, calls with their results, decisions."""
    lines = [
        f"# {session.title or 'Untitled'}",
        "",
        f"Agent `{session.agent}` · {session.created_at:%Y-%m-%d %H:%M} UTC · {session.messages} messages",
    ]
    silent = False  # whether the heading of the reply is still to come
    for logged in events:
        written = _markdown(logged, session.agent)
        if isinstance(logged.event, MessageAdded):
            silent = silent or bool(written)
        elif silent and written and not isinstance(logged.event, RunStarted):
            written = ["", f"## {session.agent}", *written]
            silent = False
        lines.extend(written)
    return sanitize("\n".join(lines)) + "\n"


def _markdown(logged: LoggedEvent, agent: str) -> list[str]:
    match logged.event:
        case MessageAdded(parts=parts, origin=origin):
            return [*_results(results_in(parts)), *_said(without_results(parts), origin, agent)]
        case RunStarted(agent=named, model=model):
            return ["", f"*{named} on {model}*" if model else "*A tool, run directly*"]
        case PartCompleted() as part if part.text.strip():
            return [
                "",
                *(
                    [below(part.text, agent), *_sources(part.citations)]
                    if part.kind == "text"
                    else _quote(part.text)
                ),
            ]
        case ToolCallRequested(name=name, arguments=arguments):
            return ["", f"**Tool call** `{name}`", *_fence(json.dumps(arguments, ensure_ascii=False), "json")]
        case ToolCallCompleted(name=name, outcome="client"):
            return ["", f"*`{name}` was handed to the caller*"]
        case ToolCallCompleted(name=name, outcome=outcome, content=content):
            return ["", f"**Result** of `{name}`: {outcome}", *_fence(text_of(content))]
        case ApprovalResolved() | SessionModeChanged() as decided:
            return ["", f"*{_decided(decided)}, {decided.at:%Y-%m-%d %H:%M} UTC*"]
        case QuestionAsked(question=question):
            return ["", f"**Question**: {question.text}", *(f"- {choice}" for choice in question.choices)]
        case QuestionAnswered(answer=answer) if answer is not None:
            return ["", f"**Answer**: {answer}"]
        case ModelFellBack(from_model=old, to_model=new, error=error):
            return ["", f"*{old} gave up ({error.message}); {new} goes on*"]
        case HookCompleted() | RetrievalCompleted(call_id=None) as told:
            return ["", f"*{_plain(told.line) if isinstance(told, HookCompleted) else _looked_up(told)}*"]
        case ContextCompacted(summary=summary):
            return ["", "*The context was compacted to this summary:*", "", *_quote(summary)]
        case RunFailed(error=error):
            return ["", f"*The run failed: {error.message}*"]
        case RunCancelled():
            return ["", "*The run was cancelled.*"]
        case _:
            return []


def _decided(event: ApprovalResolved | SessionModeChanged) -> str:
    """Says what a person has allowed, and with what."""
    if isinstance(event, SessionModeChanged):
        why = f"by {event.by}{_with(event.client)}" if event.by else f"because {event.reason}"
        return f"Mode {event.mode.value} {why}"
    decision = event.decision
    if decision is None:
        return f"Approval {event.status}"
    reason = f": {decision.reason}" if decision.reason else ""
    return (
        f"Approval {event.status} by {decision.decided_by}{_with(decision.client)}, {decision.scope}{reason}"
    )


def _with(client: str) -> str:
    return f" ({client})" if client else ""


def _said(parts: tuple[UserPart, ...], origin: str, agent: str) -> list[str]:
    who = "You" if origin in ("send", "steer") else f"You ({origin})"
    return ["", f"## {who}", "", below(text_of(parts), agent)] if parts else []


def _results(results: tuple[ToolResultPart, ...]) -> list[str]:
    lines: list[str] = []
    for result in results:
        failed = ": error" if result.is_error else ""
        lines += [
            "",
            f"**Result** of `{result.name}` from the caller{failed}",
            *_fence(text_of(result.content)),
        ]
    return lines


def _looked_up(event: RetrievalCompleted) -> str:
    if event.error is not None:
        return f"Looked up before the reply, without success: {sanitize_line(event.error.message)}"
    used = sum(item.used for item in event.items)
    what = f" in {sanitize_line(', '.join(event.collections))}" if event.collections else ""
    return f"Looked up before the reply{what}: {used} of {len(event.items)} passages used"


def _sources(citations: tuple[Citation, ...]) -> list[str]:
    """Returns the list of what the numbers in a reply stand for."""
    if not citations:
        return []
    return ["", "Sources:", "", *(line for each in citations for line in _source(each))]


def _source(citation: Citation) -> list[str]:
    at = where(citation.place) if citation.place is not None else ""
    named = _plain(", ".join(text for text in (sanitize_line(citation.document), at) if text))
    source = f" ({_plain(sanitize_line(citation.source))})" if citation.source else ""
    excerpt = [f"  {line}" for line in quoted(_plain(citation.excerpt)).splitlines()]
    return [f"- [{citation.number}] {named}{source}{_scores(citation)}", *excerpt]


def _plain(text: str) -> str:
    """Returns what a document says of itself so that no link, picture or HTML in it becomes one here."""
    return _ACTIVE.sub(r"\\\g<0>", text)


def _scores(citation: Citation) -> str:
    """Returns what a passage was ranked by; empty for a text that nobody searched for."""
    if citation.score is None:
        return ""
    found = (("meaning", citation.vector_rank), ("words", citation.lexical_rank))
    ranks = ", ".join(f"{rank} by {by}" for by, rank in found if rank is not None)
    return f"; score {citation.score:.2f}" + (f"; rank {ranks}" if ranks else "")


def _quote(text: str) -> list[str]:
    return [f"> {line}" for line in text.splitlines()]


def _fence(text: str, language: str = "") -> list[str]:
    longest = max((len(run) for run in text.split() if set(run) == {"`"}), default=0)
    marks = "`" * max(3, longest + 1)
    return ["", f"{marks}{language}", text, marks]
