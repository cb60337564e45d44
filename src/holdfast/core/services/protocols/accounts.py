"""The noun `accounts` of a workbench."""

from __future__ import annotations

from typing import Protocol

from holdfast.core.domain.accounts import SIGN_IN_S, SignInWays, UserName
from holdfast.core.domain.identity import NewCredential, Role, Scope, User
from holdfast.core.services.needs import needs


class Accounts(Protocol):
    """How people come in who have no key: by a password, or by whom the engine trusts."""

    @needs(Scope.READ)
    async def ways(self) -> SignInWays:
        """Returns how people can sign in, and whether they may make accounts."""
        ...

    @needs(Scope.READ)
    async def sign_in(self, name: str, password: str, expires_s: int = SIGN_IN_S) -> NewCredential:
        """Makes a login of scope `admin` for who knows the password of a user, named by name or e-mail
        address. It lasts `expires_s` seconds.

        Raises `UnauthenticatedError` (`wrong_password`, also where there is no such user), `RateLimitedError`
        after too many wrong ones, and `ForbiddenError` where passwords do not let in (`passwords_off`), or
        not this user (`passwords_of_admins`).
        """
        ...

    @needs(Scope.READ)
    async def me(self) -> User:
        """Returns the user who asks. Raises `NotFoundError` when he was removed meanwhile."""
        ...

    @needs(Scope.READ)
    async def names(self) -> tuple[UserName, ...]:
        """Returns the names of all users, for choosing one, oldest first."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def proxied(self, address: str, name: str) -> NewCredential:
        """Returns a login of the user whom a proxy at `address` names, by name or id; one who is new becomes
        a user. It is the same one for a while.

        Raises `ForbiddenError` for an address that is no trusted proxy's (`proxy_not_trusted`), and for an
        administrator (`proxied_admin`), who signs in with a password; `InvalidError` for what is no name.
        """
        ...
