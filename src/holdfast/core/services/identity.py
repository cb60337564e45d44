"""Users, API keys and logins as services, and the question who shows a secret."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from holdfast.core.domain.accounts import UserPage
from holdfast.core.domain.agreements import Agreement
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    StoreError,
    UnauthenticatedError,
)
from holdfast.core.domain.ext import Ext, differing
from holdfast.core.domain.identity import (
    LOCAL,
    Credential,
    NewCredential,
    Principal,
    Role,
    Scope,
    User,
)
from holdfast.core.domain.user_events import UserAnnotated
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.identity.contacts import checked_display_name, checked_email, checked_phone
from holdfast.core.identity.tokens import digest, looks_right, new_secret
from holdfast.core.services.agreements import Agreements
from holdfast.core.services.paging import checked_limit
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.log import EventLog

logger = logging.getLogger(__name__)

LONGEST_LOGIN_S = 30 * 86_400
"""A login is for a sitting, not for ever: thirty days."""
MAX_LOGINS = 1_000
"""Of one user, at once."""
_ENDED_LOGINS = timedelta(days=30)
"""For how long a login that has ended is still listed."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 @._+-]{0,63}")
_USED_EVERY = timedelta(minutes=1)
_NEW_KEY = "`holdfast keys create NAME` makes one."


class Gate:
    """Says who shows a secret. What it knows is kept in memory: this process alone changes credentials."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._known: dict[str, tuple[Credential, Principal]] = {}
        self._changed = asyncio.Event()

    async def authenticate(self, secret: str) -> Principal:
        """Returns the principal. Raises `UnauthenticatedError` for a wrong, revoked or expired secret."""
        hash, credential, principal = await self._valid(secret)
        now = utc_now()
        if credential.last_used_at is None or now - credential.last_used_at >= _USED_EVERY:
            if hash in self._known:
                self._known[hash] = (credential.model_copy(update={"last_used_at": now}), principal)
            try:
                await self._accounts.used(credential.id, now)
            except StoreError as error:  # a full disk must not keep out who could make room
                logger.warning("the use of a key was not noted: %s", error.message)
        return principal

    async def until_refused(self, secret: str) -> None:
        """Returns when `secret` is not let in, or no longer: revoked, expired, its user gone."""
        while True:
            changed = self._changed
            try:
                _, credential, _ = await self._valid(secret)
            except UnauthenticatedError:
                return
            expires_at = credential.expires_at
            left = None if expires_at is None else (expires_at - utc_now()).total_seconds()
            try:
                async with asyncio.timeout(left):
                    await changed.wait()
            except TimeoutError:
                continue  # looks at the time again

    async def _valid(self, secret: str) -> tuple[str, Credential, Principal]:
        """Returns the secret's hash, and whose it is. Raises `UnauthenticatedError`."""
        if not looks_right(secret):
            raise _unknown_key()
        hash = digest(secret)
        credential, principal = self._known.get(hash) or await self._look_up(hash)
        if credential.expires_at is not None and credential.expires_at <= utc_now():
            raise UnauthenticatedError(f"This key has expired; {_NEW_KEY}", code="key_expired")
        return hash, credential, principal

    async def _look_up(self, hash: str) -> tuple[Credential, Principal]:
        before = self._changed
        found = await self._accounts.by_hash(hash)
        if found is None:
            raise _unknown_key()
        if found[0].revoked_at is not None:
            raise UnauthenticatedError(f"This key was revoked; {_NEW_KEY}", code="key_revoked")
        credential, user = found
        known = (credential, _principal(credential, user, await self._key_of(credential)))
        if before is self._changed:  # else it may have been revoked while it was read
            self._known[hash] = known
        return known

    async def _key_of(self, credential: Credential) -> str:
        """Returns the id of the API key on whose account a credential's user works; empty: of none."""
        found: Credential | None = credential
        while found is not None and found.kind == "login":
            found = await self._accounts.credential(found.made_by) if found.made_by else None
        return "" if found is None else found.id

    async def change(self, work: Coroutine[Any, Any, None]) -> None:
        """Takes rights away: does `work`, and asks the store again afterwards, though the caller may go away
        meanwhile."""
        task = asyncio.create_task(work)
        task.add_done_callback(self._forget)
        await asyncio.shield(task)

    def _forget(self, _: object) -> None:
        self._known.clear()
        self._changed.set()
        self._changed = asyncio.Event()


