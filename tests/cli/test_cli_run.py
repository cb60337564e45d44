"""`holdfast run` without a terminal: streams, exit statuses, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import (
    FakeDoors,
    FakeRun,
    FakeWorkbench,
    agent_of,
    approval_of,
    ask_to_write,
    fail,
    reply,
    session_of,
)

from holdfast.core.domain import events as ev
from holdfast.core.domain.agents import Layer
from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import Diagnostic, InvalidError, ModelNotFound, UnavailableError
from holdfast.core.domain.messages import FilePart, TextPart

Cli = Callable[..., Any]


def play(fake: FakeDoors, script: Any, **more: Any) -> None:
    fake.build = lambda: FakeWorkbench(script, **more)


def with_sessions(fake: FakeDoors, script: Any, *sessions: Any) -> None:
    def build() -> FakeWorkbench:
        workbench = FakeWorkbench(script)
        workbench.known = {s.id: s for s in sessions}
        return workbench

    fake.build = build


def test_the_reply_goes_to_stdout_and_everything_else_to_stderr(fake: FakeDoors, cli: Cli) -> None:
    play(fake, reply)
    outcome = cli("run", "general", "hello")
    assert outcome.status == 0
    assert outcome.out == "Hello there.\n"
    assert outcome.err == "general · offline (no key found: holdfast keys)\n"


def test_text_before_and_after_a_tool_call_is_set_apart(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        run.text("Looking", kind="reasoning")
        run.text("First.")
        run.request(name="read_file", path="notes.md")
        run.emit(ev.ToolCallStarted, call_id="c", arguments={})
        run.complete_call(name="read_file", text="notes")
        run.text("Second.\n")
        run.text("Third.")
        run.emit(ev.RunCompleted)

    play(fake, script)
    outcome = cli("run", "general", "hello")
    assert outcome.out == "First.\n\nSecond.\n\nThird.\n"
    assert "▸ read_file notes.md" in outcome.err
    assert "✓ read_file" in outcome.err


def test_control_characters_of_the_model_reach_neither_stream(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        run.text("a\x1b[31mb\r", "\nc\x9b\u202ed\udc9b")
        run.request(name="bad\x1b]0;x\x07", path="\x1b[2J\x9b")
        run.emit(ev.FileChanged, path="evil\x1b[0m\nname", change="created")
        run.complete_call(name="bad", outcome="error", text="\x1b[5m" * 300)
        run.emit(ev.RunCompleted)

    play(fake, script)
    outcome = cli("run", "general", "hello")
    assert outcome.out == "a[31mb\ncd\\udc9b\n"
    assert not set("\x1b\x9b\x07\u202e\r") & set(outcome.out + outcome.err)


def test_a_call_that_is_left_to_the_caller_is_no_failure(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        run.request(name="get_weather", town="Bath")
        run.emit(ev.ToolCallCompleted, call_id="c", name="get_weather", outcome="client", content=())
        run.emit(ev.RunCompleted, reason="client_tools")

    play(fake, script)
    outcome = cli("run", "general", "hello")
    assert outcome.status == 0
    assert "↗ get_weather handed to the caller" in outcome.err
    assert "The run has ended for the caller to execute its tools." in outcome.err


def test_a_failed_run_keeps_its_partial_reply_and_exits_1(fake: FakeDoors, cli: Cli) -> None:
    play(fake, fail)
    outcome = cli("run", "general", "hello")
    assert (outcome.status, outcome.out) == (1, "Half a rep\n")
    assert "failed: the provider said no (model_failed)" in outcome.err


def test_a_run_that_another_client_cancels_exits_130(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        run.emit(ev.RunCancelled, reason="enough")

    play(fake, script)
    outcome = cli("run", "general", "hello")
    assert outcome.status == 130
    assert "cancelled: enough" in outcome.err


def test_json_prints_every_event_as_it_is_stored(fake: FakeDoors, cli: Cli) -> None:
    play(fake, reply)
    outcome = cli("run", "general", "hello", "--json")
    logged = fake.workbench_used.logged
    assert outcome.out.splitlines() == [event.to_json() for event in logged]
    assert [json.loads(line)["type"] for line in outcome.out.splitlines()][:3] == [
        "session.created",
        "run.started",
        "message.added",
    ]


def test_json_lines_hold_no_raw_control_characters_and_the_same_values(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        run.text("a\x1b\x9b\x7f\u202eb")
        run.emit(ev.RunCompleted)

    play(fake, script)
    outcome = cli("run", "general", "hello", "--json")
    parsed = [ev.LoggedEvent.from_json(line) for line in outcome.out.splitlines()]
    assert parsed == fake.workbench_used.logged
    assert not set("\x1b\x9b\x7f\u202e") & set(outcome.out)


def test_events_of_other_runs_in_the_session_are_left_out(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        other = FakeRun(run.workbench, run.session_id, "somebody-elses")
        other.text("not ours")
        other.emit(ev.RunFailed, error={"kind": "internal", "code": "x", "message": "not ours"})
        await reply(run)

    play(fake, script)
    outcome = cli("run", "general", "hello", "--json")
    assert outcome.status == 0
    assert "not ours" not in outcome.out
    assert "somebody-elses" not in outcome.out


def test_a_queued_message_waits_for_its_own_run(fake: FakeDoors, cli: Cli) -> None:
    play(fake, reply, busy=True)
    outcome = cli("run", "general", "hello", "--json")
    types = [json.loads(line)["type"] for line in outcome.out.splitlines()]
    assert outcome.status == 0
    assert types[:5] == [
        "session.created",
        "message.queued",
        "message.dequeued",
        "run.started",
        "message.added",
    ]
    assert "not ours" not in outcome.out
    assert "waits until its run has ended" in outcome.err


@pytest.mark.parametrize("mode", ["ask", "none"])
def test_an_approval_without_a_terminal_exits_3_and_says_how_to_decide(
    fake: FakeDoors, cli: Cli, mode: str
) -> None:
    play(fake, ask_to_write)
    outcome = cli("run", "general", "hello", "--approve", mode)
    assert (outcome.status, outcome.out) == (3, "I will write.\n")
    assert "holdfast approvals approve approval-1" in outcome.err
    assert "holdfast approvals list" in outcome.err
    assert "-old line\n" in outcome.err
    assert "+new line\n" in outcome.err
    assert fake.workbench_used.decisions == []


def test_all_approvals_that_wait_are_named_before_exit_3(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        for name in ("first", "second"):
            run.request(call_id=name)
            run.ask(approval_of(name, run.session_id, run.id, name))

    play(fake, script)
    outcome = cli("run", "general", "hello")
    assert outcome.status == 3
    assert "approvals approve first" in outcome.err
    assert "approvals approve second" in outcome.err


def test_a_call_that_still_executes_is_awaited_before_exit_3(
    fake: FakeDoors, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.cli.running.following.QUIET_S", 0.0)

    async def script(run: FakeRun) -> None:
        run.request(call_id="slow", name="run_command")
        run.emit(ev.ToolCallStarted, call_id="slow", arguments={})
        run.ask(approval_of("waits", run.session_id, run.id, "c"))
        for _ in range(20):
            await run.workbench._notify()
        run.complete_call(call_id="slow", name="run_command", text="at last")

    play(fake, script)
    outcome = cli("run", "general", "hello")
    assert outcome.status == 3
    assert "✓ run_command" in outcome.err


def test_a_question_without_a_terminal_exits_3(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        await run.question("Which colour?", "red", "blue", id="question-1")

    play(fake, script)
    outcome = cli("run", "general", "hello")
    assert outcome.status == 3
    assert 'holdfast approvals answer question-1 "TEXT"' in outcome.err
    assert "Which colour?" in outcome.err


def test_the_message_can_come_from_stdin(fake: FakeDoors, cli: Cli) -> None:
    play(fake, reply)
    assert cli("run", "general", "-", stdin="two\nlines\n").status == 0
    assert fake.workbench_used.sent[0].parts == (TextPart(text="two\nlines\n"),)


def test_options_reach_the_run(fake: FakeDoors, cli: Cli, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object"}')
    data = tmp_path / "data.csv"
    data.write_text("a,b")
    play(fake, reply)
    outcome = cli(
        *("run", "general", "hello", "--model", "openai/gpt-4o", "--approve", "reads", "--timeout", "2.5"),
        *("--schema", str(schema), "--file", str(data), "--cwd", str(tmp_path)),
        *("--tool", "read_file", "--tool", "list_files", "--instructions", "Be brief."),
        *("--max-steps", "7", "--max-cost", "0.25"),
    )
    assert outcome.status == 0
    sent = fake.workbench_used.sent[0]
    assert sent.options.model == "openai/gpt-4o"
    assert sent.options.approve is ApproveMode.READS
    assert sent.options.timeout_s == 2.5
    assert sent.options.response_format == {"type": "object"}
    assert sent.options.tools == ("read_file", "list_files")
    assert sent.options.instructions_prefix == "Be brief."
    assert (sent.options.max_steps, sent.options.max_cost_usd) == (7, 0.25)
    assert isinstance(sent.parts[1], FilePart)
    assert fake.workbench_used.known[sent.session_id].project == str(tmp_path)
    assert "general · openai/gpt-4o\n" in outcome.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("run", "general"), "Missing argument"),
        (("run", "nobody", "hello"), "there is no agent 'nobody'; the nearest is 'general'"),
        (("run", "general", "  "), "the message is empty"),
        (("run", "general", "hello", "--approve", "sometimes"), "sometimes"),
        (("run", "general", "hello", "--timeout", "0"), "--timeout"),
        (("run", "general", "hello", "--timeout", "nan"), "--timeout"),
        (("run", "general", "hello", "--max-steps", "0"), "--max-steps"),
        (("run", "general", "hello", "--max-cost", "-1"), "--max-cost"),
        (("run", "general", "hello", "--max-cost", "inf"), "--max-cost"),
        (("run", "general", "hello", "--cwd", "/no/such/folder"), "/no/such/folder is not a folder"),
        (("run", "general", "hello", "--file", "no-such.csv"), "there is no no-such.csv"),
        (("run", "general", "hello", "--schema", "no-such.json"), "no-such.json"),
        (("run", "general", "hello", "--session", "0000"), "there is no session '0000'"),
        (
            ("run", "general", "hello", "--session", "last"),
            "there is no session of agent 'general' yet: `holdfast run general MESSAGE` starts one",
        ),
        (("run", "general", "hello", "--colour"), "No such option"),
    ],
)
def test_wrong_usage_exits_2_and_sends_nothing(
    fake: FakeDoors, cli: Cli, args: tuple[str, ...], said: str
) -> None:
    play(fake, reply)
    outcome = cli(*args)
    assert outcome.status == 2
    assert said in outcome.err
    assert outcome.out == ""
    assert not fake.opened or not fake.workbench_used.sent
    assert not fake.opened or not fake.workbench_used.known


def test_an_invalid_agent_file_exits_2_with_every_mistake(fake: FakeDoors, cli: Cli) -> None:
    problems = tuple(
        Diagnostic(file="a.yaml", line=n, column=1, key_path=f"key{n}", message="is wrong") for n in (3, 4)
    )

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench(reply)
        workbench.agent_infos["broken"] = agent_of("broken", spec=None, problems=problems)
        return workbench

    fake.build = build
    outcome = cli("run", "broken", "hello")
    assert outcome.status == 2
    assert "a.yaml:3:1: key3: is wrong" in outcome.err
    assert "a.yaml:4:1: key4: is wrong" in outcome.err


def test_a_schema_that_is_no_json_exits_2(fake: FakeDoors, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    assert "is not JSON" in cli("run", "general", "x", "--schema", str(tmp_path / "bad.json")).err
    assert "JSON object" in cli("run", "general", "x", "--schema", str(tmp_path / "list.json")).err


def test_last_is_the_latest_session_of_the_agent(fake: FakeDoors, cli: Cli) -> None:
    with_sessions(fake, reply, session_of("one", "writer"), session_of("two"), session_of("three"))
    assert cli("run", "general", "hello", "--session", "last").status == 0
    assert fake.workbench_used.sent[0].session_id == "two"


def test_a_session_can_be_named_by_a_unique_start(fake: FakeDoors, cli: Cli) -> None:
    with_sessions(fake, reply, session_of("abc-1"), session_of("abd-2"))
    assert cli("run", "general", "hello", "--session", "abd").status == 0
    assert fake.workbench_used.sent[0].session_id == "abd-2"
    outcome = cli("run", "general", "hello", "--session", "ab")
    assert outcome.status == 2
    assert "abc-1, abd-2" in outcome.err


def test_the_session_of_another_agent_is_refused(fake: FakeDoors, cli: Cli) -> None:
    with_sessions(fake, reply, session_of("one", "writer"))
    outcome = cli("run", "general", "hello", "--session", "one")
    assert outcome.status == 2
    assert "is with agent 'writer'" in outcome.err


def test_only_events_after_the_message_are_shown_of_an_old_session(fake: FakeDoors, cli: Cli) -> None:
    def build() -> FakeWorkbench:
        workbench = FakeWorkbench(reply)
        old = ev.SessionCreated(session_id="one", title="", agent="general", project="/", workspace="/")
        workbench.logged = [ev.LoggedEvent(id=1, event=old)]
        workbench.known = {"one": session_of("one", last_event_id=1)}
        return workbench

    fake.build = build
    outcome = cli("run", "general", "hello", "--session", "one", "--json")
    assert json.loads(outcome.out.splitlines()[0])["type"] == "run.started"


def test_a_session_made_for_nothing_is_deleted_again(fake: FakeDoors, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    play(fake, reply)
    outcome = cli("run", "general", "hello", "--file", str(tmp_path / "folder"))
    assert outcome.status == 2
    assert fake.workbench_used.sent == []
    assert fake.workbench_used.known == {}


def test_an_untrusted_project_agent_runs_with_a_warning(fake: FakeDoors, cli: Cli) -> None:
    def build() -> FakeWorkbench:
        workbench = FakeWorkbench(reply)
        workbench.agent_infos["theirs"] = agent_of("theirs", layer=Layer.PROJECT, trusted=False)
        return workbench

    fake.build = build
    outcome = cli("run", "theirs", "hello")
    assert outcome.status == 0
    assert "have not trusted" in outcome.err
    assert "holdfast trust" in outcome.err
    assert fake.workbench_used.trust_words == {}


def test_an_error_of_the_engine_says_what_to_do_next(fake: FakeDoors, cli: Cli) -> None:
    fake.fail = UnavailableError("the engine did not start within 10 s")
    outcome = cli("run", "general", "hello")
    assert outcome.status == 1
    assert outcome.err.startswith("holdfast: the engine did not start within 10 s\n")
    assert "holdfast doctor" in outcome.err


def test_an_engine_that_dies_in_the_middle_exits_1(fake: FakeDoors, cli: Cli) -> None:
    async def script(run: FakeRun) -> None:
        run.text("Half")

    async def cut(filter: Any, after: Any) -> Any:
        for logged in list(fake.workbench_used.logged):
            yield logged
        raise UnavailableError("the engine has gone")

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench(script)
        workbench.events.follow = cut
        return workbench

    fake.build = build
    outcome = cli("run", "general", "hello")
    assert outcome.status == 1
    assert "the engine has gone" in outcome.err


def test_a_refused_message_exits_2(fake: FakeDoors, cli: Cli) -> None:
    async def refuse(*_: Any) -> None:
        raise InvalidError("the model 'x' takes no images")

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench(reply)
        workbench.runs.send = refuse
        return workbench

    fake.build = build
    outcome = cli("run", "general", "hello")
    assert outcome.status == 2
    assert "takes no images" in outcome.err
    assert fake.workbench_used.known == {}


def test_an_unknown_model_is_wrong_usage(fake: FakeDoors, cli: Cli) -> None:
    async def unknown(*_: Any) -> None:
        raise ModelNotFound("there is no model 'gpt-5o'; the nearest is 'openai/gpt-4o'")

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench(reply)
        workbench.models.choose = unknown
        return workbench

    fake.build = build
    outcome = cli("run", "general", "hello", "--model", "gpt-5o")
    assert outcome.status == 2
    assert "there is no model 'gpt-5o'" in outcome.err
    assert fake.workbench_used.known == {}
