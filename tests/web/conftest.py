"""The server of pages on a free port, with a made-up engine and apps that are a few lines of Python."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from holdfast.core.domain.errors import UnauthenticatedError
from holdfast.server.security import HostNames
from holdfast.web.apps import AppCommand
from holdfast.web.gate import Address
from holdfast.web.server import Limits, WebServer
from holdfast.web.sittings import Login

ECHO = """
import os, sys, json
def packet(kind, data):
    os.write(1, kind + len(data).to_bytes(4, "big") + data)
os.write(1, b"__GANGLION__\\n")
said = {name: os.environ.get(name, "") for name in ("HOLDFAST_URL", "HOLDFAST_KEY", "COLUMNS", "ROWS")}
said |= {"argv": sys.argv[1:], "names": sorted(os.environ)}
packet(b"D", json.dumps(said).encode())
packet(b"M", json.dumps({"type": "open_url", "url": "javascript:alert(1)", "new_tab": True}).encode())
offer = {"type": "deliver_file_start", "key": "k1", "path": 'a"b.html', "open_method": "browser"}
packet(b"M", json.dumps(offer | {"mime_type": "text/html", "encoding": ""}).encode())
def pack(word, key, data):
    return b"ts%i:%ss%i:%s%i:%se" % (len(word), word, len(key), key, len(data), data)
left = [b"<script>", b""]
while head := sys.stdin.buffer.read(5):
    data = sys.stdin.buffer.read(int.from_bytes(head[1:], "big"))
    if head[:1] == b"M":
        word = json.loads(data)
        if word["type"] == "quit":
            break
        if word["type"] == "deliver_chunk_request":
            packet(b"P", pack(b"deliver_chunk", b"k1", left.pop(0)))
            continue
    packet(b"D", head[:1] + data)
"""

DEAF = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(1, b"__GANGLION__\\n")
data = str(os.getpid()).encode()
os.write(1, b"D" + len(data).to_bytes(4, "big") + data)
while True:
    time.sleep(1)
"""


@dataclass
class FakeGate:
    """Knows keys; every login that it has given works until it is ended."""

    keys: dict[str, str] = field(default_factory=lambda: {"hf_ada": "ada", "hf_bob": "bob"})
    good: set[str] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)
    address: Address = field(default_factory=lambda: Address("http://127.0.0.1:1"))
    made: int = 0

    def _login(self, name: str) -> Login:
        self.made += 1
        login = Login(f"id-{name}", name, str(self.made), f"login-{name}-{self.made}")
        self.good.add(login.secret)
        return login

    async def login(self, key: str) -> Login:
        if key not in self.keys:
            raise UnauthenticatedError("This key is not known.")
        return self._login(self.keys[key])

    async def own_login(self) -> Login:
        return self._login("local")

    async def is_good(self, login: Login) -> bool:
        return login.secret in self.good

    async def logout(self, login: Login) -> None:
        self.good.discard(login.secret)
        self.ended.append(login.secret)


class Visitor:
    """A browser as far as HTTP goes: cookies, and the headers that browsers send of themselves."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def get(self, path: str, **more: Any) -> tuple[int, str, Any]:
        async with self.http.get(self.url + path, allow_redirects=False, **more) as answer:
            return answer.status, await answer.text(), answer.headers

    async def post(self, path: str, form: dict[str, str], **headers: str) -> tuple[int, str, Any]:
        headers = {"Origin": self.url, **headers}
        async with self.http.post(
            self.url + path, data=form, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status, await answer.text(), answer.headers

    async def sign_in(self, key: str = "hf_ada") -> None:
        status, _, headers = await self.post("/login", {"key": key})
        assert (status, headers["Location"]) == (303, "/")

    def socket(self, query: str = "?width=100&height=30", **headers: str) -> Any:
        return self.http.ws_connect(f"{self.url}/ws{query}", headers={"Origin": self.url, **headers})


@dataclass
class Pages:
    """A running server of pages."""

    server: WebServer
    gate: FakeGate
    url: str
    lines: list[str]
    visitors: list[Visitor] = field(default_factory=list)

    def visitor(self) -> Visitor:
        """Returns a browser without cookies."""
        self.visitors.append(Visitor(self.url))
        return self.visitors[-1]


@pytest.fixture
def open_pages(tmp_path: Path) -> Any:
    """Opens a server; `app` is the program of a page."""

    @asynccontextmanager
    async def opened(app: str = ECHO, limits: Limits = Limits()) -> AsyncIterator[Pages]:
        lines: list[str] = []
        gate = FakeGate()
        command = AppCommand((sys.executable, "-c", app), tmp_path / "web.log", folder=tmp_path)
        server = WebServer(gate, HostNames("127.0.0.1", "127.0.0.1"), command, lines.append, limits)
        serving = TestServer(server.application(), host="127.0.0.1")
        await serving.start_server()
        pages = Pages(server, gate, str(serving.make_url("")).rstrip("/"), lines)
        try:
            async with asyncio.timeout(30):
                yield pages
        finally:
            for visitor in pages.visitors:
                await visitor.http.close()
            await serving.close()

    return opened


@pytest.fixture
def deaf_app() -> str:
    """An app that ends for no word and no signal; it says its pid."""
    return DEAF
