"""A whole session as a document: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable

from holdfast.core.domain.events import (
    ApprovalResolved,
    ContextCompacted,
    LoggedEvent,
    MessageAdded,
    ModelFellBack,
    PartCompleted,
    QuestionAnswered,
    QuestionAsked,
    RunCancelled,
    RunFailed,
    RunStarted,
    ToolCallCompleted,
    ToolCallRequested,
)
from holdfast.core.domain.messages import ToolResultPart, UserPart, results_in, text_of, without_results
from holdfast.core.domain.runs import Session
from holdfast.core.domain.text import sanitize


def to_json(session: Session, events: Iterable[LoggedEvent]) -> str:
    """Returns the session and its events, as stored, as one JSON document.

    Deltas may be left out by the caller: completed parts and calls hold all of their text.
    """
    return json.dumps(
        {
            "format": "holdfast.session/1",
            "session": session.model_dump(mode="json"),
            "events": [json.loads(logged.to_json()) for logged in events],
        },
        indent=1,
        ensure_ascii=False,
    )


def to_markdown(session: Session, events: Iterable[LoggedEvent]) -> str:
    """Returns the conversation as Markdown: messages, replies, calls with their results, decisions."""
    lines = [
        f"# {session.title or 'Untitled'}",
        "",
        f"Agent `{session.agent}` · {session.created_at:%Y-%m-%d %H:%M} UTC · {session.messages} messages",
    ]
    for logged in events:
        lines.extend(_markdown(logged))
    return sanitize("\n".join(lines)) + "\n"


def _markdown(logged: LoggedEvent) -> list[str]:
    match logged.event:
        case MessageAdded(parts=parts, origin=origin):
            return [*_results(results_in(parts)), *_said(without_results(parts), origin)]
        case RunStarted(agent=agent, model=model):
            return ["", f"*{agent} on {model}*" if model else "*A tool, run directly*"]
        case PartCompleted(kind="text", text=text) if text.strip():
            return ["", text]
        case PartCompleted(text=text) if text.strip():
            return ["", *(f"> {line}" for line in text.splitlines())]
        case ToolCallRequested(name=name, arguments=arguments):
            return ["", f"**Tool call** `{name}`", *_fence(json.dumps(arguments, ensure_ascii=False), "json")]
        case ToolCallCompleted(name=name, outcome="client"):
            return ["", f"*`{name}` was handed to the caller*"]
        case ToolCallCompleted(name=name, outcome=outcome, content=content):
            return ["", f"**Result** of `{name}`: {outcome}", *_fence(text_of(content))]
        case ApprovalResolved(status=status, decision=decision):
            by = f" by {decision.decided_by}, {decision.scope}" if decision else ""
            reason = f": {decision.reason}" if decision and decision.reason else ""
            return ["", f"*Approval {status}{by}{reason}*"]
        case QuestionAsked(question=question):
            return ["", f"**Question**: {question.text}", *(f"- {choice}" for choice in question.choices)]
        case QuestionAnswered(answer=answer) if answer is not None:
            return ["", f"**Answer**: {answer}"]
        case ModelFellBack(from_model=old, to_model=new, error=error):
            return ["", f"*{old} gave up ({error.message}); {new} goes on*"]
        case ContextCompacted(summary=summary):
            return ["", "*The context was compacted to this summary:*", "", *_quote(summary)]
        case RunFailed(error=error):
            return ["", f"*The run failed: {error.message}*"]
        case RunCancelled():
            return ["", "*The run was cancelled.*"]
        case _:
            return []


def _said(parts: tuple[UserPart, ...], origin: str) -> list[str]:
    who = "You" if origin in ("send", "steer") else f"You ({origin})"
    return ["", f"## {who}", "", text_of(parts)] if parts else []


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


def _quote(text: str) -> list[str]:
    return [f"> {line}" for line in text.splitlines()]


def _fence(text: str, language: str = "") -> list[str]:
    longest = max((len(run) for run in text.split() if set(run) == {"`"}), default=0)
    marks = "`" * max(3, longest + 1)
    return ["", f"{marks}{language}", text, marks]
