"""The playground: a conversation that is built, run and asked for in code."""

from __future__ import annotations

import ast
import json
from datetime import timedelta
from typing import Any

import pytest
from fake_knowledge import THEN
from fake_workbench import FakeRun, FakeWorkbench

from holdfast.core.domain.approvals import Approval, ApproveMode
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.events import (
    ApprovalRequested,
    LoggedEvent,
    MessageAdded,
    PartCompleted,
    PartDelta,
    PartStarted,
    RunCompleted,
    RunStarted,
    ToolCallCompleted,
    ToolCallRequested,
    UsageRecorded,
)
from holdfast.core.domain.messages import TextPart, ToolResultPart, text_of
from holdfast.core.domain.models import ToolSchema
from holdfast.tui.presenters.entries import Entry, fold
from holdfast.tui.presenters.playground.code import KEY, LANGUAGES, code_of
from holdfast.tui.presenters.playground.played import Played
from holdfast.tui.presenters.playground.requests import SNIPPETS
from holdfast.tui.presenters.playground.screen import (
    copied_text,
    detail_lines,
    footer,
    headline,
    message_rows,
    note_lines,
    reply_lines,
)
from holdfast.tui.presenters.playground.sending import tools_of, tools_text, turn_of
from holdfast.tui.presenters.playground.state import PlaygroundState, PlayMessage
from holdfast.tui.presenters.spans import plain

EVIL = "x\x1b]0;pwn\x07y"
IDS: Any = {"session_id": "s1", "run_id": "r1"}
TOOL = ToolSchema(name="find_order", description="Finds it.", parameters={"type": "object"})


def said(*messages: tuple[str, str], **more: Any) -> PlaygroundState:
    known = [PlayMessage(role, text) for role, text in messages]  # type: ignore[arg-type]
    return PlaygroundState(agent="clerk", agent_id="clerk-id", messages=known, **more)


def played(*made: Any) -> Played:
    run = Played("s1", "r1")
    for number, event in enumerate(made):
        run.apply(
            LoggedEvent(
                id=number + 1, event=event.model_copy(update={"at": THEN + timedelta(seconds=number)})
            )
        )
    return run


ANSWERED = (
    RunStarted(**IDS, agent="clerk", model="offline"),
    PartStarted(**IDS, part_id="p1", kind="text"),
    PartDelta(**IDS, part_id="p1", text="Par"),
    PartCompleted(**IDS, part_id="p1", kind="text", text="Paris."),
    UsageRecorded(**IDS, model="offline", input_tokens=10, output_tokens=5, cost_usd=0.25, estimated=False),
    RunCompleted(**IDS),
)
LEFT = (
    RunStarted(**IDS, agent="clerk", model="offline"),
    ToolCallRequested(**IDS, call_id="c1", step=1, name="find_order", arguments={"order": 7}),
    ToolCallCompleted(**IDS, call_id="c1", name="find_order", outcome="client", content=()),
    RunCompleted(**IDS, reason="client_tools"),
)


# --- building


def test_a_message_is_added_for_who_has_not_spoken_last() -> None:
    state = PlaygroundState()
    assert [one.role for one in state.messages] == ["user"]
    assert (state.add(), state.messages[1].role, state.wanted) == (1, "assistant", "1")
    assert (state.add(), state.messages[2].role) == (2, "user")


def test_messages_are_written_moved_and_taken_out() -> None:
    state = said(("user", "one"), ("assistant", "two"), ("user", "three"))
    state.write(0, EVIL)
    state.move(0, 1)
    assert [one.text for one in state.messages] == ["two", "x]0;pwny", "three"] and state.wanted == "1"
    state.move(0, -1)
    state.move(2, 1)
    state.turn_role(0)
    assert [one.role for one in state.messages] == ["system", "user", "user"]
    state.remove(2)
    assert state.wanted == "1" and len(state.messages) == 2
    state.remove(0)
    state.remove(0)
    assert state.messages == [] and state.at("0") is None and state.at("") is None


