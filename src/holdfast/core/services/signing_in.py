"""Who comes in without a key: by a password, or named by a proxy that the engine trusts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from ipaddress import ip_address, ip_network

from holdfast.core.config.settings import AccountSettings
from holdfast.core.domain.accounts import SIGN_IN_S, AccountMode, SignInProvider, SignInWays
from holdfast.core.domain.errors import (
    ForbiddenError,
    InvalidError,
    RateLimitedError,
    UnauthenticatedError,
)
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, NewCredential, Role, Scope, User
from holdfast.core.domain.token_buckets import TokenBuckets
from holdfast.core.domain.upstream import UpstreamProvider
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.identity.passwords import Hasher
from holdfast.core.services.identity import LONGEST_LOGIN_S, checked_name, new_login
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.passwords import PasswordTable

SettingsSource = Callable[[], Awaitable[AccountSettings]]
"""Gives the settings of accounts, as they are now."""

WRONG_PASSWORDS = 10
"""Wrong passwords of one user that are checked at once."""
WRONG_PER_S = 0.1
"""How quickly another one is checked after that: one every ten seconds."""

_NATIVE = SignInProvider(id="native", type="native", name="")
_PROXIED_AGAIN = timedelta(hours=1)
"""A proxied user gets the same login until it lasts no longer than this."""


class SignIns:
    """Lets in who knows a password."""

    def __init__(
        self,
        accounts: Accounts,
        passwords: PasswordTable,
        hasher: Hasher,
        settings: SettingsSource,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives seconds, by which wrong passwords are counted."""
        self._accounts = accounts
        self._passwords = passwords
        self._hasher = hasher
        self._settings = settings
        self._tries = TokenBuckets(WRONG_PER_S, WRONG_PASSWORDS, clock=clock)
        self._tries_of_nobody = TokenBuckets(WRONG_PER_S, WRONG_PASSWORDS, clock=clock)
        """By name. Buckets are bounded, and names without end are not to take the place of users."""

    async def sign_in(self, name: str, password: str, expires_s: int) -> NewCredential:
        """See `Accounts.sign_in`."""
        if not 1 <= expires_s <= LONGEST_LOGIN_S:
            raise InvalidError(f"A login lasts 1 to {LONGEST_LOGIN_S} seconds.", code="invalid_expiry")
        allowed = passwords_of(await self._settings())
        if allowed == "none":
            raise ForbiddenError("Nobody signs in with a password here.", code="passwords_off")
        user = await self._accounts.user_signing_in(name.strip())
        set_at = await self.check(user, name, password)
        if user is None or set_at is None:
            raise _wrong()
        if allowed == "admins" and user.role is not Role.ADMIN:
            raise ForbiddenError(
                "Only administrators sign in with a password here.", code="passwords_of_admins"
            )
        made = await new_login(self._accounts, user.id, Scope.ADMIN, expires_s, LOCAL_PRINCIPAL)
        now = await self._passwords.of(user.id)
        if now is None or now[1] != set_at:  # changed while this one was checked
            await self._accounts.revoke(made.credential.id, utc_now())
            raise _wrong()
        return made

    async def check(self, user: User | None, name: str, password: str) -> str | None:
        """Returns when the user's password was set, if it is this one; else None, after the same work.

        Raises `RateLimitedError` after too many wrong ones of this user, or of nobody of this name.
        """
        if user is None:
            wait_s = self._tries_of_nobody.take(name.strip().lower()[:100])
        else:
            wait_s = self._tries.take(user.id)
        if wait_s:
            raise RateLimitedError(
                f"Too many wrong passwords; wait {wait_s:.0f} s.",
                code="too_many_passwords",
                details={"retry_after_s": wait_s},
            )
        kept = None if user is None else await self._passwords.of(user.id)
        if not await self._hasher.fits(kept[0] if kept else None, password):
            return None
        assert user is not None and kept is not None  # nothing fits without them
        self._tries.fill(user.id)
        if self._hasher.outdated(kept[0]):
            await self._passwords.rehash(user.id, kept[0], await self._hasher.hash(password))
        return kept[1]


class Proxied:
    """Lets in whom a trusted proxy names."""

    def __init__(self, accounts: Accounts, settings: SettingsSource) -> None:
        self._accounts = accounts
        self._settings = settings
        self._logins: dict[str, NewCredential] = {}
        self._one = asyncio.Lock()

    async def login(self, address: str, name: str) -> NewCredential:
        """See `Accounts.proxied`."""
        settings = await self._settings()
        if settings.mode is not AccountMode.TRUSTED_PROXY or not _is_among(address, settings):
            raise ForbiddenError(
                "No proxy at this address says who a person is: see the settings `accounts.mode` and "
                "`accounts.trusted_proxies`.",
                code="proxy_not_trusted",
            )
        async with self._one:
            user = await self._accounts.user_called(name) or await self._new(name)
            if user.role is Role.ADMIN:
                raise ForbiddenError("An administrator signs in with a password.", code="proxied_admin")
            return await self._login_of(user)

    async def _new(self, name: str) -> User:
        user = User(id=new_id(), name=checked_name(name), role=Role.USER, created_at=utc_now())
        await self._accounts.add_user(user)
        return user

    async def _login_of(self, user: User) -> NewCredential:
        known = self._logins.get(user.id)
        found = None if known is None else await self._accounts.credential(known.credential.id)
        if known is not None and found is not None and not found.ended(utc_now() + _PROXIED_AGAIN):
            return known
        self._logins[user.id] = await new_login(
            self._accounts, user.id, Scope.ADMIN, SIGN_IN_S, LOCAL_PRINCIPAL
        )
        return self._logins[user.id]


def passwords_of(settings: AccountSettings) -> str:
    """Returns whose passwords let in: `all`, `admins` or `none`."""
    return {AccountMode.NATIVE: "all", AccountMode.TRUSTED_PROXY: "admins", AccountMode.OAUTH: "none"}[
        settings.mode
    ]


def ways_of(settings: AccountSettings) -> SignInWays:
    """Returns how people can sign in."""
    allowed = passwords_of(settings)
    return SignInWays.model_validate(
        {
            "mode": settings.mode,
            "registration": settings.registration and settings.mode is AccountMode.NATIVE,
            "passwords": allowed,
            "providers": tuple(map(_offered, settings.providers)) if allowed == "none" else (_NATIVE,),
        }
    )


def _offered(provider: UpstreamProvider) -> SignInProvider:
    return SignInProvider(
        id=provider.id,
        type=provider.type,
        name=provider.called,
        button_text=provider.button_text,
        description=provider.description,
        icon=provider.icon,
    )


def _is_among(address: str, settings: AccountSettings) -> bool:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any(
        each in ip_network(proxy, strict=False)
        for each in (found, mapped)
        if each is not None
        for proxy in settings.trusted_proxies
    )


def _wrong() -> UnauthenticatedError:
    return UnauthenticatedError("The name or the password is wrong.", code="wrong_password")
