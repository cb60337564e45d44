"""Approvals and questions on a terminal: with a person in memory, and on real pseudo-terminals."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest
from cli_fakes import FakeDoors, FakeRun, FakeWorkbench, agent_of, ask_to_write, reply

from holdfast.cli.running.execute import execute
from holdfast.cli.running.request import RunRequest
from holdfast.core.domain import events as ev
from holdfast.core.domain.agents import Layer
from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.runs import RunOptions

pytestmark = pytest.mark.thorough

PROGRAM = Path(__file__).with_name("fake_program.py")


class FakePerson:
    """Types the given lines; None ends the input."""

    def __init__(self, *lines: str | None) -> None:
        self.lines = list(lines)

    async def read_line(self) -> str | None:
        return self.lines.pop(0)


@pytest.fixture
def ask(
    fake: FakeDoors, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs a script with a person who types `lines`; returns exit status and stderr."""

    def run(script: Any, *lines: str | None, agent: str = "general") -> tuple[int, str]:
        def build() -> FakeWorkbench:
            workbench = FakeWorkbench(script)
            workbench.agent_infos["theirs"] = agent_of("theirs", layer=Layer.PROJECT, trusted=False)
            return workbench

        fake.build = build
        request = RunRequest(agent, "hello", None, str(tmp_path), (), RunOptions())
        status = execute(request, FakePerson(*lines), as_json=False)
        return status, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("lines", "decision"),
    [
        (["y"], Decision(outcome="approve")),
        (["Yes"], Decision(outcome="approve")),
        (["s"], Decision(outcome="approve", scope="session")),
        (["a"], Decision(outcome="approve", scope="always")),
        (["n"], Decision(outcome="deny")),
        (["r", " use a table "], Decision(outcome="deny", reason="use a table")),
        (["", "what?", "yn", "y"], Decision(outcome="approve")),
    ],
)
def test_each_answer_is_its_decision(
    ask: Callable[..., Any], fake: FakeDoors, lines: list[str], decision: Decision
) -> None:
    status, _ = ask(ask_to_write, *lines)
    assert status == 0
    assert fake.workbench_used.decisions == [("approval-1", decision)]


def test_the_preview_comes_before_the_prompt(ask: Callable[..., Any]) -> None:
    _, err = ask(ask_to_write, "y")
    assert "? write_file (write): no rule allows it\n" in err
    assert "  -old line\n  +new line\n" in err


def test_always_shows_the_rule_and_the_policy_file(ask: Callable[..., Any]) -> None:
    _, err = ask(ask_to_write, "a")
    assert "rule added to /config/policy.yaml: write_file(*.md)" in err


def test_always_is_not_offered_where_no_rule_fits(ask: Callable[..., Any], fake: FakeDoors) -> None:
    async def script(run: FakeRun) -> None:
        run.request()
        await run.approval("x", rule="")
        run.complete_call()
        run.emit(ev.RunCompleted)

    ask(script, "a", "y")
    assert [d.scope for _, d in fake.workbench_used.decisions] == ["once"]


def test_the_end_of_input_leaves_the_approval_waiting(ask: Callable[..., Any], fake: FakeDoors) -> None:
    status, err = ask(ask_to_write, None)
    assert status == 3
    assert "holdfast approvals approve approval-1" in err
    assert fake.workbench_used.decisions == []


