"""Sends one request over HTTP."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.tools import CodeBlock, Preview, Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.builtin.write_file import encoded
from holdfast.core.tools.pages import decoded, is_readable
from holdfast.core.tools.web import WebFetcher, WebPage, WebRequest, plain_address

MAX_BYTES = 2**20
"""Of an answer; the rest is not read."""
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_MAX_VALUE = 4_000
# What belongs to the connection, and what would say that it is another site's request.
_NOT_GIVEN = re.compile(
    r"accept-encoding|connection|content-length|expect|forwarded|host|keep-alive|origin|proxy-.*|te|trailer"
    r"|transfer-encoding|upgrade|via|x-forwarded-.*|x-http-method.*|x-method-override|x-original-url"
    r"|x-rewrite-url",
    re.IGNORECASE,
)
_SECRET = re.compile(r"auth|cookie|credential|key|pass|secret|session|signature|token", re.IGNORECASE)
_NO_SECRET = ("idempotency-key",)


class HttpRequestArguments(Arguments):
    url: str = Field(min_length=1, max_length=4_000, description="An http or https address")
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="GET", description="What to do there"
    )
    headers: dict[str, str] = Field(
        default_factory=dict, max_length=30, description="Headers by name; none that holds a secret"
    )
    body: str = Field(default="", max_length=200_000, description="The body, such as JSON; empty: none")

    @field_validator("headers")
    @classmethod
    def _allowed(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if mistake := _mistake(name, value):
                raise ValueError(f"{name[:80]!r} {mistake}")
        if len({name.lower() for name in headers}) < len(headers):
            raise ValueError("a header stands there twice")
        return headers


def _mistake(name: str, value: str) -> str:
    if not _HEADER.fullmatch(name):
        return "is no name of a header"
    if len(value) > _MAX_VALUE or not value.isascii() or not (value.isprintable() or not value):
        return f"must be printable ASCII of at most {_MAX_VALUE} characters"
    if _NOT_GIVEN.fullmatch(name):
        return "is not for a tool to set"
    if _SECRET.search(name) and name.lower() not in _NO_SECRET:
        # The model has seen whatever it writes here, so it is no secret any more.
        return "would hold a secret: a tool of one's own, with the secret kept in it, is for that"
    return ""


class HttpRequest(BuiltinTool):
    name = "http_request"
    risk = Risk.NETWORK
    arguments = HttpRequestArguments

    def __init__(self, fetcher: WebFetcher | None = None) -> None:
        self._fetcher = fetcher or WebFetcher()

    def subjects(self, arguments: HttpRequestArguments) -> tuple[str, ...]:
        """Returns the method and the address in its plain form."""
        return (f"{arguments.method} {plain_address(arguments.url)}",)

    async def preview(self, arguments: HttpRequestArguments, context: ToolContext) -> Preview:
        request = _request(arguments)
        lines = [f"{request.method} {request.address}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        text = "\n".join([*lines, *(["", arguments.body] if arguments.body else [])])
        return Preview(blocks=(CodeBlock(language="http", text=text),))

    async def run(self, arguments: HttpRequestArguments, context: ToolContext) -> ToolOutput:
        request = _request(arguments)
        found = await self._fetcher.send(
            request,
            max_bytes=MAX_BYTES,
            allow_private=context.allow_private_hosts,
            timeout_s=min(self._fetcher.timeout_s, context.timeout_s),
        )
        if isinstance(found, WebAddress):
            # What was approved is one address.
            return ToolOutput.text(f"The answer leads to {found}. Nothing was sent there.")
        return _output(found)


def _request(arguments: HttpRequestArguments) -> WebRequest:
    """Raises `InvalidError` for what is no address, and for a body that is no text."""
    address = WebAddress.parse(arguments.url)
    if not arguments.body:
        return WebRequest(address, arguments.method, arguments.headers)
    typed = any(name.lower() == "content-type" for name in arguments.headers)
    kind = "application/json" if arguments.body.lstrip()[:1] in ("{", "[") else "text/plain; charset=utf-8"
    headers = arguments.headers if typed else {**arguments.headers, "Content-Type": kind}
    return WebRequest(address, arguments.method, headers, encoded(arguments.body))


def _output(page: WebPage) -> ToolOutput:
    kind = f", {page.content_type}" if page.content_type else ""
    head = f"Status {page.status}{kind}"
    if not page.data:
        return ToolOutput.text(f"{head}, no body.", is_error=page.status >= 400)
    if not is_readable(page):
        return ToolOutput.text(
            f"{head}, {len(page.data):,} bytes that are no text.", is_error=page.status >= 400
        )
    note = f"\n[only the first {MAX_BYTES} bytes were read]" if page.cut else ""
    whole = f"{head}\n\n{decoded(page)}{note}"
    return ToolOutput.text(whole, TextBlock(text=whole), is_error=page.status >= 400)
