"""`holdfast web` from its first line to its last: the socket, the gate, the server, the signals."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web

from holdfast.core.domain.errors import ForbiddenError
from holdfast.core.domain.status import ListenOptions
from holdfast.server.security import HostNames
from holdfast.server.tcp import bind, resolve, tls_context
from holdfast.web.apps import AppCommand
from holdfast.web.gate import EngineGate
from holdfast.web.server import Limits, WebServer

_CLOSES_WITHIN_S = 12.0
"""How long apps that do not listen may hold up the end."""


@dataclass(frozen=True, slots=True)
class WebOptions:
    """What the server is to be."""

    host: str = "127.0.0.1"
    port: int = 8701
    tls_cert: str | None = None
    tls_key: str | None = None
    insecure: bool = False
    """Whether it may listen beyond this machine without TLS."""
    allow_hosts: tuple[str, ...] = ()
    open: bool = False
    """Whether a browser of this machine is opened on it."""
    link: bool = True
    """Whether a one-time link is printed, on a loopback address."""
    pages: int = Limits().pages


async def serve_web(
    options: WebOptions, gate: EngineGate, app: AppCommand, say: Callable[[str], None]
) -> None:
    """Serves until a signal; `app` starts the app of a page, in a folder of its own; `say` prints a line.

    Raises `ForbiddenError` for an address that others reach where there is no TLS, and what a listener of the
    engine raises for hosts, ports and certificates that cannot be.
    """
    place = await resolve(options.host, options.port)
    loopback = ip_address(place.address.partition("%")[0]).is_loopback
    tls = await asyncio.to_thread(tls_context, options.tls_cert, options.tls_key)
    if not loopback and tls is None and not options.insecure:
        raise ForbiddenError(
            f"{options.host} is reached by others, and without TLS keys and all that is on the page travel "
            "unencrypted: give --tls-cert and --tls-key, or let a proxy with a certificate pass on to "
            "127.0.0.1. --insecure allows it all the same.",
            code="tls_required",
        )
    wanted = ListenOptions(host=options.host, port=options.port, allow_hosts=options.allow_hosts)
    names = HostNames(options.host, place.address, options.allow_hosts)
    with bind(wanted, place) as listener, tempfile.TemporaryDirectory(prefix="holdfast-web-") as folder:
        command = replace(app, folder=Path(folder))
        server = WebServer(gate, names, command, _timed(say), Limits(pages=options.pages))
        url = f"{'https' if tls else 'http'}://{_in_url(options.host)}:{listener.getsockname()[1]}"
        async with gate.running():
            runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=_CLOSES_WITHIN_S)
            await runner.setup()
            try:
                with _signals() as stop:
                    await web.SockSite(runner, listener, ssl_context=tls).start()
                    say(f"Serving the workbench at {url}; ctrl+c ends it.")
                    if not loopback and tls is None:
                        say("Keys and everything on the pages travel unencrypted: --tls-cert changes that.")
                    if loopback and options.link:
                        _offer(f"{url}/login#{server.code.issue()}", Path(folder), options.open, say)
                    await stop.wait()
            finally:
                await runner.cleanup()


def _offer(link: str, folder: Path, opened: bool, say: Callable[[str], None]) -> None:
    """Prints the one-time link, and opens it when that is wanted: by a private file, for others can read
    command lines."""
    say(f"Sign in with a key, or once with this link within ten minutes:\n  {link}")
    if not opened:
        return
    page = folder / "open.html"
    page.touch(0o600)
    page.write_text(f'<!DOCTYPE html><meta http-equiv="refresh" content="0;url={link}">', encoding="utf-8")
    if not webbrowser.open(page.as_uri()):
        say("No browser was found on this machine.")


def _timed(say: Callable[[str], None]) -> Callable[[str], None]:
    def timed(text: str) -> None:
        say(f"{datetime.now().astimezone():%H:%M:%S}  {text}")

    return timed


@contextmanager
def _signals() -> Iterator[asyncio.Event]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    wanted = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    for number in wanted:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
