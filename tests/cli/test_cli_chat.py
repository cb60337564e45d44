"""The plain chat: line by line, for screen readers, simple terminals and pipes."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli_fakes import (
    FakeDoors,
    FakeRun,
    FakeWorkbench,
    agent_of,
    approval_of,
    ask_to_write,
    reply,
    session_of,
)
from hypothesis import given
from hypothesis import strategies as st

from holdfast.cli.chatting.chat import Chat, ChatRequest
from holdfast.cli.chatting.commands import COMMANDS, Commands
from holdfast.cli.chatting.console import PlainConsole
from holdfast.cli.chatting.input import Input
from holdfast.cli.opening import open_tui, wants_plain
from holdfast.cli.running.console import Console
from holdfast.core.domain import events as ev
from holdfast.core.domain.approvals import ApproveMode, Decision
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.models import ModelInfo
from holdfast.core.domain.runs import Run, RunOptions, RunStatus
from holdfast.core.domain.text import sanitize

PROGRAM = Path(__file__).with_name("fake_program.py")
OTHER = agent_of("writer")


class FakeInput:
    """Gives the lines; a person's at a terminal, or those of a pipe."""

    def __init__(self, *lines: str, is_terminal: bool = True) -> None:
        self.lines = list(lines)
        self.is_terminal = is_terminal

    async def next_line(self) -> str | None:
        return self.lines.pop(0) if self.lines else None

    read_line = next_line


Talk = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def bench() -> FakeWorkbench:
    return FakeWorkbench(reply)


@pytest.fixture
def talk(fake: FakeDoors, bench: FakeWorkbench, tmp_path: Path) -> Talk:
    """Holds a chat on `bench` with the lines that are typed; returns the status and what was written."""

    async def held(*lines: str, is_terminal: bool = True, **request: Any) -> tuple[int, str]:
        out = io.StringIO()
        asked = ChatRequest(project=str(tmp_path), **request)
        given = FakeInput(*lines, is_terminal=is_terminal)
        try:
            status = await Chat(bench, asked, PlainConsole(out), given).run()  # type: ignore[arg-type]
        finally:
            for task in bench.tasks:
                task.cancel()
            await asyncio.gather(*bench.tasks, return_exceptions=True)
        return status, out.getvalue()

    return held


# --- what is written


@given(st.lists(st.text(alphabet="ab.!? \n\r\x1b\x07é"), max_size=10))
def test_a_reply_is_written_whole_and_clean_whatever_its_pieces(pieces: list[str]) -> None:
    out = io.StringIO()
    console = PlainConsole(out)
    for piece in pieces:
        console.reply(piece)
    console.end_reply()
    said = sanitize("".join(pieces))
    assert out.getvalue() == (said if said.endswith("\n") or not said else said + "\n")


def test_a_reply_is_written_by_whole_sentences() -> None:
    out = io.StringIO()
    console = PlainConsole(out)
    written = []
    for piece in ("It ra", "ined. The s", "un came", ' "out." And', "\nthen ", "night"):
        console.reply(piece)
        written.append(out.getvalue())
    assert written == [
        "",
        "It rained. ",
        "It rained. ",
        'It rained. The sun came "out." ',
        'It rained. The sun came "out." And\n',
        'It rained. The sun came "out." And\n',
    ]
    console.line("Tool call: read_file")
    assert out.getvalue().endswith("And\nthen night\nTool call: read_file\n")


def test_a_very_long_sentence_is_not_held_back_for_ever() -> None:
    out = io.StringIO()
    PlainConsole(out).reply("word " * 200)
    assert out.getvalue() == "word " * 200


