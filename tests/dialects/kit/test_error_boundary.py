"""What stands around every API: each error is answered in its shape, whatever it says."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.server.dialects.h2ogpte.errors import error_response as of_h2ogpte
from holdfast.server.dialects.powabase.errors import error_response as of_powabase
from holdfast.server.kit.errors import Boundary, error_response

HALF = "half \ud800 of a character"


@pytest.mark.parametrize("render", [error_response, of_h2ogpte, of_powabase])
@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFoundError(f"There is no {HALF}."), 404), (InvalidError("No.", details={"given": HALF}), 400)],
)
async def test_what_no_answer_can_hold_is_left_out_of_an_error(render: Any, error: Any, status: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    transport = httpx.ASGITransport(Boundary(app, logging.getLogger("holdfast.tests"), render=render))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as client:
        answer = await client.get("/")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json" and answer.json()


async def test_the_reason_of_a_sockets_end_can_be_said() -> None:
    sent: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept", "headers": []})
        raise InvalidError(HALF)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "headers": [], "state": {}}
    receive: Any = None
    await Boundary(app, logging.getLogger("holdfast.tests"))(scope, receive, send)
    assert sent[-1] == {"type": "websocket.close", "code": 1008, "reason": "half ? of a character"}
