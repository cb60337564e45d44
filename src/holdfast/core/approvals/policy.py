"""The policy: what happens to a tool call before it runs. Pure; the same question has the same answer.

Rules come from three layers: the user's policy file, what a person granted in this session, and the
agent's file. The layers are read together, in this order; the first line that fits decides:

1. any deny rule of any layer → **deny**, in every mode
2. mode `plan`, and the call does more than read → **deny**: no rule and no grant lets it through
3. the user's policy file cannot be read → **ask**, in every mode: what it denied is not known
4. mode `all` → **allow**; mode `auto`, too, but for the files that say what agents may do (`agents/*.yaml`
   and what is in `.holdfast`)
5. a person's grant in this session → **allow**: it was given after seeing the call, so it lifts every ask
6. an ask rule of the user or of the session → **ask**
7. the user's allow list holds the very rule that "always" suggests for this call → **allow**: it lifts the
   ask of an agent, or "always" would ask again; a wider rule of the user's does not
8. an ask rule of the agent → **ask**, except that mode `reads` allows a call of risk read
9. an allow rule of any layer → **allow**; one of the agent's does not reach the files of line 4, or it
   could give itself more
10. risk read → **allow**; mode `edits` and a file that it reaches, see `editable` → **allow**; everything
    else → **ask**

So deny is over ask and ask over allow, and the agent's rules only ever give way to a person's own word.
The mode `none` answers like `ask`; that nobody is there to be asked is the run's concern. `reads`
changes line 8 alone, since reading is allowed where no rule speaks anyway. `edits` speaks where no rule
does. That `auto` has limits is not known here: whoever evaluates asks with mode `ask` once they are reached.

An ask or deny rule speaks when it matches *any* subject of the call; an allow rule must cover the call,
see `covers`. An agent that is not trusted is narrowed before its rules get here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from holdfast.core.approvals.suggest import literal, suggest_rule
from holdfast.core.domain.approvals import ApproveMode, PolicyAnswer, Rule, Rules, Verdict
from holdfast.core.domain.tools import Risk
from holdfast.core.domain.values import Value

_OPERATORS = re.compile(r"[;&|<>`$()\n\r]")
AGENT_FILES = re.compile(r"\.holdfast/|agents/[^/]*\.ya?ml\Z", re.IGNORECASE)
"""Matches the paths, from a workspace's root, of files that say what agents may do."""
EDIT_TOOLS = frozenset({"write_file", "edit_file"})
"""The tools that mode `edits` is about: each writes the one file that its subject names. Other tools that
write, into memory for example, are asked for."""
PLAN_DENIES = (
    "plan mode only reads. Say in your reply what you would do, step by step; the person approves the plan, "
    "and then it can be carried out"
)
_USER = "your policy"
_SESSION = "this session"
_AGENT = "the agent"


class Layers(Value):
    """The rules that hold for a call, by who said them."""

    user: Rules = Rules()
    session: Rules = Rules()
    """What a person granted for the session, as rules that `suggest_rule` made."""
    agent: Rules = Rules()
    unreadable: str = ""
    """Why the user's policy file could not be read; empty when it could."""


