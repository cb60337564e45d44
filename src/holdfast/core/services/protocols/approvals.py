"""The noun `approvals` of a workbench: what waits for a person, rules, and modes."""

from __future__ import annotations

from typing import Protocol

from pydantic import AwareDatetime

from holdfast.core.domain.approvals import Approval, ApprovalStatus, ApproveMode, Decision, Rules, Verdict
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.modes import AutoLimits, SessionMode
from holdfast.core.domain.rules import RuleEntry, RuleSuggestion, RuleWeight
from holdfast.core.domain.values import Cursor, Limit, Page
from holdfast.core.services.needs import needs


class Approvals(Protocol):
    """Tool calls that wait for a person's decision, the rules that spare it, and the modes of sessions."""

    @needs(Scope.READ)
    async def list(
        self,
        session_id: str | None = None,
        pending: bool = True,
        limit: Limit = 200,
        cursor: Cursor | None = None,
    ) -> Page[Approval]:
        """Returns approvals, oldest first: those that wait, or all; of a session with its sub-agents'."""
        ...

    @needs(Scope.READ)
    async def get(self, approval_id: str) -> Approval:
        """Returns an approval, decided or not. Raises `NotFoundError`."""
        ...

    @needs(Scope.CHAT)
    async def decide(self, approval_id: str, decision: Decision) -> Approval:
        """Decides an approval; its run goes on at once. Raises `ConflictError` when it was decided already,
        `InvalidError` for bad arguments."""
        ...

    @needs(Scope.READ)
    async def history(
        self,
        query: str = "",
        status: ApprovalStatus | None = None,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        session_id: str | None = None,
        limit: Limit = 200,
        cursor: Cursor | None = None,
    ) -> Page[Approval]:
        """Returns the record of approvals, latest first: who allowed what, when, and with what.

        Every word of `query` stands in the tool, the agent, the subject, the name of who decided, what it was
        decided with, or the reason. `since` and `until` are about when it was decided, or else asked for.
        What sub-agents asked for is in the record of the session that they worked for.
        """
        ...

    @needs(Scope.READ)
    async def rules(self) -> Rules:
        """Returns the user's policy."""
        ...

    @needs(Scope.READ)
    async def policy_path(self) -> str:
        """Returns the path of the user's policy file."""
        ...

    @needs(Scope.READ)
    async def sources(self, session_id: str | None = None) -> tuple[RuleEntry, ...]:
        """Returns every rule that holds for the user, and who said it; with a session, also what was granted
        in it and what its agent's file says. Deny comes before ask, ask before allow."""
        ...

    @needs(Scope.READ)
    async def weigh(self, rule: str) -> RuleWeight:
        """Returns what an allow rule would let through, seen against the user's last calls; nothing is saved.
        Raises `InvalidError` for what is no rule."""
        ...

    @needs(Scope.READ)
    async def suggestions(self) -> tuple[RuleSuggestion, ...]:
        """Returns rules that would have spared the user decisions which were all alike."""
        ...

    @needs(Scope.ADMIN)
    async def add_rule(self, rule: str, verdict: Verdict = Verdict.ALLOW) -> Rules:
        """Adds a rule to the user's policy file and returns the policy. Raises `InvalidError` for what is no
        rule, and for a file that a line cannot be added to."""
        ...

    @needs(Scope.ADMIN)
    async def remove_rule(self, rule: str, verdict: Verdict = Verdict.ALLOW) -> Rules:
        """Takes a rule out of the user's policy file, and with it what "always" has granted by it in
        sessions. Returns the policy. Raises `NotFoundError`, `InvalidError`."""
        ...

    @needs(Scope.CHAT)
    async def drop_grants(self, session_id: str, rules: tuple[str, ...]) -> None:
        """Takes back what was granted for a session by these rules; what waits or executes stays as it is.
        Raises `NotFoundError`."""
        ...

    @needs(Scope.READ)
    async def mode(self, session_id: str) -> SessionMode | None:
        """Returns how much the session's agent may do without asking, and what was used since; null where
        nobody has said it yet. Raises `NotFoundError`."""
        ...

    @needs(Scope.CHAT)
    async def set_mode(
        self, session_id: str, mode: ApproveMode, limits: AutoLimits | None = None
    ) -> SessionMode:
        """Changes how much the session's agent may do without asking, from the next tool call on; what waits
        already goes on waiting. `limits` are for `auto`, which has those of the settings without.

        Raises `NotFoundError`, `InvalidError` for limits of another mode.
        """
        ...
