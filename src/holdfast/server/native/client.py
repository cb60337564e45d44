"""`RemoteWorkbench`: the workbench of an engine in another process, over its unix socket or over TCP.

Imports httpx; import this module only when there is an engine to talk to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import httpx

from holdfast.core.domain.errors import TooLargeError
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.services.protocols.accounts import Accounts
from holdfast.core.services.protocols.agent_files import AgentFiles
from holdfast.core.services.protocols.approvals import Approvals
from holdfast.core.services.protocols.drafts import Drafts
from holdfast.core.services.protocols.engine import Engine
from holdfast.core.services.protocols.files import Files
from holdfast.core.services.protocols.hooks import Hooks
from holdfast.core.services.protocols.identity import Keys, Users
from holdfast.core.services.protocols.knowledge import Jobs, Knowledge
from holdfast.core.services.protocols.mcp import Mcp
from holdfast.core.services.protocols.memory import Memory
from holdfast.core.services.protocols.oauth import OAuth
from holdfast.core.services.protocols.objects import Objects
from holdfast.core.services.protocols.prompts import Prompts
from holdfast.core.services.protocols.releases import Releases
from holdfast.core.services.protocols.runs import Runs
from holdfast.core.services.protocols.sessions import Sessions, Trash
from holdfast.core.services.protocols.skills import Skills
from holdfast.core.services.protocols.tools import Tools
from holdfast.core.services.protocols.usage import UsageReports
from holdfast.core.services.protocols.webhooks import Webhooks
from holdfast.core.services.workbench import (
    Agents,
    Events,
    Models,
)
from holdfast.server.kit.auth import user_agent
from holdfast.server.native.address import EngineUrl
from holdfast.server.native.channel import open_channel
from holdfast.server.native.codec import WireRequest, codec
from holdfast.server.native.follow import Backoff, Follower, closed_workbench, follow_items
from holdfast.server.native.operation import Operation
from holdfast.server.native.operations import OPERATIONS
from holdfast.server.native.transfers import received, sent_body


class RemoteWorkbench:
    """A `Workbench` whose methods are requests to the engine at `address`: a socket's path, or a URL.

    Every method raises what the local workbench would raise, `UnavailableError` when the engine cannot be
    reached, and `UnsupportedError` when it is of a version that cannot be understood. `backoff` says how
    long a broken stream of events is tried again. Raises `InvalidError` for an address that cannot be used.
    """

    def __init__(
        self, address: Path | str | EngineUrl, *, backoff: Backoff | None = None, client: str = ""
    ) -> None:
        """`client` is which of Holdfast's programs this is, one of `CLIENTS`: decisions are noted with it."""
        self._channel = open_channel(address)
        self._channel.http.headers["User-Agent"] = user_agent(client)
        self._http = self._channel.http
        self._nouns = self._make_nouns(backoff or Backoff())

    @property
    def engine_version(self) -> str:
        """The version that the engine's last answer named; empty before one."""
        return self._channel.version

    def _make_nouns(self, backoff: Backoff) -> dict[str, _Noun]:
        methods: dict[str, dict[str, Callable[..., Any]]] = {}
        for operation in OPERATIONS:
            method = self._stream(operation, backoff) if operation.stream else self._call(operation)
            methods.setdefault(operation.noun, {})[operation.verb] = method
        return {noun: _Noun(noun, verbs) for noun, verbs in methods.items()}

    def _call(self, operation: Operation) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            wire = codec(operation)
            request = wire.request(args, kwargs)
            sent = self._build(operation.method, request)
            if operation.raw_out:
                sent.headers["Accept-Encoding"] = "identity"  # its length is what the file's must be
            response = self._channel.heard(await self._send(sent, stream=operation.raw_out))
            if not response.is_success:
                raise self._channel.error_of(response)
            if response.status_code == 204:
                return None
            try:
                if operation.raw_out:
                    return received(response, self._channel)
                return wire.read(response.content)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                await response.aclose()
                raise self._channel.unreadable(error) from error

        return call

    def _build(self, method: str, request: WireRequest) -> httpx.Request:
        content: bytes | AsyncIterator[bytes] | None = request.body
        headers = None if content is None else {"Content-Type": "application/json"}
        if request.raw is not None:
            content, headers = sent_body(request.raw)
        try:
            return self._http.build_request(
                method, request.path, params=request.query, content=content, headers=headers
            )
        except httpx.InvalidURL as error:
            raise TooLargeError(f"An argument is too long for a request: {error}") from None

    async def _send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        if self._http.is_closed:
            raise closed_workbench()
        try:
            return await self._exchange(request, stream)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._channel.lost(error) from error
        except httpx.TransportError as error:
            # Asking twice for something that only looks is safe; anything else may have been done.
            if request.method != "GET" or isinstance(error, httpx.TimeoutException):
                raise self._channel.lost(error, sent=True) from error
        try:
            return await self._exchange(request, stream)
        except httpx.TransportError as error:
            raise self._channel.lost(error) from error

    async def _exchange(self, request: httpx.Request, stream: bool) -> httpx.Response:
        response = await self._http.send(request, stream=stream)
        if not response.is_success:
            await response.aread()
        return response

    def _stream(self, operation: Operation, backoff: Backoff) -> Callable[..., AsyncIterator[Any]]:
        def follow(filter: EventFilter, after: int | None = None) -> AsyncIterator[LoggedEvent]:
            request = codec(operation).request((filter,), {})
            return Follower(self._channel, request, backoff).events(after)

        def items(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            wire = codec(operation)
            return follow_items(self._channel, wire.request(args, kwargs), wire)

        return follow if operation.name == "events.follow" else items

    @property
    def agents(self) -> Agents:
        return cast(Agents, self._nouns["agents"])

    @property
    def agent_files(self) -> AgentFiles:
        return cast(AgentFiles, self._nouns["agent_files"])

    @property
    def drafts(self) -> Drafts:
        return cast(Drafts, self._nouns["drafts"])

    @property
    def sessions(self) -> Sessions:
        return cast(Sessions, self._nouns["sessions"])

    @property
    def runs(self) -> Runs:
        return cast(Runs, self._nouns["runs"])

    @property
    def approvals(self) -> Approvals:
        return cast(Approvals, self._nouns["approvals"])

    @property
    def events(self) -> Events:
        return cast(Events, self._nouns["events"])

    @property
    def files(self) -> Files:
        return cast(Files, self._nouns["files"])

    @property
    def tools(self) -> Tools:
        return cast(Tools, self._nouns["tools"])

    @property
    def mcp(self) -> Mcp:
        return cast(Mcp, self._nouns["mcp"])

    @property
    def skills(self) -> Skills:
        return cast(Skills, self._nouns["skills"])

    @property
    def prompts(self) -> Prompts:
        return cast(Prompts, self._nouns["prompts"])

    @property
    def knowledge(self) -> Knowledge:
        return cast(Knowledge, self._nouns["knowledge"])

    @property
    def jobs(self) -> Jobs:
        return cast(Jobs, self._nouns["jobs"])

    @property
    def memory(self) -> Memory:
        return cast(Memory, self._nouns["memory"])

    @property
    def models(self) -> Models:
        return cast(Models, self._nouns["models"])

    @property
    def keys(self) -> Keys:
        return cast(Keys, self._nouns["keys"])

    @property
    def users(self) -> Users:
        return cast(Users, self._nouns["users"])

    @property
    def accounts(self) -> Accounts:
        return cast(Accounts, self._nouns["accounts"])

    @property
    def oauth(self) -> OAuth:
        return cast(OAuth, self._nouns["oauth"])

    @property
    def releases(self) -> Releases:
        return cast(Releases, self._nouns["releases"])

    @property
    def objects(self) -> Objects:
        return cast(Objects, self._nouns["objects"])

    @property
    def usage(self) -> UsageReports:
        return cast(UsageReports, self._nouns["usage"])

    @property
    def trash(self) -> Trash:
        return cast(Trash, self._nouns["trash"])

    @property
    def hooks(self) -> Hooks:
        return cast(Hooks, self._nouns["hooks"])

    @property
    def webhooks(self) -> Webhooks:
        return cast(Webhooks, self._nouns["webhooks"])

    @property
    def engine(self) -> Engine:
        return cast(Engine, self._nouns["engine"])

    async def close(self) -> None:
        """Closes the connections; the engine goes on."""
        await self._http.aclose()


class _Noun:
    """One group of services; its methods are the rows of the table with its name."""

    def __init__(self, name: str, methods: dict[str, Callable[..., Any]]) -> None:
        self._name = name
        self.__dict__.update(methods)

    def __repr__(self) -> str:
        return f"<remote {self._name}>"
