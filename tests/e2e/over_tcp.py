"""The engine as other programs see it: a URL, a key, and plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from holdfast.core.domain.identity import Scope
from holdfast.server.native.client import RemoteWorkbench

API = "/holdfast/v1"
_AGAIN_S = 0.02
"""How soon a reader whose connection broke tries again."""


@dataclass(frozen=True, slots=True)
class Door:
    """An open listener of the engine, and a key to it."""

    url: str
    """Of the native API."""
    port: int
    key: str

    def client(self, **options: Any) -> httpx.AsyncClient:
        """Returns a client that shows the key."""
        options = {"timeout": 20, "verify": False} | options
        return httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, trust_env=False, **options
        )


async def open_door(workbench: RemoteWorkbench, port: int = 0, key: str = "") -> Door:
    """Opens a listener on `port` (0: a free one), with a new key unless one is given."""
    listener = await workbench.engine.listen(port=port)
    if not key:
        key = (await workbench.keys.create("door", Scope.ADMIN)).secret
    return Door(listener.url + API, listener.port, key)


@dataclass
class Reader:
    """Reads a stream of events as the standard says and nothing more: whatever happens, it comes back with
    `Last-Event-ID`. It knows nothing of the library that it tests."""

    client: httpx.AsyncClient
    path: str
    cursor: str = "0"
    events: list[dict[str, Any]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    """Those of `events`, as the frames had them."""
    connections: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Reads for ever."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                await self.read_once()
            await asyncio.sleep(_AGAIN_S)

    async def read_once(self, enough: Callable[[], object] = lambda: False) -> None:
        """Reads one connection to its end, or until `enough()` holds."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self.cursor}
        async with self.client.stream("GET", self.path, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            self.connections += 1
            frame: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line:
                    name, _, value = line.partition(":")
                    frame[name] = value.removeprefix(" ")
                    continue
                self._take(frame)
                frame = {}
                if enough():
                    return

    async def until(self, condition: Callable[[], object], what: str, timeout_s: float = 15) -> None:
        """Waits, bounded, while it reads until `condition()` holds."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{self.path}: {timeout_s:g} s until {what}; read {len(self.ids)}") from None

    def has(self, type: str, count: int = 1) -> bool:
        """Says whether it has read so many events of a type."""
        return sum(event["type"] == type for event in self.events) >= count

    def _take(self, frame: dict[str, str]) -> None:
        self.cursor = frame.get("id", self.cursor)
        if "data" not in frame:
            return
        assert frame.get("event") != "error", frame["data"]
        self.ids.append(int(frame["id"]))
        self.events.append(json.loads(frame["data"]))
        self._changed.set()


async def log_of(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """Returns everything that the log has at `path`, page by page, as JSON."""
    found: list[dict[str, Any]] = []
    after: str | None = "0"
    while after is not None:
        page = (await client.get(path, params={"after": after, "limit": 500})).raise_for_status().json()
        found += page["items"]
        after = page["next_cursor"]
    return found
