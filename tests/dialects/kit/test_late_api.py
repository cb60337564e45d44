"""An API that is made when it is first asked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from holdfast.core.domain.errors import InvalidError
from holdfast.server.kit.compose import Composed, LateApi, MadeApi

ROUTE = Route("/late/a", PlainTextResponse("a"))


def early() -> MadeApi:
    return MadeApi(
        "early", "/early", PlainTextResponse("early"), (Route("/early/a", PlainTextResponse("b")),)
    )


async def ask(app: Any, path: str) -> bytes:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "path": path, "method": "GET", "headers": [], "query_string": b""}
    await app(scope, receive, send)
    return bytes(sent[1]["body"])


async def test_it_is_made_by_its_first_request_and_by_no_other_apis() -> None:
    made: list[str] = []

    def make() -> MadeApi:
        made.append(threading.current_thread().name)
        return MadeApi("late", "/late", PlainTextResponse("late"), (ROUTE,))

    app = Composed((early(), LateApi("late", "/late", make)), ("early",))
    assert await ask(app, "/early/a") == await ask(app, "/nothing") == b"early"
    assert made == []
    assert await ask(app, "/late/a") == b"late"
    assert await ask(app, "/late/b") == b"late"
    assert len(made) == 1
    assert made[0] != threading.main_thread().name


async def test_requests_that_come_at_once_wait_for_one_that_makes_it() -> None:
    made: list[int] = []
    asked = threading.Event()

    def make() -> MadeApi:
        assert asked.wait(20)
        made.append(1)
        return MadeApi("late", "/late", PlainTextResponse("late"), (ROUTE,))

    app = LateApi("late", "/late", make).app
    asking = [asyncio.create_task(ask(app, "/late/a")) for _ in range(5)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in asking)
    asked.set()
    assert await asyncio.gather(*asking) == [b"late"] * 5
    assert made == [1]


async def test_what_could_not_be_made_is_tried_again() -> None:
    made: list[int] = []

    def make() -> MadeApi:
        made.append(1)
        if len(made) == 1:
            raise OSError("no more files")
        return MadeApi("late", "/late", PlainTextResponse("late"), (ROUTE,))

    app = LateApi("late", "/late", make).app
    with pytest.raises(OSError, match="files"):
        await ask(app, "/late/a")
    assert await ask(app, "/late/a") == b"late"


def test_it_is_made_at_once_where_it_shares_the_root() -> None:
    late = LateApi("late", "/late", lambda: MadeApi("late", "/late", PlainTextResponse("late"), (ROUTE,)))
    with pytest.raises(InvalidError, match="/a of early would hide /a of late"):
        Composed((early(), late), ("early", "late"))


def test_an_engine_loads_no_dialect_that_nobody_asks() -> None:
    code = (
        "import sys, asyncio, logging\n"
        "from holdfast.server.app import engine_app\n"
        "engine_app(None, log=logging.getLogger(), closing=asyncio.Event())\n"
        "print([name for name in sys.modules if name.startswith('holdfast.server.dialects.')])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['holdfast.server.dialects.every']"
