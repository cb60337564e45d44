"""Policy rules, approvals and decisions."""

from __future__ import annotations

import re
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.tools import DisplayBlock, Risk
from holdfast.core.domain.values import Value


class Verdict(StrEnum):
    """What policy says of a call. Deny wins over ask, ask over allow."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class ApproveMode(StrEnum):
    """How much may be done without asking. `NONE` asks like `ASK`, but the one who starts the run does not
    answer: what asks waits for somebody else. To deny it at once is the run option `approvals`."""

    NONE = "none"
    ASK = "ask"
    READS = "reads"
    """As `ASK`, but an agent's own ask rules do not count for tools that only read."""
    EDITS = "edits"
    """Files of the workspace may be written where no rule speaks; programs and everything else is asked."""
    PLAN = "plan"
    """Tools that only read, and nothing else, whatever rules allow."""
    AUTO = "auto"
    """Everything that no rule denies, until a limit on steps, cost or time is reached; then it asks."""
    ALL = "all"
    """Everything that no rule denies."""


_RULE = re.compile(r"\A(?P<tool>[\w*?\[\]-]+)(?:\((?P<pattern>.*)\))?\Z", re.DOTALL)


class Rule(Value):
    """One rule, written `tool` or `tool(pattern)`; both are globs, the pattern is over the subject."""

    tool: str
    pattern: str | None = None

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Returns the rule that `text` says. Raises `InvalidError` when it says none."""
        match = _RULE.match(text.strip())
        if match is None:
            raise InvalidError(
                f"{text!r} is not a rule; write a tool's name, or NAME(PATTERN) as in write_file(*.md)",
                code="invalid_rule",
            )
        return cls(tool=match["tool"], pattern=match["pattern"])

    def matches(self, tool: str, subject: str) -> bool:
        """Says whether the rule speaks of a call of `tool` on this one subject."""
        return _glob(self.tool).match(tool) is not None and (
            self.pattern is None or _glob(self.pattern).match(subject) is not None
        )

    def __str__(self) -> str:
        return self.tool if self.pattern is None else f"{self.tool}({self.pattern})"


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


class Rules(Value):
    """Three lists of rules, as an agent file or the user's policy file has them."""

    allow: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class ApprovalStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    """The run ended, or policy came to deny the call, before anybody decided."""
    STALE = "stale"
    """What it would do has changed since it was shown: a new approval takes its place."""


class Approval(Value):
    """A tool call that waits for a person. It survives a restart; any client may decide it."""

    id: str
    session_id: str
    run_id: str
    call_id: str
    agent: str
    parent_session_id: str = ""
    """The session that a person knows, where a sub-agent works for it; empty: its own."""
    tool: str
    risk: Risk
    subject: str
    arguments: dict[str, Any]
    parameters: dict[str, Any] | None = None
    """JSON Schema of the arguments, for a form to edit them; where one approval is asked for that waits."""
    preview: tuple[DisplayBlock, ...] = ()
    fingerprint: str = ""
    rule: str = ""
    """The rule that "always" would add to the user's policy."""
    inner: bool = False
    """Whether it is not about the call itself, but about what its server asks for while it executes."""
    reason: str = ""
    """Why it is asked: the rule that says so, or that no rule allows it, or what a hook says."""
    hook_id: str = ""
    """The hook that wants a person asked, whatever rules allow; empty: policy does."""
    requested_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    on_expiry: Literal["deny", "cancel"] = "deny"
    status: ApprovalStatus = ApprovalStatus.PENDING
    decided_at: AwareDatetime | None = None
    decision: Decision | None = None


class Decision(Value):
    """What a person decided."""

    outcome: Literal["approve", "deny"]
    scope: Literal["once", "session", "always"] = "once"
    """`session` allows the same rule until the session ends; `always` adds it to the policy file."""
    reason: str = ""
    """For a denial: the model sees it."""
    arguments: dict[str, Any] | None = None
    """Edited arguments, run instead of those that the model gave."""
    decided_by: str = "local"
    """Name of the user. The engine writes it; what a request says here does not count."""
    client: str = ""
    """What the user decided with: `app`, `command line`, `editor`, `key NAME` …; empty: not known. The engine
    writes it, from the door that the request came in by."""


class PolicyAnswer(Value):
    """The verdict on one call and the rule that gave it."""

    verdict: Verdict
    reason: str = Field(description="The deciding rule and its origin, for people")

    @property
    def strictness(self) -> int:
        """The higher, the less is let."""
        return (Verdict.ALLOW, Verdict.ASK, Verdict.DENY).index(self.verdict)


Approval.model_rebuild()
