"""A collector of traces on loopback: takes OTLP over HTTP and keeps the spans."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    """A span as it came in."""

    span: Any
    resource: dict[str, Any]
    headers: dict[str, str]

    @property
    def name(self) -> str:
        return self.span.name

    @property
    def attributes(self) -> dict[str, Any]:
        return values(self.span.attributes)

    @property
    def failed(self) -> bool:
        return self.span.status.code == 2


class Collector:
    """Answers with `status`; `spans` is what it took."""

    def __init__(self) -> None:
        self.status = 200
        self.spans: list[Received] = []
        self.requests = 0
        self._changed = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if collector.status == 200:
                    collector._take(ExportTraceServiceRequest.FromString(body), dict(self.headers.items()))
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()
                collector._asked()

            def log_message(self, *_: Any) -> None:
                """Nothing: a test's output is its own."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def endpoint(self) -> str:
        return f"{self.base}/v1/traces"

    def wait(self, requests: int = 1) -> None:
        """Waits until it was asked so many times."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.requests >= requests, timeout=20)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(20)

    def tree(self) -> list[tuple[str, str]]:
        """Returns parent and name of each span, in the order of their starts."""
        names = {each.span.span_id: each.name for each in self.spans}
        ordered = sorted(
            self.spans,
            key=lambda each: (
                each.span.start_time_unix_nano,
                -each.span.end_time_unix_nano,
                each.name.startswith("chat"),
            ),
        )
        return [(names.get(each.span.parent_span_id, ""), each.name) for each in ordered]

    def named(self, name: str) -> Received:
        (found,) = [each for each in self.spans if each.name == name]
        return found

    def _take(self, request: ExportTraceServiceRequest, headers: dict[str, str]) -> None:
        headers = {name.lower(): value for name, value in headers.items()}
        for batch in request.resource_spans:
            resource = values(batch.resource.attributes)
            self.spans += [
                Received(span, resource, headers) for scope in batch.scope_spans for span in scope.spans
            ]

    def _asked(self) -> None:
        with self._changed:
            self.requests += 1
            self._changed.notify_all()


def values(attributes: Any) -> dict[str, Any]:
    """Returns attributes as plain values."""
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)