def evaluate(
    tool: str,
    risk: Risk,
    subjects: tuple[str, ...],
    layers: Layers,
    mode: ApproveMode = ApproveMode.ASK,
) -> PolicyAnswer:
    """Returns the verdict on a call of `tool` and why. Raises `InvalidError` for a rule that is none."""
    named = ((_USER, layers.user), (_SESSION, layers.session), (_AGENT, layers.agent))
    for origin, rules in named:
        if rule := _speaks(rules.deny, tool, subjects):
            return PolicyAnswer(verdict=Verdict.DENY, reason=f"{origin} denies {rule}")
    if mode is ApproveMode.PLAN and risk is not Risk.READ:
        return PolicyAnswer(verdict=Verdict.DENY, reason=PLAN_DENIES)
    if layers.unreadable:
        return PolicyAnswer(verdict=Verdict.ASK, reason=f"your policy cannot be read: {layers.unreadable}")
    rules_of_agents = risk is Risk.WRITE and any(map(AGENT_FILES.match, subjects))
    if mode is ApproveMode.ALL or (mode is ApproveMode.AUTO and not rules_of_agents):
        return PolicyAnswer(verdict=Verdict.ALLOW, reason="everything that no rule denies is approved")
    if rule := _covering(layers.session.allow, tool, risk, subjects):
        return PolicyAnswer(verdict=Verdict.ALLOW, reason=f"{_SESSION} allows {rule}")
    for origin, rules in named[:2]:
        if rule := _speaks(rules.ask, tool, subjects):
            return PolicyAnswer(verdict=Verdict.ASK, reason=f"{origin} asks for {rule}")
    if rule := _granted(layers.user.allow, tool, risk, subjects):
        return PolicyAnswer(verdict=Verdict.ALLOW, reason=f"{_USER} allows {rule}")
    agent_asks = _speaks(layers.agent.ask, tool, subjects)
    if agent_asks and not (mode is ApproveMode.READS and risk is Risk.READ):
        return PolicyAnswer(verdict=Verdict.ASK, reason=f"{_AGENT} asks for {agent_asks}")
    for origin, rules in named:
        if rules is layers.agent and rules_of_agents:
            continue
        if rule := _covering(rules.allow, tool, risk, subjects):
            return PolicyAnswer(verdict=Verdict.ALLOW, reason=f"{origin} allows {rule}")
    if risk is Risk.READ:
        return PolicyAnswer(verdict=Verdict.ALLOW, reason="reading is allowed")
    if mode is ApproveMode.EDITS and editable(tool, risk, subjects):
        return PolicyAnswer(verdict=Verdict.ALLOW, reason="edits in the workspace are accepted")
    return PolicyAnswer(verdict=Verdict.ASK, reason="no rule allows it")


def editable(tool: str, risk: Risk, subjects: tuple[str, ...]) -> bool:
    """Says whether mode `edits` reaches a call: it writes files of the workspace, and none that Holdfast or
    other programs take orders from.

    Not reached are paths out of the workspace, names that begin with a dot (`.git/hooks`, `.env`,
    `.holdfast`, `.github`), agent files in any folder, and `AGENTS.md`: later runs are told what is in it.
    """
    return (
        tool in EDIT_TOOLS
        and risk is Risk.WRITE
        and bool(subjects)
        and all(_plain_file(subject) for subject in subjects)
    )


def _plain_file(path: str) -> bool:
    parts = [part.casefold() for part in re.split(r"[/\\]", path)]
    if not path or path.startswith(("/", "~")) or ":" in parts[0]:
        return False
    if any(part.startswith(".") for part in parts):
        return False
    if parts[-1] == "agents.md":
        return False
    return not (len(parts) > 1 and parts[-2] == "agents" and parts[-1].endswith((".yaml", ".yml")))


def covers(rule: Rule, tool: str, risk: Risk, subjects: tuple[str, ...]) -> bool:
    """Says whether an allow rule reaches to the whole call.

    It must match every subject. For programs (risk execute) the first subject is the whole command line:
    a rule that spells it out, without wildcards, covers its parts too; and a wildcard does not reach over
    shell operators, so that `run_command(git *)` never covers `git log > /etc/motd`.
    """
    if rule.pattern is None or risk is not Risk.EXECUTE:
        return all(rule.matches(tool, subject) for subject in subjects)
    if literal(rule.pattern) == subjects[0]:
        return rule.matches(tool, subjects[0])
    return all(rule.matches(tool, subject) and _same_operators(rule.pattern, subject) for subject in subjects)


def _same_operators(pattern: str, subject: str) -> bool:
    if not pattern.strip("*"):
        return True  # everything was meant
    return Counter(_OPERATORS.findall(subject)) == Counter(_OPERATORS.findall(pattern))


def _speaks(rules: Iterable[str], tool: str, subjects: tuple[str, ...]) -> Rule | None:
    for rule in map(_parsed, rules):
        if any(rule.matches(tool, subject) for subject in subjects):
            return rule
    return None


def _covering(rules: Iterable[str], tool: str, risk: Risk, subjects: tuple[str, ...]) -> Rule | None:
    return next((rule for rule in map(_parsed, rules) if covers(rule, tool, risk, subjects)), None)


def _granted(rules: Iterable[str], tool: str, risk: Risk, subjects: tuple[str, ...]) -> Rule | None:
    suggested = suggest_rule(tool, risk, subjects)
    return suggested if suggested is not None and suggested in map(_parsed, rules) else None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Rule:
    return Rule.parse(text)
