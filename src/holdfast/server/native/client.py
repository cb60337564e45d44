"""`RemoteWorkbench`: the workbench of an engine in another process, over its unix socket.

Imports httpx; import this module only when there is an engine to talk to.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import httpx
from pydantic import ValidationError

from holdfast.core.domain.errors import (
    STATUS,
    ErrorInfo,
    ErrorKind,
    HoldfastError,
    TooLargeError,
    from_info,
)
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.services.workbench import (
    Agents,
    Approvals,
    Engine,
    Events,
    Files,
    Keys,
    Models,
    Runs,
    Sessions,
    Users,
)
from holdfast.server.native.codec import WireRequest, codec
from holdfast.server.native.follow import Backoff, Follower, closed_workbench, lost_engine
from holdfast.server.native.operations import OPERATIONS, Operation

ANSWER_TIMEOUT_S = 120.0
"""Longest wait for one answer, in seconds: an export, or a check of the whole database, takes a while."""


class RemoteWorkbench:
    """A `Workbench` whose methods are requests to the engine that listens at `socket`.

    Every method raises what the local workbench would raise, and `UnavailableError` when the engine
    cannot be reached. `backoff` says how long a broken stream of events is tried again.
    """

    def __init__(self, socket: Path | str, *, backoff: Backoff | None = None) -> None:
        self._http = httpx.AsyncClient(
            # One stream may stay open for each session that is watched, so connections are not counted.
            transport=httpx.AsyncHTTPTransport(
                uds=str(socket), limits=httpx.Limits(max_connections=None, keepalive_expiry=30)
            ),
            base_url="http://engine",
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=5.0),
            trust_env=False,
        )
        self._socket = str(socket)
        self._nouns = self._make_nouns(backoff or Backoff())

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
            response = await self._send(self._build(operation.method, request))
            if not response.is_success:
                raise error_of(response)
            return None if response.status_code == 204 else wire.read(response.content)

        return call

    def _build(self, method: str, request: WireRequest) -> httpx.Request:
        headers = None if request.body is None else {"Content-Type": "application/json"}
        try:
            return self._http.build_request(
                method, request.path, params=request.query, content=request.body, headers=headers
            )
        except httpx.InvalidURL as error:
            raise TooLargeError(f"An argument is too long for a request: {error}") from None

    async def _send(self, request: httpx.Request) -> httpx.Response:
        if self._http.is_closed:
            raise closed_workbench()
        try:
            return await self._http.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise lost_engine(self._socket, error) from error
        except httpx.TransportError as error:
            # Asking twice for something that only looks is safe; anything else may have been done.
            if request.method != "GET" or isinstance(error, httpx.TimeoutException):
                raise lost_engine(self._socket, error, sent=True) from error
        try:
            return await self._http.send(request)
        except httpx.TransportError as error:
            raise lost_engine(self._socket, error) from error

    def _stream(self, operation: Operation, backoff: Backoff) -> Callable[..., AsyncIterator[LoggedEvent]]:
        def follow(filter: EventFilter, after: int | None = None) -> AsyncIterator[LoggedEvent]:
            request = codec(operation).request((filter,), {})
            return Follower(self._http, self._socket, request, error_of, backoff).events(after)

        return follow

    @property
    def agents(self) -> Agents:
        return cast(Agents, self._nouns["agents"])

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
    def models(self) -> Models:
        return cast(Models, self._nouns["models"])

    @property
    def keys(self) -> Keys:
        return cast(Keys, self._nouns["keys"])

    @property
    def users(self) -> Users:
        return cast(Users, self._nouns["users"])

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


def error_of(response: httpx.Response) -> HoldfastError:
    """Returns the error that a response says; for a body that is not ours, what its status says."""
    try:
        fields = json.loads(response.content)["error"]
        info = ErrorInfo.model_validate({k: v for k, v in fields.items() if k in ErrorInfo.model_fields})
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
        info = _by_status(response)
    return from_info(info)


def _by_status(response: httpx.Response) -> ErrorInfo:
    by_status = {status: kind for kind, status in STATUS.items()}
    fallback = ErrorKind.INVALID if response.is_client_error else ErrorKind.INTERNAL
    kind = by_status.get(response.status_code, fallback)
    return ErrorInfo(kind=kind, code=kind.value, message=f"The engine answered {response.status_code}")
