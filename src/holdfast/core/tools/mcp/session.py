"""A server that runs, through the `mcp` library. With its neighbours the only module that imports it.

It takes half a second to load, so `hub.py` loads it in a thread, when a server is first started.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypedDict, TypeVar

import httpx2
import mcp_types
from mcp import Client
from mcp.shared.dispatcher import CallOptions, ProgressFnT
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel, TypeAdapter, ValidationError

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.core.tools.mcp.gate import gated
from holdfast.core.tools.mcp.http import address
from holdfast.core.tools.mcp.limits import (
    MAX_LISTING_CHARS,
    MAX_PAGES,
    MAX_PROGRESS,
    MAX_PROMPTS,
    MAX_REASON,
    MAX_RESOURCES,
    MAX_TOOLS,
)
from holdfast.core.tools.mcp.port import (
    McpSession,
    RawArgument,
    RawPrompt,
    RawResource,
    RawResult,
    RawTool,
    Requests,
    Target,
)
from holdfast.core.tools.mcp.requests import ServerRequests, in_rounds
from holdfast.core.tools.mcp.stdio import program

T = TypeVar("T")
ResultT = TypeVar("ResultT", bound=BaseModel)
PageT = TypeVar("PageT", bound=mcp_types.PaginatedResult)

_ERRORS = (MCPError, httpx2.HTTPError, httpx2.InvalidURL, ValidationError, OSError, RuntimeError, ValueError)
"""What the library raises when a server does not do as it should."""
_RESULT: TypeAdapter[mcp_types.CallToolResult | mcp_types.InputRequiredResult] = TypeAdapter(
    mcp_types.CallToolResult | mcp_types.InputRequiredResult
)
_READ: TypeAdapter[mcp_types.ReadResourceResult | mcp_types.InputRequiredResult] = TypeAdapter(
    mcp_types.ReadResourceResult | mcp_types.InputRequiredResult
)
_PROMPT: TypeAdapter[mcp_types.GetPromptResult | mcp_types.InputRequiredResult] = TypeAdapter(
    mcp_types.GetPromptResult | mcp_types.InputRequiredResult
)
_CHANGES = (mcp_types.ToolListChangedNotification, mcp_types.PromptListChangedNotification)
_PROGRESS = 200
_FORGOTTEN = "Session terminated"
"""What the library makes of an address that knows the session no more."""


class _Again(TypedDict):
    """What a request has when it is sent again; None the first time."""

    input_responses: mcp_types.InputResponses | None
    request_state: str | None


# It logs each wrong message with a traceback: a hostile server would fill the engine's log. What is wrong
# is told in the reason.
logging.getLogger("mcp").setLevel(logging.CRITICAL)


@asynccontextmanager
async def open_session(target: Target) -> AsyncIterator[McpSession]:
    """Starts the server and negotiates with it; see `Opener`."""
    lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    transport = program(target, lost) if target.spec.command else address(target)
    info = mcp_types.Implementation(name="holdfast", version="1")
    stale, asked = _Stale(), ServerRequests()
    client = Client(
        gated(transport, lost),
        client_info=info,
        cache=None,
        message_handler=stale.handle,
        elicitation_callback=asked.elicit,
        sampling_callback=None if target.spec.sampling == "deny" else asked.sample,
    )
    inside = False
    try:
        async with client:
            inside = True
            yield _Session(client, lost, stale, asked)
    except ToolError:
        raise
    except ExceptionGroup as group:
        first = _first(group)
        if isinstance(first, ToolError):
            raise first from None
        raise ToolError(_told(first, lost)) from group
    except _ERRORS as error:
        if inside and lost.done():
            return  # its end was told already; that the library stumbles over it is no news
        raise ToolError(_told(error, lost)) from error
    finally:
        lost.cancel()


class _Stale:
    """Whether the list of tools or prompts has changed since it was read."""

    def __init__(self) -> None:
        self.now = False

    async def handle(self, message: object) -> None:
        if isinstance(message, _CHANGES):
            self.now = True


class _Session:
    """Implements `McpSession`."""

    def __init__(
        self, client: Client, lost: asyncio.Future[str], stale: _Stale, asked: ServerRequests
    ) -> None:
        self._client = client
        self._lost = lost
        self._stale = stale
        self._asked = asked

    @property
    def lost(self) -> asyncio.Future[str]:
        return self._lost

    @property
    def stale(self) -> bool:
        return self._stale.now

    async def tools(self) -> Sequence[RawTool]:
        self._stale.now = False
        found: list[RawTool] = []
        cursor: str | None = None
        characters = 0
        for _ in range(MAX_PAGES):
            page, cursor = await self._page(cursor)
            found.extend(page)
            characters += sum(len(each.description) + len(str(each.schema)) for each in page)
            # A few more than are taken, so that the rest is told of.
            if cursor is None or len(found) > 2 * MAX_TOOLS or characters > MAX_LISTING_CHARS:
                break
        return found

    async def _page(self, cursor: str | None) -> tuple[list[RawTool], str | None]:
        try:
            try:
                page = await self._client.list_tools(cursor=cursor)
            except ValidationError:
                return await self._loose_page(cursor)
        except _ERRORS as error:
            if self._has_no_tools(error):
                return [], None
            raise ToolError(f"it does not list its tools: {_told(error, self._lost)}") from error
        return [_raw(tool) for tool in page.tools], page.next_cursor

    def _has_no_tools(self, error: Exception) -> bool:
        """Whether the server says of itself that it has only other things, and does not know the question."""
        unknown = isinstance(error, MCPError) and error.code == mcp_types.METHOD_NOT_FOUND
        return unknown and not (self._capabilities and self._capabilities.tools)

    async def _loose_page(self, cursor: str | None) -> tuple[list[RawTool], str | None]:
        """Reads a page of which the library takes nothing, since one tool in it is wrong."""
        session = self._client.session
        params = mcp_types.PaginatedRequestParams(cursor=cursor)
        request = mcp_types.ListToolsRequest(params=params)
        data = request.model_dump(by_alias=True, mode="json", exclude_none=True)
        options: CallOptions = {}
        session._stamp(data, options)  # the public way validates all or nothing
        page = await session._dispatcher.send_raw_request(data["method"], data.get("params"), options)
        offered, after = page.get("tools"), page.get("nextCursor")
        found = [_loose(each) for each in (offered if isinstance(offered, list) else [])]
        return found, after if isinstance(after, str) else None

    async def call(
        self, tool: str, arguments: dict[str, Any], told: Callable[[str], None], asked: Requests
    ) -> RawResult:
        left = MAX_PROGRESS

        async def report(progress: float, total: float | None, message: str | None) -> None:
            nonlocal left
            left -= 1
            if left >= 0:
                share = f"{progress:g}/{total:g}" if total else f"{progress:g}"
                told(f"{share} {shorten(sanitize(message or ''), _PROGRESS)}".rstrip() + "\n")

        def request(again: _Again) -> mcp_types.CallToolRequest:
            params = mcp_types.CallToolRequestParams(name=tool, arguments=arguments, **again)
            return mcp_types.CallToolRequest(params=params)

        # Not `call_tool`: it holds results against the server's own schema, whose expressions may never come
        # to an end.
        result = await self._answer(request, _RESULT, asked, report)
        return RawResult(
            content=tuple(_plain(part) for part in result.content),
            structured=result.structured_content,
            is_error=result.is_error,
        )

    async def prompts(self) -> Sequence[RawPrompt]:
        if not (self._capabilities and self._capabilities.prompts):
            return ()
        listed = self._listed(self._client.list_prompts, lambda page: page.prompts, MAX_PROMPTS)
        return [_raw_prompt(each) for each in await listed]

    async def resources(self) -> Sequence[RawResource]:
        if not (self._capabilities and self._capabilities.resources):
            return ()
        client = self._client
        found = await self._listed(client.list_resources, lambda page: page.resources, MAX_RESOURCES)
        templates = await self._listed(
            client.list_resource_templates, lambda page: page.resource_templates, MAX_RESOURCES
        )
        return [
            *(_raw_resource(each, each.uri, size=each.size) for each in found),
            *(_raw_resource(each, each.uri_template, template=True) for each in templates),
        ]

    async def _listed(
        self, ask: Callable[..., Awaitable[PageT]], items: Callable[[PageT], Sequence[T]], most: int
    ) -> list[T]:
        """Returns what the pages hold, until there is more than `most`; nothing of a server that does not
        know the question, as many do not that have resources and no templates."""
        found: list[T] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            with self._errors():
                try:
                    page = await ask(cursor=cursor)
                except MCPError as error:
                    if error.code != mcp_types.METHOD_NOT_FOUND:
                        raise
                    break
            found.extend(items(page))
            cursor = page.next_cursor
            if cursor is None or len(found) > most:
                break
        return found

    async def read(self, uri: str, asked: Requests) -> Sequence[dict[str, Any]]:
        def request(again: _Again) -> mcp_types.ReadResourceRequest:
            return mcp_types.ReadResourceRequest(params=mcp_types.ReadResourceRequestParams(uri=uri, **again))

        result = await self._answer(request, _READ, asked)
        return [_plain(each) for each in result.contents]

    async def prompt(
        self, name: str, arguments: dict[str, str], asked: Requests
    ) -> Sequence[tuple[str, dict[str, Any]]]:
        def request(again: _Again) -> mcp_types.GetPromptRequest:
            params = mcp_types.GetPromptRequestParams(name=name, arguments=arguments, **again)
            return mcp_types.GetPromptRequest(params=params)

        result = await self._answer(request, _PROMPT, asked)
        return [(each.role, _plain(each.content)) for each in result.messages]

    async def _answer(
        self,
        request: Callable[[_Again], mcp_types.ClientRequest],
        kind: TypeAdapter[ResultT | mcp_types.InputRequiredResult],
        asked: Requests,
        report: ProgressFnT | None = None,
    ) -> ResultT:
        """Returns the answer to a request, which is made anew each time that the server asks for something
        before."""

        async def send(
            answers: mcp_types.InputResponses | None, state: str | None
        ) -> ResultT | mcp_types.InputRequiredResult:
            again: _Again = {"input_responses": answers, "request_state": state}
            return await self._client.session.send_request(request(again), kind, progress_callback=report)

        with self._errors(), self._asked.call(asked):
            return await in_rounds(send, asked)

    @property
    def _capabilities(self) -> mcp_types.ServerCapabilities | None:
        return self._client.session.server_capabilities

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Makes of what the library raises a `ToolError`, and notes when the server is gone."""
        try:
            yield
        except ValidationError as error:
            raise ToolError("The MCP server answered with what is no result.", code="mcp_error") from error
        except _ERRORS as error:
            if _is_end(error) and not self._lost.done():
                self._lost.set_result(_told(error, self._lost))  # else an address would never be asked anew
            how = "is gone" if self._lost.done() else "answered with an error"
            raise ToolError(f"The MCP server {how}: {_told(error, self._lost)}.", code="mcp_error") from error


