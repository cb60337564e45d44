"""Conversations out of files: what is read, what is left out, what is refused."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import InvalidError, TooLargeError
from holdfast.core.domain.events import RUN_ENDS
from holdfast.core.sessions.imports import conversation as limits
from holdfast.core.sessions.imports import formats
from holdfast.core.sessions.imports.conversation import Conversation, Said, events_of
from holdfast.core.sessions.imports.formats import read
from holdfast.core.sessions.imports.own import checked
from holdfast.core.sessions.imports.pieces import members
from holdfast.core.sessions.speakers import below

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CHATGPT = {
    "title": "A trip\x1b[31m",
    "current_node": "d",
    "mapping": {
        "a": {"message": None, "parent": None},
        "s": {"message": {"author": {"role": "system"}, "content": {"parts": ["Obey me"]}}, "parent": "a"},
        "b": {
            "message": {
                "author": {"role": "user"},
                "create_time": 1_700_000_000.5,
                "content": {
                    "content_type": "multimodal_text",
                    "parts": [{"content_type": "image"}, "Where?"],
                },
            },
            "parent": "s",
        },
        "c": {"message": {"author": {"role": "assistant"}, "content": {"parts": ["Rome"]}}, "parent": "b"},
        "d": {"message": {"author": {"role": "assistant"}, "content": {"parts": ["Oslo"]}}, "parent": "b"},
    },
}


def one(document: Any, name: str = "") -> Conversation:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    (found,) = read(data, name)
    return found


def said(found: Conversation) -> list[tuple[str, str]]:
    return [(each.role, each.text) for each in found.said]


def test_of_chatgpts_tree_the_branch_that_was_shown_is_read_without_instructions() -> None:
    found = one([CHATGPT])
    assert (found.source, found.name) == ("chatgpt", "A trip[31m")
    assert said(found) == [("user", "[image]\nWhere?"), ("assistant", "Oslo")]
    assert found.said[0].at == datetime.fromtimestamp(1_700_000_000.5, UTC)


def test_a_tree_that_bites_its_tail_ends() -> None:
    message = {"author": {"role": "user"}, "content": "x"}
    found = one(
        [{"mapping": {"a": {"message": message, "parent": "b"}, "b": {"message": message, "parent": "a"}}}]
    )
    assert said(found) == [("user", "x"), ("user", "x")]


def test_a_list_of_messages_is_one_conversation_named_after_its_file() -> None:
    parts = [{"type": "text", "text": "Hi"}, {"type": "image_url"}]
    found = one(
        [
            {"role": "system", "content": "no"},
            {"role": "user", "content": parts},
            {"role": "assistant", "content": "Yo"},
        ],
        "../../trip.JSON",
    )
    assert (found.name, said(found)) == ("trip", [("user", "Hi\n[image_url]"), ("assistant", "Yo")])


def test_claude_and_objects_with_messages_are_read_too() -> None:
    claude = {
        "name": "C",
        "chat_messages": [{"sender": "human", "text": "Q"}, {"sender": "assistant", "text": "A"}],
    }
    other = {"title": "O", "messages": [{"role": "user", "content": "Q"}]}
    assert [
        (each.source, each.name, len(each.said)) for each in read(json.dumps([claude, other]).encode())
    ] == [
        ("claude", "C", 2),
        ("messages", "O", 1),
    ]
    assert one(claude).name == "C"


def test_markdown_is_read_by_its_headings_and_not_in_code() -> None:
    begin = "# Trip\n\nAgent `guide` · today\n\n*guide on m*\n\n## You\n\nHi\n\n"
    text = begin + "## guide\n\n```\n## You\n```\n\\## You\n\n*guide on m*\n\n**User:**\nBye"
    found = one(text.encode())
    assert (found.title, found.agent) == ("Trip", "guide")
    assert said(found) == [("user", "Hi"), ("assistant", "```\n## You\n```\n## You"), ("user", "Bye")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"just text",
        b"{}",
        b"[]",
        b"[1]",
        b"[NaN]",
        b'{"a":',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format":"holdfast.session/1"}',
        b"[] []",
    ],
)
def test_what_is_no_conversation_is_refused_with_what_one_is(data: bytes) -> None:
    with pytest.raises(InvalidError) as caught:
        list(read(data))
    assert caught.value.code == "invalid_import"


def test_there_is_an_end_to_what_a_file_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_MESSAGES", 3)
    monkeypatch.setattr(formats, "MAX_CONVERSATIONS", 2)
    monkeypatch.setattr(formats, "MAX_BYTES", 1_000)
    message = {"role": "user", "content": "x"}
    for document in ([message] * 4, [{"messages": [message]}] * 3, "x" * 1_000):
        with pytest.raises(TooLargeError):
            list(read(json.dumps(document).encode()))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda of: (
            st.lists(of, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "mapping",
                        "messages",
                        "role",
                        "content",
                        "parts",
                        "message",
                        "author",
                        "parent",
                        "chat_messages",
                        "text",
                        "format",
                        "events",
                        "x",
                    ]
                ),
                of,
                max_size=5,
            )
        ),
        max_leaves=30,
    )
)
def test_no_document_makes_anything_but_conversations_and_mistakes(document: Any) -> None:
    try:
        for each in read(json.dumps(document).encode()):
            assert each.said or each.log
    except InvalidError as error:
        assert error.code == "invalid_import"


@given(
    st.dictionaries(
        st.text(max_size=3), st.lists(st.integers(), max_size=3) | st.text(max_size=3), max_size=4
    ),
    st.integers(0, 3),
)
def test_pieces_are_what_the_whole_document_holds(document: dict[str, Any], indent: int) -> None:
    expected = [
        (name, each)
        for name, value in document.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    assert list(members(json.dumps(document, indent=indent or None))) == expected


@pytest.mark.parametrize(
    "line",
    ["*" + " on" * 20_000, "# " + " " * 20_000 + "*x", "# " + "a " * 20_000 + "*", "**" + " " * 20_000],
    ids=["speakers", "heading", "title", "sign"],
)
def test_no_line_takes_long_to_look_at(line: str) -> None:
    began = time.process_time()
    found = one(f"## You\n\nhello\n{line}\n\n*general on m*\n".encode())
    assert below(line, "general") == line
    assert time.process_time() - began < 5  # seconds of work; a look that goes back takes minutes
    assert said(found) == [("user", f"hello\n{line}".strip())]


def test_replies_become_runs_whose_times_neither_go_back_nor_lie_ahead() -> None:
    late, early = NOW + timedelta(days=9), NOW - timedelta(days=9)
    talk = [
        Said("assistant", "Hello"),
        Said("user", "Q", early),
        Said("assistant", "A", late),
        Said("user", "R", early),
    ]
    events = list(events_of(talk, "s", "general", NOW))
    assert sum(each.type in RUN_ENDS for each in events) == 3
    times = [each.at for each in events]
    assert times == sorted(times)
    assert (times[0], times[-1]) == (early, NOW)
    assert {each.session_id for each in events} == {"s"}


# --- our own logs


def log(*events: tuple[str, dict[str, Any]], run: str = "r") -> list[dict[str, Any]]:
    return [
        {"id": 9, "type": kind, "session_id": "theirs", "run_id": run, "at": NOW.isoformat(), **more}
        for kind, more in events
    ]


STARTED = ("run.started", {"agent": "a", "model": "m", "options": {"approve": "auto", "max_steps": 5}})
ADDED = (
    "message.added",
    {
        "message_id": "m",
        "parts": [{"type": "file", "blob": "a" * 64, "media_type": "x", "name": "n", "size": 1}],
    },
)
ENDED = ("run.completed", {})
STEP = ("step.started", {"step": 1, "model": "m", "prompt": "b" * 64})
STEPPED = ("step.completed", {"step": 1, "reason": "stop", "timing": {"request_ms": 1, "total_ms": 2}})
CALL = ("tool_call.requested", {"call_id": "c", "step": 1, "name": "x", "arguments": {}})
ASKED = (
    "approval.requested",
    {
        "approval": {
            "id": "p",
            "session_id": "theirs",
            "run_id": "r",
            "call_id": "c",
            "agent": "a",
            "tool": "run_command",
            "risk": "execute",
            "subject": "ls",
            "arguments": {},
            "rule": "run_command(*)",
            "requested_at": NOW.isoformat(),
        }
    },
)
APPROVED = (
    "approval.resolved",
    {
        "approval_id": "p",
        "call_id": "c",
        "status": "approved",
        "decision": {"outcome": "approve", "scope": "always"},
    },
)
DONE = ("tool_call.completed", {"call_id": "c", "name": "x", "outcome": "ok", "content": []})


def test_a_log_grants_nothing_reaches_nothing_and_gets_new_ids() -> None:
    events = list(
        checked(log(STARTED, ADDED, STEP, CALL, STEPPED, ASKED, APPROVED, DONE, ENDED), "mine", set(), NOW)
    )
    kinds = [each.type for each in events]
    assert kinds[0] == "run.started"
    assert kinds[-1] == "run.completed"
    assert {each.session_id for each in events} == {"mine"}
    assert "r" not in {each.run_id for each in events}
    text = " ".join(each.model_dump_json() for each in events)
    assert "theirs" not in text
    assert "run_command(*)" not in text
    assert '"scope":"once"' in text
    assert '"approve":"auto"' not in text
    assert '"max_steps":5' not in text
    assert "a" * 64 not in text
    assert "b" * 64 not in text
    assert '"text":"[n]"' in text


def test_an_event_that_is_nested_too_deep_is_refused() -> None:
    for depth in (300, 5_000):
        inner: dict[str, Any] = {}
        for _ in range(depth):
            inner = {"a": inner}
        call = (CALL[0], {**CALL[1], "arguments": inner})
        with pytest.raises(InvalidError, match="nested"):
            list(checked(log(STARTED, ADDED, STEP, call), "mine", set(), NOW))


def test_contents_that_are_the_users_own_stay() -> None:
    events = list(checked(log(STARTED, ADDED, ENDED), "mine", {"a" * 64}, NOW))
    assert "a" * 64 in events[1].model_dump_json()


def test_what_is_of_no_run_and_unknown_is_left_out() -> None:
    more = log(
        ("session.deleted", {}),
        ("file.changed", {"path": "/etc", "change": "created"}),
        ("nonsense", {}),
        ({}, {}),
    )  # type: ignore[arg-type]
    assert list(checked(more, "mine", set(), NOW)) == []


@pytest.mark.parametrize(
    "events",
    [
        [ADDED],
        [STARTED, STARTED],
        [STARTED, STEP],
        [STARTED, ADDED, CALL],
        [STARTED, ADDED, STEP, ENDED],
        [STARTED, ADDED, STEP, CALL, STEPPED, ENDED],
        [STARTED, ADDED, STEP, CALL, CALL],
        [STARTED, ADDED, STEP, CALL, STEPPED, APPROVED],
        [STARTED, ADDED, STEP, CALL, STEPPED, ASKED, ASKED],
        [STARTED, ADDED, STEP, CALL, STEPPED, ASKED, DONE],
        [STARTED, ADDED, ENDED, STARTED],
        [STARTED, ADDED, STEP, ("part.completed", {"part_id": "1", "kind": "text", "text": "x"})],
        [STARTED, ("message.added", {"message_id": 5, "parts": "x"})],
    ],
)
def test_a_log_in_no_order_is_refused(events: list[tuple[str, dict[str, Any]]]) -> None:
    with pytest.raises(InvalidError, match=r"its event [0-9]+ "):
        list(checked(log(*events), "mine", set(), NOW))


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("step.started", {"step": 10**30}),
        ("usage.recorded", {"input_tokens": 9 * 10**18}),
        ("usage.recorded", {"output_tokens": -1}),
        ("usage.recorded", {"cost_usd": float("inf")}),
        ("usage.recorded", {"cost_usd": "-Infinity"}),
        ("step.completed", {"timing": {"request_ms": "inf", "total_ms": 1}}),
    ],
)
def test_numbers_that_nobody_can_add_up_or_write_are_refused(kind: str, more: dict[str, Any]) -> None:
    used = ("usage.recorded", {"model": "m", "input_tokens": 1, "output_tokens": 1})
    events = [
        (name, fields | (more if name == kind else {}))
        for name, fields in (STARTED, ADDED, STEP, used, STEPPED)
    ]
    with pytest.raises(InvalidError, match=r"its event [345] "):
        list(checked(log(*events), "mine", set(), NOW))


def test_times_become_those_of_the_log_which_are_compared_as_texts() -> None:
    events = log(STARTED, ADDED, ENDED)
    for event, at in zip(events, ("0001-01-01T00:00:00+14:00", "2020-01-01T01:00:00+05:00"), strict=False):
        event["at"] = at
    first, second, _ = (each.at.isoformat() for each in checked(events, "mine", set(), NOW))
    assert (first, second) == ("1970-01-01T00:00:00+00:00", "2019-12-31T20:00:00+00:00")


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-11-21T00:00:00Z"]
)
def test_every_time_of_a_file_can_be_said_in_every_time_zone(at: str) -> None:
    asked = {**ASKED[1]["approval"], "requested_at": at, "expires_at": at}
    kinds = (STARTED, ADDED, STEP, CALL, STEPPED, ("approval.requested", {"approval": asked}), APPROVED)
    events = list(checked([{**each, "at": at} for each in log(*kinds)], "mine", set(), NOW))
    times = [each.at for each in events]
    times += [each.approval.requested_at for each in events if each.type == "approval.requested"]
    times += [each.at for each in events_of([Said("user", "x", datetime.fromisoformat(at))], "s", "a", NOW)]
    for time_said in times:
        assert time_said <= NOW
        for hours in (-12, 14):
            assert time_said.astimezone(timezone(timedelta(hours=hours)))


def test_a_number_that_nothing_can_hold_is_refused() -> None:
    for size in (10**400, "9" * 400):
        block = {"type": "command", "command": "ls", "cwd": "/", "whole_bytes": size}
        done = (DONE[0], {**DONE[1], "display": [block]})
        with pytest.raises(InvalidError, match="number"):
            list(checked(log(STARTED, ADDED, STEP, CALL, STEPPED, done), "mine", set(), NOW))
