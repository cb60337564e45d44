"""Nothing is sent and nothing is loaded unless a setting or a standard variable names an address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from collector import Collector
from pydantic import ValidationError

from holdfast.core.config.settings import TelemetrySettings
from holdfast.core.config.telemetry import traces_endpoint

ENDPOINT, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"

ONE_RUN = """
import asyncio, json, sys

connected = []
sys.addaudithook(lambda event, args: connected.append(repr(args[1])) if event == "socket.connect" else None)

from holdfast import bootstrap
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.messages import TextPart

async def main():
    async with bootstrap.workbench(in_process=True) as workbench:
        session = await workbench.sessions.create("general", model="offline")
        sent = await workbench.runs.send(session.id, (TextPart(text="hello"),))
        async with asyncio.timeout(20):
            async for logged in workbench.events.follow(EventFilter(run_id=sent.run_id), 0):
                if logged.event.type == "run.completed":
                    break

asyncio.run(main())
watched = ("opentelemetry", "prometheus_client", "requests", "google", "holdfast.core.telemetry")
loaded = sorted(name for name in watched if name in sys.modules)
print(json.dumps({"loaded": loaded, "connected": connected}))
"""


def run_once(home: Path, **more: str) -> dict[str, Any]:
    """Runs one message through a workbench as the engine opens it, in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment = {**kept, "HOLDFAST_HOME": str(home), "HOLDFAST_MODELS__DEFAULT": "offline", **more}
    done = subprocess.run(
        [sys.executable, "-c", ONE_RUN],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_an_address_nothing_is_loaded_and_no_connection_is_made(tmp_path: Path) -> None:
    assert run_once(tmp_path) == {"loaded": [], "connected": []}


def test_an_address_in_the_environment_is_sent_to_and_nothing_else(
    tmp_path: Path, collector: Collector
) -> None:
    found = run_once(tmp_path, **{ENDPOINT: collector.base, "OTEL_SERVICE_NAME": "bench"})
    assert "opentelemetry" in found["loaded"]
    port = collector.base.rpartition(":")[2]
    assert found["connected"]
    assert all(port in each for each in found["connected"])
    assert {each.name for each in collector.spans} == {"invoke_agent general", "step 1", "chat offline"}
    assert collector.spans[0].resource["service.name"] == "bench"


def test_an_address_in_the_settings_is_sent_to(tmp_path: Path, collector: Collector) -> None:
    settings = tmp_path / "config" / "settings.yaml"
    settings.parent.mkdir()
    settings.write_text(f"telemetry:\n  otlp_endpoint: {collector.base}\n")
    run_once(tmp_path, **{ENDPOINT: "http://127.0.0.1:9"})
    assert len(collector.spans) == 3


@pytest.mark.parametrize(
    ("setting", "environment", "expected"),
    [
        (None, {}, None),
        (None, {ENDPOINT: " "}, None),
        ("http://a:4318", {}, "http://a:4318/v1/traces"),
        ("http://a:4318/", {}, "http://a:4318/v1/traces"),
        ("http://a/v1/traces", {}, "http://a/v1/traces"),
        ("http://a", {ENDPOINT: "http://b", TRACES: "http://c"}, "http://a/v1/traces"),
        (None, {ENDPOINT: "http://b/otlp", TRACES: "http://c/in"}, "http://c/in"),
        (None, {ENDPOINT: "http://b/otlp"}, "http://b/otlp/v1/traces"),
        ("http://a", {"OTEL_SDK_DISABLED": "True"}, None),
        ("http://a", {"OTEL_TRACES_EXPORTER": "none"}, None),
        (None, {ENDPOINT: "http://b", "OTEL_TRACES_EXPORTER": "otlp"}, "http://b/v1/traces"),
    ],
)
def test_the_setting_comes_before_the_standard_variables(
    setting: str | None, environment: dict[str, str], expected: str | None
) -> None:
    assert traces_endpoint(setting, environment) == expected


@pytest.mark.parametrize(
    "address", ["collector:4318", "grpc://a", "http://", "http://user:pw@a", "http://a b", "http://a?k=v"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        TelemetrySettings(otlp_endpoint=address)
