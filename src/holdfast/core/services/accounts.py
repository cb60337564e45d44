"""Accounts as a service."""

from __future__ import annotations

from collections.abc import Callable

from holdfast.core.domain.accounts import SIGN_IN_S, CodeSent, Mail, SignInWays, UserName
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import NewCredential, Principal, User
from holdfast.core.domain.upstream import UpstreamAnswer, UpstreamEnd, UpstreamStart
from holdfast.core.services.people import People
from holdfast.core.services.signing_in import ways_of
from holdfast.core.store import accounts as store


class AccountService:
    """Implements the `Accounts` of a workbench."""

    def __init__(
        self,
        accounts: store.Accounts,
        people: People,
        principal: Principal,
        may_make_keys: Callable[[Principal], None],
    ) -> None:
        """`may_make_keys` raises `ForbiddenError` for who may make no keys, and so no logins of others."""
        self._may_make_keys = may_make_keys
        self._accounts = accounts
        self._people = people
        self._me = principal

    async def ways(self) -> SignInWays:
        return ways_of(await self._people.settings())

    async def sign_in(self, name: str, password: str, expires_s: int = SIGN_IN_S) -> NewCredential:
        return await self._people.sign_ins.sign_in(name, password, expires_s)

    async def send_code(self, email: str) -> CodeSent:
        return await self._people.registration.send_code(email)

    async def register(self, name: str, password: str, email: str, code: str, phone: str = "") -> User:
        return await self._people.registration.register(name, password, email, code, phone)

    async def me(self) -> User:
        user = await self._accounts.user(self._me.user_id)
        if user is None:
            raise NotFoundError("There is no such user any more.", code="user_not_found")
        return user

    async def names(self) -> tuple[UserName, ...]:
        return tuple(UserName(id=each.id, name=each.name) for each in await self._accounts.users())

    async def change_password(self, old: str, new: str) -> None:
        await self._people.desk.change(await self.me(), old, new, self._me.credential_id)

    async def outbox(self) -> tuple[Mail, ...]:
        return self._people.mailer.outbox

    async def begin_upstream(self, provider: str, callback: str, next: str) -> UpstreamStart:
        return await self._people.upstream.begin(provider, callback, next)

    async def finish_upstream(
        self, provider: str, answer: UpstreamAnswer, browser: str, expires_s: int = SIGN_IN_S
    ) -> UpstreamEnd:
        return await self._people.upstream.finish(provider, answer, browser, expires_s)

    async def proxied(self, address: str, name: str) -> NewCredential:
        self._may_make_keys(self._me)
        return await self._people.proxied.login(address, name)