class PasswordKeeper(Protocol):
    """Keeps users' passwords."""

    async def hash(self, password: str, by: Principal) -> str:
        """Returns what is kept of a new password, which `by` gives somebody. Raises `InvalidError`,
        `RateLimitedError`, `ForbiddenError` for who may make no keys."""
        ...

    async def set(self, user: User, password: str | None, by: Principal) -> None:
        """Gives a user another password, or none; ends his logins. Raises as `hash`."""
        ...


class UserService:
    """Implements the `Users` of a workbench."""

    def __init__(
        self,
        accounts: Accounts,
        gate: Gate,
        principal: Principal,
        removed: Callable[[str], Awaitable[None]],
        agreements: Agreements,
        log: EventLog,
        desk: PasswordKeeper,
    ) -> None:
        """`removed` ends what goes on for a user, by his id, when he is gone."""
        self._accounts = accounts
        self._gate = gate
        self._me = principal
        self._removed = removed
        self._agreements = agreements
        self._log = log
        self._desk = desk

    async def me(self) -> Principal:
        return self._me

    async def list(self) -> tuple[User, ...]:
        return await self._accounts.users()

    async def seen(self) -> dict[str, datetime]:
        return await self._accounts.seen()

    async def page(self, number: int = 1, size: int = 20) -> UserPage:
        return await self._accounts.user_page(max(number, 1), checked_limit(size))

    async def add(
        self, name: str, role: Role = Role.USER, password: str | None = None, email: str = "", phone: str = ""
    ) -> User:
        user = User(
            id=new_id(),
            name=checked_name(name),
            role=role,
            created_at=utc_now(),
            email=checked_email(email) if email.strip() else "",
            phone=checked_phone(phone),
        )
        hash = None if password is None else await self._desk.hash(password, self._me)
        await self._accounts.add_user(user, hash)
        return user

    async def update(
        self,
        name: str,
        role: Role | None = None,
        email: str | None = None,
        phone: str | None = None,
        display_name: str | None = None,
    ) -> User:
        user = await user_named(self._accounts, name)
        if user.id == LOCAL and role not in (None, user.role):
            raise ConflictError("The local user is always an administrator.", code="local_user")
        said = {"role": role, "email": email, "phone": phone, "display_name": display_name}
        changed = user.model_copy(update={key: value for key, value in said.items() if value is not None})
        checked = changed.model_copy(
            update={
                "email": checked_email(changed.email) if changed.email.strip() else "",
                "phone": checked_phone(changed.phone),
                "display_name": checked_display_name(changed.display_name),
            }
        )
        await self._gate.change(self._accounts.change_user(checked))
        return checked

    async def set_password(self, name: str, password: str | None = None) -> None:
        await self._desk.set(await user_named(self._accounts, name), password, self._me)

    async def remove(self, name: str) -> None:
        user = await user_named(self._accounts, name)
        if user.id == LOCAL:
            raise ConflictError(
                "The user local cannot be removed: it is whoever owns the engine's machine.",
                code="local_user",
            )
        await self._gate.change(self._accounts.remove_user(user.id))
        await self._removed(user.id)

    async def annotations(self) -> Ext:
        return await self._accounts.ext(self._me.user_id)

    async def annotate(self, ext: Ext) -> Ext:
        owner = self._me.user_id
        before = await self._accounts.ext(owner)
        after = await self._accounts.annotate(owner, ext)
        gone, new = differing(before, after), differing(after, before)
        if gone or new:
            await self._log.append(UserAnnotated(owner=owner, before=gone, after=new))
        return after

    async def agreements(self) -> tuple[Agreement, ...]:
        return await self._agreements.all()

    async def accept(self, name: str) -> Agreement:
        return await self._agreements.accept(name)

    async def login(self, expires_s: int = 86_400, scope: Scope | None = None) -> NewCredential:
        if not 1 <= expires_s <= LONGEST_LOGIN_S:
            raise InvalidError(f"A login lasts 1 to {LONGEST_LOGIN_S} seconds.", code="invalid_expiry")
        scope = _not_more(scope or self._me.scope, self._me)
        return await new_login(self._accounts, self._me.user_id, scope, expires_s, self._me)

    async def logins(self) -> tuple[Credential, ...]:
        return await self._accounts.credentials(self._me.user_id, "login")

    async def logout(self, id: str) -> None:
        found = next((each for each in await self.logins() if each.id == id), None)
        if found is None:
            raise NotFoundError(f"There is no login {id}.", code="login_not_found")
        if not self._me.scope.includes(found.scope):
            raise ForbiddenError(
                f"A credential of scope `{self._me.scope}` cannot end a login of scope `{found.scope}`.",
                code="scope_missing",
            )
        await self._gate.change(self._accounts.revoke(id, utc_now()))


