"""The nouns `keys` and `users` of a workbench."""

from __future__ import annotations

from typing import Protocol

from pydantic import AwareDatetime

from holdfast.core.domain.accounts import UserPage
from holdfast.core.domain.agreements import Agreement
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.identity import Credential, NewCredential, Principal, Role, Scope, User
from holdfast.core.domain.providers import KeptKey, ProviderCheck
from holdfast.core.domain.values import Limit, PageNumber
from holdfast.core.services.needs import needs


class Keys(Protocol):
    """Keys to Holdfast, and Holdfast's keys to model providers."""

    @needs(Scope.ADMIN)
    async def create(
        self, name: str, scope: Scope = Scope.CHAT, expires_s: int | None = None, user: str | None = None
    ) -> NewCredential:
        """Makes an API key; its secret is in the answer and cannot be had again.

        It expires after `expires_s` seconds (None: never). `user` is another user's name, for
        administrators. Raises `ForbiddenError` for more than the caller may do.
        """
        ...

    @needs(Scope.ADMIN)
    async def list(self) -> tuple[Credential, ...]:
        """Returns the API keys, revoked ones included: the user's own, an administrator all users'."""
        ...

    @needs(Scope.ADMIN)
    async def find(self, key: str) -> Credential:
        """Returns the user's own API key of this secret, id or name, if it lets in. Raises `NotFoundError`,
        `ConflictError` where several have the name."""
        ...

    @needs(Scope.ADMIN)
    async def revoke(self, id: str) -> Credential:
        """Revokes an API key, named by its id or its name, with the logins that were made by it. Raises
        `NotFoundError`, `ConflictError`."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def providers(self) -> dict[str, str]:
        """Returns where each known provider's key comes from (`environment`, `keyring`, `file`)."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def provider(self, provider: str) -> KeptKey:
        """Returns where a provider's key comes from, and its beginning and end; never all of it."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def set_provider(self, provider: str, key: str, over_environment: bool = False) -> str:
        """Stores a provider's key; returns where. It is used from the next model call on, unless the
        environment has one: `over_environment` lets it count before that until the engine ends."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def check_provider(
        self, provider: str, key: str | None = None, url: str | None = None
    ) -> ProviderCheck:
        """Asks a provider once, with `key` and at `url` (None: what is known), and says what came of it; it
        keeps nothing. It costs a reply of a few tokens; a server of one's own is only asked for its models.

        Raises `NotFoundError` for a provider that is not known, `InvalidError` for no address.
        """
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def set_address(self, provider: str, url: str | None = None) -> None:
        """Keeps the address of a provider that is not at its maker's own; None: forgets it. One that the
        environment names goes before it. Raises as `check_provider`, and `UnsupportedError`."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def remove_provider(self, provider: str) -> None:
        """Forgets a stored key; one in the environment stays."""
        ...


class Users(Protocol):
    """Who may ask. The user `local` is always there."""

    @needs(Scope.READ)
    async def me(self) -> Principal:
        """Returns who asks, and what they may do."""
        ...

    @needs(Scope.READ, Role.ADMIN)
    async def list(self) -> tuple[User, ...]:
        """Returns all users, oldest first."""
        ...

    @needs(Scope.READ, Role.ADMIN)
    async def page(self, number: PageNumber = 1, size: Limit = 20) -> UserPage:
        """Returns a page of the users, newest first, and how many there are."""
        ...

    @needs(Scope.READ, Role.ADMIN)
    async def seen(self) -> dict[str, AwareDatetime]:
        """Returns when users showed a key or a login last, by their ids, to the minute. Who never did is not
        in it, nor who needs none."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def add(
        self, name: str, role: Role = Role.USER, password: str | None = None, email: str = "", phone: str = ""
    ) -> User:
        """Adds a user, who can do nothing without a password or a key. Raises `InvalidError`, and
        `ConflictError` when the name (`user_exists`) or the e-mail address (`email_exists`) is taken."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def update(
        self,
        name: str,
        role: Role | None = None,
        email: str | None = None,
        phone: str | None = None,
        display_name: str | None = None,
    ) -> User:
        """Changes what is known of a user, named by name or id; what is left out stays. Raises as `add`,
        `NotFoundError`, and `ConflictError` (`local_user`) for another role of `local`."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def set_password(self, name: str, password: str | None = None) -> None:
        """Gives a user, named by name or id, another password, or none any more; his logins end. Raises
        `NotFoundError`, `InvalidError` (`weak_password`)."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def remove(self, name: str) -> None:
        """Removes a user, named by name or id, with all keys and logins. The user's runs are cancelled;
        sessions and files stay on disk, and nobody sees them. Raises `NotFoundError`, `ConflictError` for
        `local`."""
        ...

    @needs(Scope.READ)
    async def annotations(self) -> Ext:
        """Returns what clients of other systems' APIs keep with the user, by the name of the API."""
        ...

    @needs(Scope.CHAT)
    async def annotate(self, ext: Ext) -> Ext:
        """Keeps with the user what clients of other systems' APIs say; what is kept of APIs that are not
        named stays, and an empty map is taken out. Raises `InvalidError` for more than fits."""
        ...

    @needs(Scope.READ)
    async def agreements(self) -> tuple[Agreement, ...]:
        """Returns what there is to agree to, and what the user has accepted, with the text and the date."""
        ...

    @needs(Scope.ADMIN)
    async def accept(self, name: str) -> Agreement:
        """Keeps that the user accepts an agreement as it is worded now; a second time the date stays. Raises
        `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def login(self, expires_s: int = 86_400, scope: Scope | None = None) -> NewCredential:
        """Makes a login: a secret for a sitting, with the caller's scope or less, for `expires_s` seconds at
        most. It ends with the key or login that it was asked for with. Raises `ConflictError` when there are
        too many."""
        ...

    @needs(Scope.READ)
    async def logins(self) -> tuple[Credential, ...]:
        """Returns the user's logins, those that have ended lately included."""
        ...

    @needs(Scope.READ)
    async def logout(self, id: str) -> None:
        """Ends a login of the user's own, named by its id. Raises `NotFoundError`, and `ForbiddenError` for
        one that may do more than the caller."""
        ...
