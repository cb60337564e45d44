"""Engines elsewhere: where they are, and as whom one signs in there.

Importing it costs nothing but the paths, as with `bootstrap`, of which it is a part.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from holdfast.assembly import CA, KEY, URL
from holdfast.core.config.paths import Paths

if TYPE_CHECKING:
    from holdfast.core.domain.accounts import SignInWays
    from holdfast.core.identity.kept_logins import KeptLogin, KeptLogins
    from holdfast.core.services.workbench import Workbench
    from holdfast.server.native.address import EngineUrl


LOGIN_S = 7 * 86_400
"""Seconds that a login is kept for, unless it is asked for otherwise."""


def elsewhere(url: str = "", key: str = "", ca_file: str = "") -> EngineUrl | None:
    """Returns the engine at `url`, else the one that HOLDFAST_URL names; None: the home's own is meant.

    Without `key` and `ca_file` it is HOLDFAST_KEY and HOLDFAST_CA, but never for another engine than the one
    that HOLDFAST_URL names beside them; without these it is the login that `sign_in` has kept for this very
    address, and what was trusted then. Raises `InvalidError`.
    """
    named = os.environ.get(URL, "")
    if not url and not named:
        return None
    from holdfast.server.native.address import EngineUrl

    if url and named and EngineUrl.parse(url).url != EngineUrl.parse(named).url:
        found = EngineUrl.parse(url, key, ca_file)
    else:
        key, ca_file = key or os.environ.get(KEY, ""), ca_file or os.environ.get(CA, "")
        found = EngineUrl.parse(url or named, key, ca_file)
    return found if found.key else _with_login(found)


def _with_login(address: EngineUrl) -> EngineUrl:
    """Returns an address with the login that is kept for it, if there is one."""
    if not Paths.resolve(os.environ).logins.exists():
        return address
    logins = _logins()
    login = logins.get(address.url)
    secret = logins.secret(address.url) if login is not None else None
    if login is None or not secret:
        return address
    from dataclasses import replace  # only where one is kept

    return replace(address, key=secret, ca_file=address.ca_file or login.ca_file, login=login.name)


def _logins() -> KeptLogins:
    from holdfast.core.identity.kept_logins import KeptLogins
    from holdfast.core.identity.keys import system_keyring

    return KeptLogins(Paths.resolve(os.environ), system_keyring(os.environ))


def client_of(address: EngineUrl | str, client: str, patience_s: float | None = None) -> Workbench:
    """Returns the workbench of the engine at an address; `client` is which program this is, and `patience_s`
    how long its streams wait for an engine that went away."""
    from holdfast.server.native.client import RemoteWorkbench
    from holdfast.server.native.follow import Backoff

    backoff = None if patience_s is None else Backoff(patience_s=patience_s)
    return RemoteWorkbench(address, backoff=backoff, client=client)


async def knock(address: EngineUrl) -> None:
    """Asks an engine elsewhere whether it lets us in. Raises the `HoldfastError` that says why not."""
    remote = client_of(address, "command line")
    try:
        await remote.engine.status()
    finally:
        await remote.close()


async def ways(address: EngineUrl) -> SignInWays | None:
    """Returns how people can sign in at an engine elsewhere; None where it knows no accounts, as one of an
    older version. Raises why it cannot be reached."""
    from holdfast.core.domain.errors import HoldfastError, UnavailableError

    remote = client_of(_without_key(address), "command line")
    try:
        return await remote.accounts.ways()
    except UnavailableError:
        raise
    except HoldfastError:
        return None
    finally:
        await remote.close()


async def sign_in(
    address: EngineUrl, name: str, password: str, *, expires_s: int = LOGIN_S, client: str = "command line"
) -> EngineUrl:
    """Signs in to an engine elsewhere with an account, and keeps the login for its address, for `expires_s`
    seconds; one that was kept before ends. Returns the address with it.

    Raises what `Accounts.sign_in` raises, and why the engine cannot be reached.
    """
    from dataclasses import replace

    from holdfast.core.identity.kept_logins import KeptLogin

    remote = client_of(_without_key(address), client)
    try:
        made = await remote.accounts.sign_in(name, password, expires_s)
    finally:
        await remote.close()
    let_in = replace(address, key=made.secret, login=name)
    opened = client_of(let_in, client)
    try:
        me = await opened.users.me()
    finally:
        await opened.close()
    credential = made.credential
    login = KeptLogin(address.url, me.name, credential.id, credential.expires_at, address.ca_file)
    old = await asyncio.to_thread(_keep, address, login, made.secret)
    if old is not None:
        await _end(*old)
    return replace(let_in, login=me.name)


def _keep(address: EngineUrl, login: KeptLogin, secret: str) -> tuple[EngineUrl, KeptLogin] | None:
    """Keeps a login; returns the one that was kept before, with the address that can end it."""
    logins = _logins()
    old = logins.get(address.url)
    before = _with_login(_without_key(address))
    logins.keep(login, secret)
    return (before, old) if old is not None and before.key else None


async def sign_out(url: str) -> tuple[KeptLogin, bool] | None:
    """Ends the login that is kept for an address, and forgets it. Returns it, and whether its engine was
    told; None where none is kept. Raises `InvalidError` for what is no address, and what the key store
    raises."""
    from holdfast.server.native.address import EngineUrl

    address = EngineUrl.parse(url)
    logins = _logins()
    login = logins.get(address.url)
    if login is None:
        return None
    known = _with_login(address)
    told = bool(known.key) and await _end(known, login)
    logins.forget(address.url)
    return login, told


async def _end(address: EngineUrl, login: KeptLogin) -> bool:
    """Ends a login at its engine; says whether it is over there."""
    from holdfast.core.domain.errors import HoldfastError, NotFoundError, UnauthenticatedError

    remote = client_of(address, "command line")
    try:
        await remote.users.logout(login.id)
    except (NotFoundError, UnauthenticatedError):
        return True  # it had ended before
    except HoldfastError:
        return False
    finally:
        await remote.close()
    return True


def kept_logins() -> tuple[KeptLogin, ...]:
    """Returns the logins that are kept, by their addresses."""
    return _logins().all() if Paths.resolve(os.environ).logins.exists() else ()


def _without_key(address: EngineUrl) -> EngineUrl:
    from dataclasses import replace

    return replace(address, key="", login="")
