"""`GET /metrics`: what it says, who may ask, and what it does not load before."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from server_fakes import AT, FakeWorkbench
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.figures import EngineFigures
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Principal, Role, Scope
from holdfast.core.domain.usage import ModelUsage
from holdfast.server.app import engine_app
from holdfast.server.kit.meter import Meter
from holdfast.server.native.extra import EXTRA_ROUTES
from holdfast.server.native.operation import PREFIX
from holdfast.server.native.routes import native_api

FIGURES = EngineFigures(
    version="1.2.3",
    started_at=AT,
    sessions=4,
    executing_runs=2,
    open_runs={"running": 2, "waiting": 1, "paused": 0},
    runs_ended={"completed": 7, "failed": 1, "cancelled": 0},
    waiting_approvals=3,
    waiting_questions=1,
    listeners=1,
    events_appended=50,
    last_event_id=99,
    usage=(
        ModelUsage(model="openai/gpt-4o", input_tokens=10, output_tokens=5, cached_tokens=4, cost_usd=0.25),
        ModelUsage(model='odd "name"\n\\', reasoning_tokens=2),
    ),
)
READER = Principal(user_id="u", name="boss", role=Role.ADMIN, scope=Scope.READ, credential_id="c")
USER = READER.model_copy(update={"role": Role.USER, "scope": Scope.ADMIN})

Found = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Door:
    """Lets one principal in; None: nobody."""

    def __init__(self, app: ASGIApp, principal: Principal | None) -> None:
        self._app = app
        self._principal = principal

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        scope["state"] = {} if self._principal is None else {"principal": self._principal}
        await self._app(scope, receive, send)


@pytest.fixture
def client() -> Callable[..., httpx.AsyncClient]:
    """Returns a client of an engine's door that lets `principal` in."""
    fake = FakeWorkbench()
    fake.results["engine.figures"] = FIGURES
    fake.results["runs.get"] = NotFoundError("There is no such run.")
    fake.results["agents.list"] = ()
    meter = Meter()

    async def host() -> Any:
        return fake

    def opened(principal: Principal | None = LOCAL_PRINCIPAL) -> httpx.AsyncClient:
        app = engine_app(host, log=logging.getLogger("holdfast.tests"), closing=asyncio.Event(), meter=meter)
        transport = httpx.ASGITransport(app=Door(app, principal))
        return httpx.AsyncClient(transport=transport, base_url=f"http://engine{PREFIX}")

    return opened


def samples(text: str) -> Found:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Found, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


async def test_the_engines_figures_are_there_in_the_format_of_prometheus(client: Any) -> None:
    async with client() as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(answer.text)
    assert value(found, "holdfast_info", version="1.2.3") == 1
    assert value(found, "holdfast_start_time_seconds") == AT.timestamp()
    assert value(found, "holdfast_runs_executing") == 2
    assert value(found, "holdfast_runs_open", status="waiting") == 1
    assert value(found, "holdfast_runs_ended_total", status="completed") == 7
    assert value(found, "holdfast_waiting", kind="approval") == 3
    assert value(found, "holdfast_listeners") == 1
    assert value(found, "holdfast_events_appended_total") == 50
    assert value(found, "holdfast_last_event_id") == 99
    assert value(found, "holdfast_model_tokens_total", model="openai/gpt-4o", kind="cached") == 4
    assert value(found, "holdfast_model_cost_usd_total", model="openai/gpt-4o") == 0.25
    assert value(found, "holdfast_model_tokens_total", model='odd "name"\n\\', kind="reasoning") == 2


@pytest.mark.skipif(sys.platform != "linux", reason="the library reads /proc")
async def test_the_processs_memory_and_time_are_there(client: Any) -> None:
    async with client() as http:
        found = samples((await http.get("/metrics")).text)
    assert value(found, "process_resident_memory_bytes") > 1_000_000
    assert value(found, "process_cpu_seconds_total") > 0


async def test_requests_are_counted_over_all_doors_by_operation_and_class_of_status(client: Any) -> None:
    async with client() as one, client() as other:
        for http in (one, other):
            await http.get("/runs/r1")
            await http.get("/agents")
        await one.get("/nothing/here")
        await one.get("http://engine/openai/v1/models")
        found = samples((await other.get("/metrics")).text)
    assert value(found, "holdfast_http_requests_total", operation="runs.get", status="4xx") == 2
    assert value(found, "holdfast_http_requests_total", operation="agents.list", status="2xx") == 2
    assert value(found, "holdfast_http_requests_total", operation="unknown", status="4xx") == 1
    assert value(found, "holdfast_http_requests_total", operation="openai.models", status="2xx") == 1
    name = "holdfast_http_request_duration_seconds"
    assert value(found, f"{name}_count", operation="runs.get") == 2
    assert value(found, f"{name}_bucket", operation="runs.get", le="+Inf") == 2
    assert value(found, "holdfast_http_streams_open") == 0


async def test_the_loops_lag_is_there_from_the_second_reading_on(client: Any) -> None:
    async with client() as http:
        first = samples((await http.get("/metrics")).text)
        assert not [name for name, _ in first if "lag" in name]


@pytest.mark.parametrize(("principal", "status"), [(None, 401), (USER, 403), (READER, 200)])
async def test_metrics_are_for_administrators_with_any_key(
    client: Any, principal: Principal | None, status: int
) -> None:
    async with client(principal) as http:
        assert (await http.get("/metrics")).status_code == status


def test_every_route_beside_the_table_is_declared() -> None:
    async def host() -> Any:
        raise AssertionError

    api = native_api(host, log=logging.getLogger("holdfast.tests"))
    declared = {route.path for route in EXTRA_ROUTES}
    assert declared <= {route.path for route in api.routes}
    assert len(declared) == len(EXTRA_ROUTES)


def test_the_engines_start_does_not_load_the_library() -> None:
    code = (
        "import sys, holdfast.server.engine, holdfast.server.app; print('prometheus_client' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr
