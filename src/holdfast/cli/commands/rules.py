"""The commands of `holdfast approvals` about rules and modes."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.options import Json, SessionId
from holdfast.cli.output import advise, say, say_fields, say_json, say_table

if TYPE_CHECKING:
    from holdfast.core.domain.approvals import Rules
    from holdfast.core.domain.modes import AutoLimits, SessionMode
    from holdfast.core.domain.rules import RuleEntry, RuleSuggestion, RuleWeight
    from holdfast.core.services.workbench import Workbench


class Kind(StrEnum):
    """The domain's `Verdict`, known before the domain is imported."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class Mode(StrEnum):
    """The modes of a session: the domain's `ApproveMode` but for `none`, known before it is imported."""

    ASK = "ask"
    READS = "reads"
    EDITS = "edits"
    PLAN = "plan"
    AUTO = "auto"
    ALL = "all"


RuleText = Annotated[
    str, typer.Argument(metavar="RULE", help="A tool's name, or NAME(PATTERN) with * and ? as wildcards.")
]
As = Annotated[Kind, typer.Option("--as", help="What becomes of a call that it fits.")]

ORIGINS = {"user": "your policy", "machine": "this engine's owner", "session": "session", "agent": "agent"}


def register(app: typer.Typer) -> None:
    """Adds the commands to a group."""
    for command in (rules, allow, forget, suggest, mode):
        app.command()(command)


def rules(
    session: Annotated[
        str | None, typer.Option(help="With what was granted in this session, and its agent's rules.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the rules that hold, and where each comes from."""

    async def policy(workbench: Workbench) -> tuple[Rules, str, tuple[RuleEntry, ...]]:
        of = (await selecting.session(workbench, session)).id if session else None
        approvals = workbench.approvals
        return await approvals.rules(), await approvals.policy_path(), await approvals.sources(of)

    found, path, entries = call(policy)
    if as_json:
        say_json({"path": path, "rules": found, "sources": entries})
        return
    say_table(
        ("VERDICT", "RULE", "FROM"),
        [
            (
                entry.verdict.value,
                entry.rule,
                ORIGINS[entry.origin] + (f" {entry.where}" if entry.origin in ("session", "agent") else ""),
            )
            for entry in entries
        ],
        empty="There are no rules: what only reads is allowed, everything else is asked.",
    )
    say(f"\n{path}")


def allow(
    rule: RuleText,
    kind: As = Kind.ALLOW,
    yes: Annotated[bool, typer.Option("--yes", help="Save it without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Add a rule to your policy, after showing what it would have let through in the past."""
    from holdfast.core.domain.approvals import Verdict

    if kind is Kind.ALLOW and not yes:
        weight = call(lambda workbench: workbench.approvals.weigh(rule))
        for line in weight_lines(weight):
            advise(line)
        if sys.stdin.isatty() and not typer.confirm(f"Save  allow: {weight.rule} ?", err=True):
            raise typer.Exit(1)

    async def added(workbench: Workbench) -> tuple[Rules, str]:
        return (
            await workbench.approvals.add_rule(rule, Verdict(kind.value)),
            await workbench.approvals.policy_path(),
        )

    found, path = call(added)
    if as_json:
        say_json({"path": path, "rules": found})
    else:
        say(f"rule added to {path}: {kind.value}: {rule}")


def forget(rule: RuleText, kind: As = Kind.ALLOW, as_json: Json = False) -> None:
    """Take a rule out of your policy, and with it what "always" has granted by it."""
    from holdfast.core.domain.approvals import Verdict

    found = call(lambda workbench: workbench.approvals.remove_rule(rule, Verdict(kind.value)))
    if as_json:
        say_json(found)
        return
    say(f"removed {kind.value}: {rule}")
    way = "" if kind is Kind.ALLOW else f" --as {kind.value}"
    say(f"`holdfast approvals allow '{rule}'{way}` brings it back")


def suggest(as_json: Json = False) -> None:
    """Show rules that would have spared you decisions which were all alike."""
    found: tuple[RuleSuggestion, ...] = call(lambda workbench: workbench.approvals.suggestions())
    if as_json:
        say_json(found)
        return
    if not found:
        say("Nothing is suggested: nothing was approved by hand often enough, or a rule stands against it.")
    for each in found:
        say(f"{each.weight.rule}   approved {each.approved} times")
        for line in weight_lines(each.weight)[1:]:
            say(f"  {line}")
        say(f"  holdfast approvals allow '{each.weight.rule}'\n")


def mode(
    session: SessionId,
    to: Annotated[Mode | None, typer.Argument(metavar="MODE", help="The new one; left out: show it.")] = None,
    steps: Annotated[int | None, typer.Option(help="Of auto: ask again after so many model calls.")] = None,
    cost: Annotated[float | None, typer.Option(metavar="USD", help="Of auto: ask again after this.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Of auto: ask again after so long.")] = None,
    as_json: Json = False,
) -> None:
    """Show or change how much a session's agent may do without asking.

    ask: asks for everything that no rule allows. reads: an agent's own ask rules do not count for reading.
    edits: files of the workspace may be written. plan: only reading. auto: everything that no rule denies,
    within limits. all: the same without limits.
    """
    from holdfast.core.domain.approvals import ApproveMode
    from holdfast.core.domain.modes import AutoLimits

    given = {"steps": steps, "cost_usd": cost, "minutes": minutes}
    named = {name: value for name, value in given.items() if value is not None}
    if named and to is not Mode.AUTO:
        raise typer.BadParameter("only the mode auto has limits")

    async def changed(workbench: Workbench) -> SessionMode | None:
        found = await selecting.session(workbench, session)
        if to is None:
            return await workbench.approvals.mode(found.id)
        limits = None
        if to is Mode.AUTO:
            settings = await workbench.engine.settings()
            limits = AutoLimits.model_validate({**settings.auto.model_dump(), **named})
        return await workbench.approvals.set_mode(found.id, ApproveMode(to.value), limits)

    shown = call(changed)
    if as_json:
        say_json(shown)
        return
    if shown is None:
        say("ask: nobody has chosen a mode for this session")
        return
    fields = [("mode", shown.mode.value)]
    if shown.limits is not None:
        fields += [
            ("asks again", limits_text(shown.limits)),
            ("used", f"{shown.steps} steps, ${shown.cost_usd:.2f}"),
        ]
    say_fields(fields)


def limits_text(limits: AutoLimits) -> str:
    """Returns the limits of `auto` in words."""
    cost = f", ${limits.cost_usd:g}" if limits.cost_usd is not None else ""
    return f"after {limits.steps} steps{cost} or {limits.minutes:g} minutes"


def weight_lines(weight: RuleWeight) -> list[str]:
    """Returns what a rule would let through, in lines: the rule first."""
    lines = [f"allow: {weight.rule}"]
    if weight.saved:
        lines.append("Your policy has it already.")
    if weight.covered:
        refused = f", {weight.denied} of which you denied" if weight.denied else ""
        lines.append(f"It would have let through {weight.covered} calls of the past{refused}:")
        lines += [f"  {call.tool} {call.subject}  ({call.status.value})" for call in weight.calls[:8]]
        if weight.covered > 8:
            lines.append(f"  and {weight.covered - 8} more")
    else:
        lines.append("It would have let through no call of the past.")
    lines += [f"! {risk}" for risk in weight.risks]
    lines += [f"{rule} counts more where both fit." for rule in weight.before]
    return lines
