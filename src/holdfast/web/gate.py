"""The way to the engine: who shows a key there gets a login, with which the app of a page then works."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

from holdfast.core.domain.errors import HoldfastError, UnauthenticatedError, UnavailableError
from holdfast.core.domain.identity import NewCredential, Principal
from holdfast.core.services.workbench import Workbench
from holdfast.web.sittings import LIFE_S, Login

_LEASE_S = 3.0
_AGAIN_S = (0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the engine takes keys."""

    url: str
    ca_file: str = ""


OpenAt = Callable[[Address, str], Workbench]
"""Makes a client of the engine with a key."""
OpenOwn = Callable[[], AbstractAsyncContextManager[Workbench]]
"""Opens the workbench of whoever has started the server."""


class Gate(Protocol):
    """What the server needs of the engine."""

    async def login(self, key: str) -> Login:
        """Returns a login for who shows a key. Raises `UnauthenticatedError`, `UnavailableError`."""
        ...

    async def own_login(self) -> Login:
        """Returns a login for whoever has started the server."""
        ...

    async def is_good(self, login: Login) -> bool:
        """Says whether the engine still lets the login in."""
        ...

    async def logout(self, login: Login) -> None:
        """Ends a login; one that has ended already is left."""
        ...

    @property
    def address(self) -> Address:
        """Where the engine takes keys now."""
        ...


class EngineGate:
    """The gate to one engine. With no `address` it is the home's own: a listener of it is opened on the
    loopback address, and opened again on the same port when the engine was started anew."""

    def __init__(self, open_own: OpenOwn, open_at: OpenAt, address: Address | None = None) -> None:
        self._open_own = open_own
        self._open_at = open_at
        self._given = address
        self._address = address
        self._port = 0

    @property
    def address(self) -> Address:
        if self._address is None:
            raise UnavailableError("The engine is being started; try again in a moment.")
        return self._address

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps the way open while the block runs. Raises why it cannot be opened at first."""
        if self._given is not None:
            yield
            return
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        keeping = asyncio.create_task(self._keep(opened))
        try:
            await opened
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _keep(self, opened: asyncio.Future[None]) -> None:
        failures = 0
        while True:
            try:
                await self._listen(opened)
                failures = 0
            except HoldfastError as error:
                if not opened.done():
                    opened.set_exception(error)
                    return
                logging.getLogger(__name__).warning("the engine is not there: %s", error.message)
            await asyncio.sleep(_AGAIN_S[min(failures, len(_AGAIN_S) - 1)])
            failures += 1

    async def _listen(self, opened: asyncio.Future[None]) -> None:
        """Opens a listener, and returns when it has closed."""
        async with self._open_own() as workbench:
            listener = await workbench.engine.listen(port=self._port, root=(), lease_s=_LEASE_S)
            self._port = listener.port
            self._address = Address(listener.url)
            lines = workbench.engine.access(listener.id)
            if not opened.done():
                opened.set_result(None)
            async for _ in lines:  # what keeps the lease; what they say is in the engine's own log
                continue

    async def login(self, key: str) -> Login:
        async with self._client(key) as workbench:
            return await _login(workbench)

    async def own_login(self) -> Login:
        async with self._open_own() as workbench:
            return await _login(workbench)

    async def is_good(self, login: Login) -> bool:
        try:
            async with self._client(login.secret) as workbench:
                await workbench.users.me()
        except UnauthenticatedError:
            return False
        return True

    async def logout(self, login: Login) -> None:
        with suppress(HoldfastError):
            async with self._client(login.secret) as workbench:
                await workbench.users.logout(login.id)

    @asynccontextmanager
    async def _client(self, secret: str) -> AsyncIterator[Workbench]:
        client = self._open_at(self.address, secret)
        try:
            yield client
        finally:
            await client.close()


async def _login(workbench: Workbench) -> Login:
    who: Principal = await workbench.users.me()
    made: NewCredential = await workbench.users.login(expires_s=int(LIFE_S))
    return Login(who.user_id, who.name, made.credential.id, made.secret)
