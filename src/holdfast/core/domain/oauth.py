"""OAuth 2.0 (RFC 6749): the programs that people sign in to with Holdfast, and what they are let see."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.values import Value

AuthMethod = Literal["client_secret_basic", "client_secret_post", "none"]
"""How a client shows who it is when it asks for tokens; `none`: it has no secret."""

Challenge = Literal["", "plain", "S256"]

SCOPES = ("openid", "profile", "email")
"""What there is to be seen: who the user is, by which name, at which e-mail address."""
ALL_SCOPES = " ".join(SCOPES)

CODE_S = 300
"""Seconds for which a code can be turned into tokens."""
ACCESS_S = 3_600
"""Seconds that an access token is good for."""
REFRESH_S = 30 * 86_400
"""Seconds for which a refresh token can be used; each use gives a new one."""
GRANT_S = 365 * 86_400
"""Seconds after which a user has to be asked again, however often there were new tokens."""


class OAuthClient(Value):
    """A program that an administrator has registered."""

    id: str
    name: str
    """As people are shown it who are asked."""
    redirect_uris: tuple[str, ...]
    """Where answers are sent, exactly. Of a client without a secret, a port at a loopback address is free."""
    scope: str = ALL_SCOPES
    """What it may ask for at most, parted by spaces."""
    auth_method: AuthMethod = "client_secret_basic"
    consent: bool = True
    """Whether each user is asked before it learns anything."""
    enabled: bool = True
    created_at: AwareDatetime

    @property
    def public(self) -> bool:
        """Whether it can keep no secret, as an app on people's devices."""
        return self.auth_method == "none"


class NewOAuthClient(Value):
    """A client just registered; its secret is shown this once."""

    client: OAuthClient
    secret: str = Field("", repr=False)
    """Empty: it has none."""


class OAuthGrant(Value):
    """That a user has let a client in: everything that it has got by this ends with it."""

    id: str
    client_id: str
    client_name: str = ""
    user_id: str
    scope: str
    created_at: AwareDatetime
    expires_at: AwareDatetime
    """When it ends, however often it is used."""


class OAuthCode(Value):
    """A code that a browser carries to a client, without itself."""

    grant_id: str
    client_id: str
    user_id: str
    scope: str
    redirect_uri: str
    redirect_given: bool
    """Whether the client has named the address when it asked."""
    challenge: str = ""
    """Of RFC 7636; empty: none."""
    challenge_method: Challenge = ""
    used: bool = False


class OAuthToken(Value):
    """A token that was given out, without itself."""

    grant_id: str
    client_id: str
    user_id: str
    scope: str
    used: bool = False
    """Of a refresh token: whether another one was given for it."""


class OAuthRefusal(Value):
    """Why a client, or who asks in its name, gets nothing."""

    error: str
    """As RFC 6749 and RFC 6750 name it."""
    description: str


class SignInFirst(Value):
    """Nobody is signed in whom to ask."""


class ConsentAsked(Value):
    """The user has to be asked."""

    client_name: str
    user_name: str
    scope: tuple[str, ...]
    redirect_uri: str
    ticket: str = Field(repr=False)
    """What an answer has to come with: that this very user was asked this very thing, lately."""


class SentBack(Value):
    """The browser goes back to the client, with a code or with why there is none."""

    url: str = Field(repr=False)


AuthorizationAnswer = OAuthRefusal | SignInFirst | ConsentAsked | SentBack


class IssuedTokens(Value):
    """What a client gets for a code or for a refresh token."""

    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    scope: str
    expires_s: int = ACCESS_S


class OAuthSubject(Value):
    """Who is behind an access token, as far as it may be told."""

    user_id: str
    name: str
    role: str
    display_name: str | None = None
    """None: not to be told."""
    email: str | None = None
    """None: not to be told, or there is none."""