class ApiKeys:
    """The part of the workbench's `Keys` that is about keys to Holdfast itself."""

    def __init__(
        self, accounts: Accounts, gate: Gate, principal: Principal, may_make: Callable[[Principal], None]
    ) -> None:
        """`may_make` raises `ForbiddenError` for who may make no keys."""
        self._accounts = accounts
        self._gate = gate
        self._may_make = may_make
        self._me = principal

    async def create(
        self,
        name: str,
        scope: Scope = Scope.CHAT,
        expires_s: int | None = None,
        user: str | None = None,
    ) -> NewCredential:
        """See `Keys.create`."""
        if not _NAME.fullmatch(name):
            raise InvalidError(
                "A key's name has 1 to 64 letters, digits, spaces or any of `@._+-`.", code="invalid_key_name"
            )
        me = self._me
        self._may_make(me)
        owner = me.user_id
        if user is not None and user not in (me.user_id, me.name):
            if not me.is_admin:
                raise ForbiddenError("Keys of another user need the role `admin`.", code="admin_only")
            owner = (await user_named(self._accounts, user)).id
        return await make_credential(self._accounts, "key", owner, name, _not_more(scope, me), expires_s, me)

    async def list(self) -> tuple[Credential, ...]:
        """See `Keys.list`."""
        return await self._accounts.credentials(None if self._me.is_admin else self._me.user_id, "key")

    async def find(self, key: str) -> Credential:
        """See `Keys.find`."""
        now = utc_now()
        shown = await self._accounts.by_hash(digest(key)) if looks_right(key) else None
        if shown is not None and shown[0].kind == "key" and shown[1].id == self._me.user_id:
            found = [shown[0]]
        else:
            own = await self._accounts.credentials(self._me.user_id, "key")
            found = [each for each in own if key in (each.id, each.name) and not each.ended(now)]
        if not found or found[0].ended(now):
            raise NotFoundError("You have no key of this secret, id or name.", code="key_not_found")
        if len(found) > 1:
            raise _several(found[0].name, found)
        return found[0]

    async def revoke(self, id: str) -> Credential:
        """See `Keys.revoke`."""
        found = await key_named(self._accounts, self._me, id)
        now = utc_now()
        await self._gate.change(self._accounts.revoke(found.id, now))
        return found.model_copy(update={"revoked_at": found.revoked_at or now})


