"""What a server asks in the middle of a call: bounded, looked at, and taken to who can answer it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

from holdfast.core.domain.asking import (
    CallDesk,
    FormRequest,
    SampleMessage,
    SampleReply,
    SampleRequest,
)
from holdfast.core.domain.errors import HoldfastError, ToolError
from holdfast.core.domain.forms import FormAnswer, form_fields
from holdfast.core.domain.text import sanitize, shorten, without_unseen
from holdfast.core.tools.json_schemas import self_contained
from holdfast.core.tools.mcp.limits import (
    MAX_ASKED,
    MAX_FORM_CHARS,
    MAX_QUESTION,
    MAX_SAMPLE_CHARS,
    MAX_SAMPLE_MESSAGES,
    MAX_SAMPLE_TOKENS,
    MAX_URL,
)
from holdfast.core.tools.mcp.port import RawElicitation, RawSampling


class CallClock:
    """The time that a call may take. It stands still while the server waits for an answer of ours."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._limit = asyncio.timeout(None)
        self._waiting = 0
        self._left = seconds

    async def wait(self, *ends: asyncio.Future[Any]) -> None:
        """Waits until one of `ends` is done or the time is over."""
        try:
            async with self._limit:
                self._go(self.seconds)
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            return

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Stops the clock inside the block; blocks may overlap."""
        now = asyncio.get_running_loop().time()
        if self._waiting == 0 and (until := self._limit.when()) is not None:
            self._left = until - now
            self._go(None)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if self._waiting == 0:
                self._go(self._left)

    def _go(self, seconds: float | None) -> None:
        if self._limit.expired():
            return
        now = asyncio.get_running_loop().time()
        try:
            self._limit.reschedule(None if seconds is None else now + seconds)
        except RuntimeError:
            return  # the call has ended already, and its time with it


class CallRequests:
    """Implements `Requests` for one call. `desk` is who answers; None: nobody."""

    def __init__(
        self,
        server: str,
        desk: CallDesk | None,
        clock: CallClock,
        sampling: Literal["ask", "deny", "allow"] = "ask",
    ) -> None:
        self._server = server
        self._sampling = sampling
        self._desk = desk
        self._clock = clock
        self._count = 0

    async def elicit(self, asked: RawElicitation) -> FormAnswer:
        """Asks the person. Raises `ToolError` for what cannot be asked."""
        desk = self._answering()
        request = FormRequest(
            server=self._server,
            text=shorten(sanitize(asked.text).strip(), MAX_QUESTION),
            form=None if asked.schema is None else await asyncio.to_thread(_form, asked.schema),
            url=None if asked.url is None else _address(asked.url),
        )
        with self._clock.standing():
            return await desk.ask(request)

    async def sample(self, asked: RawSampling) -> SampleReply:
        """Has the run's model complete messages. Raises `ToolError` for what is refused."""
        desk = self._answering()
        if self._sampling == "deny":
            raise ToolError("completions are not for this server", code="mcp_refused")
        if not 0 < len(asked.messages) <= MAX_SAMPLE_MESSAGES:
            raise ToolError(f"a completion has 1 to {MAX_SAMPLE_MESSAGES} messages", code="mcp_refused")
        if sum(len(text) for _, text in asked.messages) + len(asked.system) > MAX_SAMPLE_CHARS:
            raise ToolError(
                f"more than {MAX_SAMPLE_CHARS:,} characters are not completed", code="mcp_refused"
            )
        fits = asked.temperature is not None and 0 <= asked.temperature <= 2
        request = SampleRequest(
            server=self._server,
            messages=tuple(
                SampleMessage(role="assistant" if role == "assistant" else "user", text=without_unseen(text))
                for role, text in asked.messages
            ),
            system=without_unseen(asked.system),
            max_tokens=max(1, min(asked.max_tokens, MAX_SAMPLE_TOKENS)),
            temperature=asked.temperature if fits else None,
            allowed=self._sampling == "allow",
        )
        with self._clock.standing():
            return await desk.sample(request)

    def _answering(self) -> CallDesk:
        self._count += 1
        if self._count > MAX_ASKED:
            raise ToolError(f"a call may ask at most {MAX_ASKED} times", code="mcp_refused")
        if self._desk is None:
            raise ToolError("nobody can be asked here", code="mcp_refused")
        return self._desk


def _form(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns a schema that a form can be made of."""
    try:
        if len(json.dumps(schema)) > MAX_FORM_CHARS:
            raise ValueError(f"it has more than {MAX_FORM_CHARS:,} characters")
        plain = self_contained(schema)
        form_fields(plain)
    except (HoldfastError, ValueError, RecursionError) as error:
        why = error.message if isinstance(error, HoldfastError) else str(error)
        raise ToolError(f"the form cannot be shown: {why}", code="mcp_refused") from error
    return plain


def _address(url: str) -> str:
    """Returns an address that a person can be shown. It is never opened by us."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and url.isprintable() and url.isascii()
    except ValueError:
        fits = False
    if not fits or len(url) > MAX_URL or " " in url:
        raise ToolError("only plain http and https addresses can be shown", code="mcp_refused")
    return url
