"""The noun `accounts` of a workbench."""

from __future__ import annotations

from typing import Protocol

from holdfast.core.domain.accounts import SIGN_IN_S, CodeSent, Mail, SignInWays, UserName
from holdfast.core.domain.identity import NewCredential, Role, Scope, User
from holdfast.core.domain.upstream import UpstreamAnswer, UpstreamEnd, UpstreamStart
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
    async def send_code(self, email: str) -> CodeSent:
        """Sends a code to an e-mail address, with which an account can be made; without a mail server an
        administrator finds it in the outbox.

        Raises `ForbiddenError` where nobody makes an account himself (`registration_off`), or not here
        (`accounts_elsewhere`); `InvalidError`, `ConflictError` (`email_exists`), `RateLimitedError`
        (`code_too_soon`), `UnavailableError` (`mail_not_sent`).
        """
        ...

    @needs(Scope.READ)
    async def register(self, name: str, password: str, email: str, code: str, phone: str = "") -> User:
        """Makes an account of role `user`, with a code that was sent to the e-mail address. Raises as
        `send_code` and `Users.add`, and `InvalidError` (`wrong_code`)."""
        ...

    @needs(Scope.READ)
    async def me(self) -> User:
        """Returns the user who asks. Raises `NotFoundError` when he was removed meanwhile."""
        ...

    @needs(Scope.READ)
    async def names(self) -> tuple[UserName, ...]:
        """Returns the names of all users, for choosing one, oldest first."""
        ...

    @needs(Scope.ADMIN)
    async def change_password(self, old: str, new: str) -> None:
        """Gives the user who asks another password; his logins end, but for the one that he asks with. API
        keys stay. Raises `InvalidError` (`wrong_old_password`, `weak_password`), `ConflictError`
        (`no_password`) for who has none, `RateLimitedError`."""
        ...

    @needs(Scope.READ, Role.ADMIN)
    async def outbox(self) -> tuple[Mail, ...]:
        """Returns the mails that were not sent, newest first; they are kept until the engine ends."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def begin_upstream(self, provider: str, callback: str, next: str) -> UpstreamStart:
        """Begins a sign-in at a server of the settings, named by its id (empty: the first): what makes
        pages calls it for a browser, which comes back to the address `callback`, and at last goes on at
        `next` (`/` where that is no path of this server).

        Raises `NotFoundError` where people do not sign in elsewhere (`no_upstream`), or not there
        (`upstream_not_found`); `UpstreamError`.
        """
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def finish_upstream(
        self, provider: str, answer: UpstreamAnswer, browser: str, expires_s: int = SIGN_IN_S
    ) -> UpstreamEnd:
        """Makes a login of scope `admin` for who has signed in at a server; who is new becomes a user.
        `browser` is what the browser has kept since it began.

        Raises `InvalidError` where that is over (`upstream_flow_ended`), was begun in another browser
        (`upstream_flow_foreign`) or elsewhere (`upstream_mixed_up`); `UpstreamError` where the server says no
        (`upstream_refused`), or nothing that can be believed.
        """
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def proxied(self, address: str, name: str) -> NewCredential:
        """Returns a login of the user whom a proxy at `address` names, by name or id; one who is new becomes
        a user. It is the same one for a while.

        Raises `ForbiddenError` for an address that is no trusted proxy's (`proxy_not_trusted`), and for an
        administrator (`proxied_admin`), who signs in with a password; `InvalidError` for what is no name.
        """
        ...
