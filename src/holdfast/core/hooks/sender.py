"""Sends one request to a receiver, who may be hostile, and returns what came of it. It never raises.

The address is resolved once and the connection goes to what was checked. Nothing is followed, kept or
trusted: no redirection, no cookie, no more than the start of the answer's body.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, cast

from holdfast.core.domain.addresses import Resolver, WebAddress, checked_addresses, system_resolver
from holdfast.core.domain.causes import words_of
from holdfast.core.domain.errors import ForbiddenError, HoldfastError, InvalidError
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.domain.values import utc_now
from holdfast.core.domain.webhook_formats import Message
from holdfast.core.hooks.backoff import retry_after_s
from holdfast.core.hooks.outcome import Answer

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 10.0
"""For the whole attempt: name, connection, request and answer."""
KEPT_BODY = 1_024
"""Characters of an answer's body that are kept where nothing else is said."""
_CONNECT_S = 4.0
_ADDRESSES = 3
"""How many addresses of one name are tried."""
_LONGEST_ERROR = 300
_ADVICE = "Webhooks of a user without the role `admin` reach public addresses only."


class Sender(Protocol):
    """What a delivery needs of the network."""

    async def send(self, url: str, message: Message, *, allow_private: bool) -> Answer:
        """Makes one attempt; `allow_private` lets it reach addresses that are not public."""
        ...

    async def close(self) -> None:
        """Lets go of the connection; the next attempt makes another."""
        ...


class Certificates:
    """The authorities that receivers' certificates are checked with: loaded once, when first needed."""

    def __init__(self, load: Callable[[], ssl.SSLContext] | None = None) -> None:
        self._load = load or _load_authorities
        self._context: ssl.SSLContext | None = None
        self._lock = asyncio.Lock()

    async def context(self) -> ssl.SSLContext:
        async with self._lock:
            if self._context is None:
                self._context = await asyncio.to_thread(self._load)
        return self._context


def _load_authorities() -> ssl.SSLContext:
    import httpx  # takes a tenth of a second: in this thread, and only where something is sent

    return httpx.create_ssl_context(trust_env=False)


class HttpSender:
    """A `Sender` for one receiver."""

    def __init__(
        self,
        certificates: Certificates,
        *,
        redact: Callable[[str], str] = lambda text: text,
        resolve: Resolver = system_resolver,
        timeout_s: float = TIMEOUT_S,
        now: Callable[[], datetime] = utc_now,
        most_body: int = KEPT_BODY,
        advice: str = _ADVICE,
    ) -> None:
        """`redact` takes secrets out of what is kept of an answer, `most_body` characters; `advice` is for
        whom an address is refused that is not public."""
        self._certificates = certificates
        self._redact = redact
        self._resolve = resolve
        self._timeout_s = timeout_s
        self._now = now
        self._most_body = most_body
        self._advice = advice
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def send(self, url: str, message: Message, *, allow_private: bool) -> Answer:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            answer = await self._send(url, message, allow_private, began + self._timeout_s)
        except TimeoutError:
            answer = Answer(None, error=f"There was no answer within {self._timeout_s:g} s.")
        except (ForbiddenError, InvalidError) as error:
            answer = Answer(None, error=error.message, final=True)
        except HoldfastError as error:
            answer = Answer(None, error=error.message)
        return Answer(
            answer.status,
            answer.body,
            shorten(self._redact(sanitize_line(answer.error)), _LONGEST_ERROR),
            answer.final,
            answer.retry_after_s,
            (loop.time() - began) * 1000,
        )

    async def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _send(self, url: str, message: Message, allow_private: bool, deadline: float) -> Answer:
        address = WebAddress.parse(url)
        async with asyncio.timeout_at(deadline):
            ips = await checked_addresses(
                address, self._resolve, allow_private=allow_private, advice=self._advice
            )
            transport = await self._connected()
            response = await self._first_answer(transport, address, ips, message)
        if isinstance(response, Answer):
            return response
        try:
            return Answer(
                response.status_code,
                await self._excerpt(response, deadline),
                retry_after_s=retry_after_s(response.headers.get("retry-after", ""), self._now()),
            )
        finally:
            await response.aclose()

    async def _connected(self) -> httpx.AsyncHTTPTransport:
        context = await self._certificates.context()
        import httpx  # loaded with the authorities

        if self._transport is None:
            limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=5)
            self._transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits)
        return self._transport

    async def _first_answer(
        self, transport: httpx.AsyncHTTPTransport, address: WebAddress, ips: Sequence[str], message: Message
    ) -> httpx.Response | Answer:
        """Returns the response of the first address that takes a connection, or why there is none."""
        import httpx

        error: Exception | None = None
        for ip in ips[:_ADDRESSES]:
            try:
                return await transport.handle_async_request(self._request(address, ip, message))
            except httpx.ConnectError as failure:
                error = failure
            except httpx.ConnectTimeout:
                error = TimeoutError(f"no connection within {_CONNECT_S:g} s")
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as failure:
                error = failure
                break  # it may have been received
        await self.close()
        reason = words_of(error) or type(error).__name__
        return Answer(None, error=f"{address.netloc} cannot be reached: {reason}.")

    def _request(self, address: WebAddress, ip: str, message: Message) -> httpx.Request:
        import httpx

        times = dict.fromkeys(("read", "write", "pool"), self._timeout_s)
        return httpx.Request(
            "POST",
            address.at(ip),
            headers={"Host": address.netloc, "Accept-Encoding": "identity", **message.headers},
            content=message.body,
            extensions={"sni_hostname": address.host, "timeout": {**times, "connect": _CONNECT_S}},
        )

    async def _excerpt(self, response: httpx.Response, deadline: float) -> str:
        """Returns the start of the body: what has come of it by the deadline. The status says the rest."""
        import httpx

        data = bytearray()
        most = 2 * self._most_body  # more than is kept: no cut hides half a secret from the redaction
        raw = cast("AsyncGenerator[bytes, None]", response.aiter_raw())
        try:
            async with asyncio.timeout_at(deadline), aclosing(raw) as pieces:
                async for piece in pieces:
                    data += piece[:most]
                    if len(data) >= most:
                        break
        except (TimeoutError, httpx.HTTPError, OSError) as error:
            data += f" [broken off: {type(error).__name__}]".encode()
        text = sanitize(bytes(data[:most]).decode(errors="replace"))
        return shorten(self._redact(text).strip(), self._most_body)
