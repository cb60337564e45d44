"""Spans on the wire; and a collector that is slow, broken or not there, which nobody waits for."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing as closed_at_end
from datetime import UTC, datetime, timedelta

import pytest
from collector import Collector

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.traces import Span, SpanEvent
from holdfast.core.telemetry.otlp import OtlpExporter

START = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)
QUICK_S = 0.01


def span(number: int = 1, **more: object) -> Span:
    fields = {
        "trace_id": 7,
        "span_id": number,
        "parent_id": None,
        "name": f"span {number}",
        "kind": "internal",
        "start": START,
        "end": START + timedelta(milliseconds=1.5),
        "attributes": {},
        **more,
    }
    return Span(**fields)  # type: ignore[arg-type]


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with closed_at_end(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1/traces"


async def test_a_span_arrives_as_it_was(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=search,authorization=Bearer%20abc")
    exporter = OtlpExporter(collector.endpoint, delay_s=QUICK_S)
    attributes = {"text": "ü", "count": 3, "part": 0.5, "yes": True, "many": ("a", "b")}
    exporter.export(
        span(
            2,
            parent_id=1,
            kind="client",
            attributes=attributes,
            events=(SpanEvent("moment", START, {"n": 1}),),
            error="timeout",
            link=(8, 9),
        )
    )
    await exporter.close(10)
    (received,) = collector.spans
    found = received.span
    assert (int.from_bytes(found.trace_id, "big"), int.from_bytes(found.span_id, "big")) == (7, 2)
    assert int.from_bytes(found.parent_span_id, "big") == 1
    assert received.attributes == {**attributes, "many": ["a", "b"]}
    assert found.start_time_unix_nano == 1_795_348_800_250_000_000
    assert found.end_time_unix_nano - found.start_time_unix_nano == 1_500_000
    assert (found.status.code, found.status.message) == (2, "timeout")
    assert [event.name for event in found.events] == ["moment"]
    assert int.from_bytes(found.links[0].span_id, "big") == 9
    assert received.headers["x-team"] == "search"
    assert received.headers["authorization"] == "Bearer abc"
    assert received.resource["service.name"] == "holdfast"


async def test_the_service_has_the_name_that_the_environment_gives_it(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "bench")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
    exporter = OtlpExporter(collector.endpoint, delay_s=QUICK_S)
    exporter.export(span())
    await exporter.close(10)
    assert collector.spans[0].resource["service.name"] == "bench"
    assert collector.spans[0].resource["deployment.environment"] == "test"


async def test_a_collector_that_refuses_is_told_of_once_and_again_when_it_is_back(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    collector.status = 401
    exporter = OtlpExporter(collector.endpoint, delay_s=QUICK_S)
    for number in (1, 2, 3):
        exporter.export(span(number))
        await asyncio.to_thread(collector.wait, number)
    collector.status = 200
    exporter.export(span(4))
    await asyncio.to_thread(collector.wait, 4)
    await exporter.close(10)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2, told
    assert "cannot be sent" in told[0]
    assert "401" in told[0]
    assert "again" in told[1]
    assert [each.name for each in collector.spans] == ["span 4"]


async def test_a_collector_that_is_not_there_is_told_of_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    with closed_at_end(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    exporter = OtlpExporter(f"http://user:password@127.0.0.1:{port}/v1/traces", delay_s=QUICK_S)
    told = threading.Event()
    caplog.handler.addFilter(lambda record: told.set() or True)  # type: ignore[func-returns-value]
    for number in range(1, 5):
        exporter.export(span(number))
    assert await asyncio.to_thread(told.wait, 10)
    (record,) = caplog.records
    assert f"http://127.0.0.1:{port}/v1/traces" in record.getMessage()
    assert "password" not in record.getMessage()
    await exporter.close(10)


async def test_the_end_does_not_try_again_where_nobody_is(caplog: pytest.LogCaptureFixture) -> None:
    with closed_at_end(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    exporter = OtlpExporter(f"http://127.0.0.1:{port}/v1/traces")
    exporter.export(span())
    began = time.perf_counter()
    await exporter.close(30)
    assert time.perf_counter() - began < 10  # the first pause alone is a second, and there are six
    assert "the last traces could not be sent" in caplog.text


async def test_neither_exporting_nor_the_end_waits_for_a_collector_that_does_not_answer(
    black_hole: str, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = OtlpExporter(black_hole, delay_s=QUICK_S)
    began = time.perf_counter()
    for number in range(1, 5_000):
        exporter.export(span(number))
    assert time.perf_counter() - began < 5
    began = time.perf_counter()
    await exporter.close(0.2)
    assert time.perf_counter() - began < 5
    told = "\n".join(record.getMessage() for record in caplog.records)
    assert told.count("some are dropped") == 1  # the queue is bounded
    assert "the last traces could not be sent" in told


async def test_the_sdk_gets_its_logger_back(collector: Collector) -> None:
    before = logging.getLogger("opentelemetry").handlers[:]
    exporter = OtlpExporter(collector.endpoint)
    await exporter.close(10)
    assert logging.getLogger("opentelemetry").handlers == before
    assert logging.getLogger("opentelemetry").propagate


def test_variables_that_the_sdk_refuses_are_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "no-such-thing")
    with pytest.raises(InvalidError, match="OTEL_"):
        OtlpExporter("http://127.0.0.1:9/v1/traces")
