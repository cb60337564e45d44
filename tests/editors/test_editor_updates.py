"""What events, prompts and approvals are in the protocol's words: without an engine, without an editor."""

from __future__ import annotations

import difflib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.acp.choices import mode_named, modes_of
from holdfast.acp.content import content_of, fenced, hunks_of
from holdfast.acp.errors import request_error
from holdfast.acp.permissions import approval_options, choice_of, decision_of, question_options
from holdfast.acp.prompts import command_in, file_path
from holdfast.acp.updates import OUTPUT_EVERY, OUTPUT_SHOWN, Translator
from holdfast.core.domain.approvals import Approval, ApproveMode
from holdfast.core.domain.errors import ErrorInfo, ErrorKind, InvalidError, NotFoundError
from holdfast.core.domain.events import (
    MessageAdded,
    PartCompleted,
    PartDelta,
    PartStarted,
    RunFailed,
    ToolCallCompleted,
    ToolCallProgressed,
    ToolCallRequested,
    UsageRecorded,
)
from holdfast.core.domain.knowledge import Citation
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.session_events import SessionModeChanged
from holdfast.core.domain.tools import (
    CommandBlock,
    DiffBlock,
    PlanBlock,
    PlanItem,
    Question,
    Risk,
    TableBlock,
)
from holdfast.core.domain.values import utc_now

RUN: dict[str, Any] = {"session_id": "s", "run_id": "r"}


def texts(updates: list[Any]) -> list[tuple[str, str]]:
    return [(update.session_update, update.content.text) for update in updates]


def taken(translator: Translator, *events: Any) -> list[Any]:
    return [update for event in events for update in translator.take(event)]


def approval(rule: str = "write_file(*.md)") -> Approval:
    return Approval(
        id="a",
        session_id="s",
        run_id="r",
        call_id="c",
        agent="general",
        tool="write_file",
        risk=Risk.WRITE,
        subject="a.md",
        arguments={"path": "a.md"},
        rule=rule,
        requested_at=utc_now(),
    )


# --- the reply


def test_a_part_is_said_once_whether_its_deltas_are_there_or_not() -> None:
    whole = PartCompleted(**RUN, part_id="p", kind="text", text="Good day")
    start = PartStarted(**RUN, part_id="p", kind="text")
    live = taken(
        Translator("/w"),
        start,
        PartDelta(**RUN, part_id="p", text="Good "),
        PartDelta(**RUN, part_id="p", text="day"),
        whole,
    )
    shown_again = taken(Translator("/w", replay=True), start, whole)
    assert "".join(text for _, text in texts(live)) == "Good day"
    assert texts(shown_again) == [("agent_message_chunk", "Good day")]


@pytest.mark.parametrize("kind", ["reasoning", "reasoning_summary"])
def test_reasoning_is_a_thought(kind: Any) -> None:
    said = taken(
        Translator("/w"),
        PartStarted(**RUN, part_id="p", kind=kind),
        PartDelta(**RUN, part_id="p", text="Hm"),
        PartCompleted(**RUN, part_id="p", kind=kind, text="Hm"),
    )
    assert texts(said) == [("agent_thought_chunk", "Hm")]


def test_what_the_numbers_stand_for_is_said_behind_the_reply() -> None:
    cited = (Citation(number=1, document="tides.txt", excerpt="High water"),)
    said = taken(
        Translator("/w"), PartCompleted(**RUN, part_id="p", kind="text", text="Noon [1]", citations=cited)
    )
    assert texts(said)[1][1].strip() == "[1] tides.txt"


def test_terminal_escapes_do_not_reach_the_editor() -> None:
    said = taken(Translator("/w"), PartDelta(**RUN, part_id="p", text="a\x1b[2Jb\x9b1mc\n"))
    assert texts(said) == [("agent_message_chunk", "a[2Jb1mc\n")]


def test_what_a_person_wrote_is_shown_only_when_a_session_is_shown_again() -> None:
    added = MessageAdded(**RUN, message_id="m", parts=(TextPart(text="Hello"),))
    repair = added.model_copy(update={"origin": "repair"})
    assert not Translator("/w").take(added)
    replay = Translator("/w", replay=True)
    assert texts(replay.take(added)) == [("user_message_chunk", "Hello")]
    assert not replay.take(repair)


