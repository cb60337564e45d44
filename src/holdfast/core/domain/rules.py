"""Rules as people look at them: where each comes from, and what one would have done in the past."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from holdfast.core.domain.approvals import ApprovalStatus, Verdict
from holdfast.core.domain.values import Value


class RuleEntry(Value):
    """A rule that holds, and who said it."""

    rule: str
    verdict: Verdict
    origin: Literal["user", "machine", "session", "agent"]
    """`machine`: the engine's owner denies or asks it for all users. `session`: a person granted it there."""
    where: str
    """Path of the file, id of the session, or name of the agent."""
    removable: bool
    """Whether it can be taken back here; an agent's rules stand in its file."""


class PastCall(Value):
    """A call that was asked for once, as a rule sees it."""

    approval_id: str
    tool: str
    subject: str
    agent: str
    status: ApprovalStatus
    at: AwareDatetime


class RuleWeight(Value):
    """What a rule would allow, before it is saved."""

    rule: str
    exact: bool
    """Whether it is about one subject alone; else it has wildcards, or covers every call of the tool."""
    covered: int = 0
    """Calls among the user's last ones that it would have allowed without asking."""
    denied: int = 0
    """How many of those a person has denied."""
    calls: tuple[PastCall, ...] = ()
    """The latest of the covered ones; at most fifty."""
    before: tuple[str, ...] = ()
    """Rules that deny or ask for something that it may cover; they count more."""
    risks: tuple[str, ...] = ()
    """What it lets through that may not be meant, in a sentence each."""
    saved: bool = False
    """Whether the user's policy has it already."""


class RuleSuggestion(Value):
    """A rule that would have spared a person decisions, which were all alike."""

    kind: Literal["exact", "program", "folder"]
    """`program`: one that cannot do harm, with any arguments. `folder`: files of one folder."""
    approved: int
    """How often a person has approved what it covers, one by one."""
    weight: RuleWeight
