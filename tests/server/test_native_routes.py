"""What the native API answers to requests that are wrong, and to errors behind it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import tracemalloc
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from holdfast.core.domain import errors
from holdfast.core.domain.errors import STATUS, HoldfastError
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.body import read_json
from holdfast.server.native.channel import open_channel
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.native.codec import codec
from holdfast.server.native.operations import operations

JSON = {"Content-Type": "application/json"}


async def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    error: dict[str, Any] = answer.json()["error"]
    assert list(error) == ["code", "message", "details", "request_id"]
    assert error["code"] == code
    assert error["request_id"] == answer.headers["x-request-id"]
    return error


async def test_health_answers_without_the_workbench(served: Any) -> None:
    answer = await served.http.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})
    assert served.fake.calls == []


async def test_an_unknown_key_of_the_body_is_refused_by_name(served: Any) -> None:
    answer = await served.http.put("/sessions/s1/title", json={"title": "x", "titel": "y"})
    error = await refused(answer, 400, "invalid_request")
    assert error["details"] == {
        "fields": [{"field": "titel", "message": "is not known here; there are: session_id, title"}]
    }


async def test_an_unknown_query_parameter_is_refused_by_name(served: Any) -> None:
    error = await refused(await served.http.get("/sessions?limt=3"), 400, "invalid_request")
    assert "limt" in error["message"]


async def test_a_missing_field_is_named(served: Any) -> None:
    error = await refused(await served.http.post("/sessions", json={"project": "/p"}), 400, "invalid_request")
    assert error["message"] == "agent: is missing"


async def test_a_wrong_type_deep_in_the_body_is_named_by_its_path(served: Any) -> None:
    body = {"decision": {"outcome": "perhaps"}}
    answer = await served.http.post("/approvals/a1/decision", json=body)
    error = await refused(answer, 400, "invalid_request")
    assert error["details"]["fields"][0]["field"] == "decision.outcome"


async def test_a_wrong_value_is_not_repeated_in_the_answer(served: Any) -> None:
    answer = await served.http.put("/providers/openai", json={"key": ["sk-secret"]})
    await refused(answer, 400, "invalid_request")
    assert "sk-secret" not in answer.text


async def test_a_wrong_number_in_the_query_is_named(served: Any) -> None:
    error = await refused(await served.http.get("/events?after=abc"), 400, "invalid_request")
    assert error["details"]["fields"][0]["field"] == "after"


@pytest.mark.parametrize(
    "path",
    [
        f"/sessions?limit={10**30}",
        f"/events?after={2**63}",
        f"/sessions/s1/history?before=-{10**20}",
        "/search?query=%00",
        "/agents?project=%00",
        "/sessions/s%001",
    ],
)
async def test_what_no_database_or_file_system_can_be_asked_for_is_refused(served: Any, path: str) -> None:
    await refused(await served.http.get(path), 400, "invalid_request")
    assert served.fake.calls == []


async def test_a_parameter_given_twice_is_refused(served: Any) -> None:
    error = await refused(await served.http.get("/sessions?limit=1&limit=2"), 400, "invalid_request")
    assert error["message"] == "limit: is given more than once"


async def test_a_parameter_of_the_path_cannot_be_overridden(served: Any) -> None:
    body = {"title": "x", "session_id": "s2"}
    error = await refused(await served.http.put("/sessions/s1/title", json=body), 400, "invalid_request")
    assert error["message"] == "session_id: stands in the path already"
    await refused(await served.http.get("/sessions/s1?session_id=s2"), 400, "invalid_request")
    assert served.fake.calls == []


async def test_a_query_where_a_body_belongs_is_refused(served: Any) -> None:
    answer = await served.http.put("/sessions/s1/title?title=x")
    error = await refused(answer, 400, "invalid_request")
    assert "go into the body" in error["message"]


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b"nul", b'"x"', b"\xff\xfe", b'{"title": "\\ud800"}', b"[" * 9999]
)
async def test_a_body_that_is_no_json_object_is_refused(served: Any, body: bytes) -> None:
    answer = await served.http.put("/sessions/s1/title", content=body, headers=JSON)
    await refused(answer, 400, "invalid_json")


async def test_a_declared_body_over_the_limit_is_refused_before_it_is_read(served: Any) -> None:
    reader, writer = await _raw(served.socket)
    writer.write(
        b"PUT /holdfast/v1/sessions/s1/title HTTP/1.1\r\nHost: engine\r\n"
        b"Content-Length: 7340032\r\nExpect: 100-continue\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    await _close(writer)


async def test_a_body_that_grows_over_the_limit_is_refused(served: Any) -> None:
    async def chunks() -> Any:
        for _ in range(7):
            yield b" " * 1024 * 1024

    answer = await served.http.put("/sessions/s1/title", content=chunks(), headers=JSON)
    error = await refused(answer, 413, "body_too_large")
    assert error["details"] == {"limit_bytes": 6 * 1024 * 1024}


@pytest.mark.parametrize(
    "values",
    [b"1," * 200_000 + b"1", b"{}," * 60_000 + b"{}", b"[" * 100_001, b'"\\"",' * 300_000 + b'""'],
    ids=["numbers", "objects", "depth", "texts"],
)
async def test_a_body_of_too_many_values_is_refused_before_it_is_taken_apart(
    served: Any, values: bytes
) -> None:
    answer = await served.http.post(
        "/sessions/s1/runs", content=b'{"parts": [' + values + b"]}", headers=JSON
    )
    error = await refused(answer, 413, "body_too_large")
    assert error["details"] == {"limit_values": 100_000}
    assert served.fake.calls == []


async def test_a_body_that_comes_slowly_is_not_held_in_memory() -> None:
    pieces = 120_000
    most = 0

    async def receive() -> dict[str, Any]:
        nonlocal pieces, most
        pieces -= 1
        if pieces == 1:
            most = tracemalloc.get_traced_memory()[1]
        return {"type": "http.request", "body": bytes(bytearray(50)), "more_body": pieces > 0}

    request = Request({"type": "http", "method": "PUT", "headers": []}, receive)
    tracemalloc.start()
    try:
        assert len(await read_json(request)) == 6_000_000
    finally:
        tracemalloc.stop()
    assert 0 < most < 2_000_000


async def test_what_looks_like_many_values_in_a_text_is_a_text(served: Any) -> None:
    served.fake.results["sessions.rename"] = None
    title = '[{1,2},"\\",' * 200_000
    answer = await served.http.put("/sessions/s1/title", json={"title": title})
    assert answer.status_code == 200, answer.text
    assert served.fake.calls == [("sessions.rename", (), {"session_id": "s1", "title": title})]


async def test_of_too_many_mistakes_only_the_number_is_told(served: Any) -> None:
    answer = await served.http.post("/sessions/s1/runs", json={"parts": [1] * 50_000})
    error = await refused(answer, 400, "invalid_request")
    assert error["message"] == "There are 50000 mistakes in the request"


async def test_a_long_name_of_a_field_is_not_repeated_whole(served: Any) -> None:
    body = {"x" * 1_000_000: 1, "title": "x"}
    answer = await served.http.put("/sessions/s1/title", json=body)
    await refused(answer, 400, "invalid_request")
    assert len(answer.content) < 2_000
    assert len((await served.http.get(f"/sessions?{'y' * 9_000}")).content) < 2_000


def test_thousands_of_parameters_are_looked_at_once_each() -> None:
    names = [f"{number}" for number in range(16_000)]
    begun = time.process_time()
    with pytest.raises(errors.InvalidError, match="15999: is given more than once"):
        codec(operations()["sessions.list"]).parse({}, [(name, "") for name in (*names, "15999")], b"")
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"]
)
async def test_a_body_that_is_not_said_to_be_json_is_refused(served: Any, kind: str) -> None:
    body = b'{"title": "x"}'
    answer = await served.http.put("/sessions/s1/title", content=body, headers={"Content-Type": kind})
    error = await refused(answer, 415, "unsupported_media_type")
    assert "application/json" in error["message"]
    assert served.fake.calls == []


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Type": "Application/JSON; charset=utf-8"}, {"Content-Type": "application/x+json"}],
)
async def test_a_body_is_json_where_its_type_says_so_or_nothing(served: Any, headers: Any) -> None:
    served.fake.results["sessions.rename"] = None
    await served.http.put("/sessions/s1/title", content=b'{"title": "x"}', headers=headers)
    assert served.fake.calls == [("sessions.rename", (), {"session_id": "s1", "title": "x"})]


async def test_a_request_without_a_body_needs_no_type(served: Any) -> None:
    served.fake.results["runs.steer"] = None
    headers = {"Content-Type": "text/plain"}
    answer = await served.http.post("/runs/r1/steer", headers=headers)
    error = await refused(answer, 400, "invalid_request")
    assert error["message"] == "parts: is missing"


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "1e3", "1.5", "", "x", str(2**70)])
@pytest.mark.parametrize("path", ["/sessions", "/events", "/approvals", "/questions", "/search?query=x"])
async def test_a_limit_out_of_bounds_is_refused_by_name(served: Any, path: str, limit: str) -> None:
    answer = await served.http.get(path, params={"limit": limit} | dict(httpx.URL(path).params))
    error = await refused(answer, 400, "invalid_request")
    assert [field["field"] for field in error["details"]["fields"]] == ["limit"]
    assert served.fake.calls == []


async def test_wrong_fields_are_told_without_words_of_the_language_that_this_is_written_in(
    served: Any,
) -> None:
    async def told(path: str, **body: Any) -> dict[str, str]:
        error = await refused(await served.http.post(path, json=body), 400, "invalid_request")
        return {each["field"]: each["message"] for each in error["details"]["fields"]}

    assert await told("/sessions", agent=1) == {"agent": "must be a valid string"}
    assert await told("/keys", name="a", expires_s="x") == {"expires_s": "must be a valid integer"}
    wrong = {"text": "x", "type": "text", "more": 1}
    assert await told("/sessions/s/runs", parts=[wrong]) == {"parts.0.text.more": "is not known here"}


async def test_a_path_that_is_not_there_has_the_same_error_body(served: Any) -> None:
    error = await refused(await served.http.get("/nothing"), 404, "no_such_path")
    assert "/holdfast/v1/docs shows what there is" in error["message"]
    error = await refused(await served.http.get("/sessions/"), 404, "no_such_path")
    assert "leave out the slash" in error["message"]


async def test_a_wrong_method_says_which_are_right(served: Any) -> None:
    answer = await served.http.post("/sessions/s1")
    error = await refused(answer, 405, "method_not_allowed")
    assert "POST is not possible here; " in error["message"] and "DELETE" in error["message"]
    assert {"GET", "PATCH", "DELETE"} <= {m.strip() for m in answer.headers["allow"].split(",")}


def every_error() -> list[type[HoldfastError]]:
    found = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, HoldfastError)]
    return [e for e in found if e not in (HoldfastError, errors.AgentFileError)]


async def test_every_error_of_the_tree_arrives_as_itself_with_the_status_of_its_kind(served: Any) -> None:
    for error_type in every_error():
        error = error_type("What to do", details={"at": ["x", 1]})
        served.fake.results["sessions.get"] = error
        with pytest.raises(error_type) as caught:
            await served.remote.sessions.get("s1")
        assert type(caught.value) is error_type
        assert caught.value.info == error.info
        assert (await served.http.get("/sessions/s1")).status_code == STATUS[error_type.kind]


async def test_the_mistakes_of_an_agent_file_arrive_with_their_places(served: Any) -> None:
    mistake = errors.Diagnostic(file="a.yaml", line=3, column=1, key_path="model", message="is no text")
    served.fake.results["agents.get"] = errors.AgentFileError([mistake])
    with pytest.raises(errors.AgentFileError) as caught:
        await served.remote.agents.get("a")
    assert caught.value.diagnostics == [mistake]


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (errors.UnavailableError("Wait"), "1"),
        (errors.ConflictError("Wait", retryable=True), "1"),
        (errors.RateLimitedError("Wait", details={"retry_after_s": 2.5}), "3"),
        (errors.ModelStreamCut("Wait"), "1"),
        (errors.ConflictError("Never"), None),
        (errors.StoreError("Never"), None),
    ],
)
async def test_what_may_help_later_says_when(served: Any, error: HoldfastError, after: str | None) -> None:
    served.fake.results["sessions.get"] = error
    assert (await served.http.get("/sessions/s1")).headers.get("retry-after") == after
    with pytest.raises(type(error)) as caught:
        await served.remote.sessions.get("s1")
    assert caught.value.info == error.info


async def test_a_bug_is_logged_with_its_traceback_and_shown_by_its_reference_only(
    served: Any, caplog: pytest.LogCaptureFixture
) -> None:
    served.fake.results["sessions.search"] = ZeroDivisionError("canary")
    with caplog.at_level(logging.ERROR):
        answer = await served.http.get("/search?query=private")
    error = await refused(answer, 500, "internal")
    assert "canary" not in answer.text
    assert error["request_id"] in error["message"]
    assert error["request_id"] in caplog.text
    assert "ZeroDivisionError" in caplog.text
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("holdfast")]
    assert "private" not in "".join(ours)


async def test_an_error_with_details_that_are_no_json_is_still_answered(served: Any) -> None:
    error = errors.ConflictError("Busy", details={"at": object(), "n": float("inf")})
    served.fake.results["sessions.get"] = error
    answer = await served.http.get("/sessions/s1")
    assert answer.status_code == 409


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_half_a_request_and_noise_do_not_hurt_the_server(served: Any) -> None:
    for noise in (b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET / HTTP/1.1\r\nHo", b"PUT /x HTTP/9\r\n\r\n"):
        _, writer = await _raw(served.socket)
        writer.write(noise)
        await writer.drain()
        await _close(writer)
    assert (await served.http.get("/health/live")).status_code == 200


async def test_arguments_that_do_not_fit_are_refused_before_they_are_sent(served: Any) -> None:
    remote: Workbench = served.remote
    with pytest.raises(errors.InvalidError, match="title"):
        await remote.sessions.rename("s1", 5)  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidError, match="Unicode"):
        await remote.sessions.rename("s1", "\ud800")
    with pytest.raises(errors.InvalidError, match="Unicode"):
        await remote.sessions.get("\ud800")
    with pytest.raises(TypeError):
        await remote.sessions.rename("s1")  # type: ignore[call-arg]
    assert served.fake.calls == []


@pytest.mark.parametrize(
    "body", [b"Invalid HTTP request", b"[]", b'{"error": 1}', b'{"error": {"kind": "x"}}']
)
@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, errors.InvalidError), (422, errors.InvalidError), (503, errors.UnavailableError)],
)
def test_an_answer_in_a_foreign_shape_is_an_error_of_its_status(
    body: bytes, status: int, expected: type[HoldfastError]
) -> None:
    found = open_channel("/none.sock").error_of(httpx.Response(status, content=body))
    assert type(found) is expected
    assert str(status) in found.message


async def test_an_argument_too_long_for_a_request_is_refused(served: Any) -> None:
    with pytest.raises(errors.TooLargeError):
        await served.remote.sessions.search("x" * 200_000)


async def test_without_an_engine_the_client_says_what_to_do(short_folder: Any) -> None:
    remote = RemoteWorkbench(short_folder / "none.sock")
    with pytest.raises(errors.UnavailableError, match="holdfast engine logs"):
        await remote.engine.status()
    await remote.close()


async def test_a_closed_client_says_so(served: Any) -> None:
    await served.remote.close()
    with pytest.raises(errors.UnavailableError, match="closed"):
        await served.remote.engine.status()


async def _raw(socket: Any) -> Any:
    return await asyncio.open_unix_connection(socket)
