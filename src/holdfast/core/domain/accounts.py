"""Accounts: how people sign in, what they are told by mail, and how users are listed for choosing."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.identity import User
from holdfast.core.domain.values import Value

CODE_S = 300
"""Seconds for which a code that was sent can be used."""
RESEND_S = 30
"""Seconds until another code is sent to the same address."""
SIGN_IN_S = 86_400
"""Seconds that a login lasts which is asked for with a password, unless it is asked for otherwise."""


class AccountMode(StrEnum):
    """Who says who a person is."""

    NATIVE = "native"
    """Holdfast: by a name and a password."""
    TRUSTED_PROXY = "trusted_proxy"
    """A proxy before the engine; passwords are administrators' only."""
    OAUTH = "oauth"
    """Another server, by OpenID Connect; passwords are nobody's."""


class SignInProvider(Value):
    """One way to sign in, as a page shows it."""

    id: str
    type: Literal["native", "oidc"]
    name: str
    """What it is called; empty: by its id."""
    button_text: str = ""
    """What stands on its button; empty: made of the name."""
    description: str = ""
    icon: str = ""
    """Name of an icon, as pages have them."""


class SignInWays(Value):
    """How people can sign in."""

    mode: AccountMode
    registration: bool
    """Whether people may make accounts themselves."""
    passwords: Literal["all", "admins", "none"]
    """Whose passwords let in."""
    providers: tuple[SignInProvider, ...]
    """Passwords are the one of type `native`, where they let in anybody."""


class CodeSent(Value):
    """That a code is on its way."""

    expires_s: int = CODE_S
    """Seconds for which it can be used."""
    retry_s: int = RESEND_S
    """Seconds until another one is sent to this address."""


class UserName(Value):
    """A user as others see him who choose one."""

    id: str
    name: str


class UserPage(Value):
    """Some users of a numbered listing."""

    users: tuple[User, ...]
    total: int
    """How many there are in all."""


class Mail(Value):
    """A mail that was not sent: an administrator hands it over."""

    id: str
    to: str
    subject: str
    text: str = Field(repr=False)
    """It may have a code, which lets in."""
    at: AwareDatetime
    reason: str
    """Why it was not sent."""
