"""Accounts that people make themselves, with an address to which a code was sent."""

from __future__ import annotations

from holdfast.core.config.settings import AccountSettings
from holdfast.core.domain.accounts import CODE_S, AccountMode, CodeSent
from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError
from holdfast.core.domain.identity import Role, User
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.identity.codes import Codes
from holdfast.core.identity.contacts import checked_email, checked_phone
from holdfast.core.identity.passwords import Hasher, checked_password
from holdfast.core.services.identity import checked_name
from holdfast.core.services.mailing import Mailer
from holdfast.core.services.signing_in import SettingsSource
from holdfast.core.store.accounts import Accounts

_TEXT = """\
Your code is {code}

With it you can make an account of this address. It holds for {minutes} minutes, and once.
If you have not asked for it, you need do nothing.
"""


class Registration:
    """Makes accounts for who asks."""

    def __init__(
        self, accounts: Accounts, hasher: Hasher, codes: Codes, mailer: Mailer, settings: SettingsSource
    ) -> None:
        self._accounts = accounts
        self._hasher = hasher
        self._codes = codes
        self._mailer = mailer
        self._settings = settings

    async def send_code(self, email: str) -> CodeSent:
        """See `Accounts.send_code`."""
        settings = await self._settings()
        _check_open(settings)
        address = checked_email(email)
        if await self._accounts.user_signing_in(address) is not None:
            raise _taken()
        code = self._codes.make(_key(address))
        text = _TEXT.format(code=code, minutes=CODE_S // 60)
        await self._mailer.send(settings, address, "Your code for Holdfast", text)
        return CodeSent()

    async def register(self, name: str, password: str, email: str, code: str, phone: str) -> User:
        """See `Accounts.register`."""
        _check_open(await self._settings())
        address = checked_email(email)
        user = User(
            id=new_id(),
            name=_own_name(name, address),
            role=Role.USER,
            created_at=utc_now(),
            email=address,
            phone=checked_phone(phone),
        )
        checked_password(password)
        if not self._codes.fits(_key(address), code):
            raise InvalidError("The code is wrong, or holds no more; ask for another one.", code="wrong_code")
        await self._accounts.add_user(user, await self._hasher.hash(password))
        self._codes.use(_key(address))
        return user


def _own_name(name: str, address: str) -> str:
    """Returns a name that somebody has chosen for himself: none that looks like another one's address."""
    if "@" in name and name.lower() != address.lower():
        raise InvalidError("A name with an `@` has to be your own address.", code="invalid_user_name")
    return checked_name(name)


def _key(address: str) -> str:
    return address.lower()


def _check_open(settings: AccountSettings) -> None:
    if settings.mode is not AccountMode.NATIVE:
        raise ForbiddenError(
            "Accounts are made elsewhere: nobody can make one here.", code="accounts_elsewhere"
        )
    if not settings.registration:
        raise ForbiddenError(
            "Nobody can make an account himself here; an administrator can: `holdfast users add NAME`.",
            code="registration_off",
        )


def _taken() -> ConflictError:
    return ConflictError("There is a user of this e-mail address already.", code="email_exists")
