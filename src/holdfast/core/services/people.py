"""What lets people in and keeps their passwords: the parts that all principals of an engine share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.core.domain.errors import ConflictError, InvalidError
from holdfast.core.domain.identity import Principal, User
from holdfast.core.domain.values import utc_now
from holdfast.core.identity.passwords import Hasher, checked_password
from holdfast.core.services.identity import Gate
from holdfast.core.services.mailing import Mailer
from holdfast.core.services.registering import Registration
from holdfast.core.services.signing_in import Proxied, SettingsSource, SignIns
from holdfast.core.services.upstream import UpstreamSignIns
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.passwords import PasswordTable


class PasswordDesk:
    """Gives users other passwords, and ends what was let in by the old one."""

    def __init__(
        self,
        accounts: Accounts,
        passwords: PasswordTable,
        hasher: Hasher,
        sign_ins: SignIns,
        gate: Gate,
        may_let_in: Callable[[Principal], None],
    ) -> None:
        """`may_let_in` raises `ForbiddenError` for who may make no keys: a password is as good as one."""
        self._may_let_in = may_let_in
        self._accounts = accounts
        self._passwords = passwords
        self._hasher = hasher
        self._sign_ins = sign_ins
        self._gate = gate

    async def change(self, user: User, old: str, new: str, credential_id: str | None) -> None:
        """See `Accounts.change_password`; `credential_id` is what the user asks with."""
        if await self._passwords.of(user.id) is None:
            raise ConflictError(
                "You have no password; an administrator can give you one.", code="no_password"
            )
        checked_password(new)
        if await self._sign_ins.check(user, user.name, old) is None:
            raise InvalidError("The old password is wrong.", code="wrong_old_password")
        await self._keep(user, new, await self._chain(credential_id))

    async def set(self, user: User, password: str | None, by: Principal) -> None:
        """See `Users.set_password`; `by` is who asks."""
        self._may_let_in(by)
        await self._keep(user, password, ())

    async def hash(self, password: str, by: Principal) -> str:
        """Returns what is kept of a new password, which `by` gives somebody. Raises `InvalidError`,
        `RateLimitedError`, `ForbiddenError`."""
        self._may_let_in(by)
        return await self._hasher.hash(password)

    async def _keep(self, user: User, password: str | None, but: tuple[str, ...]) -> None:
        hash = None if password is None else await self._hasher.hash(password)

        async def keep() -> None:
            await self._passwords.keep(user.id, hash, utc_now())
            await self._accounts.end_logins(user.id, but, utc_now())

        await self._gate.change(keep())

    async def _chain(self, credential_id: str | None) -> tuple[str, ...]:
        """Returns the ids of a credential and of those that it was made by, which it would end with."""
        found: list[str] = []
        while credential_id is not None:
            found.append(credential_id)
            credential = await self._accounts.credential(credential_id)
            credential_id = None if credential is None else credential.made_by
        return tuple(found)


@dataclass(frozen=True, slots=True)
class People:
    """What lets people in."""

    sign_ins: SignIns
    proxied: Proxied
    registration: Registration
    desk: PasswordDesk
    mailer: Mailer
    upstream: UpstreamSignIns
    settings: SettingsSource
