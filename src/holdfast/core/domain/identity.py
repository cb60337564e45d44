"""Who asks: users, their credentials, and the principal that every request has."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.values import Value

LOCAL = "local"
"""The user when nobody signs in: whoever owns the machine's home and reaches its unix socket."""


class Role(StrEnum):
    USER = "user"
    """Has objects of his own; reaches nothing of the machine but them."""
    ADMIN = "admin"
    """May also look after the engine: users, provider keys, settings, files anywhere on the machine."""


class Scope(StrEnum):
    """How much a credential may do; each includes the ones before it."""

    READ = "read"
    """Look at everything that the user has."""
    CHAT = "chat"
    """Also work: sessions, runs, approvals, files."""
    ADMIN = "admin"
    """Also change what stays: agents, keys, webhooks; with the role `admin` the engine too."""

    def includes(self, other: Scope) -> bool:
        """Says whether this scope may do what `other` may."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


class User(Value):
    id: str
    name: str
    role: Role
    created_at: AwareDatetime
    email: str = ""
    """By which he may sign in as well; of one user only, whatever its case. Empty: none."""
    phone: str = ""
    display_name: str = ""
    """What he is called on pages; empty: by his name."""


class Principal(Value):
    """A user as one request has him: with the rights of the credential that was shown."""

    user_id: str
    name: str
    role: Role
    scope: Scope
    credential_id: str | None = None
    """None for who needs none: the user at the unix socket."""
    key_id: str = ""
    """The API key on whose account it goes: the one that was shown, or the one that the login was made by;
    empty: none."""
    client: str = ""
    """What the user acts with, as far as the door knows: `key NAME` or `login` where a secret was shown; at
    the unix socket one of `CLIENTS`, as the program there calls itself; empty: not known."""

    @property
    def is_admin(self) -> bool:
        """Whether the role is `admin`; what the credential's scope allows is asked apart from it."""
        return self.role is Role.ADMIN


CLIENTS = ("app", "command line", "editor", "MCP client")
"""What Holdfast's own programs at the unix socket call themselves; any other one is `socket`."""

LOCAL_PRINCIPAL = Principal(user_id=LOCAL, name=LOCAL, role=Role.ADMIN, scope=Scope.ADMIN)


class Credential(Value):
    """An API key or a login, without its secret: only a hash of that is stored."""

    id: str
    kind: Literal["key", "login"]
    user_id: str
    name: str
    scope: Scope
    last_four: str
    """The end of the secret, to tell credentials apart."""
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    last_used_at: AwareDatetime | None = None
    """To the minute."""
    revoked_at: AwareDatetime | None = None
    made_by: str | None = None
    """Id of the credential that asked for it. A login ends with it, a key does not."""

    def ended(self, now: datetime) -> bool:
        """Says whether it lets nobody in any more."""
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)


class NewCredential(Value):
    """A credential just made; its secret is shown this once."""

    credential: Credential
    secret: str = Field(repr=False)