async def key_named(accounts: Accounts, me: Principal, named: str) -> Credential:
    """Returns the API key of this id or name, of those that `me` may look after. Raises `NotFoundError`,
    `ConflictError` (`ambiguous_name`)."""
    keys = await accounts.credentials(None if me.is_admin else me.user_id, "key")
    found = [each for each in keys if each.id == named] or [
        each for each in keys if each.name == named and each.revoked_at is None
    ]
    if not found:
        raise NotFoundError(f"There is no key {named}.", code="key_not_found")
    if len(found) > 1:
        raise _several(named, found)
    return found[0]


def _several(name: str, found: list[Credential]) -> ConflictError:
    return ConflictError(
        f"Several keys are called {name}; name one by its id.",
        code="ambiguous_name",
        details={"ids": [each.id for each in found]},
    )


async def user_named(accounts: Accounts, name: str) -> User:
    """Returns the user of this name or id. Raises `NotFoundError`."""
    user = await accounts.user_called(name)
    if user is None:
        raise NotFoundError(f"There is no user {name}.", code="user_not_found")
    return user


def checked_name(name: str) -> str:
    """Returns what is to be a user's name. Raises `InvalidError`, also for one that people could not tell
    from another one."""
    if not _NAME.fullmatch(name) or name.endswith(" ") or "  " in name:
        raise InvalidError(
            "A user's name has 1 to 64 letters, digits, single spaces or any of `@._+-`, begins with a "
            "letter or a digit, and does not end with a space.",
            code="invalid_user_name",
        )
    return name


async def new_login(
    accounts: Accounts, user_id: str, scope: Scope, expires_s: int, maker: Principal
) -> NewCredential:
    """Makes a login of a user, asked for by `maker`. Raises `ConflictError` where he has too many."""
    now = utc_now()
    await accounts.drop_logins(user_id, now - _ENDED_LOGINS)
    logins = await accounts.credentials(user_id, "login")
    open_ones = sum(not each.ended(now) for each in logins)
    if open_ones >= MAX_LOGINS:
        raise ConflictError(
            f"You are logged in {open_ones} times already; end some of those first.", code="too_many_logins"
        )
    return await make_credential(accounts, "login", user_id, "login", scope, expires_s, maker)


async def make_credential(
    accounts: Accounts,
    kind: Literal["key", "login"],
    user_id: str,
    name: str,
    scope: Scope,
    expires_s: int | None,
    maker: Principal,
) -> NewCredential:
    """Makes and keeps a credential; its secret is in what is returned and nowhere else. A login ends with
    the credential of its maker."""
    if expires_s is not None and not 1 <= expires_s <= 100 * 366 * 86_400:
        raise InvalidError("A key expires after 1 second to 100 years, or never.", code="invalid_expiry")
    secret = new_secret()
    now = utc_now()
    expires_at = None if expires_s is None else now + timedelta(seconds=expires_s)
    if kind == "login" and expires_at is not None and maker.credential_id is not None:
        made_by = await accounts.credential(maker.credential_id)
        if made_by is not None and made_by.expires_at is not None:
            expires_at = min(expires_at, made_by.expires_at)
    credential = Credential(
        id=new_id(),
        kind=kind,
        user_id=user_id,
        name=name,
        scope=scope,
        last_four=secret[-4:],
        created_at=now,
        expires_at=expires_at,
        made_by=maker.credential_id,
    )
    await accounts.add_credential(credential, digest(secret))
    return NewCredential(credential=credential, secret=secret)


def _principal(credential: Credential, user: User, key_id: str) -> Principal:
    return Principal(
        user_id=user.id,
        name=user.name,
        role=user.role,
        scope=credential.scope,
        credential_id=credential.id,
        key_id=key_id,
        client="login" if credential.kind == "login" else f"key {credential.name}",
    )


def _not_more(scope: Scope, me: Principal) -> Scope:
    if not me.scope.includes(scope):
        raise ForbiddenError(
            f"A credential of scope `{me.scope}` cannot make one of scope `{scope}`.", code="scope_missing"
        )
    return scope


def _unknown_key() -> UnauthenticatedError:
    return UnauthenticatedError(f"This key is not known here; {_NEW_KEY}", code="invalid_key")
