"""`holdfast tools`: listed, shown, and one run directly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeRun, FakeWorkbench, session_of

from holdfast.cli.running.tool import ToolRequest, execute_tool
from holdfast.core.domain import events as ev
from holdfast.core.domain.approvals import Decision, Verdict
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.given_tools import GivenTool, GivenTools
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.tools import Risk, ToolInfo

Cli = Callable[..., Any]
READ = ToolInfo(
    name="read_file",
    description="Reads a file.\nMore of it \x1b[31mhere.",
    risk=Risk.READ,
    parameters={
        "properties": {
            "path": {"type": "string", "description": "Which file"},
            "lines": {"type": "integer"},
            "deep": {"type": "object"},
        },
        "required": ["path"],
    },
)


@pytest.fixture
def script(fake: FakeDoors) -> Callable[[Any], None]:
    """Says what the next tool does."""

    def build_with(script: Any) -> None:
        def build() -> FakeWorkbench:
            workbench = FakeWorkbench(script)
            workbench.tool_rows = [READ]
            workbench.known = {"aaaa": session_of("aaaa"), "bbbb": session_of("bbbb")}
            return workbench

        fake.build = build

    build_with(works)
    return build_with


async def works(run: FakeRun) -> None:
    run.emit(ev.ToolCallStarted, call_id="c", arguments={})
    run.complete_call(name="read_file", text="the\x1b[31m text")
    run.emit(ev.RunCompleted)


async def fails(run: FakeRun) -> None:
    run.complete_call(name="read_file", outcome="error", text="There is no file x")
    run.emit(ev.RunCompleted)


async def asks(run: FakeRun) -> None:
    decision = await run.approval("approval-1")
    run.complete_call(name="read_file", outcome="ok" if decision.outcome == "approve" else "denied", text="x")
    run.emit(ev.RunCompleted)


async def late(run: FakeRun) -> None:
    run.complete_call(name="read_file", outcome="cancelled", text="stopped")
    run.emit(ev.RunFailed, error=ErrorInfo(kind="timeout", code="timeout", message="the time is over"))


def called(fake: FakeDoors) -> tuple[Any, ...]:
    (found,) = [call for call in fake.workbench_used.calls if call[0] == "run_tool"]
    return found


def test_tools_are_listed_with_their_risk(script: Any, cli: Cli) -> None:
    assert cli("tools", "list").out.splitlines()[1].split() == ["read_file", "read", "Reads", "a", "file."]
    (listed,) = json.loads(cli("tools", "list", "--json").out)
    assert listed == READ.model_dump(mode="json")


def test_the_tools_of_an_agent_are_listed_with_what_the_rules_say(cli: Cli, fake: FakeDoors) -> None:
    asked: list[Any] = []

    async def given(agent: str, project: str | None = None) -> GivenTools:
        asked.append(agent)
        one = GivenTool(
            tool=READ, verdict=Verdict.ALLOW, reason="reading is allowed", pinned={"path": "a", "limit": 1}
        )
        return GivenTools(agent=agent, tools=(one,), missing=("clock: it is disabled",))

    workbench = FakeWorkbench()
    workbench.tools.given = given
    fake.build = lambda: workbench
    outcome = cli("tools", "list", "--agent", "clerk")
    assert outcome.out.splitlines()[1].split() == [
        "read_file", "read", "allow", "reading", "is", "allowed", "path,", "limit",
    ]  # fmt: skip
    assert "not there: clock: it is disabled" in outcome.err
    assert json.loads(cli("tools", "list", "--agent", "clerk", "--json").out)["agent"] == "clerk"
    assert asked == ["clerk", "clerk"]


def test_a_tool_is_shown_with_its_arguments(script: Any, cli: Cli) -> None:
    shown = cli("tools", "show", "read_file").out
    assert "\x1b" not in shown
    assert "More of it" in shown
    assert ["path", "string", "required", "Which", "file"] in [line.split() for line in shown.splitlines()]
    missing = cli("tools", "show", "nothing")
    assert missing.status == 1
    assert "there are: read_file" in missing.err


def test_a_tool_is_run_and_its_result_is_on_stdout(script: Any, cli: Cli, fake: FakeDoors) -> None:
    outcome = cli("tools", "run", "read_file", "path=12", "lines=12", 'deep={"a": [1]}', "--session", "bb")
    assert (outcome.status, outcome.out) == (0, "the[31m text\n")
    assert "✓ read_file" in outcome.err
    arguments = {"path": "12", "lines": 12, "deep": {"a": [1]}}
    assert called(fake) == ("run_tool", "bbbb", "read_file", arguments, RunOptions())


def test_arguments_are_given_as_json_and_options_too(script: Any, cli: Cli, fake: FakeDoors) -> None:
    given = ("--arguments", '{"path": "a"}', "--approve", "all", "--timeout", "5", "--json")
    outcome = cli("tools", "run", "read_file", *given)
    done = json.loads(outcome.out)
    assert (outcome.status, done["outcome"], done["run_id"]) == (0, "ok", "tool-run")
    options = RunOptions(approve="all", timeout_s=5)
    assert called(fake) == ("run_tool", "aaaa", "read_file", {"path": "a"}, options)


@pytest.mark.parametrize(
    "wrong",
    [
        ("read_file", "path"),
        ("read_file", "=x"),
        ("read_file", "path=1", "path=2"),
        ("read_file", "path=1", "--arguments", "{}"),
        ("read_file", "--arguments", "[]"),
        ("nothing", "path=1"),
        ("read_file", "--session", "zz"),
        ("read_file", "--timeout", "0"),
    ],
)
def test_what_cannot_be_is_wrong_usage(script: Any, cli: Cli, wrong: tuple[str, ...]) -> None:
    outcome = cli("tools", "run", *wrong)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err


def test_a_tool_that_fails_says_why_and_ends_with_one(script: Any, cli: Cli) -> None:
    script(fails)
    outcome = cli("tools", "run", "read_file", "path=x")
    assert (outcome.status, outcome.out) == (1, "")
    assert "There is no file x" in outcome.err
    script(late)
    outcome = cli("tools", "run", "read_file", "path=x", "--json")
    assert (outcome.status, json.loads(outcome.out)["outcome"]) == (1, "cancelled")
    assert "the time is over" in outcome.err


def test_without_a_person_an_approval_waits_in_the_engine(script: Any, cli: Cli) -> None:
    script(asks)
    outcome = cli("tools", "run", "read_file", "path=x")
    assert (outcome.status, outcome.out) == (3, "")
    assert "holdfast approvals approve approval-1" in outcome.err


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1)])
def test_a_person_is_asked_and_decides(
    script: Any, fake: FakeDoors, answer: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    class Person:
        """Answers once; then there is nobody any more."""

        def __init__(self) -> None:
            self.answers = [answer]

        async def read_line(self) -> str | None:
            return self.answers.pop() if self.answers else await asyncio.Event().wait()

    script(asks)
    request = ToolRequest("last", "read_file", ("path=x",), None, RunOptions())
    assert execute_tool(request, Person(), as_json=False) == status
    decided = Decision(outcome="approve" if answer == "y" else "deny")
    assert fake.workbench_used.decisions == [("approval-1", decided)]
    assert capsys.readouterr().out == ("x\n" if answer == "y" else "")
