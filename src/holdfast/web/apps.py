"""The app of one page: a process of its own, which works with the login of who has opened the page."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from holdfast.web.gate import Address
from holdfast.web.sittings import Login

ENDS_WITHIN_S = 3.0
"""How long an app may take to end when its page was closed."""
STARTS_WITHIN_S = 30.0
_LEAVES_WITHIN_S = 2.0
"""For each: by itself, after SIGTERM, after SIGKILL."""
_LARGEST_PACKET = 64 * 1024 * 1024
_SMALLEST, _LARGEST = 2, 1_000
_OPENED = ("http://", "https://", "mailto:")

_PASSED = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "HOLDFAST_HOME",
    "VIRTUAL_ENV",
    "SSL_CERT_FILE",
)
_PASSED_STARTS = ("LC_", "XDG_", "PYTHON")


@dataclass(frozen=True, slots=True)
class AppCommand:
    """How the app of a page is started."""

    argv: Sequence[str]
    """Without secrets: others on the machine can read it. The user's id is put behind it, then `more`."""
    log: Path
    """Takes what it prints on stderr."""
    more: Sequence[str] = ()
    folder: Path = Path("/")
    """An empty folder for it to be in."""


def app_environment(
    environment: Mapping[str, str], address: Address, login: Login, width: int, height: int
) -> dict[str, str]:
    """Returns the environment of an app: the way to the engine, and nothing of the owner's keys."""
    passed = {
        name: value
        for name, value in environment.items()
        if name in _PASSED or name.startswith(_PASSED_STARTS)
    }
    return {
        **passed,
        "HOLDFAST_URL": address.url,
        "HOLDFAST_KEY": login.secret,
        "HOLDFAST_CA": address.ca_file,
        "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
        "TEXTUAL_FPS": "60",
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "TERM": "xterm-256color",
        "TERM_PROGRAM": "textual",
        "COLUMNS": str(cells(width, 80)),
        "ROWS": str(cells(height, 24)),
    }


def cells(value: Any, usual: int) -> int:
    """Returns a side of a terminal as it can be, whatever a page says that it is."""
    try:
        return min(max(int(value), _SMALLEST), _LARGEST)
    except (TypeError, ValueError, OverflowError):
        return usual


class PageApp(AppService):
    """One app process. What it writes goes to the page, what the page sends goes to it."""

    def __init__(
        self,
        command: AppCommand,
        environment: Callable[[int, int], dict[str, str]],
        user_id: str,
        *,
        write_bytes: Callable[[bytes], Awaitable[None]],
        write_str: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[object]],
        downloads: DownloadManager,
    ) -> None:
        async def closed() -> None:
            await close()

        super().__init__(
            "", write_bytes=write_bytes, write_str=write_str, close=closed, download_manager=downloads
        )
        self._started_by = command
        self._environment = environment
        self.user_id = user_id
        """Whose login it works with."""

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        command = self._started_by
        with open(command.log, "ab", opener=_private) as log:  # noqa: ASYNC230 (a file of ours, for a moment)
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                self.user_id,
                *command.more,
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                env=self._environment(width, height),
                cwd=command.folder,
                start_new_session=True,
            )
        assert process.stdin is not None
        self._process = process
        self._stdin = process.stdin
        return process

    async def run(self) -> None:
        """Hands on what the app writes, until it ends."""
        process = self._process
        assert process is not None and process.stdout is not None
        try:
            if await self._is_ready(process.stdout):
                await self._hand_on(process.stdout)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the app has ended, or the page has gone
        finally:
            await self._end(process)
            with suppress(ConnectionError):
                await self.remote_close()

    async def stop(self) -> None:
        """Ends the app: by word, by signal, by force. A second time does nothing."""
        task, self._task = self._task, None
        if task is None:
            return
        await self._download_manager.cancel_app_downloads(app_service_id=self.app_service_id)
        try:
            with suppress(ConnectionError):
                await self.send_meta({"type": "quit"})
            await asyncio.wait({task}, timeout=ENDS_WITHIN_S)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _is_ready(self, stdout: asyncio.StreamReader) -> bool:
        """Waits for the word with which an app begins."""
        try:
            async with asyncio.timeout(STARTS_WITHIN_S):
                while line := await stdout.readline():
                    if line == b"__GANGLION__\n":
                        return True
        except (TimeoutError, ValueError):
            pass
        logging.getLogger(__name__).error("an app did not start; see %s", self._started_by.log)
        return False

    async def _hand_on(self, stdout: asyncio.StreamReader) -> None:
        while True:
            kind = await stdout.readexactly(1)
            size = int.from_bytes(await stdout.readexactly(4), "big")
            if size > _LARGEST_PACKET:
                return
            payload = await stdout.readexactly(size)
            if kind == b"D":
                await self.on_data(payload)
            elif kind == b"M":
                await self.on_meta(payload)
            elif kind == b"P":
                await self.on_packed(payload)

    async def on_meta(self, data: bytes) -> None:
        """Takes a word of the app's: an address to open has to be one of the web's."""
        said = json.loads(data)
        if said.get("type") == "open_url" and not str(said.get("url", "")).lower().startswith(_OPENED):
            return
        await super().on_meta(data)

    async def _end(self, process: Process) -> None:
        try:
            await self._see_off(process)
        finally:
            if process.returncode is None:  # nobody waits any longer: the server itself is at its end
                with suppress(ProcessLookupError):
                    process.kill()
            if process.stdin is not None:
                process.stdin.close()

    async def _see_off(self, process: Process) -> None:
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                with suppress(ProcessLookupError):
                    process.send_signal(number)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEAVES_WITHIN_S):
                    await process.wait()
                    return


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
