"""Accounts as Sage's clients read them, and what they are told where something is refused. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.core.domain.accounts import AccountMode, SignInWays, UserName
from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.identity import User
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_times import local_time
from holdfast.server.dialects.sage.mapping_upstream import provider_dto
from holdfast.server.dialects.sage.wire_accounts import (
    SessionUser,
    SystemInfo,
    UserDTO,
    UserOption,
)
from holdfast.server.dialects.sage.words import Locale

EXT = "sage"
"""Under which a user's configuration is kept."""
_CONFIG = "config"

_TOLD = {
    "wrong_password": ("wrong_password", 500, 500),
    "passwords_off": ("passwords_off", 400, 200),
    "passwords_of_admins": ("passwords_of_admins", 403, 200),
    "accounts_elsewhere": ("accounts_elsewhere", 400, 200),
    "mail_from_missing": ("mail_off", 500, 500),
    "mail_not_sent": ("mail_not_sent", 500, 500),
}
"""By code of ours: the name of a text, the code in the envelope, the status."""


@contextmanager
def told(no_email: str = "email_asked_for") -> Iterator[None]:
    """Raises what Sage's clients know in the place of what is refused of accounts; `no_email` names the text
    for an address that is missing."""
    try:
        yield
    except HoldfastError as error:
        if error.code == "email_missing":
            raise failure(no_email, 400) from None
        if error.code == "code_too_soon":
            seconds = math.ceil(float(error.details["retry_after_s"]))
            raise failure("code_too_soon", seconds=seconds) from None
        if error.code not in _TOLD:
            raise
        said, code, status = _TOLD[error.code]
        raise failure(said, code, status=status) from None


def session_user(user: User) -> SessionUser:
    """Returns a user as he is told of himself."""
    return SessionUser(
        userid=user.id,
        username=user.name,
        nickname=user.display_name or user.name,
        phonenum=user.phone,
        email=user.email,
        role=user.role.value,
        avatar="",
        avatar_url="",
    )


def user_dto(user: User) -> UserDTO:
    """Returns a user as administrators are told of him."""
    return UserDTO(
        user_id=user.id,
        username=user.name,
        email=user.email or None,
        phonenum=user.phone or None,
        role=user.role.value,
        created_at=local_time(user.created_at),
    )


def user_option(user: UserName) -> UserOption:
    """Returns a user for choosing."""
    return UserOption(label=user.name, value=user.id)


def config_in(ext: Ext) -> dict[str, object]:
    """Returns the configuration that a user has."""
    kept = ext.get(EXT, {}).get(_CONFIG, {})
    return dict(kept) if isinstance(kept, dict) else {}


def with_config(ext: Ext, config: dict[str, object]) -> Ext:
    """Returns what is to be kept of a user, with values of his configuration put in the place of the old."""
    return {EXT: {**ext.get(EXT, {}), _CONFIG: {**config_in(ext), **config}}}


def system_info(ways: SignInWays, locale: Locale) -> SystemInfo:
    """Returns how people can sign in, as a page asks before anybody has."""
    providers = tuple(provider_dto(each, locale) for each in ways.providers)
    others = [each for each in providers if each.type != "native"]
    return SystemInfo(
        allow_registration=ways.registration,
        auth_mode=ways.mode.value,
        auth_providers=providers,
        default_auth_provider=providers[0].id if providers else None,
        has_local_auth=ways.passwords != "none",
        has_oauth_auth=bool(others),
        oauth_enabled=ways.mode is AccountMode.OAUTH,
        oauth_provider_name=others[0].name if others else None,
        native_login_admin_only=ways.passwords == "admins",
    )