def test_the_last_message_is_sent_after_the_others_and_system_messages_before_all() -> None:
    state = said(
        ("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("system", "Be kind."),
        ("user", "Where?"), ("assistant", "  "), tools=(TOOL,),
    )  # fmt: skip
    text, options = turn_of(state, ApproveMode.ASK)
    assert text == "Where?" and options.instructions_prefix == "Be brief.\n\nBe kind."
    assert [(one.role, one.text) for one in options.history or ()] == [("user", "Hi"), ("assistant", "Hello")]
    assert options.client_tools == (TOOL,) and options.approve is ApproveMode.ASK and not options.hand_over


def test_what_is_run_alone_does_not_go_on_from_the_session() -> None:
    assert turn_of(said(("user", "Hi")), ApproveMode.ASK)[1].history == ()


@pytest.mark.parametrize(
    ("messages", "code"),
    [((), "nothing_said"), ((("user", " "),), "nothing_said"), ((("system", "Hi"),), "nothing_said"),
     ((("user", "Hi"), ("assistant", "Hello")), "not_the_user")],
)  # fmt: skip
def test_a_conversation_that_does_not_end_with_the_user_is_not_run(messages: Any, code: str) -> None:
    with pytest.raises(InvalidError) as raised:
        turn_of(said(*messages), ApproveMode.ASK)
    assert raised.value.code == code


def test_tools_are_described_as_json() -> None:
    assert tools_of(" \n") == () and tools_of(tools_text((TOOL,))) == (TOOL,)
    assert tools_of(tools_text(()))[0].name == "get_delivery_date"
    assert tools_of(TOOL.model_dump_json()) == (TOOL,)
    for wrong in ("{", "[1]", '{"name": "x"}'):
        with pytest.raises(InvalidError):
            tools_of(wrong)


# --- what came of it


def test_the_reply_grows_and_its_cost_is_told() -> None:
    run = played(*ANSWERED[:3])
    assert run.reply == "Par" and not run.ended and run.raw()["run"]["status"] == "running"
    run = played(*ANSWERED)
    assert run.reply == "Paris." and run.ended and run.raw()["response"] == "Paris."
    state = said(("user", "Capital?"), played=run)
    assert plain(reply_lines(state, THEN, 60)).strip() == "✓ done  offline  15 tok · $0.25 · 5.0 s"
    assert '"response": "Paris."' in plain(detail_lines(state, "raw"))
    assert copied_text(state, "reply") == "Paris."
    assert json.loads(copied_text(state, "raw"))["response"] == "Paris."


def test_what_the_agent_does_is_told_as_in_a_session_but_not_what_it_was_told() -> None:
    run = played(
        ANSWERED[0],
        MessageAdded(**IDS, message_id="m1", parts=(TextPart(text="Capital?"),), origin="send"),
        *ANSWERED[1:],
    )
    assert [(one.kind, one.text) for one in run.entries] == [("reply", "Paris.")]
    folded: list[Entry] = []
    fold(folded, run.fresh)
    assert folded == run.entries


def test_only_what_is_there_can_be_copied_or_kept() -> None:
    labels = {label for _, label, _ in footer(said(("user", "Hi")), "reply")}
    assert not labels & {"copy", "keep reply"}
    labels = {label for _, label, _ in footer(said(("user", "Hi"), played=played(*ANSWERED)), "reply")}
    assert labels >= {"copy", "keep reply"}


def test_what_waits_for_the_person_has_a_key() -> None:
    call = {"session_id": "s1", "run_id": "r1", "call_id": "c1", "agent": "clerk", "tool": "write_file"}
    known = {**call, "id": "a1", "risk": "write", "subject": "", "arguments": {}, "rule": "write_file()"}
    asked = Approval.model_validate({**known, "reason": "no rule", "requested_at": THEN})
    state = said(("user", "Write"), played=played(*LEFT[:2], ApprovalRequested(**IDS, approval=asked)))
    assert footer(state, "reply")[1][1] == "decide"
    assert "waits for you" in plain(reply_lines(state, THEN, 60))


def test_a_reply_is_put_into_the_conversation() -> None:
    state = said(("user", "Capital?"), played=played(*ANSWERED))
    assert state.keep() and state.messages[-1] == PlayMessage("assistant", "Paris.") and state.wanted == "1"
    assert state.keep() and len(state.messages) == 2
    assert not said(("user", "Capital?")).keep()


def test_tools_that_are_the_persons_are_told_with_the_key_that_answers() -> None:
    run = played(*LEFT)
    assert [(one.name, one.arguments) for one in run.open_calls] == [("find_order", {"order": 7})]
    assert run.raw()["tool_calls"] == [{"name": "find_order", "parameters": {"order": 7}}]
    state = said(("user", "Where is it?"), played=run)
    assert "t takes what they gave" in plain(reply_lines(state, THEN, 60))
    assert footer(state, "reply")[1][1] == "results"
    state.keep_results([(run.open_calls[0], "on its way")])
    assert state.messages[-1].text == 'Called tool: find_order with {"order": 7}. Got: on its way'


# --- what is shown


def test_a_message_shows_its_beginning_and_the_filter_finds_roles_and_words() -> None:
    state = said(("system", "a\nb\nc\nd\ne"), ("user", ""))
    rows = dict(message_rows(state, [], 40))
    assert plain(rows["0"]) == "system\n  a\n  b\n  c\n  +2 more"
    assert "enter writes it" in plain(rows["1"])
    assert [key for key, _ in message_rows(state, ["user"], 40)] == ["1"]
    assert plain(note_lines(state, some=False)) == "No message fits."


def test_every_state_says_the_next_step() -> None:
    assert "g chooses an agent" in plain(detail_lines(PlaygroundState(), "reply"))
    state = said(("user", ""))
    assert "r lets the agent answer" in plain(detail_lines(state, "raw"))
    assert "n adds a message" in plain(note_lines(said(), some=False))
    assert "holdfast serve" in plain(detail_lines(state, "code"))
    assert "holdfast serve" not in plain(detail_lines(said(served=True), "code"))
    state.played = played(*ANSWERED[:2])
    assert "running" in plain([headline(state, 0)]) and footer(state, "reply")[1][1] == "stop"
    assert "no agent yet" in plain([headline(PlaygroundState(), 2)])


# --- code


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[one.title for one in SNIPPETS])
@pytest.mark.parametrize("language", LANGUAGES)
def test_code_reads_the_key_and_holds_none(snippet: Any, language: str) -> None:
    state = said(
        ("system", "Be 'brief'."), ("user", 'It\'s "you" `$HOME` ${x} {y} \\ ü\nJSON'), tools=(TOOL,)
    )
    state.address = "http://127.0.0.1:1"
    code = code_of(state, snippet, language)
    assert KEY in code and "http://127.0.0.1:1" in code
    assert ("Bearer" in code) is snippet.bearer
    if language == "Python":
        ast.parse(code)


