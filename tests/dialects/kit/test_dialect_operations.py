"""What the kit does for every operation of a dialect, seen through a made-up one."""

from __future__ import annotations

import json
import logging
import uuid
from typing import Any

import pytest

ID = str(uuid.uuid4())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/things", None, 200),
        ("POST", "/things", {"name": "a"}, 201),
        ("DELETE", "/things/a,b", None, 202),
        ("DELETE", "/things", None, 204),
    ],
)
async def test_a_success_has_exactly_the_status_of_its_operation(
    ask, method: str, path: str, body: Any, status: int
) -> None:
    async with ask() as http:
        answer = await http.request(method, path, json=body) if body else await http.request(method, path)
    assert answer.status_code == status
    assert answer.headers.get("content-type", "") == ("application/json" if status != 204 else "")


async def test_fields_without_a_value_are_left_out_where_the_dialect_says_so(ask) -> None:
    async with ask() as http:
        assert (await http.post("/things", json={"name": "a", "more": 1})).json() == {"name": "a", "size": 0}


# --- what is read


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_is_json_whatever_it_calls_itself(ask, kind: str) -> None:
    async with ask() as http:
        headers = {"content-type": kind} if kind else {}
        answer = await http.post("/things", content=b' {"name": "a", "size": "3"}\n', headers=headers)
    assert (answer.status_code, answer.json()["size"]) == (201, 3)


@pytest.mark.parametrize("body", [b"", b"  \n", b"null"])
async def test_an_empty_body_is_an_empty_object_where_none_is_needed(ask, body: bytes) -> None:
    async with ask() as http:
        headers = {"content-type": "application/json"}
        answer = await http.request("DELETE", "/things/a", content=body, headers=headers)
        assert (answer.status_code, answer.json()["why"]) == (202, "")
        refused = await http.post("/things", content=body, headers=headers)
    assert (refused.status_code, refused.json()["oops"]) == (400, "The body is missing; it must be JSON.")


async def test_a_deletion_may_have_a_body_and_many_ids(ask) -> None:
    async with ask() as http:
        for ids in ("a,b", "a%2Cb", "a,%20b,"):
            answer = await http.request("DELETE", f"/things/{ids}", json={"why": "old"})
            assert answer.json() == {"ids": ["a", "b"], "why": "old"}


@pytest.mark.parametrize(("said", "flag"), [("true", True), ("True", True), ("1", True), ("False", False)])
async def test_yes_and_no_are_taken_as_clients_write_them(ask, said: str, flag: bool) -> None:
    async with ask() as http:
        found = (await http.get("/things", params={"flag": said, "other": "x"})).json()
    assert found == [{"name": f"{flag} ", "size": 10}]


async def test_empty_parameters_are_none_and_the_last_of_many_counts(ask) -> None:
    async with ask() as http:
        found = (await http.get("/things?flag=&limit=&limit=3&limit=4&name=a%20b")).json()
    assert found == [{"name": "False a b", "size": 4}]


# --- what is refused


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'{"size": 1}', [{"field": "name", "message": "is missing"}]),
        (b"[]", [{"field": "", "message": "must be an object"}]),
        (b'"{}"', [{"field": "", "message": "must be an object"}]),
        (b'{"name": "a", "size": "b"}', [{"field": "size", "message": "must be a valid integer"}]),
        (b'{"name": "a\\u0000"}', [{"field": "name", "message": "must not have a NUL character"}]),
        (
            b'{"name": "a", "size": 99999999999999999999}',
            [{"field": "size", "message": "is too large a number"}],
        ),
        (b"{", []),
        (b'{"name": NaN}', []),
        (b'{"name": "\\ud800"}', []),
        (b"\xff", []),
        (b"[" * 5_000, []),
    ],
)
async def test_what_is_wrong_in_a_body_is_said_in_the_dialects_shape(ask, body: bytes, fields: Any) -> None:
    async with ask() as http:
        refused = await http.post("/things", content=body)
    assert refused.status_code == 400
    assert refused.json().keys() == {"oops", "fields"}
    assert refused.json()["fields"] == fields
    assert "Thing" not in refused.text


@pytest.mark.parametrize(
    "path", ["/things?limit=many", "/things?limit=" + "9" * 30, "/things?name=%00", "/things/%00"]
)
async def test_what_is_wrong_in_a_query_or_a_path_is_said_in_the_dialects_shape(ask, path: str) -> None:
    async with ask() as http:
        refused = await http.request("DELETE" if path == "/things/%00" else "GET", path)
    assert (refused.status_code, refused.json().keys()) == (400, {"oops", "fields"})


