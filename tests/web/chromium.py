"""A real Chromium without a window, driven by the DevTools protocol: no more of it than these tests need."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pyte

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--no-proxy-server", "--window-size=1400,900", "--remote-debugging-port=0"),
)
WAIT_S = 30.0


def find_chromium() -> str | None:
    """Returns the browser of this machine."""
    return next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)


class Page:
    """One tab, in a browser context of its own: its cookies are nobody else's."""

    def __init__(self, browser: Browser, session_id: str, columns: int = 400, rows: int = 200) -> None:
        self._browser = browser
        self._session_id = session_id
        self.urls: list[str] = []
        """Everything that was asked for over the network."""
        self.problems: list[str] = []
        """What the page's console has said of errors."""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends a command of the protocol."""
        return await self._browser.call(method, params, self._session_id)

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def js(self, expression: str) -> Any:
        """Returns the value of an expression in the page."""
        done = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        return done["result"].get("value")

    async def until(self, expression: str) -> None:
        """Waits, bounded, until an expression holds in the page, over reloads too."""
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    if await self.js(f"document.readyState === 'complete' && ({expression})"):
                        return
                except ProtocolError:
                    pass  # the page is being replaced
                await asyncio.sleep(0.05)

    async def type(self, text: str) -> None:
        """Types a text where the focus is."""
        await self.call("Input.insertText", text=text)

    async def press(self, key: str, code: int, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            await self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more
            )

    async def enter(self) -> None:
        await self.press("Enter", 13, "\r")

    async def until_shown(self, *words: str) -> str:
        """Waits, bounded, until the terminal was sent a screen with all `words`; returns the screen."""
        try:
            async with asyncio.timeout(WAIT_S):
                while not all(word in self.screen for word in words):
                    await self._browser.told()
        except TimeoutError:
            raise AssertionError(f"never shown: {words}\n{self.screen}") from None
        return self.screen

    @property
    def screen(self) -> str:
        """What the terminal shows, as text: read from what its socket received."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    async def colours(self) -> int:
        """Returns how many colours the page really shows."""
        from io import BytesIO

        from PIL import Image

        data = (await self.call("Page.captureScreenshot", format="png"))["data"]
        with Image.open(BytesIO(base64.b64decode(data))) as image:
            return len(image.convert("RGB").getcolors(1_000_000) or [])

    def take(self, method: str, params: dict[str, Any]) -> None:
        """Takes an event of the protocol."""
        match method:
            case "Network.requestWillBeSent":
                self.urls.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.urls.append(params["url"])
            case "Network.webSocketFrameReceived" if params["response"]["opcode"] == 2:
                self._stream.feed(base64.b64decode(params["response"]["payloadData"]))
            case "Runtime.exceptionThrown":
                self.problems.append(json.dumps(params["exceptionDetails"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.problems.append(params["entry"]["text"])


class ProtocolError(Exception):
    """The browser has refused a command."""


class Browser:
    """A running browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._next = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._event = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def page(self) -> Page:
        """Opens a tab of nobody's."""
        context = await self.call("Target.createBrowserContext", {})
        target = await self.call(
            "Target.createTarget", {"url": "about:blank", "browserContextId": context["browserContextId"]}
        )
        attached = await self.call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        page = Page(self, attached["sessionId"])
        self._pages[attached["sessionId"]] = page
        for domain in ("Page", "Runtime", "Network", "Log"):
            await page.call(f"{domain}.enable")
        return page

    async def call(self, method: str, params: dict[str, Any], session_id: str = "") -> dict[str, Any]:
        self._next += 1
        message = {"id": self._next, "method": method, "params": params}
        answer = asyncio.get_running_loop().create_future()
        self._answers[self._next] = answer
        await self._socket.send_json(message | ({"sessionId": session_id} if session_id else {}))
        async with asyncio.timeout(WAIT_S):
            return await answer

    async def told(self) -> None:
        """Waits for the next event of any page."""
        self._event.clear()
        await self._event.wait()

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                answer = self._answers.pop(said["id"])
                if "error" in said:
                    answer.set_exception(ProtocolError(said["error"]["message"]))
                else:
                    answer.set_result(said["result"])
            elif (page := self._pages.get(said.get("sessionId", ""))) is not None:
                page.take(said["method"], said["params"])
                self._event.set()


@asynccontextmanager
async def chromium(program: str, folder: Path) -> AsyncIterator[Browser]:
    """Runs a browser with an empty profile in `folder`."""
    process = await asyncio.create_subprocess_exec(
        program,
        *FLAGS,
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={
            **os.environ,
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "XDG_CACHE_HOME": str(folder),
        },
    )
    try:
        named = folder / "DevToolsActivePort"
        await _until(lambda: named.exists() and len(named.read_text().split()) == 2)
        port, path = named.read_text().split()
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0) as socket,
        ):
            browser = Browser(socket)
            try:
                yield browser
            finally:
                await browser.close()
    finally:
        process.terminate()
        await process.wait()


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 (a file of another process)
            await asyncio.sleep(0.02)
