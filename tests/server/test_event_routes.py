"""The routes of events: of everything, of one session and of one run, as pages and as streams."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from server_fakes import AT

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.events import EventFilter, LoggedEvent, SessionRenamed
from holdfast.core.domain.values import Page

EVENT = LoggedEvent(id=7, event=SessionRenamed(session_id="s1", title="x", at=AT))
PATHS = [
    ("/events", {}),
    ("/sessions/s1/events", {"session_id": "s1"}),
    ("/runs/r1/events", {"run_id": "r1"}),
]


@pytest.fixture
def known(served: Any) -> Any:
    """A server whose fake has the session `s1`, the run `r1` and a page of events."""

    def get(kind: str, has: str) -> Any:
        def found(**named: str) -> Any:
            if named != {f"{kind}_id": has}:
                raise NotFoundError(f"There is no {kind}.", code=f"{kind}_not_found")

        return found

    served.fake.results["sessions.get"] = get("session", "s1")
    served.fake.results["runs.get"] = get("run", "r1")
    served.fake.results["events.read"] = Page[LoggedEvent](items=(EVENT,), next_cursor="7")
    return served


def asked(served: Any, name: str) -> list[Any]:
    return [call[1:] for call in served.fake.calls if call[0] == name]


@pytest.mark.parametrize(("path", "of"), PATHS)
async def test_a_page_of_events_is_of_what_its_path_names(known: Any, path: str, of: Any) -> None:
    answer = await known.http.get(path, params={"after": 3, "limit": 2, "deltas": "false"})
    assert answer.status_code == 200, answer.text
    assert [event["id"] for event in answer.json()["items"]] == [7]
    assert answer.json()["next_cursor"] == "7"
    wanted = EventFilter(**of, deltas=False)
    assert asked(known, "events.read") == [((), {"filter": wanted, "after": 3, "limit": 2})]


async def first_lines(http: httpx.AsyncClient, path: str, count: int, **headers: str) -> list[str]:
    async with (
        asyncio.timeout(10),
        http.stream("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()}) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        return [await anext(lines) for _ in range(count)]


@pytest.mark.parametrize(("path", "of"), PATHS)
@pytest.mark.parametrize("way", ["accept", "suffix"])
async def test_the_same_paths_stream_to_who_asks_for_it(known: Any, path: str, of: Any, way: str) -> None:
    known.fake.add(2)
    headers = {"Accept": "text/event-stream"} if way == "accept" else {}
    suffix = "" if way == "accept" else "/stream"
    lines = await first_lines(known.http, path + suffix, 1, last_event_id="1", **headers)
    assert lines == ["id: 1"]
    assert asked(known, "events.follow") == [((EventFilter(**of), 1), {})]
    assert asked(known, "events.read") == []


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/json", "application/json, text/event-stream", "text/html", "", "text/event-streams"],
)
async def test_pages_are_for_who_does_not_ask_for_a_stream_alone(known: Any, accept: str) -> None:
    answer = await known.http.get("/events", headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
@pytest.mark.parametrize(
    ("path", "code"),
    [("/sessions/other/events", "session_not_found"), ("/runs/other/events", "run_not_found")],
)
async def test_a_path_below_what_is_not_there_is_not_there(
    known: Any, path: str, code: str, accept: str
) -> None:
    for each in (path, f"{path}/stream"):
        answer = await known.http.get(each, headers={"Accept": accept})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)
    assert asked(known, "events.read") == asked(known, "events.follow") == []


async def test_a_filter_in_the_query_is_no_name_of_an_object(known: Any) -> None:
    answer = await known.http.get("/events", params={"session_id": "other", "run_id": "other"})
    assert answer.status_code == 200
    assert asked(known, "sessions.get") == asked(known, "runs.get") == []


async def test_what_the_path_names_cannot_be_named_again(known: Any) -> None:
    answer = await known.http.get("/sessions/s1/events?session_id=s2")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


async def test_a_stream_has_no_limit_and_says_so(known: Any) -> None:
    answer = await known.http.get("/events?limit=3", headers={"Accept": "text/event-stream"})
    error = answer.json()["error"]
    assert (answer.status_code, error["details"]["fields"][0]["field"]) == (400, "limit")


@pytest.mark.parametrize("id", ["x", "-1", "1.0", "٣", "9" * 19, "1" * 500])
async def test_a_last_event_id_that_is_none_is_refused(known: Any, id: str) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": id.encode()}
    answer = await known.http.get("/events", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


async def test_the_header_says_where_to_go_on_before_the_query_does(known: Any) -> None:
    known.fake.add(5)
    assert await first_lines(known.http, "/events/stream?after=1", 1, last_event_id="4") == ["id: 4"]
    assert await first_lines(known.http, "/events/stream?after=1", 1) == ["id: 1"]