def test_arguments_are_edited_in_the_editor(
    ask: Callable[..., Any], fake: FakeDoors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys\np = pathlib.Path(sys.argv[1])\n"
        "p.write_text(p.read_text().replace('report.md', 'other.md'))\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    status, _ = ask(ask_to_write, "e")
    assert status == 0
    edited = {"path": "other.md", "content": "new line\n"}
    assert fake.workbench_used.decisions == [("approval-1", Decision(outcome="approve", arguments=edited))]


def test_an_editor_that_fails_or_changes_nothing_asks_again(
    ask: Callable[..., Any], fake: FakeDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "false")
    _, err = ask(ask_to_write, "e", "n")
    assert "the editor ended with status 1" in err
    monkeypatch.setenv("VISUAL", "true")
    _, err = ask(ask_to_write, "e", "n")
    assert "The arguments are as they were." in err
    assert [d.outcome for _, d in fake.workbench_used.decisions] == ["deny"]


def test_without_an_editor_the_arguments_are_typed_and_bad_ones_are_asked_again(
    ask: Callable[..., Any], fake: FakeDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setenv("PATH", "")
    status, err = ask(ask_to_write, "e", "{", "e", "[1]", "e", '{"x": 1}', "e", '{"path": "b.md"}')
    assert status == 0
    assert "the arguments are not JSON" in err
    assert "must be a JSON object" in err
    assert "arguments.path: is missing" in err
    assert fake.workbench_used.decisions[-1][1].arguments == {"path": "b.md"}


def test_a_control_character_in_a_preview_is_written_out(ask: Callable[..., Any]) -> None:
    async def script(run: FakeRun) -> None:
        await run.approval(
            preview=(), arguments={"command": "echo \x1b[8mrm\x9b -rf\u202e"}, subject="\x1b[8m"
        )

    _, err = ask(script, None)
    assert "echo \\u001b[8mrm\\x9b -rf\\u202e" in err
    assert not set("\x1b\x9b\u202e") & set(err)


@pytest.mark.parametrize(("typed", "answer"), [("2", "blue"), ("red", "red"), (" green ", "green")])
def test_a_question_takes_a_number_a_choice_or_free_text(
    ask: Callable[..., Any], fake: FakeDoors, typed: str, answer: str
) -> None:
    async def script(run: FakeRun) -> None:
        await run.question("Which colour?", "red", "blue", id="q1")
        run.emit(ev.RunCompleted)

    status, err = ask(script, typed)
    assert status == 0
    assert "? Which colour?\n  1 red\n  2 blue\n" in err
    assert fake.workbench_used.answers == [("q1", answer)]


def test_a_closed_question_takes_only_its_choices(ask: Callable[..., Any], fake: FakeDoors) -> None:
    async def script(run: FakeRun) -> None:
        await run.question("Which colour?", "red", "blue", free_text=False, id="q1")
        run.emit(ev.RunCompleted)

    ask(script, "", "3", "0", "green", "1")
    assert fake.workbench_used.answers == [("q1", "red")]


@pytest.mark.parametrize(("typed", "trusted"), [("y", True), ("n", False), ("", False)])
def test_trust_in_a_project_is_asked_once_and_recorded(
    ask: Callable[..., Any], fake: FakeDoors, tmp_path: Path, typed: str, trusted: bool
) -> None:
    status, err = ask(reply, typed, agent="theirs")
    assert status == 0
    assert "comes from this project" in err
    assert fake.workbench_used.trust_words[str(tmp_path)].trusted is trusted


def spawn(tmp_path: Path, *arguments: str, **more: Any) -> pexpect.spawn:
    child = pexpect.spawn(
        sys.executable, [str(PROGRAM), str(tmp_path), *arguments], timeout=20, encoding="utf-8", **more
    )
    child.delaybeforesend = None
    child.logfile_read = io.StringIO()
    return child


def ended(child: pexpect.spawn) -> int:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def test_an_approval_is_shown_and_decided_on_a_terminal(tmp_path: Path) -> None:
    child = spawn(tmp_path, "tell_decision", "run", "general", "hello")
    child.expect_exact("+new line")
    child.expect_exact("a always (write_file(*.md))")
    child.expect_exact("edit > ")
    child.sendline("r")
    child.expect_exact("reason > ")
    child.sendline("use a table")
    child.expect_exact("decided: deny once use a table None")
    assert ended(child) == 0


def test_a_message_on_stdin_still_asks_on_the_controlling_terminal(tmp_path: Path) -> None:
    command = f'echo hello | "{sys.executable}" "{PROGRAM}" "{tmp_path}" tell_decision run general -'
    child = pexpect.spawn("/bin/sh", ["-c", command], timeout=20, encoding="utf-8")
    child.expect_exact("edit > ")
    child.sendline("s")
    child.expect_exact("decided: approve session")
    assert ended(child) == 0


def test_a_prompt_goes_when_another_client_has_decided(tmp_path: Path) -> None:
    child = spawn(tmp_path, "decided_elsewhere", "run", "general", "hello")
    child.expect_exact("edit > ")
    child.kill(signal.SIGUSR1)
    child.expect_exact("denied by local")
    child.expect_exact("a always (write_file(*.csv))")
    child.expect_exact("edit > ")
    child.sendline("y")
    child.expect_exact("second: approve")
    assert ended(child) == 0


def test_nothing_is_asked_with_approve_none_on_a_terminal(tmp_path: Path) -> None:
    child = spawn(tmp_path, "tell_decision", "run", "general", "hello", "--approve", "none")
    assert ended(child) == 3
    assert "edit >" not in child.logfile_read.getvalue()


def test_a_question_is_answered_on_a_terminal(tmp_path: Path) -> None:
    child = spawn(tmp_path, "tell_answer", "run", "general", "hello")
    child.expect_exact("answer > ")
    child.sendline("2")
    child.expect_exact("answer: blue")
    assert ended(child) == 0


def test_the_first_interrupt_cancels_the_run_and_exits_130(tmp_path: Path) -> None:
    child = spawn(tmp_path, "wait_for_cancel", "run", "general", "hello")
    child.expect_exact("Working")
    child.sendintr()
    child.expect_exact("cancelled")
    assert ended(child) == 130


def test_an_interrupt_at_a_prompt_cancels_the_run(tmp_path: Path) -> None:
    child = spawn(tmp_path, "tell_decision", "run", "general", "hello")
    child.expect_exact("edit > ")
    child.sendintr()
    child.expect_exact("cancelled")
    assert ended(child) == 130


def test_what_was_typed_before_the_prompt_decides_nothing(tmp_path: Path) -> None:
    child = spawn(tmp_path, "asked_later", "run", "general", "hello")
    child.expect_exact("ready")
    child.sendline("y")
    child.expect_exact("y\r\n")  # the terminal has it
    child.kill(signal.SIGUSR1)
    child.expect_exact("edit > ")
    child.sendline("n")
    child.expect_exact("decided: deny")
    assert ended(child) == 0


@pytest.mark.parametrize(
    ("typed", "status", "said"), [("n", 1, "Nothing was deleted"), ("y", 0, "deleted s")]
)
def test_deleting_a_session_for_good_asks_first(tmp_path: Path, typed: str, status: int, said: str) -> None:
    child = spawn(tmp_path, "reply", "sessions", "delete", "--permanent", "last")
    child.expect_exact("A title (general, 0 messages)")
    child.expect_exact("Delete 1 session for ever?")
    child.sendline(typed)
    child.expect_exact(said)
    assert ended(child) == status


def test_a_key_is_read_without_an_echo(tmp_path: Path) -> None:
    child = spawn(tmp_path, "reply", "keys", "provider", "set", "openai")
    child.expect_exact("Key of openai:")
    child.sendline("sk-canary")
    child.expect_exact("stored in the keyring")
    assert ended(child) == 0
    assert "canary" not in child.logfile_read.getvalue()
