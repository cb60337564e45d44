"""Requests that no client library makes, to a real engine: each is answered in words."""

from __future__ import annotations

import http.client
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from contract_engine import ContractEngine, World

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def engine() -> Iterator[ContractEngine]:
    with tempfile.TemporaryDirectory(prefix="hf") as home:
        engine = ContractEngine(Path(home))
        yield engine
        engine.stop()


@pytest.fixture(scope="module")
def session_id(engine: ContractEngine) -> Iterator[str]:
    world = World(engine.url)
    yield world.ids()["session_id"]
    world.close()


def ask(engine: ContractEngine, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
    """Sends a request as it is written; returns status and JSON."""
    url = urlsplit(engine.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=20)
    try:
        connection.putrequest(method, url.path + path, skip_accept_encoding=True)
        for name, value in {**(JSON if body is not None else {}), **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def checked(engine: ContractEngine, found: Any) -> str:
    """Returns the code of an error, after a look at its shape and at the engine's log."""
    status, body = found
    assert engine.bugs() == ""
    assert status < 500, body
    if status < 400:
        return "fine"
    assert list(body["error"]) == ["code", "message", "details", "request_id"]
    return str(body["error"]["code"])


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/sessions/%00", "invalid_request"),
        ("/sessions/%ff%fe", "session_not_found"),
        ("/sessions/%ed%a0%80", "session_not_found"),
        ("/sessions/%2e%2e", "session_not_found"),
        ("/sessions/%2F", "no_such_path"),
        ("/sessions/a%2Fb", "no_such_path"),
        ("/sessions/%252e", "session_not_found"),
        ("/sessions//events", "no_such_path"),
        ("/sessions/..;/x", "no_such_path"),
        ("/sessions/" + "x" * 20_000, "session_not_found"),
        ("/sessions/%F0%9F%A6%80", "session_not_found"),
        ("/sessions/a%0d%0aX-Evil:%201", "session_not_found"),
        ("//sessions", "no_such_path"),
        ("/sessions?query=%00", "invalid_request"),
        ("/sessions?query=%ff", "fine"),
        ("/sessions?query=%ed%b0%80", "fine"),
        ("/sessions?query=" + "%25" * 5_000, "fine"),
        ("/sessions?", "fine"),
        ("/sessions?=", "invalid_request"),
        ("/sessions?&&;&", "invalid_request"),
        ("/sessions?limit", "invalid_request"),
        ("/sessions?limit=", "invalid_request"),
        ("/sessions?limit=%D9%A3", "invalid_request"),
        ("/sessions?cursor=%00", "invalid_request"),
        ("/sessions?cursor=" + "A" * 1_000, "invalid_cursor"),
        ("/sessions?cursor=" + "A" * 1_001, "invalid_request"),
        ("/events?after=99999999999999999999", "invalid_request"),
        ("/events?after=-1", "invalid_request"),
        ("/events?deltas=maybe", "invalid_request"),
        ("/usage?since=9999-99-99T00:00:00Z", "invalid_request"),
        ("/usage?since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z", "fine"),
        ("/usage?since=2026-01-01", "invalid_request"),
        ("/search?query=%22%20OR%20NEAR(*", "fine"),
    ],
)
def test_an_odd_path_or_query_is_answered_in_words(engine: ContractEngine, path: str, code: str) -> None:
    assert checked(engine, ask(engine, "GET", path)) == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_request"),
        (b"{}", "invalid_request"),
        (b"null", "invalid_json"),
        (b'"x"', "invalid_json"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        (b"\x00", "invalid_json"),
        (b'{"parts": [', "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"a":' * 100_000, "invalid_json"),
        (b'{"parts": NaN}', "invalid_json"),
        (b'{"parts": [{"type": "text", "text": "\\ud800"}]}', "invalid_json"),
        (b'{"parts": [{"type": "text", "text": "\xff"}]}', "invalid_json"),
        (b'{"parts": {}}', "invalid_request"),
        (b'{"parts": []}', "empty_message"),
        (b'{"parts": [[]]}', "invalid_request"),
        (b'{"parts": [{"type": "text", "text": 5}]}', "invalid_request"),
        (b'{"parts": [{"type": ["text"], "text": "x"}]}', "invalid_request"),
        (b'{"parts": [{"text": "x"}]}', "invalid_request"),
        (b'{"parts": [{"type": "text", "text": "x"}], "options": {"max_steps": true}}', "invalid_request"),
        (b'{"parts": [{"type": "text", "text": "x"}], "options": {"max_steps": "5"}}', "invalid_request"),
        (b'{"parts": [{"type": "text", "text": "x"}], "options": {"timeout_s": 1e999}}', "invalid_request"),
        (b'{"parts": [{"type": "text", "text": "x"}], "options": {"timeout_s": -0.0}}', "invalid_request"),
        (b'{"parts": [{"type": "text", "text": "a\\u0000b"}]}', "fine"),
        (b'{"parts": [{"type": "text", "text": "\\u2028\\ufffe\\u0085"}]}', "fine"),
        (b'{"parts": [{"type": "text", "text": "x"}], "message_id": ""}', None),
        (b'{"parts": [{"type": "image", "blob": "../../etc", "media_type": "image/png"}]}', None),
        (
            b'{"parts": [{"type": "text", "text": "x"}], "options": {"max_steps": 1' + b"0" * 300 + b"}}",
            "fine",
        ),
        (
            b'{"parts": [{"type": "text", "text": "x"}], "options": {"max_steps": 1' + b"0" * 9_000 + b"}}",
            None,
        ),
    ],
)
def test_an_odd_body_is_answered_in_words(
    engine: ContractEngine, session_id: str, body: bytes, code: str | None
) -> None:
    found = checked(engine, ask(engine, "POST", f"/sessions/{session_id}/runs", body))
    assert code in (None, found)


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "PUT", "BREW", "get", "PROPFIND"])
def test_an_odd_method_is_refused_with_those_there_are(engine: ContractEngine, method: str) -> None:
    assert checked(engine, ask(engine, method, "/sessions")) == "method_not_allowed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "application/json; charset=utf-16"},
        {"Content_Type": "\xff\xfe"},
        {"Accept": "*/*;q=x, , text/event-stream;q=0, application/json"},
        {"Accept_Encoding": "br;q=1.0, gzip"},
        {"Idempotency_Key": "\xe9"},
        {"Content_Encoding": "gzip"},
        {"Range": "bytes=0-1"},
        {"If_Match": "x"},
        {"X_Forwarded_Prefix": "/evil"},
    ],
)
def test_odd_headers_break_nothing(engine: ContractEngine, session_id: str, headers: dict[str, str]) -> None:
    body = b'{"parts": [{"type": "text", "text": "x"}]}'
    checked(engine, ask(engine, "POST", f"/sessions/{session_id}/runs", body, **headers))
    checked(engine, ask(engine, "GET", "/events?limit=1", **headers))


def test_of_a_key_that_is_given_twice_the_last_counts(engine: ContractEngine, session_id: str) -> None:
    body = b'{"title": "one", "title": "two"}'
    status, session = ask(engine, "PUT", f"/sessions/{session_id}/title", body)
    assert (status, session["title"]) == (200, "two")


def test_the_engine_still_works(engine: ContractEngine, session_id: str) -> None:
    status, page = ask(engine, "GET", f"/sessions/{session_id}/events?limit=1000")
    assert status == 200
    assert page["items"]
    _, checks = ask(engine, "POST", "/engine/check", b"{}")
    assert {each["name"]: each["state"] for each in checks}["index"] == "ok"