async def test_a_number_in_a_path_that_no_database_holds_is_refused(ask) -> None:
    async with ask() as http:
        assert (await http.get("/numbers/" + "9" * 30)).status_code == 400
        assert (await http.get("/numbers/7")).json() == "hello"


async def test_many_mistakes_and_long_names_make_no_long_answer(ask) -> None:
    async with ask() as http:
        refused = await http.post("/things", json={"name": [], "size": "x" * 5_000})
        assert len(refused.content) < 1_000


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused_in_the_dialects_shape(ask, declared: bool) -> None:
    async def pieces() -> Any:
        for _ in range(100):
            yield b" " * 100

    async with ask(max_body=1_000) as http:
        refused = await http.post("/things", content=b" " * 10_000 if declared else pieces())
    assert (refused.status_code, refused.json().keys()) == (413, {"oops", "fields"})


async def test_json_of_too_many_values_is_refused(ask) -> None:
    async with ask() as http:
        refused = await http.post("/things", content=json.dumps([0] * 200_000))
    assert refused.status_code == 413


# --- what is not there


@pytest.mark.parametrize("path", ["", "/", "/things/", "/nothing", "/runs/not-an-id", "/numbers/x"])
async def test_an_unknown_path_is_404_in_the_dialects_shape(ask, path: str) -> None:
    async with ask() as http:
        answer = await http.get(path)
    assert (answer.status_code, answer.json()) == (404, {"oops": "Nothing.", "fields": []})


async def test_a_wrong_method_is_405_in_the_dialects_shape(ask) -> None:
    async with ask() as http:
        answer = await http.put("/things")
    assert (answer.status_code, answer.json().keys()) == (405, {"oops", "fields"})
    assert "GET" in answer.headers["allow"]


async def test_an_error_of_a_service_has_the_dialects_shape(ask) -> None:
    async with ask() as http:
        answer = await http.get(f"/things/{ID}")
    assert (answer.status_code, answer.json()["oops"]) == (404, f"There is no thing {ID}.")


async def test_errors_below_a_path_may_look_different(ask) -> None:
    async with ask() as http:
        assert (await http.post("/odd/one", json={})).json() == {"odd": "invalid_request"}
        assert (await http.post("/odd/two", json={})).json() == {"odd": "no_such_path"}
        assert (await http.post("/oddly", json={})).json()["oops"] == "Nothing."


async def test_a_bug_says_nothing_of_the_inside(ask, caplog) -> None:
    caplog.set_level(logging.CRITICAL, "holdfast.tests")
    async with ask() as http:
        answer = await http.get("/broken")
    assert (answer.status_code, answer.json().keys()) == (500, {"oops", "fields"})
    assert "secret" not in answer.text


# --- who is let in


async def test_the_key_is_found_as_the_dialects_clients_send_it(ask) -> None:
    async with ask(word="wrong") as http:
        headers = {"authorization": "Bearer open sesame"}
        for path in ("/things", "/nothing"):
            refused = await http.get(path, headers=headers)
            assert (refused.status_code, refused.json()["oops"]) == (401, "Say the word.")
    async with ask() as http:
        assert (await http.get("/things")).status_code == 200


async def test_an_operation_that_needs_no_key_is_one_method_of_its_path(ask) -> None:
    async with ask(word="") as http:
        assert (await http.get("/hello/you")).json() == "hello"
        assert (await http.post("/hello/you")).status_code == 401
        assert (await http.get("/hello/you/and/me")).status_code == 401
    async with ask() as http:
        assert (await http.post("/hello/you")).status_code == 201


async def test_a_body_is_not_read_from_who_is_not_let_in(ask) -> None:
    async def pieces() -> Any:
        raise AssertionError("it was read")
        yield b""

    async with ask(word="") as http:
        assert (await http.post("/things", content=pieces())).status_code == 401


async def test_the_head_of_an_answer_can_be_asked_for_alone(serve_toy) -> None:
    async with serve_toy() as served:
        for path, status in (("/toy/things", 200), ("/toy/nothing", 404), ("/toy/whole", 405)):
            answer = await served.http.head(path)
            assert (answer.status_code, answer.content) == (status, b"")
        assert int((await served.http.head("/toy/things")).headers["content-length"]) > 10
