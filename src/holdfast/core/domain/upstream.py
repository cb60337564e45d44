"""Servers of others that say who a person is, by OpenID Connect or by OAuth 2 with a page about the user."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from holdfast.core.domain.identity import NewCredential, Role
from holdfast.core.domain.values import Value

DISCOVERY = "/.well-known/openid-configuration"
"""What stands behind an issuer's address where it describes itself."""
FLOW_S = 600
"""Seconds that a person has for signing in elsewhere."""
SECRETS = "login."
"""Stands before the id of a provider: under this name its client secret is kept, among the keys of
providers."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_LONGEST_PATH = 2_000

Url = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s@?#]+(\?[^\s#]*)?)?$", max_length=2_000)]
Claim = Annotated[str, StringConstraints(max_length=200)]


class UpstreamProvider(Value):
    """A server that people may sign in at. Its client secret is no setting: `holdfast keys provider set
    login.ID --no-test` keeps it."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")
    """Part of addresses, also of the one that the provider has to know: `.../upstream/callback/ID`."""
    type: Literal["oidc"] = "oidc"
    name: str = Field(default="", max_length=100)
    """What it is called on pages; empty: its id."""
    button_text: str = Field(default="", max_length=100)
    description: str = Field(default="", max_length=500)
    icon: str = Field(default="", max_length=100)
    client_id: str = Field(min_length=1, max_length=500)
    discovery_url: Url = ""
    """Where it describes itself: `ISSUER/.well-known/openid-configuration`. Without one, the three addresses
    below have to be there, and what the page about the user says is all that is known."""
    issuer: Url = ""
    """What it must call itself; empty: as the discovery URL says."""
    authorize_url: Url = ""
    token_url: Url = ""
    userinfo_url: Url = ""
    scope: str = Field(default="openid profile email", min_length=1, max_length=500)
    token_auth: Literal["auto", "client_secret_basic", "client_secret_post"] = "auto"
    """How the secret is sent; `auto`: as the provider describes it, else in the form."""
    subject_claim: Claim = "sub"
    """What tells its users apart, for ever."""
    username_claim: Claim = "preferred_username"
    email_claim: Claim = "email"
    name_claim: Claim = "name"
    role_claim: Claim = ""
    """Says `admin`, or lists it, for administrators; empty: no claim does. Where it is there, it counts at
    each sign-in."""
    default_role: Role = Role.USER
    """Of a new user, where nothing else says one."""
    admin_emails: tuple[str, ...] = Field(default=(), max_length=1_000)
    """Whose verified address this is, is an administrator."""
    admin_usernames: tuple[str, ...] = Field(default=(), max_length=1_000)
    """Who is called so there, is an administrator: for providers where nobody can choose his name."""
    link_by_email: bool = False
    """Whether somebody new is taken for the user who has his verified address."""
    trust_emails: bool = False
    """Whether addresses count as verified that the provider says nothing of."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        missing = [name for name in ("authorize_url", "token_url", "userinfo_url") if not getattr(self, name)]
        if not self.discovery_url and missing:
            raise ValueError(f"the provider {self.id} needs a `discovery_url`, or {', '.join(missing)}")
        if self.discovery_url and not self.discovery_url.endswith(DISCOVERY) and not self.issuer:
            raise ValueError(
                f"the `discovery_url` of {self.id} does not end with {DISCOVERY}: say its `issuer`"
            )
        named = (self.discovery_url, self.issuer, self.authorize_url, self.token_url, self.userinfo_url)
        for url in filter(None, named):
            if not is_confidential(url):
                raise ValueError(f"{url} of the provider {self.id} has to be https")
        return self

    @property
    def called(self) -> str:
        """The name that it has on pages."""
        return self.name or self.id


class UpstreamStart(Value):
    """The beginning of a sign-in elsewhere."""

    url: str
    """Where the browser goes."""
    browser: str = Field(repr=False)
    """What the browser keeps until it comes back, and shows then: it was this one that has begun."""


class UpstreamEnd(Value):
    """The end of a sign-in elsewhere."""

    credential: NewCredential
    next: str
    """The path on which the browser goes on, on this server."""


class UpstreamAnswer(Value):
    """What a browser brings back from a provider, in the address."""

    state: str = Field(max_length=500)
    code: str = Field(default="", max_length=4_000, repr=False)
    """For the provider's tokens; empty: it has refused."""
    error: str = Field(default="", max_length=500)
    """Why it has."""
    issuer: str = Field(default="", max_length=2_000)
    """Who says so, where it says that (RFC 9207)."""


class UpstreamPerson(Value):
    """Who a provider says that somebody is."""

    issuer: str
    subject: str = Field(min_length=1, max_length=500)
    """With the issuer, what tells him from everybody else, for ever."""
    username: str = ""
    name: str = ""
    email: str = ""
    email_verified: bool = False
    roles: tuple[str, ...] | None = None
    """None: it says nothing of them."""


def is_confidential(url: str) -> bool:
    """Says whether what is sent to an address can be read by nobody on the way: by https, or inside of this
    machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def own_path(wanted: str, otherwise: str) -> str:
    """Returns `wanted` where it is a path, with or without a query, that leads a browser nowhere but to the
    server that it is on; else `otherwise`."""
    leads_away = not wanted.startswith("/") or wanted.startswith("//") or _UNSAFE.search(wanted) is not None
    return otherwise if leads_away or len(wanted) > _LONGEST_PATH or not wanted.isascii() else wanted
