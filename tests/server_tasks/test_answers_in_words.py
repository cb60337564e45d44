"""How messages from outside answer what waits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.tools import Question, Risk, TextBlock
from holdfast.server.tasks.answering import addressed, answer_in, decision_in
from holdfast.server.tasks.asking import asked_data, asked_text
from holdfast.server.tasks.previews import LONGEST
from holdfast.server.tasks.said import FilePiece, Said


def approval(**more: Any) -> Approval:
    base = {
        "id": "a1",
        "session_id": "s",
        "run_id": "r",
        "call_id": "c",
        "agent": "writer",
        "tool": "write_file",
        "risk": Risk.WRITE,
        "subject": "a.md",
        "arguments": {"path": "a.md"},
        "requested_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Approval.model_validate({**base, **more})


def question(**more: Any) -> Question:
    return Question(id="q1", session_id="s", run_id="r", call_id="c", text="Which?", **more)


def words(text: str) -> Said:
    return Said((text,))


@pytest.mark.parametrize("text", ["yes", "Yes.", "OK!", " approve ", "Yes, please", "go  ahead", "y"])
def test_a_plain_yes_approves_once(text: str) -> None:
    decision = decision_in(approval(), words(text))
    assert decision is not None
    assert (decision.outcome, decision.scope) == ("approve", "once")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no", ""),
        ("No, use b.md", "use b.md"),
        ("deny: too early", "too early"),
        ("Don't!", ""),
        ("stop", ""),
    ],
)
def test_a_no_denies_and_the_rest_is_why(text: str, why: str) -> None:
    decision = decision_in(approval(), words(text))
    assert decision is not None
    assert (decision.outcome, decision.reason) == ("deny", why)


@pytest.mark.parametrize(
    "text", ["", "yes but only if it is small", "which file?", "notify me", "okay?", "I do not mind... yes"]
)
def test_whatever_is_neither_decides_nothing(text: str) -> None:
    assert decision_in(approval(), words(text)) is None


@given(st.text(max_size=60))
def test_nothing_but_known_words_approves(text: str) -> None:
    decision = decision_in(approval(), words(text))
    if decision is not None and decision.outcome == "approve":
        assert set(text.lower()) <= set("abcdefghijklmnopqrstuvwxyz .,!\t\r\n")


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        ({"decision": "approve"}, "approve"),
        ({"status": "denied"}, "deny"),
        ({"approved": True}, "approve"),
        ({"approved": "yes"}, None),
        ({"decision": "perhaps"}, None),
        ({}, None),
    ],
)
def test_data_decides_by_its_words(data: dict[str, Any], outcome: str | None) -> None:
    by_data = decision_in(approval(), Said(data=(data,)))
    assert (by_data.outcome if by_data else None) == outcome


@pytest.mark.parametrize(
    "said",
    [
        Said(("no, wait",), ({"decision": "approve"},)),
        Said(("yes",), ({"decision": "not yet"},)),
        Said(("yes",), ({"comment": "only if it is small"},)),
        Said(("yes",), ("only if it is small",)),
        Said(("yes",), files=(FilePiece("conditions.txt", b"only if it is small"),)),
        Said(("yes",), links=("https://example.org/conditions.txt",)),
        Said(data=({"decision": "approve"}, {"decision": "deny"})),
        Said(data=({"id": "a1"}, {"id": "a2", "decision": "approve"})),
        Said(data=({"id": 5, "decision": "approve"},)),
    ],
)
def test_a_yes_with_something_else_beside_it_does_not_approve(said: Said) -> None:
    decision = decision_in(approval(), said)
    assert decision is None or decision.outcome == "deny"


def test_what_was_asked_may_come_back_with_the_answer() -> None:
    echo = asked_data(approval())
    for text, outcome in (("yes", "approve"), ("no", "deny")):
        decision = decision_in(approval(), Said((text,), (echo,)))
        assert decision is not None
        assert decision.outcome == outcome


def test_a_text_that_is_an_object_is_data() -> None:
    decision = decision_in(approval(), words('{"decision": "deny", "reason": "no"}'))
    assert decision is not None
    assert decision.reason == "no"
    assert decision_in(approval(), words("{broken")) is None


def test_an_answer_is_for_what_it_names_else_for_the_oldest() -> None:
    waiting = (approval(id="a1"), question(), approval(id="a2"))
    assert addressed(waiting, words("yes")) is waiting[0]
    assert addressed(waiting, Said(data=({"id": "a2"},))) is waiting[2]
    assert addressed(waiting, Said(data=({"id": "gone"},))) is None
    assert addressed((), words("yes")) is None


def test_what_cannot_be_shown_whole_cannot_be_approved() -> None:
    long = approval(preview=(TextBlock(text="x" * (LONGEST + 1)),))
    assert decision_in(long, words("yes")) is None
    assert decision_in(long, words("no")) is not None
    assert asked_data(long)["decisions"] == ["deny"]
    assert len(asked_text(long)) < 500


def test_terminal_escapes_stay_here() -> None:
    shown = asked_text(approval(tool="\x1b[2Jtool", preview=(TextBlock(text="\x1b]0;x\x07y"),)))
    assert "\x1b" not in shown + asked_text(question(choices=("\x1b[1mred",)))


def test_questions_take_choices_numbers_and_words() -> None:
    closed = question(choices=("red", "Blue"), free_text=False)
    assert answer_in(closed, words("BLUE ")) == {"answer": "Blue"}
    assert answer_in(closed, words("1.")) == {"answer": "red"}
    assert answer_in(closed, words("3")) is None
    assert answer_in(closed, words("green")) is None
    free = question(choices=("red",))
    assert answer_in(free, words("green")) == {"answer": "green"}
    assert answer_in(free, Said(data=({"answer": "red"},))) == {"answer": "red"}
    assert answer_in(free, words("  ")) is None


def test_forms_take_fields_and_addresses_a_word() -> None:
    form = question(form={"type": "object", "properties": {"n": {"type": "integer"}}})
    assert answer_in(form, Said(data=({"n": 3},))) == {"action": "accept", "fields": {"n": 3}}
    assert answer_in(form, Said(data=({"fields": {"n": 3}},))) == {"action": "accept", "fields": {"n": 3}}
    assert answer_in(form, words("no")) == {"action": "decline"}
    assert answer_in(form, words("yes")) is None
    place = question(url="https://example.com")
    assert answer_in(place, words("yes")) == {"action": "accept"}
    assert answer_in(place, Said(data=({"action": "cancel"},))) == {"action": "cancel"}
