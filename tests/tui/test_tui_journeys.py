"""Journeys through the whole app on the fake workbench: what a person does, by keys alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_workbench import FakeRun, FakeWorkbench, new_file, settings, spec
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from holdfast.core.config.paths import shipped
from holdfast.core.domain.agents import AgentInfo, Layer, Prompt
from holdfast.core.domain.errors import Diagnostic, InvalidError
from holdfast.core.domain.messages import TextPart, text_of
from holdfast.core.domain.tools import CommandBlock, Risk
from holdfast.tui.app import HoldfastApp
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.spans import line
from holdfast.tui.screens.dialogs import (
    ApprovalScreen,
    AskScreen,
    ChooseScreen,
    DocumentScreen,
)
from holdfast.tui.screens.form import FormScreen
from holdfast.tui.widgets.lines import LinesView

pytestmark = pytest.mark.thorough

SIZE = (120, 40)
EVIL = "x\x1b]0;pwn\x07y\x9bz"


async def write(job: FakeRun) -> None:
    arguments, preview = new_file("report.md", "# Report\nAll is well.\n")
    await job.call("write_file", arguments, "report.md", preview)
    await job.say("It is written.")


async def command(job: FakeRun) -> None:
    block = CommandBlock(command="make all", cwd="/work/project")
    await job.call("run_command", {"command": "make all"}, "make all", (block,), risk=Risk.EXECUTE)
    await job.say("It is made.")


async def hold(job: FakeRun) -> None:
    await job.say("I begin.")
    await job.hold()
    await job.say("I end.")


def shown(app: HoldfastApp) -> str:
    """Returns the characters on the screen."""
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


def replies(app: HoldfastApp) -> list[str]:
    if app.main.panes is None:
        return []
    return [entry.text for entry in app.main.panes.entries._entries.values() if entry.kind == "reply"]


async def say(pilot: Pilot[Any], text: str) -> None:
    for character in text:
        await pilot.press("space" if character == " " else character)
    await pilot.press("enter")


def engine_is(app: HoldfastApp, state: str) -> Callable[[], bool]:
    return lambda: app.model.header.engine == state


async def test_what_is_typed_before_the_engine_answers_is_sent_when_it_does(make_app, until) -> None:
    bench, gate = FakeWorkbench(), asyncio.Event()

    async def connect() -> FakeWorkbench:
        await gate.wait()
        return bench

    app = make_app(bench, connect=connect)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "hello")
        await until(pilot, lambda: app.model.outbox)
        await until(pilot, lambda: "waits for the engine  hello" in shown(app))
        assert "engine starting…" in shown(app)
        gate.set()
        await until(pilot, lambda: replies(app) == ["You said: hello"])
        assert text_of(bench.sent[0]) == "hello"
        await until(pilot, lambda: "engine ●" in shown(app) and "hello" in app.model.title)


async def test_a_word_that_begins_with_a_deciding_key_is_a_word(make_app, until) -> None:
    bench = FakeWorkbench([command])
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: app.main.box.area.deciding_keys)
        await pilot.press("y", "e", "s")
        assert app.main.box.area.text == "yes"
        await pilot.press("enter")
        await until(pilot, lambda: app.model.queue)
        assert bench.decisions == {}


async def test_a_key_in_the_first_moments_of_an_approval_decides_nothing(make_app, until) -> None:
    bench = FakeWorkbench([command])
    bench.settings = settings(tui={"key_guard_s": 5})
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: len(app.model.inbox) == 1)
        await pilot.press("f2")
        await until(pilot, lambda: app.main.place == "approvals")
        await pilot.press("y")
        await until(pilot, lambda: any("just come up" in str(n.message) for n in app._notifications))
        assert bench.decisions == {}


async def test_always_shows_its_rule_wants_a_second_press_and_names_the_policy(make_app, until) -> None:
    bench = FakeWorkbench([command])
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: len(app.model.inbox) == 1)
        await pilot.press("f2", "a")
        await until(pilot, lambda: "again adds run_command(make all)" in shown(app))
        assert bench.decisions == {}
        await pilot.press("a")
        await until(pilot, lambda: bench.decisions)
        assert bench.decisions["approval-1"].scope == "always"
        await until(pilot, lambda: any("policy.yaml" in str(n.message) for n in app._notifications))


async def test_the_whole_of_an_approval_fills_the_screen_and_can_be_decided_there(make_app, until) -> None:
    bench = FakeWorkbench([write])
    app = make_app(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: len(app.model.inbox) == 1)
        await pilot.press("f2", "enter")
        await until(pilot, lambda: isinstance(app.screen, ApprovalScreen))
        await until(pilot, lambda: "+All is well." in shown(app))
        await pilot.press("n")
        await until(pilot, lambda: bench.decisions)
        assert bench.decisions["approval-1"].outcome == "deny"
        await until(pilot, lambda: app.screen is app.main)


async def test_questions_are_answered_by_number_or_in_words(make_app, until) -> None:
    async def ask(job: FakeRun) -> None:
        first = await job.ask("Which one?", ("left", "right"))
        second = await job.ask("And why?")
        await job.say(f"{first} because {second}")

    bench = FakeWorkbench([ask])
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: "2" in app.main.box.area.deciding_keys)
        await pilot.press("2")
        await until(pilot, lambda: bench.answers == {"question-1": "right"})
        await until(pilot, lambda: app.model.answering() is not None)
        await say(pilot, "it is so")
        await until(pilot, lambda: replies(app) == ["right because it is so"])


async def test_messages_queue_while_a_run_is_busy_and_come_back_with_up(make_app, until) -> None:
    bench = FakeWorkbench([hold])
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: app.model.run.busy)
        await say(pilot, "second")
        await until(pilot, lambda: "queued until the run ends  second" in shown(app))
        await say(pilot, "third")
        await until(pilot, lambda: len(app.model.queue) == 2)
        await pilot.pause()
        await pilot.press("up")
        await until(pilot, lambda: app.main.box.area.text == "third")
        assert [waiting.text for waiting in app.model.queue] == ["second"]
        bench.release.set()
        await until(pilot, lambda: replies(app)[-1:] == ["You said: second"])


async def test_esc_interrupts_and_ctrl_g_goes_on(make_app, until) -> None:
    bench = FakeWorkbench([hold])
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: app.model.run.busy)
        await pilot.press("escape")
        await until(pilot, lambda: app.model.run.continuable)
        await until(pilot, lambda: "Interrupted" in shown(app) and "ctrl+g goes on" in shown(app))
        await pilot.press("ctrl+g")
        await until(pilot, lambda: replies(app)[-1:] == ["You said: Continue."])


async def test_a_failed_run_says_why(make_app, until) -> None:
    async def fail(job: FakeRun) -> None:
        raise InvalidError("The model is not there.")

    app = make_app(FakeWorkbench([fail]))
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: "The model is not there." in shown(app))
        await until(pilot, lambda: "The run failed.  ctrl+g goes on from here" in shown(app))


async def test_search_opens_a_session_at_the_hit(make_app, until) -> None:
    bench = FakeWorkbench()
    old = bench.add_session("Old notes")
    await bench.play(old.id, "tell me of the needle")
    for number in range(300):
        await bench.play(old.id, f"filler {number}")
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.model.sessions.loaded)
        await pilot.press("ctrl+o", "slash")
        for character in "needle":
            await pilot.press(character)
        await until(pilot, lambda: app.model.hits)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.model.session_id == old.id and not app.model.opening)
        await until(pilot, lambda: "You said: tell me of the needle" in shown(app))
        assert not app.main.panes.transcript.following


async def test_a_session_is_renamed_exported_and_deleted(make_app, until, tmp_path: Path) -> None:
    bench = FakeWorkbench()
    session = bench.add_session("Old notes")
    await bench.play(session.id, "hello")
    app = make_app(bench, session="last")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.model.session_id == session.id and replies(app))
        await say(pilot, "/rename Better notes")
        await until(pilot, lambda: bench.sessions_by_id[session.id].title == "Better notes")
        await say(pilot, "/export json")
        await until(pilot, lambda: (tmp_path / "better-notes.json").exists())
        await say(pilot, "/export markdown")
        await until(pilot, lambda: (tmp_path / "better-notes.md").read_text() == "# Better notes\n")
        await pilot.press("ctrl+o", "d")
        await until(pilot, lambda: session.id not in bench.sessions_by_id and app.model.session_id is None)
        await pilot.press("ctrl+z")
        await until(pilot, lambda: session.id in bench.sessions_by_id)
        await until(pilot, lambda: session.id in app.main.panes.sessions.shown)


async def test_the_cursor_of_the_list_is_on_the_session_that_is_open(make_app, until) -> None:
    bench = FakeWorkbench()
    bench.add_session("Old")
    app = make_app(bench, session="last")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.model.title == "Old")
        await pilot.press("ctrl+o", "escape")
        app.command("new", "general")
        await until(pilot, lambda: app.model.session_id is None)
        await say(pilot, "hello")
        await until(pilot, lambda: replies(app))
        await until(pilot, lambda: app.main.panes.meant_session() is None)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: app.main.panes.meant_session() == app.model.session_id)


async def test_what_is_said_for_a_moment_leaves_the_message_field_free(make_app, until) -> None:
    app = make_app(FakeWorkbench())
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, engine_is(app, "ready"))
        app.main.say("Exported.")
        await until(pilot, lambda: len(app.screen.query("Toast")) and "Exported." in shown(app))
        toast, field = app.screen.query("Toast").first().region, app.main.box.area.region
        assert not toast.overlaps(field)
        assert app.screen.region.contains_region(toast)


async def test_a_fork_before_a_message_gives_the_message_back_to_edit(make_app, until) -> None:
    bench = FakeWorkbench()
    session = bench.add_session("Old notes")
    await bench.play(session.id, "first")
    await bench.play(session.id, "second")
    app = make_app(bench, session=session.id)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: len(replies(app)) == 2)
        entry = next(
            e for e in app.main.panes.entries._entries.values() if e.kind == "user" and e.text == "second"
        )
        transcript = app.main.panes.transcript
        transcript.post_message(transcript.EntryActivated(transcript, entry.id))
        await until(pilot, lambda: app.main.panes.selected_entry() is entry)
        await say(pilot, "/fork")
        await until(pilot, lambda: app.model.session_id not in (None, session.id) and replies(app))
        await until(pilot, lambda: app.main.box.area.text == "second")
        assert replies(app) == ["You said: first"]


async def test_a_lost_engine_is_found_again_and_no_event_is_missed(make_app, until) -> None:
    bench = FakeWorkbench()
    session = bench.add_session("Notes")
    await bench.play(session.id, "one")
    app = make_app(bench, session=session.id)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: replies(app) == ["You said: one"])
        bench.lose()
        await until(pilot, lambda: "engine lost – reconnecting" in shown(app))
        await bench.play(session.id, "two")
        await say(pilot, "three")
        bench.lost = False
        await until(pilot, engine_is(app, "ready"))
        await until(pilot, lambda: replies(app) == ["You said: one", "You said: two", "You said: three"])


async def test_a_file_is_completed_and_attached(make_app, until) -> None:
    bench = FakeWorkbench()
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, engine_is(app, "ready"))
        for character in "see @sal":
            await pilot.press("space" if character == " " else character)
        await until(pilot, lambda: "@data/sales.csv" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.main.box.area.text == "see @data/sales.csv ")
        await pilot.press("n", "o", "w", "enter")
        await until(pilot, lambda: bench.attached == ["data/sales.csv"])
        assert [part.type for part in bench.sent[0]] == ["text", "file"]


async def test_letters_typed_right_after_tab_come_after_what_tab_puts_in(make_app, until) -> None:
    app = make_app(FakeWorkbench())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, engine_is(app, "ready"))
        await pilot.press("at", "s", "a", "l")
        await until(pilot, lambda: "@data/sales.csv" in shown(app))
        for key in ("tab", "o", "k"):
            app.main.box.area.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: app.main.box.area.text.endswith("k"))
        assert app.main.box.area.text == "@data/sales.csv ok"


async def test_tab_takes_what_fits_when_the_list_is_behind_what_was_typed(make_app, until) -> None:
    app = make_app(FakeWorkbench())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, engine_is(app, "ready"))
        await pilot.press("at")
        await until(pilot, lambda: app.main.box.area.popup_open)
        app.main.box.offer_files("", ("about.md", "questions.md", "table.csv"))
        area = app.main.box.area
        area.insert("qu")
        area.on_text_area_changed()
        area.on_popup_key("tab")
        assert area.text == "@questions.md "


async def test_enter_runs_what_was_typed_when_the_list_is_for_the_word_before(
    make_app, until, monkeypatch
) -> None:
    app = make_app(FakeWorkbench())
    given: list[tuple[str, str]] = []
    monkeypatch.setattr(app, "command", lambda name, argument="": given.append((name, argument)))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, engine_is(app, "ready"))
        area = app.main.box.area
        area.insert("/mode")
        await until(pilot, lambda: area.popup_open)
        area.insert("l helper")
        await area._on_key(events.Key("enter", None))  # before the list could follow
        await until(pilot, lambda: given)
        assert given == [("model", "helper")]


async def test_completing_a_path_leaves_the_welcome_and_no_empty_session_behind(make_app, until) -> None:
    bench = FakeWorkbench()
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, engine_is(app, "ready"))
        await pilot.press("at", "s", "a", "l")
        await until(pilot, lambda: "@data/sales.csv" in shown(app))
        assert app.model.session_id is None
        assert "No sessions yet." in shown(app)
        assert len(bench.sessions_by_id) == 1
    assert bench.sessions_by_id == {}


async def test_the_agent_chosen_after_a_path_was_completed_answers(make_app, until) -> None:
    bench = FakeWorkbench()
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, engine_is(app, "ready"))
        await pilot.press("at", "s", "a", "l")
        await until(pilot, lambda: "@data/sales.csv" in shown(app))
        app.command("agent", "analyst")
        await until(pilot, lambda: app.model.agent == "analyst")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: replies(app))
        assert [session.agent for session in bench.sessions_by_id.values()] == ["analyst"]


async def test_what_is_typed_the_moment_a_dialog_opens_is_for_the_dialog(make_app, until) -> None:
    bench = FakeWorkbench()
    bench.add_session("Old")
    app = make_app(bench, session="last")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.model.title == "Old")
        dialog = AskScreen("Rename the session", "")
        given: list[str | None] = []
        app.push_screen(dialog, given.append)
        for key in ("n", "e", "w", "enter"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: given)
        assert given == ["new"]


async def test_enter_chooses_what_fits_the_last_letter_typed(make_app, until) -> None:
    app = make_app(FakeWorkbench())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, engine_is(app, "ready"))
        given: list[str | None] = []
        words = [Choice(word, line(word), [line(word)], word) for word in ("json", "markdown")]
        dialog = ChooseScreen("Export as", words)
        app.push_screen(dialog, given.append)
        await until(pilot, lambda: app.focused is not None and app.focused.id == "filter")
        for key in ("m", "enter"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: given)
        assert given == ["markdown"]


async def test_the_list_of_sessions_says_who_answers_where_it_has_the_room(make_app, until) -> None:
    bench = FakeWorkbench()
    bench.add_session("Figures", "counter")
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "Figures" in shown(app) and "counter" in shown(app))
        for number in range(30):
            bench.add_session(f"More {number}")
        await until(pilot, lambda: "More 29" in shown(app) and "More 0 " in shown(app))
        assert "counter" not in shown(app)


async def test_a_slash_command_is_completed_and_an_unknown_one_is_said_to_be(make_app, until) -> None:
    app = make_app(FakeWorkbench())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, engine_is(app, "ready"))
        await pilot.press("slash", "m", "o")
        await until(pilot, lambda: "/model" in shown(app))
        await pilot.press("tab")
        await until(pilot, lambda: app.main.box.area.text == "/model ")
        for character in "openai/gpt-4o":
            await pilot.press(character)
        await pilot.press("enter")
        await until(pilot, lambda: app.model.header.model == "openai/gpt-4o")
        await say(pilot, "/nonsense")
        await until(pilot, lambda: any("no command" in str(n.message) for n in app._notifications))
        assert app.main.box.area.text == "/nonsense"


async def test_agents_are_chosen_and_an_invalid_one_shows_its_mistakes(make_app, until) -> None:
    bench = FakeWorkbench()
    problem = Diagnostic(file="bad.yaml", line=3, column=1, key_path="tool", message="unknown key")
    bench.agent_infos.append(
        AgentInfo(id="1", name="broken", layer=Layer.USER, path="/x/bad.yaml", problems=(problem,))
    )
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, engine_is(app, "ready"))
        await pilot.press("ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        for character in "broken":
            await pilot.press(character)
        await until(pilot, lambda: "bad.yaml:3:1" in shown(app))
        await pilot.press("enter")
        assert isinstance(app.screen, ChooseScreen), "an agent with mistakes cannot be chosen"
        app.screen.query_one("#filter", Input).value = "analyst"
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: app.model.agent == "analyst" and app.screen is app.main)
        await say(pilot, "hi")
        await until(pilot, lambda: bench.sessions_by_id and replies(app))
        assert next(iter(bench.sessions_by_id.values())).agent == "analyst"


async def test_a_folder_with_agents_is_asked_about_once(make_app, until, tmp_path: Path) -> None:
    bench = FakeWorkbench()
    bench.agent_infos.append(spec("local", layer=Layer.PROJECT, trusted=False))
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "This folder brings agents: local" in shown(app))
        await pilot.press("t")
        await until(pilot, lambda: bench.trust_known == {str(tmp_path): True})
        await until(pilot, lambda: "This folder brings agents" not in shown(app))


async def test_side_panes_are_drawers_on_a_narrow_screen(make_app, until) -> None:
    app = make_app(FakeWorkbench([hold]))
    async with app.run_test(size=(80, 24)) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: app.model.run.busy)
        assert not app.main.query_one("#side").display
        await pilot.press("f4")
        await until(pilot, lambda: app.main.query_one("#side").display and app.main.place == "run")
        await pilot.press("escape")
        await until(pilot, lambda: not app.main.query_one("#side").display)
        assert app.model.run.busy, "the first esc closes the drawer and interrupts nothing"
        await pilot.press("ctrl+o")
        await until(pilot, lambda: app.main.place == "sessions")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: app.main.place == "composer")


@pytest.mark.parametrize("size", [(40, 10), (39, 9), (1, 1), (20, 40)])
async def test_a_tiny_terminal_does_not_crash_the_app(make_app, until, size: tuple[int, int]) -> None:
    app = make_app(FakeWorkbench([write]))
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: len(app.model.inbox) == 1)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        await pilot.press("f2", "escape", "f1", "escape")
        small = size[0] < 40 or size[1] < 10
        assert app.main.query_one("#too-small").display is small
        await pilot.resize_terminal(*SIZE)
        await pilot.press("f2", "y")
        await until(pilot, lambda: replies(app) == ["It is written."])


async def test_control_characters_from_outside_never_reach_the_screen(make_app, until) -> None:
    async def evil(job: FakeRun) -> None:
        job.bench.put_file(job.session_id, EVIL, EVIL, job.id)
        await job.call("run_command", {EVIL: EVIL}, EVIL, (CommandBlock(command=EVIL, cwd=EVIL),))

    bench = FakeWorkbench([evil])
    bench.hint = EVIL
    bench.add_session(EVIL)
    bench.agent_infos.append(spec("general2", description=EVIL))
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: len(app.model.inbox) == 1)
        for keys in (("f2",), ("enter",), ("escape",), ("f3",), ("enter",), ("escape",), ("ctrl+n",)):
            await pilot.press(*keys)
            await pilot.pause()
            text = shown(app)
            assert not any((ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 for c in text), keys


async def test_the_help_shows_every_slash_command_and_ctrl_q_ends_with_the_engine_left_alone(
    make_app, until
) -> None:
    bench = FakeWorkbench([hold])
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: app.model.run.busy)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, DocumentScreen))
        lines = app.screen.query_one("#document", LinesView).lines
        assert any("/continue" in text for one in lines for text, _ in one)
        await pilot.press("escape", "ctrl+q")
    assert app.return_code == 0
    assert bench.busy("session-1") is not None, "closing the app interrupts nothing"
    assert bench.closed == 1


async def test_ctrl_q_quits_out_of_a_dialog_too(make_app, until) -> None:
    app = make_app(FakeWorkbench())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, engine_is(app, "ready"))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, DocumentScreen))
        await pilot.press("ctrl+q")
    assert app.return_code == 0
    assert not app.is_running


async def test_ctrl_c_asks_before_it_quits(make_app, until) -> None:
    app = make_app(FakeWorkbench())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+c")
        assert app.is_running
        await pilot.press("ctrl+c")
    assert app.return_code == 0


async def test_a_prompt_is_completed_asked_for_what_it_needs_and_sent(make_app, until) -> None:
    bench = FakeWorkbench()
    prompts = (Prompt(name="summary", text="Summarise {{file}} in {{ number }} points."),)
    bench.agent_infos = [spec("writer", prompts=prompts)]
    bench.settings = settings(default_agent="writer")
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.model.agent == "writer" and app.desk is not None)
        await pilot.press("/")
        await until(pilot, lambda: app.main.box._prompts)
        await pilot.press("s", "u", "m", "m", "tab")
        await until(pilot, lambda: app.main.box.area.text == "/summary ")
        await say(pilot, "{{number}}")
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and "number" in shown(app))
        await pilot.press("3", "ctrl+s")
        await until(pilot, lambda: bench.sent)
        assert bench.sent == [(TextPart(text="Summarise {{number}} in 3 points."),)]
        await until(pilot, lambda: "Summarise {{number}} in 3 points." in shown(app))


async def test_the_settings_say_the_agent_the_theme_and_what_runs_may_do(make_app, until) -> None:
    bench = FakeWorkbench([write])
    bench.settings = settings(default_agent="analyst", approve="reads", tui={"theme": "holdfast-light"})
    app = make_app(bench, themes=[shipped("themes")])
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.model.agent == "analyst" and app.theme == "holdfast-light")
        await say(pilot, "go")
        await until(pilot, lambda: bench.options)
        assert bench.options[0].approve == "reads"