def test_the_next_languages_and_apis_are_shown_in_turn() -> None:
    state = said(("user", "Hi"), dialect=len(SNIPPETS) - 1, language=2)
    text = plain(detail_lines(state, "code"))
    assert "GenLabs v2  JavaScript" in text and "must be logged" in text
    assert [name for _, name, _ in footer(state, "code")][2:4] == ["next API", "language"]
    assert "await ask(`/genlabs/v2/clerk-id`" in copied_text(state, "code")
    assert copied_text(PlaygroundState(), "code") == ""


# --- on the screen


async def test_a_conversation_is_run_and_gone_on_with(make_app: Any, until: Any) -> None:
    async def answer(run: FakeRun) -> None:
        await run.say(f"Heard: {run.message}")

    async def leave(run: FakeRun) -> None:
        run.emit(ToolCallRequested, call_id="c1", step=1, name="find_order", arguments={"order": 7})
        run.emit(ToolCallCompleted, call_id="c1", name="find_order", outcome="client", content=())

    async def wait(run: FakeRun) -> None:
        await run.say("Wait.")
        await run.hold()
        await run.say("Done.")

    bench = FakeWorkbench([answer, leave, answer, wait])
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        state = app.model.playground
        await until(pilot, lambda: app.desk and app.desk.context.connected)
        app.command("playground", "analyst")
        await until(pilot, lambda: app.screen is not app.main and state.agent == "analyst")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query("#arguments"))
        await pilot.press(*"Hello", "ctrl+s")
        await until(pilot, lambda: state.messages[0].text == "Hello" and app.screen.query("#l-list"))
        await pilot.press("r")
        await until(pilot, lambda: state.played and state.played.run)
        assert state.played.reply == "Heard: Hello"
        assert (
            bench.options[-1].history == ()
            and bench.sessions_by_id[state.played.session_id].agent == "analyst"
        )
        app.screen.query_one("#p-reply").focus()
        await pilot.press("k")  # of the playground, there too
        await until(pilot, lambda: app.screen.query_one("#l-list").current == "1")
        await pilot.press("d")
        await until(pilot, lambda: len(state.messages) == 1)
        await pilot.press("r")
        await until(pilot, lambda: state.played.open_calls and state.played.run)
        await pilot.press("t")
        await until(pilot, lambda: app.screen.query("#form-fields"))
        await pilot.press(*"sent", "ctrl+s")
        await until(pilot, lambda: state.played.reply and state.played.run)
        parts, options = bench.sent[-1], bench.options[-1]
        await pilot.press("N")
        await until(pilot, lambda: state.played is None)
        state.messages[0] = PlayMessage("user", "Again")
        await pilot.press("r")
        await until(pilot, lambda: state.played and state.played.reply == "Wait.")
        bench.lose()
        await until(pilot, lambda: app.model.header.engine != "ready")
        bench.lost = False
        bench.release.set()
        await until(pilot, lambda: state.played.ended and state.played.run)
        assert state.played.reply == "Wait.\n\nDone."
    [part] = parts
    assert isinstance(part, ToolResultPart) and (part.call_id, text_of(part.content)) == ("c1", "sent")
    assert options.history is None
    assert len({one.session_id for one in bench.runs_by_id.values()}) == 1