class Screen(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("HOLDFAST_SCREEN_READER", "1")])
def test_commands_draw_nothing_over_where_lines_are_read_out(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    screen = Screen()
    console = Console(screen, screen)
    console.transient("thinking …")
    console.reply("Hello.\n")
    console.prompt("y once > ")
    console.line("settled elsewhere", "bad")
    console.withdraw()
    assert screen.getvalue() == "Hello.\ny once > \nsettled elsewhere\ny once > \n"


# --- a conversation


async def test_messages_go_to_one_session_and_replies_are_lines(talk: Talk, bench: FakeWorkbench) -> None:
    status, said = await talk("hello", "and\\", "goodbye")
    assert status == 0
    assert [sent.parts[0].text for sent in bench.sent] == ["hello", "and\ngoodbye"]
    assert len({sent.session_id for sent in bench.sent}) == 1
    assert said.count("general:\nHello there.\n") == 2
    assert "\x1b" not in said
    assert said.endswith("Goodbye. Runs go on in the engine.\n")


@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        ("1", Decision(outcome="approve")),
        ("2", Decision(outcome="approve", scope="session")),
        ("3", Decision(outcome="approve", scope="always")),
        ("4", Decision(outcome="deny")),
        ("y", Decision(outcome="approve")),
    ],
)
async def test_an_approval_is_told_in_words_and_decided_by_a_number(
    talk: Talk, bench: FakeWorkbench, answer: str, decision: Decision
) -> None:
    bench.script = ask_to_write
    _, said = await talk("write", "9", answer)
    assert bench.decisions == [("approval-1", decision)]
    order = [
        "I will write.",
        "Tool call: write_file report.md",
        "Approval needed. Tool: write_file. Risk: write.",
        "Why: no rule allows it.",
        "  +new line",
        "1. Approve once",
        "3. Approve always: adds the rule write_file(*.md)",
        "4. Deny",
        "Choice, 1 to 6: ",
    ]
    places = [said.index(one) for one in order]
    assert places == sorted(places)


async def test_a_question_is_answered_by_a_number(talk: Talk, bench: FakeWorkbench) -> None:
    async def script(run: FakeRun) -> None:
        run.text(await run.question("Which colour?", "red", "blue", id="q1"))
        run.emit(ev.RunCompleted)

    bench.script = script
    _, said = await talk("go", "2")
    assert bench.answers == [("q1", "blue")]
    assert "Question: Which colour?\n1. red\n2. blue\n" in said


async def test_a_line_of_a_pipe_is_never_a_decision(talk: Talk, bench: FakeWorkbench) -> None:
    bench.script = ask_to_write
    status, said = await talk("write", "1", "more", is_terminal=False)
    assert status == 3
    assert bench.decisions == []
    assert "holdfast approvals approve approval-1" in said
    assert len(bench.sent) == 1, "what waits is not talked over"


async def test_nobody_is_asked_who_does_not_want_to_be(talk: Talk, bench: FakeWorkbench) -> None:
    bench.script = ask_to_write
    _, said = await talk("write", options=RunOptions(approve=ApproveMode.NONE))
    assert "Choice" not in said
    assert bench.sent[0].options.approve is ApproveMode.NONE


async def test_a_failed_run_is_the_status_of_a_pipe_and_a_word_to_a_person(
    talk: Talk, bench: FakeWorkbench
) -> None:
    async def script(run: FakeRun) -> None:
        run.emit(ev.RunFailed, error={"code": "model_failed", "message": "no model", "kind": "upstream"})

    bench.script = script
    assert (await talk("go", is_terminal=False))[0] == 1
    status, said = await talk("go")
    assert status == 0
    assert "failed: no model (model_failed)" in said


async def test_a_session_that_was_open_elsewhere_goes_on(talk: Talk, bench: FakeWorkbench) -> None:
    bench.known["s9"] = session_of("s9", "writer", "Q3 report", messages=4)
    bench.agent_infos["writer"] = OTHER
    _, said = await talk("hello", session="last")
    assert "Agent: writer." in said
    assert "Session: Q3 report. Messages so far: 4." in said
    assert bench.sent[0].session_id == "s9"


