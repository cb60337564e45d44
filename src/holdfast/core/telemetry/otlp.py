"""Sends spans to an OpenTelemetry collector, by OTLP over HTTP.

Imports the SDK of OpenTelemetry: import this module when there is an address to send to. Batches are made
and sent in a thread of the SDK, from a queue of bounded length; the standard variables of the environment
(`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`, `OTEL_BSP_…`) are read by the SDK.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from holdfast import __version__
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.text import shorten
from holdfast.core.domain.traces import Span

logger = logging.getLogger(__name__)

_KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class OtlpExporter:
    """A `SpanExporter` to the address `endpoint`, the whole one with `/v1/traces`.

    `delay_s` is how long a span may wait for others to go with it. Raises `InvalidError` for variables of
    the environment that the SDK refuses.
    """

    def __init__(self, endpoint: str, *, delay_s: float | None = None) -> None:
        self._complaints = _Complaints()
        try:
            self._sender = OTLPSpanExporter(endpoint=endpoint, meter_provider=NoOpMeterProvider())
            self._watched = _Watched(self._sender, self._complaints, _shown(endpoint))
            self._queue = BatchSpanProcessor(
                self._watched,
                schedule_delay_millis=None if delay_s is None else delay_s * 1000,
                meter_provider=NoOpMeterProvider(),
            )
        except (ValueError, RuntimeError, ImportError) as error:
            raise InvalidError(
                f"The variables OTEL_… of the environment do not fit: {error}", code="invalid_telemetry"
            ) from error
        self._complaints.listen()
        ours = Resource({"service.name": "holdfast", "service.version": __version__})
        self._resource = ours.merge(OTELResourceDetector().detect())
        self._scope = InstrumentationScope("holdfast", __version__)

    def export(self, span: Span) -> None:
        """Puts a span into the queue; drops the oldest one when it is full."""
        parent = None if span.parent_id is None else _context(span.trace_id, span.parent_id)
        self._queue.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(span.trace_id, span.span_id),
                parent=parent,
                resource=self._resource,
                attributes=span.attributes,
                events=[Event(e.name, e.attributes, timestamp=_nanoseconds(e.at)) for e in span.events],
                links=[] if span.link is None else [Link(_context(*span.link))],
                kind=_KINDS[span.kind],
                status=Status(StatusCode.UNSET)
                if span.error is None
                else Status(StatusCode.ERROR, span.error),
                start_time=_nanoseconds(span.start),
                end_time=_nanoseconds(span.end),
                instrumentation_scope=self._scope,
            )
        )

    async def close(self, within_s: float) -> None:
        """Sends what waits; what has not gone after `within_s` seconds, or after a failure, is lost."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        sent = False

        def tell() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(over.set)

        def shut_down() -> None:
            nonlocal sent
            self._queue.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no types here
            sent = True
            tell()

        self._complaints.on_heard = tell
        if self._watched.sending and self._complaints.heard:  # it tries again already
            tell()
        # A thread that nobody waits for at the end of the process: the SDK's own patience is half a minute.
        threading.Thread(target=shut_down, name="traces-end", daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await over.wait()
        if not sent:
            self._sender.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no types here
            logger.warning("the last traces could not be sent to %s", self._watched.where)
        self._complaints.stop()


class _Watched(SpanExporter):
    """Tells once when spans cannot be sent, and once when they can again."""

    def __init__(self, inner: SpanExporter, complaints: _Complaints, where: str) -> None:
        self._inner = inner
        self._complaints = complaints
        self.where = where
        self.sending = False
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._complaints.heard.clear()
        self.sending = True
        result = self._inner.export(spans)
        self.sending = False
        if result is SpanExportResult.SUCCESS:
            if self._failing:
                logger.info("traces are sent to %s again", self.where)
            self._failing = False
        elif not self._failing:
            self._failing = True
            why = shorten(" ".join(self._complaints.heard), 500)
            logger.warning("traces cannot be sent to %s and are dropped: %s", self.where, why)
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


class _Complaints(logging.Handler):
    """Keeps what the SDK logs from the engine's log, which would get a line with each batch."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: deque[str] = deque(maxlen=2)
        """Of the sending under way, or of the last one."""
        self.on_heard: Callable[[], None] | None = None
        self._sdk = logging.getLogger("opentelemetry")
        self._told_full = False

    def listen(self) -> None:
        self._sdk.addHandler(self)
        self._sdk.propagate = False

    def stop(self) -> None:
        self._sdk.removeHandler(self)
        self._sdk.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text.startswith("Queue full"):
            if not self._told_full:
                logger.warning("spans come faster than they can be sent; some are dropped")
            self._told_full = True
        else:
            self.heard.append(text)
            if self.on_heard is not None:
                self.on_heard()


def _context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=False, trace_flags=_SAMPLED)


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1_000


def _shown(endpoint: str) -> str:
    """Returns the address without a password that may stand in it."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
