"""Events become entries."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.messages import TextPart, ToolResultPart
from holdfast.core.domain.tools import CommandBlock, PlanBlock, PlanItem
from holdfast.tui.presenters.entries import (
    TOOL_STATES,
    Append,
    Change,
    CommandView,
    DiffView,
    Entry,
    PlanView,
)
from holdfast.tui.presenters.transcript import TranscriptPresenter
from holdfast.tui.widgets.transcript.pieces import Header


def only(entries: list[Entry], kind: str) -> Entry:
    [entry] = [e for e in entries if e.kind == kind]
    return entry


def test_a_message_and_its_reply_have_their_speakers(log: Any) -> None:
    log.start("What is it?", agent="librarian")
    log.part("p", "It ", "is so.")
    user, reply = log.entries()
    assert (user.kind, user.speaker, user.text) == ("user", "you", "What is it?")
    assert (reply.kind, reply.speaker, reply.text, reply.open) == ("reply", "librarian", "It is so.", False)


def test_the_agent_is_named_once_for_a_run_and_again_after_a_steer(log: Any) -> None:
    log.start()
    log.part("p1", "one")
    log.request("c1", path="a")
    log.complete("c1")
    log.part("p2", "two")
    log.add("MessageAdded", message_id="st", parts=(TextPart(text="shorter"),), origin="steer")
    log.part("p3", "three")
    assert [e.speaker for e in log.entries()] == ["you", "analyst", "", "", "you, meanwhile", "analyst"]


def test_attachments_are_named_with_their_sizes(log: Any) -> None:
    log.add("RunStarted", agent="a", model="offline")
    parts = (TextPart(text="look"), log.file_part("sales\x1b[2J.csv", 2100))
    log.add("MessageAdded", message_id="m", parts=parts)
    assert log.entries()[0].attachments == ("sales[2J.csv · 2.1 KB",)


def test_reasoning_is_collapsed_and_says_how_long_it_took(log: Any) -> None:
    log.start()
    log.part("r", "Let me", " think", kind="reasoning")
    entry = only(log.entries(), "reasoning")
    assert entry.collapsed
    assert entry.title == "Thought for 3.0 s"
    assert entry.text == "Let me think"


def test_a_part_that_says_nothing_disappears_and_leaves_its_speaker_to_the_next(log: Any) -> None:
    log.start()
    log.part("p1", "", " \n")
    log.request("c", path="x")
    entries = log.entries()
    assert [e.kind for e in entries] == ["user", "tool"]
    assert entries[1].speaker == "analyst"


def test_a_call_goes_through_its_states(log: Any) -> None:
    log.start()
    states = []
    presenter = TranscriptPresenter()
    for event in log.events:
        presenter.apply(event)

    def step() -> None:
        [update] = presenter.apply(log.events[-1])
        assert isinstance(update, Append | Change)
        states.append((update.entry.state, update.entry.open))

    log.request("c", path="report.md")
    step()
    log.ask("c")
    step()
    log.resolve("c", "approved", Decision(outcome="approve"))
    step()
    log.add("ToolCallStarted", call_id="c", arguments={})
    step()
    log.complete("c", duration_ms=20.0)
    step()
    assert states == [
        *(("requested", True), ("waiting", True), ("requested", True)),
        *(("running", True), ("ok", False)),
    ]


def test_a_waiting_call_shows_exactly_what_it_will_do(log: Any) -> None:
    log.start()
    log.request("c", path="report.md")
    log.ask("c", reason="ask: write_file")
    entry = only(log.entries(), "tool")
    assert (entry.state, entry.subject, entry.note) == ("waiting", "report.md", "ask: write_file")
    assert entry.blocks == [DiffView("report.md", "@@ -0,0 +1 @@\n+hello", True)]
    assert not entry.collapsed


def test_a_denial_shows_the_reason(log: Any) -> None:
    log.start()
    log.request("c", path="report.md")
    log.ask("c")
    log.resolve("c", "denied", Decision(outcome="deny", reason="use another name"))
    log.complete("c", outcome="denied", text="The user denied this.")
    entry = only(log.entries(), "tool")
    assert (entry.state, entry.note, entry.collapsed) == ("denied", "denied: use another name", False)


def test_a_denial_by_policy_says_what_the_model_was_told(log: Any) -> None:
    log.start()
    log.request("c", name="run_command", command="rm -rf /")
    log.complete("c", outcome="denied", text="run_command(rm *) is denied", display=())
    assert only(log.entries(), "tool").note == "run_command(rm *) is denied"


def test_a_call_that_is_left_to_the_caller_says_so(log: Any) -> None:
    log.start()
    log.request("c", name="get_weather", town="Bath")
    log.add("ToolCallCompleted", call_id="c", name="get_weather", outcome="client", content=())
    log.add("RunCompleted", reason="client_tools")
    call = only(log.entries(), "tool")
    assert (call.state, call.subject, call.blocks, call.open) == ("client", "Bath", [], False)
    assert call.state in TOOL_STATES
    assert "↗ handed to the caller" in Header(call, False).lines(80)[0].content.plain
    assert "sends their results" in only(log.entries(), "notice").title


def test_a_message_of_results_is_no_empty_message_of_a_person(log: Any) -> None:
    evil = "Rain\x1b[2J."
    result = ToolResultPart(call_id="c", name="get_weather\x9b", content=(TextPart(text=evil),))
    log.add("RunStarted", agent="a", model="offline")
    log.add("MessageAdded", message_id="m1", parts=(result,))
    (notice,) = log.entries()
    assert (notice.kind, notice.title) == ("notice", "Results from the caller: get_weather")
    assert (notice.text, notice.collapsed) == ("Rain[2J.", True)
    log.add("MessageAdded", message_id="m2", parts=(TextPart(text="And now?"), result))
    assert [(e.kind, e.text) for e in log.entries()][1:] == [("notice", "Rain[2J."), ("user", "And now?")]
    log.add("MessageQueued", message_id="m3", parts=(result,))
    assert log.entries()[-1].text == "Results from the caller"


def test_edited_arguments_are_shown_and_said(log: Any) -> None:
    log.start()
    log.request("c", path="a.md")
    log.ask("c")
    edited = Decision(outcome="approve", scope="always", arguments={"path": "b.md"})
    log.resolve("c", "approved", edited)
    entry = only(log.entries(), "tool")
    assert entry.subject == "b.md"
    assert entry.note == "always allowed from now on, with edited arguments"


def test_a_running_call_shows_the_last_lines_of_its_output(log: Any) -> None:
    log.start()
    log.request("c", name="run_command", command="make")
    log.add("ToolCallStarted", call_id="c", arguments={})
    for number in range(100):
        log.add("ToolCallProgressed", call_id="c", text=f"line {number}\n")
    text = only(log.entries(), "tool").text
    assert text.split("\n") == [*(f"line {n}" for n in range(88, 100)), ""]
    block = CommandBlock(command="make", cwd="/", output="all of it", exit_code=0)
    log.complete("c", display=(block,))
    entry = only(log.entries(), "tool")
    assert (entry.text, entry.collapsed) == ("", True)
    assert entry.blocks == [CommandView("make", "/", "all of it", 0)]


def test_a_tail_takes_the_place_of_what_was_shown_and_colours_are_left_out(log: Any) -> None:
    log.start()
    log.request("c", name="run_command", command="make")
    log.add("ToolCallProgressed", call_id="c", text="first\n")
    log.add("ToolCallProgressed", call_id="c", text="\x1b[32mlater\x1b[0m\n", skipped=9_000)
    log.add("ToolCallProgressed", call_id="c", text="last\n")
    assert only(log.entries(), "tool").text == "later\nlast\n"


def test_plans_and_short_diffs_stay_open_and_errors_too(log: Any) -> None:
    log.start()
    log.request("plan", name="update_plan")
    log.complete("plan", display=(PlanBlock(items=(PlanItem(text="go", status="in_progress"),)),))
    log.request("bad")
    log.complete("bad", outcome="error", text="no such file")
    plan, bad = log.entries()[1:]
    assert plan.blocks == [PlanView((("go", "in_progress"),))]
    assert not plan.collapsed
    assert not bad.collapsed


def test_a_question_keeps_its_answer(log: Any) -> None:
    log.start()
    log.request("c", name="ask_user")
    log.question("q", "c", "Which one?", ["Q2", "Q3"])
    assert only(log.entries(), "question").state == "waiting"
    assert only(log.entries(), "tool").state == "waiting", "the call waits for the person too"
    log.add("QuestionAnswered", question_id="q", call_id="c", answer="Q3")
    assert only(log.entries(), "tool").state == "running"
    entry = only(log.entries(), "question")
    assert (entry.state, entry.note, entry.choices) == ("ok", "Q3", ("Q2", "Q3"))


def test_queued_messages_stay_last_and_go_when_dequeued(log: Any) -> None:
    log.start()
    log.queue("m9", "and then?")
    log.part("p", "still talking")
    assert [e.kind for e in log.entries()] == ["user", "reply", "queued"]
    log.add("MessageDequeued", message_id="m9", reason="pulled_back")
    assert [e.kind for e in log.entries()] == ["user", "reply"]


def test_a_failed_run_says_what_to_do(log: Any) -> None:
    log.start()
    log.part("p", "half of", end=False)
    log.fail("The engine was stopped.\nIts output is kept.", code="interrupted")
    entries = log.entries()
    assert (entries[1].text, entries[1].open) == ("half of", False)
    error = only(entries, "error")
    assert (error.title, error.text) == ("The engine was stopped.", "Its output is kept.")
    assert "ctrl+g" in error.note


def test_a_cut_log_leaves_no_call_running(log: Any) -> None:
    log.start()
    log.request("c")
    log.add("RunCancelled", reason="")
    assert only(log.entries(), "tool").state == "cancelled"


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (
            "ContextCompacted",
            {
                "summary": "So far …",
                "through_event_id": 1,
                "tokens_before": 80_100,
                "tokens_after": 12_000,
                "messages_dropped": 40,
            },
            "80.1k → 12.0k tokens",
        ),
        ("SessionConfigured", {"agent": "coder", "model": "openai/gpt-4o"}, "coder · openai/gpt-4o"),
        ("RunPaused", {}, "Paused"),
    ],
)
def test_what_happens_on_the_way_is_a_notice(log: Any, kind: str, fields: dict[str, Any], words: str) -> None:
    log.start()
    log.add(kind, **fields)
    assert words in only(log.entries(), "notice").title


def test_a_pause_is_forgotten_when_the_run_goes_on(log: Any) -> None:
    log.start()
    log.add("RunPaused")
    log.add("RunResumed")
    assert [e.kind for e in log.entries()] == ["user"]


def test_the_way_on_from_a_stopped_run_is_said_until_another_one_begins(log: Any) -> None:
    log.start()
    log.add("RunCancelled")
    assert "ctrl+g goes on" in only(log.entries(), "notice").title
    log.start("then this")
    assert only(log.entries(), "notice").title == "Stopped"
    log.fail("It broke")
    assert "ctrl+g goes on" in only(log.entries(), "error").note
    log.start("and this")
    assert only(log.entries(), "error").note == ""


def test_the_files_of_one_undo_are_one_notice(log: Any) -> None:
    log.add("FileChanged", path="a.md", change="modified", origin="undo")
    log.add("FileChanged", path="b.md", change="deleted", origin="undo")
    log.add("FileChanged", path="a.md", change="modified", origin="redo")
    assert [e.title for e in log.entries()] == ["Taken back: a.md, b.md", "Brought back: a.md"]


def test_what_clients_do_to_files_is_said_and_what_calls_do_is_not(log: Any) -> None:
    log.add("FileChanged", path="a.md", change="created", origin="api")
    log.add("FileChanged", path="b\x1b.md", change="modified", origin="api")
    log.add("FileChanged", path="a.md", change="deleted", origin="api")
    log.add("FileChanged", path="c.md", change="modified", origin="run")
    titles = [e.title for e in log.entries()]
    assert titles == ["Written by a client: a.md, b.md", "Deleted by a client: a.md"]


def test_a_tool_that_a_person_has_run_is_theirs(log: Any) -> None:
    log.add("RunStarted", agent="analyst", model="")
    log.add("ToolCallRequested", call_id="c", step=0, name="read_file", arguments={"path": "a.md"})
    log.complete("c", text="done")
    log.add("RunCancelled")
    log.start()
    log.part("p", "Hello")
    assert log.entries()[1].title == "Stopped", "there is nothing to go on with"
    assert [(e.kind, e.speaker) for e in log.entries() if e.kind != "notice"] == [
        ("tool", "you"),
        ("user", "you"),
        ("reply", "analyst"),
    ]


def test_no_control_character_reaches_an_entry(log: Any) -> None:
    evil = "\x1b]0;pwn\x1b\\\x9b2J\x07\u202egnp"
    log.start(evil, agent=evil)
    log.part("p", evil, evil)
    log.request("c", name=evil, path=evil)
    log.ask("c", reason=evil)
    log.resolve("c", "denied", Decision(outcome="deny", reason=evil))
    log.complete("c", text=evil, display=(CommandBlock(command=evil, cwd=evil, output=evil),))
    log.question("q", "c", evil, [evil])
    log.fail(evil)
    for entry in log.entries():
        said = repr(entry) + entry.text
        assert not any(word in said for word in ("\\x1b", "\\x9b", "\\x07", "\\u202e"))
        assert "\x1b" not in said
