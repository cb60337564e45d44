"""What is said of a completion, as lines and as messages of the socket."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from holdfast.server.dialects.h2ogpte.frames import Delta, Failed, Lines, Messages, Meta, Said, Whole

SAID: tuple[Said, ...] = (
    Delta("A red "),
    Meta(({"message_type": "agent_files", "content": "[]"},)),
    Delta("kite"),
    Whole("A red kite.", "."),
)


def test_the_bodies_of_all_lines_are_the_reply() -> None:
    lines = [json.loads(line) for said in SAID for line in Lines("r1")(said)]
    assert "".join(line["body"] for line in lines) == "A red kite."
    assert lines[:2] == [{"body": "A red ", "finished": False}, {"body": "kite", "finished": False}]
    assert lines[2] == {"message_id": "r1", "body": ".", "finished": True}


def test_the_last_line_is_the_whole_reply_where_it_is_wanted_so() -> None:
    assert json.loads(Lines("r1", repeat=True)(SAID[-1])[0])["body"] == "A red kite."


def test_messages_of_the_socket_have_every_field_that_clients_need() -> None:
    messages = [json.loads(each) for said in SAID for each in Messages("s1", "q1", "r1")(said)]
    assert [each["t"] for each in messages] == ["cp", "cm", "cp", "cp", "ca"]
    assert [each["body"] for each in messages] == ["A red ", "", "kite", ".", "A red kite."]
    assert messages[1]["meta"] == [{"message_type": "agent_files", "content": "[]"}]
    for each in messages:
        assert (each["session_id"], each["message_id"], each["reply_to_id"]) == ("s1", "r1", "q1")
        assert each["error"] == ""


def test_a_failure_is_an_error_in_both_and_ends_both() -> None:
    assert Lines("r1")(Failed("No.")) == [b'{"error":"No."}\n']
    (told,) = Messages("s1", "q1", "r1")(Failed("Too many.", 7))
    assert json.loads(told) == {
        "t": "ce",
        "session_id": "s1",
        "message_id": "r1",
        "reply_to_id": "q1",
        "body": "",
        "error": "Too many.",
        "error_type": "rate_limit",
        "retry_after": 7,
    }
    assert "error_type" not in Messages("s1", "q1", "r1")(Failed("No."))[0]


@given(st.text())
def test_no_text_breaks_a_line_or_a_message(text: str) -> None:
    (line,), (told,) = Lines("r1")(Delta(text)), Messages("s1", "q1", "r1")(Delta(text))
    assert line.decode("ascii").splitlines() == [line.decode().rstrip("\n")]
    assert told.isascii() and told.splitlines() == [told]
    assert json.loads(line)["body"] == json.loads(told)["body"] == text