def _plain(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


def _raw_prompt(prompt: mcp_types.Prompt) -> RawPrompt:
    return RawPrompt(
        name=prompt.name,
        title=prompt.title or "",
        description=prompt.description or "",
        arguments=tuple(
            RawArgument(each.name, each.description or "", bool(each.required))
            for each in prompt.arguments or ()
        ),
    )


def _raw_resource(
    resource: mcp_types.Resource | mcp_types.ResourceTemplate,
    uri: str,
    *,
    size: int | None = None,
    template: bool = False,
) -> RawResource:
    return RawResource(
        uri=uri,
        name=resource.title or resource.name,
        description=resource.description or "",
        media_type=resource.mime_type or "",
        size=size,
        template=template,
    )


def _raw(tool: mcp_types.Tool) -> RawTool:
    annotations = tool.annotations
    return RawTool(
        name=tool.name,
        description=tool.description or tool.title or "",
        schema=tool.input_schema,
        reads_only=bool(annotations and annotations.read_only_hint),
    )


def _loose(value: Any) -> RawTool:
    try:
        return _raw(mcp_types.Tool.model_validate(value, by_name=False))
    except ValidationError:
        name = value.get("name") if isinstance(value, dict) else None
        return RawTool(str(name or "?")[:1_000], "", None)


def _is_end(error: Exception) -> bool:
    """Whether nothing more can come of the session: the connection is closed, or the server forgot it."""
    if not isinstance(error, MCPError):
        return False
    return error.code == mcp_types.CONNECTION_CLOSED or error.message == _FORGOTTEN


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _told(error: BaseException, lost: asyncio.Future[str]) -> str:
    """Returns what went wrong, in one line; how the server ended, where it did."""
    if lost.done() and not lost.cancelled():
        return lost.result()
    if isinstance(error, ValidationError):
        return "it answered with what the protocol does not know"
    text = error.message if isinstance(error, (MCPError, ToolError)) else str(error) or type(error).__name__
    return shorten(sanitize_line(text), MAX_REASON).rstrip(".")
