"""The walk-through on a model: the real adapter and its worker, a fake server, an engine that is killed."""

from __future__ import annotations

from typing import Any

import pytest
from tests.e2e.bench import Bench
from tests.e2e.terminal import Terminal
from tests.fakes.openai_server import FakeOpenAI

pytestmark = pytest.mark.thorough

GUARD_S = 0.7
REASON = "the council wants two pages, not one"
AGENT = """
description: Reads tables and writes reports.
tools: [list_files, write_file]
workspace: project
"""
QUEUED = "And mention nuclear energy."


def write_report(text: str) -> dict[str, Any]:
    return {"name": "write_file", "arguments": {"path": "report.md", "content": text}}


ANSWERS = [
    {
        "when": {"contains": "Read the table"},
        "text": "I look at the table first.",
        "tools": [{"name": "list_files", "arguments": {}}],
    },
    {
        "when": {"tool_result": "iowa-electricity.csv"},
        "text": "Here is one page.",
        "tools": [write_report("one")],
    },
    {"when": {"tool_result": REASON}, "text": "Two pages then.", "tools": [write_report("two")]},
    {"when": {"tool_result": "report.md"}, "text": "The **report** is written."},
    {"when": {"contains": QUEUED}, "text": "Nuclear energy is one plant."},
]


def test_ask_deny_with_a_reason_queue_lose_the_engine_and_go_on(
    openai_bench: Bench, server: FakeOpenAI
) -> None:
    bench = openai_bench
    server.reset(*ANSWERS)
    bench.agent("reporter", AGENT)
    with bench.open("--agent", "reporter", "--model", "openai/gpt-4o") as terminal:
        terminal.wait_for("reporter answers with openai/gpt-4o")
        _ask(terminal)
        _deny(terminal)
        _queue(terminal)
        _lose_the_engine(bench, terminal)
        terminal.press("y")
        terminal.wait_for("The report is written.", "Nuclear energy is one plant.")
        terminal.wait_gone("⚠", "queued")
        terminal.press("ctrl+q")
        assert terminal.wait_end() == 0
    assert not server.answers, "every answer was asked for, once"
    _check_requests(server)
    assert (bench.project / "report.md").read_text() == "two"


def _ask(terminal: Terminal) -> None:
    terminal.type("Read the table and save a report.")
    terminal.press("enter")
    terminal.wait_for("I look at the table first.", "Here is one page.", "list_files", "y once")


def _deny(terminal: Terminal) -> None:
    terminal.watch(GUARD_S)
    terminal.press("r")
    terminal.wait_for("enter done")
    terminal.type(REASON)
    terminal.press("enter")
    terminal.wait_for("denied", "Two pages then.", "+two", "y once")


def _queue(terminal: Terminal) -> None:
    terminal.watch(GUARD_S)
    terminal.type(QUEUED)
    terminal.press("enter")
    terminal.wait_for("queued")


def _lose_the_engine(bench: Bench, terminal: Terminal) -> None:
    killed = bench.kill_engine()
    terminal.wait_for("engine lost")
    terminal.wait_for("engine ●", "write_file report.md", "+two", "y once", QUEUED)
    assert bench.engine is not None and bench.engine.pid != killed
    terminal.watch(GUARD_S)


def _check_requests(server: FakeOpenAI) -> None:
    asked = [request.body for request in server.requests]
    assert len(asked) == 5
    call, denial = asked[2]["messages"][-2:]
    assert call["tool_calls"][-1]["function"]["name"] == "write_file"
    assert (denial["role"], denial["tool_call_id"]) == ("tool", call["tool_calls"][-1]["id"])
    assert REASON in denial["content"]
    assert [m["role"] for m in asked[3]["messages"]].count("tool") == 3, "nothing was lost with the engine"
    assert asked[4]["messages"][-1] == {"role": "user", "content": QUEUED}
