"""The page of events."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import Any, get_args

from pydantic import BaseModel

from docpages.markdown import code, docstring, fenced, page, summary, table
from docpages.models import record_table, records_in
from holdfast.core.domain import events
from holdfast.core.domain.events import AnyEvent, LoggedEvent, RunCompleted

COMMON = ("type", "session_id", "run_id", "at")

_TITLES = {
    "session": "Sessions",
    "run": "Runs",
    "message": "Messages",
    "step": "Steps",
    "part": "Parts of a reply",
    "tool_call": "Tool calls",
    "approval": "Approvals",
    "question": "Questions",
    "child_run": "Runs of sub-agents",
    "file": "Files",
    "model": "Models",
    "context": "Context",
    "retrieval": "Retrieval",
    "hook": "Hooks",
    "usage": "Usage",
    "job": "Jobs",
    "knowledge": "Knowledge",
    "memory": "Memory",
    "mcp": "MCP servers",
    "user": "Users",
}

_COMMON_TEXT = """\
An event is one line of JSON, the same in the database, in `holdfast run --json`, in the API's streams and
in an exported session. Every event has:"""

_COMMON_ROWS = (
    ("`id`", "integer", "Given by the log when the event is committed; it only grows, over all sessions."),
    ("`type`", "text", "What happened; one of the names below."),
    (
        "`session_id`",
        "text",
        "The session it belongs to; those of jobs, knowledge, memory and the like have an `owner` instead.",
    ),
    ("`run_id`", "text", "The run it belongs to; null for events of a session outside of runs."),
    ("`at`", "time", "When it happened, in UTC."),
)


def all_events() -> list[type[BaseModel]]:
    """Returns the events, those of one noun together, nouns in the order of their first event."""
    found = list(get_args(AnyEvent))
    order = list(_TITLES)
    return sorted(found, key=lambda event: order.index(noun(event)))


def event_type(event: type[BaseModel]) -> str:
    """Returns the `type` of an event."""
    return str(event.model_fields["type"].default)


def noun(event: type[BaseModel]) -> str:
    """Returns what an event is about: the part of its type before the dot."""
    return event_type(event).partition(".")[0]


def records() -> list[type[BaseModel]]:
    """Returns the records that stand in events, by name."""
    chosen = set(all_events())
    found = {record for event in chosen for record in records_in(event)} - chosen
    return sorted(found, key=lambda record: record.__name__)


def link(record: type[BaseModel], origin: str = "") -> str:
    """Returns a link to a record's section of this page."""
    return f"[{record.__name__}]({origin}#{record.__name__.lower()})"


def events_page() -> str:
    """Returns the page."""
    sections: list[str] = []
    for name, group in groupby(all_events(), key=noun):
        sections += [f"## {_TITLES[name]}", *(_section(event) for event in group)]
    return page(
        "Events",
        docstring(events),
        _COMMON_TEXT,
        table(("Field", "Type", "Meaning"), _COMMON_ROWS),
        fenced(_example(), "json"),
        "Times are text in ISO 8601. Records that stand in events are described [at the end](#records).",
        "## All events",
        table(
            ("Event", "When"),
            [(f"[{code(event_type(e))}](#{_anchor(event_type(e))})", summary(e)) for e in all_events()],
        ),
        *sections,
        "## Records",
        *(record_section(record, link) for record in records()),
    )


def record_section(record: type[BaseModel], links: Any) -> str:
    """Returns the section of one record."""
    text = docstring(record) if record.__doc__ else ""
    parts = (f"### {record.__name__}", text, record_table(record, links))
    return "\n\n".join(part for part in parts if part)


def _section(event: type[BaseModel]) -> str:
    fields = record_table(event, link, leave_out=COMMON)
    return "\n\n".join(part for part in (f"### {code(event_type(event))}", docstring(event), fields) if part)


def _anchor(title: str) -> str:
    return title.replace(".", "")


def _example() -> str:
    ids = {"session_id": "5f0c…", "run_id": "9b1e…"}
    return LoggedEvent(
        id=412, event=RunCompleted(**ids, at=datetime(2026, 1, 31, 9, 30, tzinfo=UTC))
    ).to_json()
