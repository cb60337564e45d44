"""The server: signs people in, and gives each page an app process of its own, through `textual-serve`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web
from textual_serve.server import Server

from holdfast.core.domain.errors import STATUS, HoldfastError, RateLimitedError, UnauthenticatedError
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.token_buckets import TokenBuckets
from holdfast.server.kit.limits import network_of
from holdfast.server.security import FAILURES, FAILURES_PER_S, HostNames
from holdfast.web.apps import AppCommand, PageApp, app_environment, cells
from holdfast.web.door import HEADERS, is_named, is_own
from holdfast.web.gate import Gate
from holdfast.web.pages import login_page, terminal_page
from holdfast.web.sittings import LIFE_S, Login, OneTimeCode, Sitting, Sittings

ASSETS = Path(__file__).with_name("assets")
PAGES = 16
"""Pages that may be open at once; each is a process."""
PAGES_EACH = 4
"""Pages of one sitting."""
_LARGEST_FORM = 8 * 1024
_LARGEST_MESSAGE = 1024 * 1024
_SWEEP_S = 15.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many pages there may be."""

    pages: int = PAGES
    pages_each: int = PAGES_EACH


class WebServer(Server):
    """The application behind one port. `say` is told, in a line each, who comes and goes."""

    def __init__(
        self,
        gate: Gate,
        names: HostNames,
        command: AppCommand,
        say: Callable[[str], None],
        limits: Limits = Limits(),
    ) -> None:
        super().__init__("holdfast", title="Holdfast")
        self._gate = gate
        self._names = names
        self._app_command = command
        self._say = say
        self._limits = limits
        self._failures = TokenBuckets(FAILURES_PER_S, FAILURES)
        self.sittings = Sittings()
        self.code = OneTimeCode()
        self._pages = 0

    async def _make_app(self) -> web.Application:
        return self.application()

    def application(self) -> web.Application:
        """Returns the application."""
        app = web.Application(middlewares=[self._guarded], client_max_size=_LARGEST_FORM)
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/login", self._login_page),
                web.post("/login", self._login),
                web.post("/enter", self._enter),
                web.post("/logout", self._logout),
                web.get("/ws", self._socket),
                web.get("/download/{key}", self._download),
                web.static("/static", self.statics_path),
                web.static("/assets", ASSETS),
            ]
        )
        app.on_response_prepare.append(_with_headers)
        app.on_shutdown.append(self._end_all)
        app.cleanup_ctx.append(self._swept)
        return app

    # --- every request

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_named(request.headers, self._names):
            return _plain(403, "The name in Host is not one of this server; --allow-host NAME adds it.")
        changing = request.method != "GET" or request.path == "/ws"
        if request.method not in ("GET", "HEAD", "POST") or (changing and not is_own(request.headers)):
            return _plain(403, "Only pages of this server may do that.")
        try:
            return await handler(request)
        except HoldfastError as error:
            return _plain(STATUS[error.kind], error.message)

    async def _swept(self, app: web.Application) -> Any:
        """Ends the sittings whose time is over."""
        sweeping = asyncio.create_task(self._sweep())
        yield
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)

    async def _end_all(self, app: web.Application) -> None:
        await asyncio.gather(*(self._end(sitting) for sitting in self.sittings.all()))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            for sitting in self.sittings.over():
                await self._end(sitting)

    # --- signing in and out

    async def _login_page(self, request: web.Request) -> web.StreamResponse:
        return _page(login_page())

    async def _login(self, request: web.Request) -> web.StreamResponse:
        try:
            login = await self._gate.login((await _field(request, "key")).strip())
        except HoldfastError as error:
            return await self._refused(request, error)
        return await self._let_in(request, login, _elsewhere("/"))

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        """Takes the code of the one-time link."""
        if not self.code.take(await _field(request, "code")):
            wait_s = self._failed(request)
            if wait_s:
                return _plain(429, f"Too many attempts; wait {wait_s:.0f} s.")
            return _plain(403, "This link was used already, or is too old. Sign in with a key.")
        return await self._let_in(request, await self._gate.own_login(), web.Response(status=204))

    async def _logout(self, request: web.Request) -> web.StreamResponse:
        sitting = self._sitting(request)
        if sitting is not None:
            self.sittings.close(sitting)
            await self._end(sitting)
        answer = _elsewhere("/login")
        answer.del_cookie(_cookie(request), path="/")
        return answer

    async def _let_in(self, request: web.Request, login: Login, answer: web.Response) -> web.StreamResponse:
        token, _, gone = self.sittings.open(login)
        await asyncio.gather(*(self._end(sitting) for sitting in gone))
        self._say(f"{sanitize_line(login.name)} signed in from {_from(request)}")
        answer.set_cookie(
            _cookie(request),
            token,
            max_age=int(LIFE_S),
            path="/",
            httponly=True,
            samesite="Strict",
            # Behind a proxy that has the certificate it is the page that knows.
            secure=request.headers.get("Origin", "").startswith("https://"),
        )
        return answer

    async def _refused(self, request: web.Request, error: HoldfastError) -> web.StreamResponse:
        if not isinstance(error, UnauthenticatedError | RateLimitedError):
            return _page(login_page(error.message), STATUS[error.kind])
        wait_s = self._failed(request)
        self._say(f"a wrong key was shown from {_from(request)}")
        if wait_s:
            return _page(login_page(f"Too many wrong keys from this address; wait {wait_s:.0f} s."), 429)
        return _page(login_page("This key is not known, or not any more."), 401)

    def _failed(self, request: web.Request) -> float:
        """Counts a failure; returns the seconds to wait when there were too many. As at the engine's own door
        this comes after the look at the key: behind a proxy all clients are one, and a stranger could lock
        everybody out."""
        return self._failures.take(network_of(request.remote or ""))

    async def _end(self, sitting: Sitting) -> None:
        await asyncio.gather(*(close() for close in list(sitting.pages)))
        with suppress(HoldfastError):  # the engine may be gone; the login ends by itself
            await self._gate.logout(sitting.login)

    def _sitting(self, request: web.Request) -> Sitting | None:
        return self.sittings.find(request.cookies.get(_cookie(request), ""))

    # --- the terminal

    async def _index(self, request: web.Request) -> web.StreamResponse:
        sitting = self._sitting(request)
        if sitting is None:
            return _elsewhere("/login")
        if not await self._gate.is_good(sitting.login):
            self.sittings.close(sitting)
            await self._end(sitting)
            return _elsewhere("/login")
        return _page(terminal_page(sitting.login.name, cells(request.query.get("fontsize"), 16)))

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        sitting = self._sitting(request)
        if sitting is None:
            return _plain(401, "Sign in first.")
        if self._pages >= self._limits.pages or len(sitting.pages) >= self._limits.pages_each:
            return _plain(429, "Too many pages are open; close one.")
        socket = web.WebSocketResponse(heartbeat=15, max_msg_size=_LARGEST_MESSAGE)

        async def closed() -> None:
            if socket.prepared:
                await socket.close(code=WSCloseCode.GOING_AWAY)

        self._pages += 1
        sitting.pages.add(closed)
        try:
            await socket.prepare(request)
            await self._serve_page(request, socket, sitting)
        finally:
            sitting.pages.discard(closed)
            self._pages -= 1
        return socket

    async def _serve_page(
        self, request: web.Request, socket: web.WebSocketResponse, sitting: Sitting
    ) -> None:
        login = sitting.login

        def environment(width: int, height: int) -> dict[str, str]:
            return app_environment(os.environ, self._gate.address, login, width, height)

        app = PageApp(
            self._app_command,
            environment,
            login.user_id,
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=socket.close,
            downloads=self.download_manager,
        )
        await app.start(cells(request.query.get("width"), 80), cells(request.query.get("height"), 24))
        self._say(f"{sanitize_line(login.name)} opened a page")
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await _hand_on(message.data, app, socket)
        finally:
            await app.stop()
            self._say(f"{sanitize_line(login.name)} closed a page")

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Sends a file that an app has offered to the page it runs for. It is kept, never shown: what agents
        have made must not become a page of this server."""
        sitting = self._sitting(request)
        key = request.match_info["key"]
        if sitting is None:
            return _plain(401, "Sign in first.")
        try:
            offered = await self.download_manager.get_download_metadata(key)
        except KeyError:
            return _plain(404, "There is no such file any more.")
        app = offered.app_service
        if not isinstance(app, PageApp) or app.user_id != sitting.login.user_id:
            return _plain(404, "There is no such file any more.")
        name = "".join(c if c.isalnum() or c in "._- " else "_" for c in offered.file_name)[:200] or "file"
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f'attachment; filename="{name.encode("ascii", "replace").decode()}"',
            }
        )
        await response.prepare(request)
        async for chunk in self.download_manager.download(key):
            await response.write(chunk)
        await response.write_eof()
        return response


async def _hand_on(text: str, app: PageApp, socket: web.WebSocketResponse) -> None:
    """Gives the app what the page says; what it cannot say is left out."""
    try:
        kind, *rest = json.loads(text)
        value = rest[0] if rest else None
    except (ValueError, TypeError, RecursionError):
        return
    if kind == "stdin" and isinstance(value, str):
        await app.send_bytes(value.encode("utf-8", errors="replace"))
    elif kind == "resize" and isinstance(value, dict):
        await app.set_terminal_size(cells(value.get("width"), 80), cells(value.get("height"), 24))
    elif kind == "ping" and isinstance(value, str):
        await socket.send_json(["pong", value[:64]])
    elif kind == "blur":
        await app.blur()
    elif kind == "focus":
        await app.focus()


async def _field(request: web.Request, name: str) -> str:
    """Returns a field of the form that was sent; empty when there is none, or what came is no form."""
    if request.content_type != "application/x-www-form-urlencoded":
        return ""
    value = (await request.post()).get(name)
    return value if isinstance(value, str) else ""


async def _with_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers.pop("Server", None)


def _cookie(request: web.Request) -> str:
    """Returns the cookie's name: browsers give a machine's cookies to all of its ports."""
    port = request.host.rpartition(":")[2]
    return f"holdfast_{port}" if port.isdecimal() else "holdfast"


def _from(request: web.Request) -> str:
    return sanitize_line(request.remote or "somewhere")


def _page(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html")


def _elsewhere(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})


def _plain(status: int, text: str) -> web.Response:
    return web.Response(text=text, status=status)


logging.getLogger("textual-serve").setLevel(logging.ERROR)