async def test_a_run_that_waits_in_the_session_is_taken_up(talk: Talk, bench: FakeWorkbench) -> None:
    run = FakeRun(bench, "s9", "r9")
    run.emit(ev.RunStarted, agent="general", model="offline")
    run.text("I was here before.")
    decided = run.ask(approval_of("approval-1", "s9", "r9"))
    bench.known["s9"] = session_of("s9", run_id="r9", status=RunStatus.WAITING)
    moment = session_of("s9").created_at
    fields = {"agent": "general", "model": "offline", "status": RunStatus.WAITING, "started_at": moment}
    bench.run_rows.append(Run(id="r9", session_id="s9", first_event_id=1, **fields))

    async def go_on() -> None:
        await decided
        run.emit(ev.RunCompleted)

    bench.tasks.append(asyncio.create_task(go_on()))
    _, said = await talk("4", session="s9")
    assert "I was here before." in said
    assert bench.decisions == [("approval-1", Decision(outcome="deny"))]


# --- commands


async def test_every_command_exists_and_help_names_it(talk: Talk) -> None:
    _, said = await talk("/help")
    for name, command in COMMANDS.items():
        assert f"/{name} {command.argument}".rstrip() + f": {command.help}." in said
        assert name == "quit" or callable(getattr(Commands, f"_{name}"))


async def test_a_misspelt_command_names_the_nearest_and_is_not_sent(talk: Talk, bench: FakeWorkbench) -> None:
    _, said = await talk("/sesions")
    assert "There is no command /sesions. Did you mean /sessions?" in said
    assert bench.sent == []


async def test_quit_leaves_at_once(talk: Talk, bench: FakeWorkbench) -> None:
    status, _ = await talk("/quit", "hello")
    assert (status, bench.sent) == (0, [])


async def test_agents_models_and_sessions_are_chosen_from_numbered_lists(
    talk: Talk, bench: FakeWorkbench
) -> None:
    bench.agent_infos["writer"] = OTHER
    bench.model_rows = [ModelInfo(name="a/one", provider="a"), ModelInfo(name="a/two", provider="a")]
    bench.known["s9"] = session_of("s9", title="Q3 \x1b[2Jreport")
    _, said = await talk("/agent", "2", "hello", "/model", "2", "again", "/sessions Q3", "1", "there")
    assert "2. writer: Does writer things." in said
    assert [sent.options.model for sent in bench.sent] == [None, "a/two", "a/two"]
    assert bench.known[bench.sent[0].session_id].agent == "writer"
    assert bench.sent[2].session_id == "s9"
    assert "\x1b" not in said


async def test_nothing_is_chosen_by_an_empty_line_or_a_wrong_number(talk: Talk, bench: FakeWorkbench) -> None:
    bench.agent_infos["writer"] = OTHER
    _, said = await talk("/agent", "", "/agent", "7", "/where")
    assert "Nothing was chosen." in said
    assert "Error: '7' is none of them" in said
    assert said.count("Agent: general.") == 2


async def test_an_agent_that_is_not_there_changes_nothing(talk: Talk, bench: FakeWorkbench) -> None:
    _, said = await talk("/new nobody", "hello")
    assert "Error: there is no agent 'nobody'" in said
    assert bench.known[bench.sent[0].session_id].agent == "general"


async def test_what_waits_elsewhere_is_decided_with_approve(talk: Talk, bench: FakeWorkbench) -> None:
    bench.known["s1"] = session_of("s1", title="Elsewhere")
    bench.listed_approvals.append(approval_of("approval-7", "s1"))
    _, said = await talk("/approve", "4")
    assert bench.decisions == [("approval-7", Decision(outcome="deny"))]
    assert "In the session: Elsewhere." in said


