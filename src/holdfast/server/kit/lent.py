"""Applications of libraries behind our doors: bodies are read under our limits, all ends with the door."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.core.domain.errors import UnavailableError

_LAST_WORDS_S = 0.5
"""For what ends with its door to say so."""


class Lent:
    """The answer of `app` to one request whose body was read already; it ends with the door that the request
    came in by."""

    def __init__(self, app: ASGIApp, body: bytes, closing: asyncio.Event) -> None:
        self._app = app
        self._body: bytes | None = body
        self._closing = closing
        self._begun = False
        self._whole = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_again() -> Message:
            if self._body is None:
                return await receive()
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}

        async def send_noted(message: Message) -> None:
            self._begun = True
            self._whole = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        answering = asyncio.ensure_future(self._app(scope, receive_again, send_noted))
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait({answering, closing}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({answering}, timeout=_LAST_WORDS_S)
        finally:
            for task in (answering, closing):
                task.cancel()
            await asyncio.gather(answering, closing, return_exceptions=True)
        if not answering.cancelled():
            answering.result()
        elif not self._begun:
            raise UnavailableError("The engine is stopping", code="engine_stopping", retryable=True)
        elif not self._whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
