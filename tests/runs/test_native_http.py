"""The native API before a real workbench: what only both together show."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Principal, Role
from holdfast.core.domain.identity import Scope as KeyScope
from holdfast.server.listener import listen
from holdfast.server.lock import bind_socket
from holdfast.server.native.routes import native_app

ANN = Principal(user_id="ann", name="ann", role=Role.USER, scope=KeyScope.ADMIN)


class NamedDoor:
    """Lets in whom the header `X-User` names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = dict(scope["headers"]).get(b"x-user", b"local").decode()
        scope.setdefault("state", {})["principal"] = {"local": LOCAL_PRINCIPAL, "ann": ANN}[named]
        await self._app(scope, receive, send)


@asynccontextmanager
async def http(workbench: Any, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async def ready() -> Any:
        return workbench

    stop = asyncio.Event()
    app = native_app(ready, log=logging.getLogger("holdfast.tests"), closing=stop)
    server = asyncio.create_task(listen(NamedDoor(app), bind_socket(folder / "s"), stop))
    transport = httpx.AsyncHTTPTransport(uds=str(folder / "s"), verify=False)
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://engine/holdfast/v1", timeout=10
        ) as client:
            yield client
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await server


async def test_a_repeated_message_starts_one_run_also_after_a_new_start_of_the_engine(
    open_bench, say, tmp_path: Path
) -> None:
    message = {"parts": [{"type": "text", "text": "Hello"}]}
    key = {"Idempotency-Key": "first"}
    async with open_bench([say("one"), say("two")]) as bench, http(bench.workbench, tmp_path) as client:
        session = await bench.session()
        path = f"/sessions/{session.id}/runs"
        first = await client.post(path, json=message, headers=key)
        assert first.status_code == 202
        assert (await client.post(path, json=message, headers=key)).content == first.content
        await bench.end(first.json()["run_id"])
    async with open_bench([say("two")]) as bench, http(bench.workbench, tmp_path) as client:
        again = await client.post(path, json=message, headers=key)
        assert (again.status_code, again.content) == (202, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        assert len((await bench.workbench.runs.list(session.id)).items) == 1


async def test_a_users_key_gives_nobody_else_his_answer(open_bench, tmp_path: Path) -> None:
    async with open_bench() as bench, http(bench.workbench, tmp_path) as client:
        body = {"agent": "general"}
        made = [
            await client.post("/sessions", json=body, headers={"Idempotency-Key": "k", "X-User": user})
            for user in ("local", "ann", "local", "ann")
        ]
        assert [answer.status_code for answer in made] == [201] * 4
        ids = [answer.json()["id"] for answer in made]
        assert ids[0] == ids[2] != ids[1] == ids[3]


@pytest.mark.parametrize("suffix", ["", "/stream"])
async def test_somebody_elses_session_and_run_have_no_events_because_they_are_not_there(
    open_bench, say, tmp_path: Path, suffix: str
) -> None:
    async with open_bench([say("one")]) as bench, http(bench.workbench, tmp_path) as client:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.end(run_id)
        ann = {"X-User": "ann"}
        for path in (f"/sessions/{session.id}/events", f"/runs/{run_id}/events"):
            assert (await client.get(path)).json()["items"]
            theirs = await client.get(path + suffix, headers=ann)
            missing = await client.get(
                path.replace(session.id, "x").replace(run_id, "x") + suffix, headers=ann
            )
            assert theirs.status_code == missing.status_code == 404
            assert theirs.json()["error"]["code"] == missing.json()["error"]["code"]
        query = {"session_id": session.id, "run_id": run_id}
        assert (await client.get("/events", params=query, headers=ann)).json()["items"] == []


async def test_pages_of_events_lead_from_the_first_to_the_last(open_bench, say, tmp_path: Path) -> None:
    async with open_bench([say("one", " two", " three")]) as bench, http(bench.workbench, tmp_path) as client:
        session = await bench.session()
        await bench.end(await bench.send(session))
        whole = (await client.get("/events")).json()
        assert whole["next_cursor"] is None
        found: list[Any] = []
        after: str | None = "0"
        while after is not None:
            page = (await client.get(f"/sessions/{session.id}/events?after={after}&limit=3")).json()
            found += page["items"]
            after = page["next_cursor"]
        assert found == whole["items"]
        back: list[Any] = []
        before: dict[str, str] = {}
        while before is not None:
            page = (await client.get(f"/sessions/{session.id}/history?limit=2", params=before)).json()
            back = [*page["items"], *back]
            before = {"before": page["next_cursor"]} if page["next_cursor"] else None  # type: ignore[assignment]
        assert [event["id"] for event in back] == [
            event["id"] for event in found if event["type"] not in ("part.delta", "tool_call.progressed")
        ]


async def test_a_cursor_of_another_listing_is_refused(open_bench, tmp_path: Path) -> None:
    async with open_bench() as bench, http(bench.workbench, tmp_path) as client:
        for _ in range(2):
            await bench.session()
        cursor = (await client.get("/sessions?limit=1")).json()["next_cursor"]
        assert cursor
        for path, more in (("/approvals", {}), ("/sessions", {"query": "x"}), ("/questions", {})):
            answer = await client.get(path, params={"cursor": cursor, **more})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_cursor")
        assert len((await client.get("/sessions", params={"cursor": cursor})).json()["items"]) == 1


@pytest.mark.parametrize("limit", [0, -1, 1001, 10**30])
async def test_a_limit_out_of_bounds_is_refused_in_the_same_process_too(open_bench, limit: int) -> None:
    async with open_bench() as bench:
        session = await bench.session()
        local = bench.workbench
        for wanted in (
            local.sessions.list(limit=limit),
            local.sessions.search("x", limit),
            local.runs.list(session.id, limit),
            local.runs.questions(limit=limit),
            local.approvals.list(limit=limit),
            local.events.read(EventFilter(), 0, limit),
            local.events.page_before(session.id, None, limit),
            local.files.complete(session.id, "", limit),
            local.usage.report(limit=limit),
        ):
            with pytest.raises(InvalidError) as refused:
                await wanted
            assert refused.value.details["fields"][0]["field"] == "limit"
