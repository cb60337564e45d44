"""A server that speaks as much of S3 as Holdfast asks for, on loopback: objects by path, kept in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

CHANGED = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@dataclass
class FakeS3:
    """What the server has, and what it was asked. `key_id` is the only key that it takes; empty: none."""

    key_id: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    """By `BUCKET/KEY`."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    raw: bytes = b""
    """What every request is answered with, where it is not empty; then the connection ends."""
    go: Event = field(default_factory=Event)
    """A raw answer ends as soon as it is set."""

    @contextmanager
    def serving(self) -> Iterator[FakeS3]:
        """Serves inside the block."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(fake: FakeS3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

        def _answer(self) -> None:
            at = urlsplit(self.path)
            path = unquote(at.path).lstrip("/")
            fake.asked.append((self.command, path))
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if fake.raw:
                self.wfile.write(fake.raw)
                self.wfile.flush()
                self.close_connection = fake.go.wait(30)
                return
            signed = self.headers.get("Authorization", "")
            if fake.key_id and f"Credential={fake.key_id}/" not in signed:
                self._send(403, _error("AccessDenied", "Access Denied\x1b[31m"))
            elif self.command == "PUT":
                fake.objects[path] = body
                self._send(200)
            elif self.command == "DELETE":
                fake.objects.pop(path, None)
                self._send(204)
            elif "list-type=2" in at.query:
                self._send(200, _listing(fake, path.strip("/"), parse_qs(at.query)))
            elif path in fake.objects:
                self._send(200, fake.objects[path])
            else:
                self._send(404, _error("NoSuchKey", "It is not there"))

        def _send(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Last-Modified", format_datetime(CHANGED, usegmt=True))
            self.send_header("ETag", f'"{hashlib.md5(body).hexdigest()}"')
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler


def _error(code: str, message: str) -> bytes:
    shown = escape(message.replace("\x1b", "&#155;")).replace("&amp;#", "&#")
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{shown}</Message></Error>".encode()


def _listing(fake: FakeS3, bucket: str, query: dict[str, list[str]]) -> bytes:
    prefix, after = query.get("prefix", [""])[0], query.get("start-after", [""])[0]
    most = int(query.get("max-keys", ["1000"])[0])
    names = sorted(each.removeprefix(f"{bucket}/") for each in fake.objects if each.startswith(f"{bucket}/"))
    found = [each for each in names if each.startswith(prefix) and each > after]
    rows = "".join(
        f"<Contents><Key>{escape(each)}</Key><Size>{len(fake.objects[f'{bucket}/{each}'])}</Size>"
        f"<LastModified>{CHANGED:%Y-%m-%dT%H:%M:%S.000Z}</LastModified><ETag>x</ETag></Contents>"
        for each in found[:most]
    )
    more = str(len(found) > most).lower()
    head = f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><IsTruncated>{more}</IsTruncated>"
    return f"<?xml version='1.0'?><ListBucketResult>{head}{rows}</ListBucketResult>".encode()
