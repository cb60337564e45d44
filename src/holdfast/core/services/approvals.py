"""Approvals, the rules that spare them, and the modes of sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.approvals.weighing import Past, suggestions, weigh
from holdfast.core.domain.approvals import (
    Approval,
    ApprovalStatus,
    ApproveMode,
    Decision,
    Rule,
    Rules,
    Verdict,
)
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.events import SessionGrantsDropped
from holdfast.core.domain.identity import LOCAL, Scope
from holdfast.core.domain.modes import AutoLimits, SessionMode
from holdfast.core.domain.rules import RuleEntry, RuleSuggestion, RuleWeight
from holdfast.core.domain.runs import Session
from holdfast.core.domain.values import MAX_LIMIT, Page
from holdfast.core.runs.broker import Broker
from holdfast.core.runs.grants import remember_grants
from holdfast.core.runs.modes import Modes
from holdfast.core.services.access import Access
from holdfast.core.services.needs import Needs
from holdfast.core.services.paging import checked_limit
from holdfast.core.services.policies import Policies
from holdfast.core.store.decisions import read_history
from holdfast.core.store.log import EventLog
from holdfast.core.tools.registry import ToolRegistry, schema, validate_arguments

LOOKED_AT = MAX_LIMIT
"""So many of the last approvals say what a rule would have done, and suggest rules."""


class ApprovalService:
    """Implements the `Approvals` of a workbench."""

    def __init__(
        self,
        access: Access,
        log: EventLog,
        broker: Broker,
        modes: Modes,
        policies: Policies,
        registry: AgentRegistry,
        tools: ToolRegistry,
    ) -> None:
        self._access = access
        self._log = log
        self._broker = broker
        self._modes = modes
        self._policies = policies
        self._registry = registry
        self._tools = tools

    # --- approvals

    async def list(
        self,
        session_id: str | None = None,
        pending: bool = True,
        limit: int = 200,
        cursor: str | None = None,
    ) -> Page[Approval]:
        return await self._log.reader.approvals(
            session_id, pending, checked_limit(limit), cursor, self._access.owner
        )

    async def get(self, approval_id: str) -> Approval:
        approval = await self._access.approval(approval_id)
        if approval.status != ApprovalStatus.PENDING:
            return approval
        waiting = self._broker.waiting(approval_id)
        if waiting is None:
            return approval
        return approval.model_copy(update={"parameters": schema(waiting.tool).parameters})

    async def decide(self, approval_id: str, decision: Decision) -> Approval:
        approval = await self._access.approval(approval_id)
        if decision.scope == "always":
            # It adds a rule to the user's policy, which stays when the key is gone.
            Needs(Scope.ADMIN).check("Allowing it always", self._access.principal)
        if approval.status != ApprovalStatus.PENDING:
            raise ConflictError(f"This approval is {approval.status} already.", code="approval_decided")
        await self._broker.known(approval_id)
        principal = self._access.principal
        by = {"decided_by": principal.name, "client": principal.client}
        await self._broker.decide(approval_id, decision.model_copy(update=by))
        return await self.get(approval_id)

    async def history(
        self,
        query: str = "",
        status: ApprovalStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        session_id: str | None = None,
        limit: int = 200,
        cursor: str | None = None,
    ) -> Page[Approval]:
        return await read_history(
            self._log.reader,
            self._access.owner,
            query=query,
            status=status,
            since=since,
            until=until,
            session_id=session_id,
            limit=checked_limit(limit),
            cursor=cursor,
        )

    # --- rules

    async def rules(self) -> Rules:
        return (await self._policies.of(self._access.owner)).rules()

    async def policy_path(self) -> str:
        return str(self._policies.file(self._access.owner).path)

    async def sources(self, session_id: str | None = None) -> tuple[RuleEntry, ...]:
        own = self._policies.file(self._access.owner)
        user = await asyncio.to_thread(own.read)
        found = [_entry(*each, "user", str(own.path), removable=True) for each in _each(user)]
        if self._access.owner != LOCAL:
            above = await asyncio.to_thread(self._policies.file(LOCAL).read)
            held = Rules(ask=above.ask, deny=above.deny)
            found += [_entry(*each, "machine", "", removable=False) for each in _each(held)]
        if session_id is not None:
            session = await self._access.session(await self._access.root(session_id))
            session_id = session.id
            if not self._broker.knows(session_id):
                await remember_grants(self._log, self._broker, session)
            granted = Rules(allow=self._broker.grants(session_id, user))
            found += [_entry(*each, "session", session_id, removable=True) for each in _each(granted)]
            found += [
                _entry(*each, "agent", session.agent, removable=False)
                for each in _each(await self._agent_rules(session))
            ]
        order = (Verdict.DENY, Verdict.ASK, Verdict.ALLOW)
        return tuple(sorted(found, key=lambda entry: order.index(entry.verdict)))

    async def _agent_rules(self, session: Session) -> Rules:
        try:
            info = await asyncio.to_thread(
                self._registry.get, session.agent, Path(session.project), session.owner
            )
        except NotFoundError:
            return Rules()  # its file is gone: the session's next run says so
        return info.spec.approvals if info.spec is not None else Rules()

    async def weigh(self, rule: str) -> RuleWeight:
        parsed, rules, approvals = Rule.parse(rule), await self.rules(), await self._approvals()
        return await asyncio.to_thread(lambda: weigh(parsed, self._past(approvals), rules))

    async def suggestions(self) -> tuple[RuleSuggestion, ...]:
        rules, approvals = await self.rules(), await self._approvals()
        return await asyncio.to_thread(lambda: suggestions(self._past(approvals), rules))

    async def _approvals(self) -> tuple[Approval, ...]:
        """Returns the user's last calls that were asked for, the latest first."""
        return (await read_history(self._log.reader, self._access.owner, limit=LOOKED_AT)).items

    def _past(self, approvals: Iterable[Approval]) -> tuple[Past, ...]:
        return tuple(Past(approval, self._subjects(approval)) for approval in approvals)

    def _subjects(self, approval: Approval) -> tuple[str, ...]:
        """Returns what rules were matched with. The first subject was noted as rules see it; the others are
        made again. A call whose tool is gone, or has changed, is known by the first one alone."""
        try:
            tool = self._tools.get(approval.tool)
            subjects = tool.subjects(validate_arguments(tool, approval.arguments))
        except (NotFoundError, InvalidError):
            return (approval.subject,)
        return (approval.subject, *subjects[1:])

    async def add_rule(self, rule: str, verdict: Verdict = Verdict.ALLOW) -> Rules:
        await asyncio.to_thread(self._policies.file(self._access.owner).add, rule, verdict)
        return await self.rules()

    async def remove_rule(self, rule: str, verdict: Verdict = Verdict.ALLOW) -> Rules:
        await asyncio.to_thread(self._policies.file(self._access.owner).remove, rule, verdict)
        return await self.rules()

    async def drop_grants(self, session_id: str, rules: tuple[str, ...]) -> None:
        session_id = await self._access.root(session_id)
        principal = self._access.principal
        await self._log.append(
            SessionGrantsDropped(
                session_id=session_id, rules=rules, by=principal.name, client=principal.client
            ),
            durable=True,
        )
        self._broker.drop_grants(session_id, rules)

    # --- modes

    async def mode(self, session_id: str) -> SessionMode | None:
        return await self._modes.read(await self._access.root(session_id))

    async def set_mode(
        self, session_id: str, mode: ApproveMode, limits: AutoLimits | None = None
    ) -> SessionMode:
        session_id = await self._access.root(session_id)
        if limits is not None and mode is not ApproveMode.AUTO:
            raise InvalidError("Only the mode `auto` has limits.", code="no_limits")
        principal = self._access.principal
        return await self._modes.change(session_id, mode, limits, by=principal.name, client=principal.client)


def _each(rules: Rules) -> list[tuple[str, Verdict]]:
    return [(rule, verdict) for verdict in Verdict for rule in getattr(rules, verdict.value)]


def _entry(rule: str, verdict: Verdict, origin: str, where: str, *, removable: bool) -> RuleEntry:
    return RuleEntry.model_validate(
        {"rule": rule, "verdict": verdict, "origin": origin, "where": where, "removable": removable}
    )
