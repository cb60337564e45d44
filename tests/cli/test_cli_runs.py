"""`holdfast runs`: the log of runs as a table, a run in full, a session as a map."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench, session_of

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.run_log import RunEntry, RunMap, RunReport, RunsFound, StepReport
from holdfast.core.domain.runs import Usage

Cli = Callable[..., Any]
AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def entry(id: str, **more: Any) -> RunEntry:
    known = {"session_id": "s1", "agent": "coder", "model": "m", "status": "completed", "started_at": AT}
    return RunEntry(**{**known, "id": id, "response_ms": 8_219.0, "prompt": "Fix \x1b[31mit", **more})


ENTRIES = (
    entry("aaaaaaaa-1", credits=2.5, usage=Usage(cost_usd=0.0025), tools=2, tool_ms=40.0),
    entry("aaaaaaaa-2", logged=False, response_ms=None, status="running"),
)
STEP = StepReport(
    event_id=1, at=AT, step=1, purpose="tool_choice", model="m", total_ms=700.0, chosen=("grep",)
)
REPORT = RunReport(run=ENTRIES[0], prompt="Fix it", response="Done.", way=(STEP,))


@pytest.fixture
def asked(fake: FakeDoors) -> list[Any]:
    """What the workbench was asked."""
    calls: list[Any] = []

    async def search(text: str = "", agent: Any = None, session: Any = None, **more: Any) -> RunsFound:
        calls.append((text, agent, session, more))
        return RunsFound(runs=() if text else ENTRIES, total=0 if text else 70)

    async def report(run_id: str) -> RunReport:
        calls.append(run_id)
        if run_id != REPORT.run.id:
            raise NotFoundError("There is no such run.")
        return REPORT

    async def draw(session_id: str) -> RunMap:
        return RunMap(
            session_id=session_id, title="A \x07title", runs=() if session_id == "s2" else (REPORT,)
        )

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench()
        workbench.known = {"s1": session_of("s1"), "s2": session_of("s2")}
        workbench.runs = SimpleNamespace(search=search, report=report, map=draw)
        return workbench

    fake.build = build
    return calls


def test_runs_are_a_table_of_what_they_took(asked: list[Any], cli: Cli) -> None:
    outcome = cli("runs", "list", "--limit", "2", "--page", "3")
    assert outcome.status == 0, outcome.err
    head, first, second, more = outcome.out.splitlines()
    assert head.split() == ["ID", "WHEN", "AGENT", "STATUS", "TOOK", "CREDITS", "COST", "TOOLS", "PROMPT"]
    assert first.split()[2:] == [
        "coder",
        "completed",
        "8.2",
        "s",
        "2.5",
        "$0.0025",
        "2",
        "40",
        "ms",
        "Fix",
        "[31mit",
    ]
    assert second.split()[2:] == ["coder", "running", "(not", "logged)"] and "\x1b" not in outcome.out
    assert more == "64 more; `--page 4` shows the next."
    assert asked == [("", None, None, {"sort": "time", "descending": True, "offset": 4, "limit": 2})]


def test_runs_are_asked_for_by_agent_session_words_and_column(asked: list[Any], cli: Cli) -> None:
    outcome = cli("runs", "list", "--agent", "coder", "--session", "s1", "--sort", "agent", "--json")
    assert json.loads(outcome.out)["runs"][0]["id"] == "aaaaaaaa-1"
    assert (
        cli("runs", "list", "--search", "oslo", "--sort", "response-time", "--reverse").out
        == "No run fits.\n"
    )
    assert [each[:3] for each in asked] == [("", "coder", "s1"), ("oslo", None, None)]
    assert [(each[3]["sort"], each[3]["descending"]) for each in asked] == [
        ("agent", False),
        ("response_time", False),
    ]
    wrong = cli("runs", "list", "--sort", "colour")
    assert wrong.status != 0 and "agent, time, credits, cost, response-time" in wrong.err


def test_a_run_is_shown_in_full_by_its_id_its_start_or_as_the_last(asked: list[Any], cli: Cli) -> None:
    for named in ("aaaaaaaa-1", "last"):
        outcome = cli("runs", "show", named)
        assert "Prompt\nFix it" in outcome.out and "Response\nDone." in outcome.out
        assert "◇ step 1 tool choice · m  grep  700 ms" in outcome.out
    assert json.loads(cli("runs", "show", "last", "--json").out)["way"][0]["kind"] == "step"
    several = cli("runs", "show", "aaaa")
    assert several.status != 0 and "is the start of 2 logged runs" in several.err
    assert "holdfast runs list" in cli("runs", "show", "zzz").err


def test_a_session_is_drawn_as_a_map(asked: list[Any], cli: Cli) -> None:
    lines = cli("runs", "map", "s1").out.splitlines()
    assert lines[0] == "A title" and lines[1].startswith("── ✓ coder  Fix it") and "└─ ◇ step 1" in lines[2]
    assert json.loads(cli("runs", "map", "s1", "--json").out)["runs"][0]["prompt"] == "Fix it"
    assert cli("runs", "map", "s2").out == "Nothing has happened in this session yet.\n"
