"""The mode as it is shown, and what the key goes to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.events import RunCompleted, RunStarted, SessionModeChanged
from holdfast.core.domain.modes import AutoLimits, SessionMode
from holdfast.core.domain.runs import RunOptions
from holdfast.tui.presenters.modes import (
    CYCLE,
    SIGNS,
    WORDS,
    ModeView,
    limits_text,
    mode_choices,
    mode_lines,
    mode_piece,
    mode_view,
    parse_limits,
    told,
)

AT = datetime(2026, 11, 22, tzinfo=UTC)


def changed(mode: ApproveMode, **more: object) -> SessionModeChanged:
    return SessionModeChanged(session_id="s", mode=mode, **more)


def test_every_mode_has_a_sign_and_a_word_and_no_two_of_the_cycle_share_them() -> None:
    assert set(SIGNS) == set(WORDS) == {mode.value for mode in ApproveMode}
    assert len({SIGNS[name][0] for name in CYCLE}) == len({WORDS[name][0] for name in CYCLE}) == len(CYCLE)


def test_the_key_goes_through_all_modes_and_from_any_other_to_asking() -> None:
    seen = []
    view = ModeView()
    for _ in CYCLE:
        seen.append(view.after)
        view = ModeView(view.after)
    assert seen == ["edits", "plan", "auto", "ask"]
    assert ModeView("all").after == ModeView("reads").after == "ask"


def test_a_change_by_anybody_is_shown_with_the_limits_used_up_since() -> None:
    view = mode_view(None, "ask").apply(changed(ApproveMode.AUTO, limits=AutoLimits(steps=9), by="ann"))
    assert mode_piece(view) == ("» auto 0/9", "warning")
    held = SessionMode(mode=ApproveMode.AUTO, limits=AutoLimits(steps=9), since=AT, steps=4, cost_usd=0.5)
    view = mode_view(held, "ask")
    assert mode_piece(view)[0] == "» auto 4/9"
    assert "4 of 9 steps" in "".join(text for text, _ in mode_lines(view)[-1])


def test_a_run_that_was_started_with_another_mode_says_so_until_it_ends() -> None:
    ids = {"session_id": "s", "run_id": "r"}
    started = RunStarted(**ids, agent="a", model="m", options=RunOptions(approve=ApproveMode.ALL))
    view = ModeView("plan", True).apply(started)
    assert view.shown == "all"
    assert view.apply(RunCompleted(**ids)).shown == "plan"
    assert view.apply(changed(ApproveMode.ASK, by="ann")).shown == "ask"


def test_what_others_changed_is_told_with_who_and_what_with() -> None:
    assert (
        told(changed(ApproveMode.PLAN, by="ann", client="key laptop"), "me")
        == "Mode: plan by ann (key laptop)."
    )
    assert (
        told(changed(ApproveMode.ASK, reason="2 steps are made"), "me")
        == "2 steps are made: the agent asks again."
    )


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("20 steps, $2, 10 min", AutoLimits(steps=20, cost_usd=2, minutes=10)),
        ("5 min", AutoLimits(minutes=5)),
        ("$0.50 7 steps", AutoLimits(steps=7, cost_usd=0.5)),
        ("2 usd", AutoLimits(cost_usd=2)),
        ("", AutoLimits()),
        ("no limits", None),
        ("0 steps", None),
        ("3 steps, 4 steps", None),
        ("$3 steps", None),
        ("-3 steps", None),
    ],
)
def test_limits_are_read_as_a_person_writes_them(text: str, limits: AutoLimits | None) -> None:
    assert parse_limits(text, AutoLimits()) == limits


def test_the_limits_that_are_shown_are_read_back() -> None:
    for limits in (AutoLimits(), AutoLimits(steps=3, minutes=0.5), AutoLimits(cost_usd=12)):
        assert parse_limits(limits_text(limits), AutoLimits()) == limits
    detail = mode_choices(ModeView(), AutoLimits())[CYCLE.index("auto")].detail
    assert any("50 steps, $1, 30 min" in text for one in detail for text, _ in one)
