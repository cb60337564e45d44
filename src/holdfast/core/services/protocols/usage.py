"""The noun `usage` of a workbench."""

from __future__ import annotations

from typing import Protocol

from pydantic import AwareDatetime

from holdfast.core.domain.identity import Role, Scope
from holdfast.core.domain.limits import Budget, LimitKind, LimitState, Tier
from holdfast.core.domain.plans import CreditState, PlanTerms
from holdfast.core.domain.usage import UsageDays, UsageKey, UsageSummary
from holdfast.core.domain.values import Limit
from holdfast.core.services.needs import needs


class UsageReports(Protocol):
    """What runs have used, in tokens, money and credits, and how much more they may use."""

    @needs(Scope.READ)
    async def report(  # noqa: PLR0913 (by what it is narrowed)
        self,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        by: UsageKey = "day",
        all_users: bool = False,
        limit: Limit = 200,
        session: str | None = None,
        agent: str | None = None,
        key: str | None = None,
        user: str | None = None,
    ) -> UsageSummary:
        """Returns what was used from `since` on and before `until`, in groups and in total.

        Of the user's own sessions, deleted ones included; with `all_users`, for administrators, of all. The
        last four narrow it to one session, agent, key (by id; empty: what no key asked for) or user (by name
        or id; another one for administrators). Only the first `limit` groups are told apart: the newest of
        days and months, the dearest of others.
        """
        ...

    @needs(Scope.READ)
    async def tools(self, days: UsageDays = 30, agent: str | None = None) -> dict[str, int]:
        """Returns how often the user's runs of the last days have asked for each tool, the most asked first;
        of deleted sessions nothing is known any more. `agent` narrows it to one, by name."""
        ...

    @needs(Scope.READ)
    async def limits(self, all_users: bool = False) -> tuple[LimitState, ...]:
        """Returns the limits on what the user may use, each with what is left: on the user, the keys and the
        agents; with `all_users`, for administrators, those of all."""
        ...

    @needs(Scope.ADMIN)
    async def set_limit(
        self,
        kind: LimitKind,
        subject: str,
        tier: str | None = None,
        budgets: tuple[Budget, ...] = (),
        user: str | None = None,
        project: str | None = None,
    ) -> LimitState:
        """Lays down how much may be used, in the place of what was laid down for the same before.

        A key is named by its id or name. An agent by its name, seen from the folder `project`; it is what
        the owner uses of it that is limited, and `user` is another owner, for administrators, who alone limit
        users. Raises `NotFoundError`, `InvalidError` (`unknown_tier`, `invalid_limit`), and `ForbiddenError`
        (`limited_key`) for a caller whose own key has limits.
        """
        ...

    @needs(Scope.ADMIN)
    async def remove_limit(self, kind: LimitKind, subject: str, user: str | None = None) -> None:
        """Takes a limit away. Raises as `set_limit`."""
        ...

    @needs(Scope.READ)
    async def tiers(self) -> tuple[Tier, ...]:
        """Returns the tiers that the settings name: how often who has one may ask for a run."""
        ...

    @needs(Scope.READ)
    async def plans(self) -> PlanTerms:
        """Returns what holds for agents with a plan: regions, prices of models, tiers."""
        ...

    @needs(Scope.READ)
    async def credits(self, user: str | None = None) -> CreditState:
        """Returns how many credits the user owns, and what they allow; `user` is another one's name or id,
        for administrators. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def set_credits(self, balance: float, user: str | None = None) -> CreditState:
        """Makes a user (None: the caller) own so many credits from now on. Raises `NotFoundError`,
        `InvalidError` for what is no amount, `ForbiddenError` (`limited_key`)."""
        ...
