"""A fake Ollama on loopback: its list of models, its version, and streamed replies. As a fixture::

with FakeOllama(["tiny:1b"], ["Hel", "lo."]) as server:
    ... server.url ...            # http://127.0.0.1:PORT
    server.asked                  # the bodies of the requests for replies
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeOllama:
    """Answers until the block ends."""

    def __init__(self, models: Sequence[str], says: Sequence[str]) -> None:
        self.models = models
        self.says = says
        self.asked: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeOllama:
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _lines(self) -> list[bytes]:
        said = [{"message": {"role": "assistant", "content": piece}, "done": False} for piece in self.says]
        end = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
        rows: list[dict[str, Any]] = [*said, {**end, "prompt_eval_count": 5, "eval_count": 2}]
        return [
            json.dumps({"model": "m", "created_at": "2026-01-01T00:00:00Z", **row}).encode() for row in rows
        ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                rows = [
                    {"name": name, "size": 7, "modified_at": "2026-11-01T10:00:00Z"} for name in fake.models
                ]
                found: dict[str, Any] = {"/api/tags": {"models": rows}, "/api/version": {"version": "0.12.9"}}
                self._send(json.dumps(found.get(self.path, {})).encode(), 200 if self.path in found else 404)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if self.path != "/api/chat":
                    self._send(b"{}", 404)
                    return
                fake.asked.append(json.loads(body))
                self._send(b"\n".join(fake._lines()) + b"\n", 200)

            def _send(self, body: bytes, status: int) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        return Handler
