"""What the terminal says of its background, what is written to it, and when a person is called."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import count, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pexpect
import pytest
from fake_workbench import NOON
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult
from textual.events import Key
from textual.widgets import Input

from holdfast.core.config.settings import TuiSettings
from holdfast.core.domain.events import (
    LoggedEvent,
    QuestionAsked,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
)
from holdfast.core.domain.tools import Question
from holdfast.tui.control.terminal import TerminalControl
from holdfast.tui.presenters.attention import APART_S, Attention
from holdfast.tui.presenters.model import Model
from holdfast.tui.presenters.signals import Way, notification, way_for, window_title
from holdfast.tui.terminal import Answers, KeyParser, TerminalApp

WAYS: tuple[Way, ...] = ("bell", "osc9", "osc777", "osc99")
ANSWERS = {
    "\x1b]11;rgb:1515/1717/1a1a\x07": True,
    "\x1b]11;rgb:ff/ff/f0\x1b\\": False,
    "\x1b]11;rgba:0000/0000/0000/ffff\x1b\\": True,
    "\x1b[?997;1n": True,
    "\x1b[?997;2n": False,
}
KEYS = ("a", "1", "é", "\x1b[A", "\x1b", "\x1bb", "\x1b[<0;3;4M", "]", "[", ";")


@pytest.mark.parametrize(("answer", "dark"), ANSWERS.items())
def test_an_answer_is_taken_out_of_the_keys(answer: str, dark: bool) -> None:
    assert Answers().take(f"ab{answer}c", waiting=False) == ("abc", [dark])


def test_an_answer_that_cannot_be_read_is_taken_out_all_the_same() -> None:
    assert Answers().take("a\x1b]11;sesame\x07b", waiting=True) == ("ab", [])


@given(
    st.lists(st.sampled_from((*ANSWERS, *KEYS)), max_size=12),
    st.lists(st.integers(0, 200), max_size=8),
)
def test_no_piece_of_an_answer_is_left_among_the_keys(sent: list[str], cuts: list[int]) -> None:
    text = "".join(sent)
    # A lone escape right before an answer is one with it; the terminal never sends that.
    text = re.sub(r"\x1b+(?=\x1b)", "", text)
    told = [ANSWERS[one] for one in re.findall("|".join(map(re.escape, ANSWERS)), text)]
    typed = re.sub("|".join(map(re.escape, ANSWERS)), "", text)
    answers, keys, found = Answers(), "", []
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    for start, end in pairwise(edges):
        some, dark = answers.take(text[start:end], waiting=True)
        keys, found = keys + some, found + dark
    keys += answers.rest(waiting=False)
    assert (keys, found) == (typed, told)


def test_a_key_that_begins_as_an_answer_does_is_given_back_at_the_next_tick() -> None:
    answers = Answers()
    assert answers.take("\x1b]", waiting=True) == ("", [])
    assert answers.rest(waiting=True) == "\x1b]"
    assert answers.take("\x1b", waiting=False) == ("\x1b", []), "escape is not delayed when nothing was asked"


def test_half_an_answer_waits_for_the_other_half_while_one_is_expected() -> None:
    answers = Answers()
    answers.take("\x1b]11;rgb:15", waiting=True)
    assert answers.rest(waiting=True) == ""
    assert answers.take("15/1717/1a1a\x07x", waiting=True) == ("x", [True])


def test_alt_and_a_digit_are_keys_and_no_sign() -> None:
    events = list(KeyParser().feed("a\x1b2\x1b[A1"))
    keys = [(event.key, event.character) for event in events if isinstance(event, Key)]
    assert keys == [("a", "a"), ("alt+2", None), ("up", None), ("1", "1")]


@pytest.mark.parametrize(
    ("environ", "way"),
    [
        ({}, "bell"),
        ({"TERM": "xterm-256color"}, "bell"),
        ({"TERM": "xterm-kitty"}, "osc99"),
        ({"TERM": "foot"}, "osc777"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "osc9"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/tmux", "TERM_PROGRAM": "WezTerm"}, "bell"),
    ],
)
def test_the_way_to_notify_is_what_the_terminal_understands(environ: dict[str, str], way: str) -> None:
    assert way_for("auto", environ) == way
    assert way_for("osc777", environ) == "osc777"


@given(st.text(), st.text(), st.sampled_from(WAYS), st.booleans())
def test_no_text_ends_the_sequence_that_it_stands_in(title: str, body: str, way: Way, tmux: bool) -> None:
    written = notification(way, title, body, tmux)
    if tmux and way != "bell":
        assert written.startswith("\x1bPtmux;")
        wrapped = re.findall(r"\x1bPtmux;((?:[^\x1b]|\x1b\x1b)*)\x1b\\", written)
        written = "".join(wrapped).replace("\x1b\x1b", "\x1b")
    framed = r"(\x1b\][^\x00-\x1f\x7f-\x9f]*(\x07|\x1b\\))+|\x07"
    assert re.fullmatch(framed, written)
    assert written.count(";") == 3 if way == "osc777" and ";" not in title + body else True


@given(st.text(), st.booleans(), st.integers(0, 3), st.sampled_from(("", "done", "failed")))
def test_a_window_title_holds_no_control_character(name: str, busy: bool, waiting: int, ended: str) -> None:
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", window_title(name, busy, waiting, ended))


def test_a_window_title_says_first_what_needs_the_person() -> None:
    assert window_title("Q3 report", False, 0) == "Holdfast: Q3 report"
    assert window_title("Q3 report", True, 0) == "● Holdfast: Q3 report"
    assert window_title("Q3 report", True, 1) == "⚠ needs you · Holdfast: Q3 report"
    assert window_title("", False, 2, "done") == "⚠ 2 need you · Holdfast"
    assert window_title("Q3 report", False, 0, "done") == "✓ done · Holdfast: Q3 report"
    assert window_title("Q3 report", False, 0, "failed") == "✗ failed · Holdfast: Q3 report"


class Log:
    """Makes events of runs, each some seconds after the start of the day."""

    def __init__(self) -> None:
        self._ids = count(1)

    def event(self, kind: type[Any], at: float, run: str = "r1", **more: Any) -> LoggedEvent:
        event = kind(session_id="s1", run_id=run, at=NOON + timedelta(seconds=at), **more)
        return LoggedEvent(id=next(self._ids), event=event)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def away() -> Attention:
    attention = Attention(lambda session_id: f"the session \x1b{session_id}")
    attention.focus(False)
    return attention


def test_a_long_run_that_ends_unseen_is_told_once(log: Log, away: Attention) -> None:
    away.take(log.event(RunStarted, 0, agent="a", model="m"))
    away.take(log.event(RunCompleted, 65, reason="stop"))
    call = away.call(now=100.0)
    assert call is not None
    assert (call.title, call.body) == ("Holdfast done after 1 m 05 s", "the session s1")
    assert away.ended == "done"
    assert away.call(now=100.0) is None


@pytest.mark.parametrize("seconds", [0, 9])
def test_the_end_of_a_short_run_is_not_told(log: Log, away: Attention, seconds: int) -> None:
    away.take(log.event(RunStarted, 0, agent="a", model="m"))
    away.take(log.event(RunCompleted, seconds, reason="stop"))
    assert away.due(now=0.0) is None


def test_the_end_of_a_run_that_began_before_the_app_is_told(log: Log, away: Attention) -> None:
    away.take(log.event(RunCompleted, 3, reason="stop"))
    call = away.call(now=0.0)
    assert call is not None
    assert call.title == "Holdfast done"


def test_a_run_that_a_person_cancelled_is_not_told(log: Log, away: Attention) -> None:
    away.take(log.event(RunStarted, 0, agent="a", model="m"))
    away.take(log.event(RunCancelled, 60))
    assert away.due(now=0.0) is None


def test_nothing_is_told_to_a_person_who_is_looking(log: Log, away: Attention) -> None:
    away.focus(True)
    away.take(log.event(RunStarted, 0, agent="a", model="m"))
    away.take(log.event(RunCompleted, 60, reason="stop"))
    assert (away.due(now=0.0), away.ended) == (None, "")


def test_what_happens_together_is_one_call_and_calls_stand_apart(log: Log, away: Attention) -> None:
    for run in ("r1", "r2", "r3"):
        away.take(log.event(RunStarted, 0, run, agent="a", model="m"))
    away.take(log.event(RunCompleted, 30, "r1", reason="stop"))
    assert away.due(now=50.0) == 0.0
    assert away.call(now=50.0) is not None
    away.take(log.event(RunCompleted, 31, "r2", reason="stop"))
    error = {"code": "model_failed", "message": "no", "kind": "upstream"}
    away.take(log.event(RunFailed, 32, "r3", error=error))
    assert away.due(now=51.0) == APART_S - 1
    call = away.call(now=50.0 + APART_S)
    assert call is not None
    assert call.body == "the session s1, and 1 more"


def test_what_was_seen_on_coming_back_is_not_told(log: Log, away: Attention) -> None:
    away.take(log.event(RunStarted, 0, agent="a", model="m"))
    away.take(log.event(RunCompleted, 30, reason="stop"))
    away.focus(True)
    assert away.call(now=0.0) is None


def test_a_terminal_is_asked_told_and_left_as_it_was(tmp_path: Path) -> None:
    child = pexpect.spawn(
        sys.executable,
        [str(Path(__file__).with_name("terminal_program.py")), str(tmp_path)],
        env={**os.environ, "TERM": "xterm-256color", "TMUX": ""},
        dimensions=(30, 120),
        encoding="utf-8",
        timeout=20,
    )
    child.expect_exact("\x1b[?2031h\x1b]11;?\x07")
    assert "Holdfast" in (child.before or ""), "the screen is painted first"
    child.send("x\x1b]11;rgb:ffff/ff")
    child.send("ff/ffff\x07")
    child.expect_exact("\x1b[22;2t\x1b]2;Holdfast\x07")
    child.send("\r")
    child.expect_exact("● Holdfast")
    child.send("\x1b[O")
    child.expect(r"\x1b\]9;Holdfast needs you: [^\x07]+\x07")
    child.expect_exact("\x1b]2;⚠ needs you")
    child.send("\x1b[I\x1b[19~")
    child.expect_exact("\x1b[?1003l")
    child.expect_exact("mouse: terminal")
    child.send("\x1b[19~")
    child.expect_exact("\x1b[?1003h")
    child.send("\x11")
    child.expect_exact("\x1b[?2031l")
    child.expect_exact("\x1b[23;2t")
    child.expect_exact("LEFT '' holdfast-light")
    child.expect(pexpect.EOF)


class FakeApp:
    """What the control needs of the app: the bell, the focus, and nothing that is drawn."""

    def __init__(self) -> None:
        self.app_focus = True
        self.rung = 0
        self.heard = asyncio.Event()
        self.still: list[bool] = []
        self.preferred: list[TuiSettings] = []
        self.theming = SimpleNamespace(prefer=self.preferred.append)
        self.told: Callable[[bool], None] = lambda _: None
        self._driver = None

    def watch(self, _: object, name: str, told: Callable[[bool], None], init: bool) -> None:
        assert (name, init) == ("app_focus", False)
        self.told = told

    def bell(self) -> None:
        self.rung += 1
        self.heard.set()

    def keep_still(self, still: bool) -> None:
        self.still.append(still)


@pytest.fixture
def app() -> FakeApp:
    return FakeApp()


@pytest.fixture
def control(app: FakeApp) -> TerminalControl:
    panes = SimpleNamespace(on_named=None)
    return TerminalControl(SimpleNamespace(app=app, panes=panes, model=Model()))  # type: ignore[arg-type]


def asked(log: Log) -> LoggedEvent:
    question = Question(id="q", session_id="s1", run_id="r1", call_id="c", text="Which?")
    return log.event(QuestionAsked, 0, question=question)


def test_the_bell_rings_once_for_what_comes_together(
    app: FakeApp, control: TerminalControl, log: Log
) -> None:
    control.apply(TuiSettings())
    for _ in range(3):
        control.take(asked(log))
    assert app.rung == 1


def test_with_notifications_off_nothing_is_heard(app: FakeApp, control: TerminalControl, log: Log) -> None:
    control.apply(TuiSettings(notifications="off"))
    control.take(asked(log))
    assert app.rung == 0


async def test_where_there_is_no_terminal_a_person_who_looks_elsewhere_hears_the_bell(
    app: FakeApp, control: TerminalControl, log: Log
) -> None:
    control.apply(TuiSettings())
    app.told(False)
    control.take(asked(log))
    assert app.rung == 0, "a call waits for the loop: what comes at once is told together"
    await asyncio.wait_for(app.heard.wait(), 5)
    control.close()


def test_settings_reach_the_theme_and_what_moves(app: FakeApp, control: TerminalControl) -> None:
    settings = TuiSettings(reduced_motion=True)
    control.apply(settings)
    assert app.preferred == [settings]
    assert app.still == [True]


async def test_an_app_that_keeps_still_animates_nothing_and_no_cursor_blinks() -> None:
    class Still(TerminalApp):
        def compose(self) -> ComposeResult:
            yield Input()

    app = Still()
    async with app.run_test() as pilot:
        app.keep_still(True)
        await pilot.press("tab")
        assert app.animation_level == "none"
        assert app.query_one(Input).cursor_blink is False
        app.keep_still(False)
        assert app.animation_level == "full"
