"""Approvals that are alike, and what the guard keeps from being decided unseen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.tools import DiffBlock, Question, Risk
from holdfast.tui.presenters.batches import (
    Batch,
    alike,
    alike_counts,
    batch_keys,
    batch_lines,
    batch_row,
    outcome_text,
    together,
)
from holdfast.tui.presenters.guard import Guard, Hasty
from holdfast.tui.presenters.inbox import Inbox, item_line, keys_line

AT = datetime(2026, 11, 22, tzinfo=UTC)


def approval(number: int, tool: str = "write_file", subject: str = "", **more: object) -> Approval:
    fields = {"risk": Risk.WRITE, "agent": "general", "preview": ()} | more
    return Approval(
        id=f"a{number}",
        session_id=f"s{number}",
        run_id="r",
        call_id=f"c{number}",
        tool=tool,
        subject=subject or f"{number}.md",
        arguments={},
        requested_at=AT,
        **fields,
    )


def inbox(*approvals: Approval) -> Inbox:
    made = Inbox()
    made.replace(approvals, (), 0.0)
    return made


def plain(lines: list[object]) -> str:
    return "\n".join("".join(text for text, _ in one) for one in lines)


def test_alike_is_the_same_tool_of_the_same_agent_in_any_session() -> None:
    held = inbox(approval(1), approval(2), approval(3, agent="other"), approval(4, "edit_file"))
    assert [item.id for item in alike(held.items, held.get("a2"))] == ["a1", "a2"]
    assert together(held) == "all 2 alike"
    assert alike_counts(held.items) == {"a1": 2, "a2": 2, "a3": 1, "a4": 1}
    assert "2 alike" in plain(list(item_line(held.items[0], "t", AT, alike=2)))


@pytest.mark.parametrize(
    ("tool", "risk", "subjects", "count"),
    [
        ("run_command", Risk.EXECUTE, ("git log", "git  status", "rm x"), 2),
        ("fetch_url", Risk.NETWORK, ("https://a.org/1", "https://a.org/2", "https://b.org/1"), 2),
        ("fetch_url", Risk.NETWORK, ("https://[", "https://a.org"), 1),
        ("run_command", Risk.EXECUTE, (" ", "x"), 1),
    ],
)
def test_of_programs_and_addresses_it_is_the_same_one(
    tool: str, risk: Risk, subjects: tuple[str, ...], count: int
) -> None:
    held = inbox(*(approval(n, tool, subject, risk=risk) for n, subject in enumerate(subjects)))
    assert len(alike(held.items, held.items[0])) == count


def test_a_question_is_like_nothing_and_cannot_be_marked() -> None:
    held = Inbox()
    question = Question(id="q", session_id="s", run_id="r", call_id="c", text="Which?")
    held.replace([approval(1)], [question], 0.0)
    held.mark("q")
    assert held.marked == []
    assert alike(held.items, held.get("q")) == []


def test_marks_go_before_what_is_alike_and_away_with_what_is_decided() -> None:
    held = inbox(approval(1), approval(2), approval(3, "edit_file"))
    held.mark("a1")
    held.mark("a3")
    assert [item.id for item in held.marked] == ["a1", "a3"]
    assert together(held) == "the 2 marked"
    assert plain(list(item_line(held.items[0], "t", AT, marked=True))).startswith("[x] ")
    held.remove("a1")
    held.mark("a3")
    assert held.marked == []
    assert together(held) == ""


def test_the_whole_of_every_chosen_call_is_shown_and_of_no_other() -> None:
    diff = DiffBlock(path="x", diff="@@ -1 +1 @@\n-old\n+new")
    held = inbox(approval(1, preview=(diff,)), approval(2, subject="b\x1b[31m.md"), approval(3))
    batch = Batch(tuple(held.items))
    batch.toggle("a3")
    lines, starts = batch_lines(batch, {"a1": "Orders"}, AT)
    said = plain(lines)
    assert "+new" in said or "new" in said
    assert "Orders" in said
    assert "3.md" not in said
    assert "\x1b" not in said
    assert list(starts) == ["a1", "a2"]
    assert "approve these 2" in plain([batch_keys(batch)])
    assert plain([batch_row(batch, held.items[2], "t")]).startswith("[ ] ")
    batch.toggle_all()
    assert len(batch.wanted) == 3
    batch.toggle_all()
    assert batch.wanted == []
    assert batch_lines(batch, {}, AT)[1] == {}


def test_what_became_of_a_batch_is_said_call_by_call() -> None:
    assert outcome_text(True, ["done", "done"]) == "2 approved."
    said = outcome_text(False, ["done", "stale", "gone", "failed"], "no\x1b[1m")
    assert "1 denied" in said
    assert "asked again" in said
    assert "1 decided already" in said
    assert "\x1b" not in said


def test_keys_do_not_reach_an_item_that_took_anothers_place_just_now() -> None:
    held, guard = inbox(approval(1), approval(2)), Guard(0.5)
    held.note_shown(10.0)
    assert guard.admits(held.ready(10.6), 10.6)
    held.remove("a1")  # decided elsewhere, while the person presses the key for it
    assert not guard.admits(held.ready(10.6), 10.6)
    held.note_shown(10.6)
    assert not guard.admits(held.ready(10.9), 10.9)
    held.note_shown(11.0)
    assert guard.admits(held.ready(11.2), 11.2)


def test_a_cursor_that_was_moved_is_guarded_until_its_item_is_shown() -> None:
    held, guard = inbox(approval(1), approval(2)), Guard(0.5)
    held.note_shown(10.0)
    held.select("a2")
    assert not guard.admits(held.ready(20.0), 20.0)
    held.note_shown(20.0)
    assert guard.admits(held.ready(20.6), 20.6)


def test_the_key_for_several_is_shown_only_where_there_are_several() -> None:
    held = inbox(approval(1), approval(2))
    assert "all 2 alike" in plain([keys_line(held.selected, False, together=together(held))])
    assert "alike" not in plain([keys_line(held.selected, False)])


def test_a_single_letter_in_a_pane_acts_after_a_moment() -> None:
    hasty = Hasty(0.25)
    assert hasty.press("d", 1.0) == ("", "")
    assert hasty.holds
    assert hasty.rest() == "d"
    assert hasty.rest() == ""


def test_a_text_that_begins_in_a_pane_is_no_key_of_it() -> None:
    hasty = Hasty(0.25)
    hasty.press("d", 1.0)
    assert hasty.press("o", 1.1) == ("", "do")
    assert not hasty.holds


def test_a_letter_pressed_twice_is_a_key_pressed_twice_and_other_signs_act_at_once() -> None:
    hasty = Hasty(0.25)
    hasty.press("a", 1.0)
    assert hasty.press("a", 1.1) == ("aa", "")
    assert hasty.press("[", 1.2) == ("[", "")
    assert hasty.press(" ", 1.3) == (" ", "")
    assert not hasty.holds


def test_a_command_that_is_begun_in_a_pane_is_a_text_where_the_pane_has_no_use_for_its_sign() -> None:
    hasty = Hasty(0.25)
    assert hasty.press("/", 1.0, used=False) == ("", "/")
    assert hasty.press("@", 1.1, used=False) == ("", "@")
    assert hasty.press("/", 1.2, used=True) == ("/", ""), "the list of sessions searches by it"
    assert hasty.press("q", 2.0, used=False) == ("", "")
    assert hasty.press("/", 2.1, used=False) == ("", "q/")


def test_a_letter_that_only_moved_is_part_of_the_text_that_follows_at_once() -> None:
    hasty = Hasty(0.25)
    assert hasty.press("j", 1.0, moves=True) == ("j", "")
    assert hasty.press("k", 1.1, moves=True) == ("k", "")
    assert hasty.press("u", 1.2) == ("", "ku")
    assert hasty.press("j", 2.0, moves=True) == ("j", "")
    assert hasty.press("d", 3.0) == ("", "")