def test_a_failure_is_said_when_a_session_is_shown_again() -> None:
    failed = RunFailed(**RUN, error=ErrorInfo(kind=ErrorKind.UPSTREAM, code="x", message="No luck."))
    assert not Translator("/w").take(failed)
    assert "No luck." in texts(Translator("/w", replay=True).take(failed))[0][1]


def test_usage_is_told_where_the_models_window_is_known() -> None:
    used = UsageRecorded(**RUN, model="m", input_tokens=70, output_tokens=30, cost_usd=0.25)
    assert not Translator("/w").take(used)
    known = Translator("/w", window=lambda _: 1_000)
    known.take(used)
    (update,) = known.take(used)
    assert (update.used, update.size, update.cost.amount) == (100, 1_000, 0.5)


def test_a_mode_that_was_changed_elsewhere_is_told() -> None:
    changed = SessionModeChanged(session_id="s", mode=ApproveMode.PLAN)
    (update,) = Translator("/w").take(changed)
    assert update.current_mode_id == "plan"


# --- calls


def test_calls_of_two_runs_with_one_id_are_two() -> None:
    first = ToolCallRequested(**RUN, call_id="1", step=1, name="read_file", arguments={"path": "a.md"})
    second = first.model_copy(update={"run_id": "r2"})
    ids = [update.tool_call_id for update in taken(Translator("/w"), first, second)]
    assert len(set(ids)) == 2


def test_a_call_says_its_kind_its_file_and_its_line() -> None:
    arguments = {"path": "a.md", "offset": 7}
    call = ToolCallRequested(**RUN, call_id="1", step=1, name="read_file", arguments=arguments)
    (update,) = Translator("/w").take(call)
    assert (update.kind, update.title, update.raw_input) == ("read", "read_file a.md", arguments)
    assert [(place.path, place.line) for place in update.locations] == [("/w/a.md", 7)]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("ok", "completed"),
        ("client", "completed"),
        ("error", "failed"),
        ("denied", "failed"),
        ("cancelled", "failed"),
        ("timeout", "failed"),
    ],
)
def test_every_outcome_has_a_status(outcome: Any, status: str) -> None:
    done = ToolCallCompleted(
        **RUN, call_id="1", name="x", outcome=outcome, content=(TextPart(text="because"),)
    )
    (update,) = Translator("/w").take(done)
    assert update.status == status
    assert "because" in update.content[0].content.text


def test_a_plan_goes_to_the_place_that_editors_have_for_it() -> None:
    items = (PlanItem(text="Look", status="completed"), PlanItem(text="Act", status="in_progress"))
    done = ToolCallCompleted(
        **RUN, call_id="1", name="update_plan", outcome="ok", content=(), display=(PlanBlock(items=items),)
    )
    plan, _ = Translator("/w").take(done)
    assert [(entry.content, entry.status) for entry in plan.entries] == [
        ("Look", "completed"),
        ("Act", "in_progress"),
    ]


def test_output_of_a_call_is_told_now_and_then_and_never_more_than_its_end() -> None:
    translator = Translator("/w")
    began = utc_now()
    sent = []
    for tick in range(1_000):
        at = began + timedelta(milliseconds=tick)
        sent += translator.take(ToolCallProgressed(**RUN, call_id="1", text=f"line {tick}\n" * 20, at=at))
    assert len(sent) == 1_000 // (OUTPUT_EVERY / timedelta(milliseconds=1))
    assert all(len(update.content[0].content.text) < OUTPUT_SHOWN + 20 for update in sent)
    assert "line 750" in sent[-1].content[0].content.text


# --- what is shown of them


def test_a_command_is_shown_with_its_output_and_status() -> None:
    (shown,) = content_of((CommandBlock(command="make", cwd="/w", output="no\n", exit_code=2),), "/w")
    assert shown.content.text == "```\n$ make\nno\n\n(exit status 2)\n```"


def test_a_table_is_markdown_and_of_bounded_length() -> None:
    rows = tuple((str(n), "a|b\n") for n in range(80))
    (shown,) = content_of((TableBlock(headers=("n", "x"), rows=rows),), "/w")
    assert shown.content.text.startswith("| n | x |\n| --- | --- |\n| 0 | a\\|b  |\n")
    assert shown.content.text.endswith("… and 30 more rows")


