"""How much later than over the native API the first token of a run comes over a dialect."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from engines import home, script, start_engine

ROUNDS = 100
TOKEN = b"tick"


def run() -> list[dict[str, Any]]:
    """Returns the rows."""
    return asyncio.run(_compared())


async def _compared() -> list[dict[str, Any]]:
    with home() as environment:
        start_engine(environment)
        text = {"type": "text", "text": f"{TOKEN.decode()} ", "repeat": 5}
        model = script(environment, [[text]])
        path = Path(model.removeprefix("scripted/"))
        path.write_text(json.dumps({**json.loads(path.read_text()), "by": "conversation"}))
        socket = Path(environment["HOLDFAST_HOME"], "engine.sock")
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        async with httpx.AsyncClient(transport=transport, base_url="http://engine", timeout=30) as http:
            return [await _row(http, model, name, await make(http, model)) for name, make in DIALECTS.items()]


async def _row(http: httpx.AsyncClient, model: str, name: str, dialect: Dialect) -> dict[str, Any]:
    """Compares both ways to a run of the same agent with the same options, in turns."""
    session = await dialect.session()
    await dialect.ask(session)
    events = (await http.get(f"/holdfast/v1/sessions/{session}/events?after=0")).json()["items"]
    begun = next(event for event in events if event["type"] == "run.started")
    there, here = [], []
    for turn in range(ROUNDS + 5):
        value = await dialect.ask(await dialect.session())
        native = await _native(http, begun, model)
        if turn >= 5:  # the first ones load what nobody had asked for
            there.append(value * 1000)
            here.append(native * 1000)
    value, reference = statistics.median(there), statistics.median(here)
    return {
        "name": f"request to first token over {name}'s API, minus that over the native one, median",
        "value": value - reference,
        "unit": "ms",
        "reference": reference,
        "goal": "< 5 ms",
        "ok": value - reference < 5,
    }


async def _native(http: httpx.AsyncClient, begun: dict[str, Any], model: str) -> float:
    body = {"agent": begun["agent"], "project": str(Path.cwd()), "model": model}
    session = (await _posted(http, "/holdfast/v1/sessions", body))["id"]
    began = time.perf_counter()
    asked = {"parts": [{"type": "text", "text": "go"}], "options": begun["options"]}
    run_id = (await _posted(http, f"/holdfast/v1/sessions/{session}/runs", asked))["run_id"]
    path = f"/holdfast/v1/events/stream?run_id={run_id}&after=0"
    return await _first_token(http, began, "GET", path)


@dataclass(frozen=True)
class Dialect:
    """How a dialect makes a session, and has a run begin in it."""

    session: Callable[[], Awaitable[str]]
    ask: Callable[[str], Awaitable[float]]
    """Returns the seconds until the first token was here."""


async def _powabase(http: httpx.AsyncClient, model: str) -> Dialect:
    agent = await _posted(http, "/powabase/api/agents", {"name": "Ticker", "model": model})
    path = f"/powabase/api/agents/{agent['id']}"

    async def session() -> str:
        return str((await _posted(http, f"{path}/sessions", {}))["session_id"])

    async def ask(session: str) -> float:
        body = {"message": "go", "session_id": session}
        return await _first_token(http, time.perf_counter(), "POST", f"{path}/run/stream", body)

    return Dialect(session, ask)


async def _h2ogpte(http: httpx.AsyncClient, model: str) -> Dialect:
    path = "/h2ogpte/api/v1/chats"

    async def session() -> str:
        return str((await _posted(http, path, {}))["id"])

    async def ask(session: str) -> float:
        body = {"message": "go", "llm": model, "stream": True}
        return await _first_token(http, time.perf_counter(), "POST", f"{path}/{session}/completions", body)

    return Dialect(session, ask)


DIALECTS = {"Powabase": _powabase, "h2oGPTe": _h2ogpte}


async def _posted(http: httpx.AsyncClient, path: str, body: Any) -> dict[str, Any]:
    answer = await http.post(path, json=body)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


async def _first_token(
    http: httpx.AsyncClient, began: float, method: str, path: str, body: Any = None
) -> float:
    """Returns the seconds since `began` when the first token of a stream is here; reads it to its end, so
    that the next run is alone."""
    seen, first = b"", 0.0
    async with http.stream(method, path, json=body) as answer:
        answer.raise_for_status()
        async for chunk in answer.aiter_raw():
            seen += chunk
            if not first and TOKEN in seen:
                first = time.perf_counter() - began
            if b"run.completed" in seen:
                break  # the native stream goes on
    assert first, seen
    return first