async def test_the_mode_of_the_session_is_chosen(talk: Talk, bench: FakeWorkbench) -> None:
    _, said = await talk("/mode", "2", "/mode auto", "/mode all")
    (mode,) = bench.modes.values()
    assert mode.mode is ApproveMode.AUTO
    assert "Mode: edits, writes files of the workspace without asking." in said
    assert "Error: there is no mode 'all'; there are ask, edits, plan, auto" in said


async def test_files_go_along_with_the_next_message_only(
    talk: Talk, bench: FakeWorkbench, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("1")
    await talk(f"/attach {tmp_path / 'a.csv'}", "look", "more")
    assert [len(sent.parts) for sent in bench.sent] == [2, 1]


async def test_files_that_a_typed_message_names_go_along_and_those_that_a_pipe_names_do_not(
    talk: Talk, bench: FakeWorkbench, tmp_path: Path
) -> None:
    (path := tmp_path / "a.csv").write_text("1")
    _, said = await talk(f"look at @{path}, @gone.csv and @anna")
    assert [len(sent.parts) for sent in bench.sent] == [2]
    assert f"Sent along: {path}." in said
    assert "There is no file gone.csv: it is sent as text." in said and "no file anna" not in said
    await talk(f"look at @{path}", is_terminal=False)
    assert len(bench.sent[1].parts) == 1


async def test_what_needs_a_session_says_so(talk: Talk) -> None:
    _, said = await talk("/history", "/undo", "/repeat")
    assert said.count("Error: no session is open yet") == 2
    assert "There is no reply yet in this chat." in said


async def test_a_pipe_ends_at_the_first_mistake(talk: Talk) -> None:
    with pytest.raises(InvalidError):
        await talk("/history", "hello", is_terminal=False)


# --- how it is opened


@pytest.mark.parametrize(
    ("environ", "settings", "plain"),
    [
        ({}, "", False),
        ({"TERM": "dumb"}, "", True),
        ({"HOLDFAST_SCREEN_READER": "1"}, "", True),
        ({"HOLDFAST_SCREEN_READER": "0", "TERM": "dumb"}, "", False),
        ({}, "tui:\n  screen_reader: true\n", True),
        ({}, "tui:\n  screen_reader: false\n", False),
        ({"HOLDFAST_TUI__SCREEN_READER": "true"}, "tui:\n  theme: nord\n", True),
    ],
)
def test_screen_readers_and_dumb_terminals_get_lines(
    fake: FakeDoors, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], settings: str, plain: bool
) -> None:
    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, stream, SimpleNamespace(isatty=lambda: True))
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    if settings:
        fake.paths().settings.parent.mkdir(parents=True)
        fake.paths().settings.write_text(settings)
    assert wants_plain() is plain
    started: list[dict[str, Any]] = []
    monkeypatch.setattr("holdfast.cli.chatting.starting.start", lambda **given: started.append(given) or 0)
    assert open_tui({"session": "last"}) == 0
    assert (started, fake.tui) == (([{"session": "last"}], []) if plain else ([], [{"session": "last"}]))


def test_without_a_terminal_a_chat_is_plain(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr("holdfast.cli.chatting.starting.start", lambda *given: started.append(given) or 3)
    assert cli("chat", "--agent", "writer").status == 3
    assert started == [(None, "writer", None, None, None)]


# --- the input


async def lines_of(given: Input) -> list[str | None]:
    return [await asyncio.wait_for(given.next_line(), 5) for _ in range(3)]


async def test_lines_of_a_pipe_and_of_a_file_are_the_same(tmp_path: Path) -> None:
    text = b"one\r\ntw\xc3\xb6 \xff"
    reading, writing = os.pipe()
    os.write(writing, text)
    os.close(writing)
    (tmp_path / "file").write_bytes(text)
    file = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        of_pipe, of_file = Input(reading), Input(file)
        assert (of_pipe.is_terminal, of_file.is_terminal) == (False, False)
        assert await lines_of(of_pipe) == await lines_of(of_file) == ["one", "twö \ufffd", None]
    finally:
        os.close(reading)
        os.close(file)