@given(st.text())
def test_no_text_ends_its_code_block(text: str) -> None:
    block = fenced(text)
    fence = block[: len(block) - len(block.lstrip("`"))]
    assert len(fence) >= 3
    assert fence not in block[len(fence) : -len(fence)]


def test_what_is_no_diff_is_shown_as_it_is() -> None:
    (shown,) = content_of((DiffBlock(path="a.png", diff="(replaces 3 bytes that are no text)\n"),), "/w")
    assert (shown.type, shown.content.text) == ("content", "(replaces 3 bytes that are no text)\n")


LINES = st.lists(st.sampled_from(["", "a", "-", "+x", "@@ no", " b", "\\ c"]), max_size=30)


@given(LINES, LINES, st.booleans())
def test_the_hunks_of_a_diff_turn_the_old_text_into_the_new(
    old: list[str], new: list[str], ended: bool
) -> None:
    before = "\n".join(old) + ("\n" if old and ended else "")
    after = "\n".join(new)
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), "a", "b", n=3)
    diff = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    result = before
    for hunk in reversed(hunks_of(diff)):
        text = "".join(hunk.old)
        at = sum(len(each) for each in after.splitlines(True)[: hunk.line - 1]) if not text else -1
        result = (
            result[:at] + "".join(hunk.new) if not text else _replaced_last(result, text, "".join(hunk.new))
        )
    assert result == after or before == after


def _replaced_last(text: str, old: str, new: str) -> str:
    head, found, tail = text.rpartition(old)
    assert found, (text, old)
    return head + new + tail


# --- decisions


def test_without_a_rule_there_is_nothing_to_allow_for_longer() -> None:
    assert [option.kind for option in approval_options(approval(rule=""))] == ["allow_once", "reject_once"]


@pytest.mark.parametrize(
    ("chosen", "outcome", "scope"),
    [
        ("once", "approve", "once"),
        ("session", "approve", "session"),
        ("always", "approve", "always"),
        ("reject", "deny", "once"),
        ("no such option", "deny", "once"),
    ],
)
def test_an_option_is_a_decision(chosen: str, outcome: str, scope: str) -> None:
    decision = decision_of(chosen)
    assert (decision.outcome, decision.scope) == (outcome, scope)


def test_choices_of_a_question_are_options_and_words_of_ones_own_too() -> None:
    question = Question(
        id="q", session_id="s", run_id="r", call_id="c", text="Which?", choices=("red", "blue")
    )
    ids = [option.option_id for option in question_options(question)]
    assert [choice_of(question, each) for each in ids] == ["red", "blue", None]
    assert choice_of(question, "choice-7") is None


@pytest.mark.parametrize("mode", ApproveMode)
def test_every_mode_can_be_shown(mode: ApproveMode) -> None:
    state = modes_of(mode)
    assert state.current_mode_id in {each.id for each in state.available_modes}


def test_a_mode_that_is_none_is_refused_with_those_there_are() -> None:
    assert mode_named("plan") is ApproveMode.PLAN
    with pytest.raises(InvalidError, match="ask, reads, edits"):
        mode_named("none")


# --- prompts


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b%20c.txt", "/a/b c.txt"),
        ("file://localhost/a", "/a"),
        ("/a/b", "/a/b"),
        ("file://elsewhere/a", None),
        ("https://example.org/a", None),
        ("zed:///agent/thread/1", None),
        ("file://[", None),
    ],
)
def test_only_files_of_this_machine_are_taken_along(uri: str, path: str | None) -> None:
    assert file_path(uri) == path


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/say French good day", ("say", "French good day")),
        (" /mcp:srv:say two\nlines ", ("mcp:srv:say", "two\nlines")),
        ("/say", ("say", "")),
        ("/nothing", None),
        ("not /say x", None),
    ],
)
def test_a_command_is_a_prompt_that_there_is(text: str, command: Any) -> None:
    assert command_in(text, {"say", "mcp:srv:say"}) == command


def test_an_error_keeps_its_code_and_its_words() -> None:
    error = request_error(NotFoundError("There is no session x.", code="session_not_found"))
    assert (error.code, str(error), error.data["code"]) == (
        -32002,
        "There is no session x.",
        "session_not_found",
    )


def test_a_diff_with_a_number_of_thousands_of_digits_is_none() -> None:
    assert hunks_of(f"@@ -1 +{'9' * 5000} @@\n-a\n+b") == []
