"""Whose rules hold in a run: those of its owner, under what the machine's owner denies to everybody."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.approvals.policy_file import PolicyFile
from holdfast.core.config.paths import Paths
from holdfast.core.domain.approvals import PolicyAnswer, Rules, Verdict
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import LOCAL, Role
from holdfast.core.domain.tools import Judged, Risk
from holdfast.core.store.accounts import Accounts


@dataclass(frozen=True, slots=True)
class UserPolicy:
    """The rules of one user's runs."""

    own: PolicyFile
    machine: PolicyFile
    admin: bool
    """Whether the user may let programs run: they have the rights of who started the engine."""

    def rules(self) -> Rules:
        """Returns the rules as they are now. Raises `InvalidError`, `OSError` for an unreadable file."""
        mine = self.own.read()
        if self.own is self.machine:
            return mine
        above = self.machine.read()
        return Rules(allow=mine.allow, ask=(*above.ask, *mine.ask), deny=(*above.deny, *mine.deny))

    def refuses(self, tool: Judged) -> PolicyAnswer | None:
        """Returns the answer to a call that no rule of the user's could allow; None: the rules decide."""
        if self.admin or tool.risk is not Risk.EXECUTE:
            return None
        return PolicyAnswer(
            verdict=Verdict.DENY,
            reason="programs have the rights of the engine's owner, so only administrators run them",
        )


class Policies:
    """Finds the policy of a user."""

    def __init__(self, paths: Paths, accounts: Accounts) -> None:
        self._paths = paths
        self._accounts = accounts
        self._files = {LOCAL: PolicyFile(paths.policy)}

    def file(self, user_id: str) -> PolicyFile:
        """Returns the file with the user's own rules; one object each, for it has a lock."""
        if user_id not in self._files:
            self._files[user_id] = PolicyFile(self._paths.user_policy(user_id))
        return self._files[user_id]

    async def of(self, user_id: str) -> UserPolicy:
        """Returns the policy of a user's runs. Raises `NotFoundError` for one who is gone: he has none."""
        user = await self._accounts.user(user_id)
        if user is None:
            raise NotFoundError("The user whose session it is was removed.", code="user_not_found")
        return UserPolicy(self.file(user_id), self._files[LOCAL], user.role is Role.ADMIN)
