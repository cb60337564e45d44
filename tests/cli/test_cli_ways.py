"""How a run works, as flags of `holdfast run`; and `holdfast sessions suggest`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cli_fakes import FakeDoors, FakeRun, FakeWorkbench, session_of

from holdfast.core.domain import events as ev

Cli = Callable[..., Any]


def test_suggestions_stand_below_the_reply_and_not_in_it(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        run.text("Forty-two.")
        run.emit(ev.RunAnalysed, text="It never\x1b[2J looked.\nIt guessed.")
        run.emit(ev.QuestionsSuggested, questions=("Why?\x1b[2J", "And then?"))
        run.emit(ev.RunCompleted)

    fake.build = lambda: FakeWorkbench(script)
    outcome = cli("run", "general", "hello", "--suggest")
    assert (outcome.status, outcome.out) == (0, "Forty-two.\n")
    assert (
        "  It never[2J looked.\n  It guessed.\nYou could ask:\n  1. Why?[2J\n  2. And then?\n" in outcome.err
    )


def test_questions_are_asked_for_a_session(fake: FakeDoors, cli: Cli) -> None:
    workbench = FakeWorkbench()
    workbench.known["s1"] = session_of("s1")

    async def suggest(session_id: str, count: int = 3) -> tuple[str, ...]:
        return (f"{session_id}?", "Why?")[:count]

    workbench.runs.suggest = suggest
    fake.build = lambda: workbench
    assert cli("sessions", "suggest", "s1").out == "1. s1?\n2. Why?\n"
    assert json.loads(cli("sessions", "suggest", "s1", "--count", "1", "--json").out) == ["s1?"]


def test_the_ways_of_a_run_are_options_and_its_plan_is_shown(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        run.emit(ev.RunStarted, agent="general", model="offline", plan=("Read\x1b[2J",))
        run.emit(ev.RunCompleted)

    workbench = FakeWorkbench(script)
    fake.build = lambda: workbench
    outcome = cli(
        "run",
        "general",
        "hello",
        "--way",
        "deep",
        "--workflow",
        "review",
        "--summary",
        "--no-suggest",
        "--analysis",
    )
    assert "  1. Read[2J\n" in outcome.err
    options = workbench.sent[0].options
    assert (options.mode, options.workflow) == ("deep", "review")
    assert (options.force_summary, options.suggestions, options.analysis) == (True, False, True)
    assert cli("run", "general", "hello", "--way", "swarm").status == 2
