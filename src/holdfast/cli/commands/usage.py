"""`holdfast usage`: tokens and money that runs have used, and how much more they may use."""

from __future__ import annotations

import csv
import sys
from typing import Annotated, Literal, cast, get_args

import typer

from holdfast.cli.calling import call
from holdfast.cli.limits import Budgets, Tier, read_budgets, say_limits
from holdfast.cli.options import Group, Json, Project, examples
from holdfast.cli.output import say, say_json, say_table
from holdfast.cli.places import project_folder
from holdfast.cli.times import moment
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.usage import UsageCounts, UsageGroup, UsageKey, UsageSummary

app = typer.Typer(cls=Group, rich_markup_mode=None, add_completion=False)

_KEYS = get_args(UsageKey)
_HEADERS = ("RUNS", "STEPS", "INPUT", "CACHED", "OUTPUT", "REASONING", "COST")
_COLUMNS = tuple(UsageCounts.model_fields)

Kind = Annotated[
    Literal["key", "agent", "user"], typer.Argument(metavar="KIND", help="What is limited: key, agent, user.")
]
Subject = Annotated[
    str, typer.Argument(metavar="NAME", help="The key's or user's name or id; the agent's name.")
]
OfUser = Annotated[
    str | None,
    typer.Option("--user", metavar="USER", help="Whose use of the agent; default: your own."),
]


@app.callback(
    invoke_without_command=True,
    epilog=examples(
        "holdfast usage --since 7d",
        "holdfast usage --by model --since 2026-11-01 --json",
        "holdfast usage --by key --csv",
    ),
)
def usage(
    context: typer.Context,
    by: Annotated[str, typer.Option(metavar="KEY", help=f"Group by {', '.join(_KEYS)}.")] = "day",
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then on: 7d (seven days ago), 2026-11-01.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Up to then, but without it.")] = None,
    all_users: Annotated[bool, typer.Option("--all-users", help="Of all users; for administrators.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most groups to show.")] = 200,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
) -> None:
    """Show the tokens and the money that runs have used, deleted sessions included; days are those of UTC."""
    if context.invoked_subcommand is not None:
        return
    if by not in _KEYS:
        raise InvalidError(f"usage is not grouped by {by!r}; there are: {', '.join(_KEYS)}")
    start, end = moment(since) if since else None, moment(until) if until else None
    found = call(
        lambda workbench: workbench.usage.report(
            since=start, until=end, by=cast(UsageKey, by), all_users=all_users, limit=limit
        )
    )
    if as_json:
        say_json(found)
    elif as_csv:
        _say_csv(found)
    else:
        _say_summary(found)


@app.command()
def limits(
    all_users: Annotated[bool, typer.Option("--all-users", help="Of all users; for administrators.")] = False,
    as_json: Json = False,
) -> None:
    """Show the limits on what may be used, each with what is left of it."""
    found = call(lambda workbench: workbench.usage.limits(all_users=all_users))
    if as_json:
        say_json(found)
        return
    say_limits(found, empty="Nothing is limited; `holdfast usage limit KIND NAME --budget AMOUNT` does it.")


@app.command(
    epilog=examples(
        "holdfast usage limit key ci --tier free --budget 5/day",
        "holdfast usage limit user ann --budget 50/month",
        "holdfast usage limit agent researcher --budget 1/day --budget 20",
    )
)
def limit(
    kind: Kind,
    name: Subject,
    budget: Budgets = None,
    tier: Tier = None,
    user: OfUser = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Limit what a key, an agent or a user may use, in the place of the limit that there was."""
    budgets = read_budgets(budget)
    folder = str(project_folder(project)) if kind == "agent" else None
    kept = call(
        lambda workbench: workbench.usage.set_limit(
            kind, name, tier=tier, budgets=budgets, user=user, project=folder
        )
    )
    if as_json:
        say_json(kept)
        return
    say_limits((kept,), empty="")


@app.command()
def unlimit(kind: Kind, name: Subject, user: OfUser = None) -> None:
    """Take the limit on a key, an agent or a user away."""
    call(lambda workbench: workbench.usage.remove_limit(kind, name, user=user))
    say(f"no limit on the {kind} {name} any more")


@app.command()
def tiers(as_json: Json = False) -> None:
    """List the tiers that the setting `limits.tiers` names: how often runs may be asked for."""
    found = call(lambda workbench: workbench.usage.tiers())
    if as_json:
        say_json(found)
        return
    say_table(
        ("TIER", "A MINUTE", "A DAY"),
        [
            (each.name, *("any" if most is None else f"{most:,}" for most in (each.per_minute, each.per_day)))
            for each in found
        ],
        empty='There is none; `holdfast settings set limits.tiers.free "10/minute 500/day"` makes one.',
    )


def _say_csv(found: UsageSummary) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow((found.by, "label", *_COLUMNS))
    for group in found.groups:
        counts = group.model_dump(mode="json", include=set(_COLUMNS))
        out.writerow((_cell(group.key), _cell(group.label), *(counts[name] for name in _COLUMNS)))


def _cell(text: str) -> str:
    """Returns a text that no spreadsheet takes for a formula."""
    text = sanitize_line(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _say_summary(found: UsageSummary) -> None:
    rows = [(_name(group), *_counts(group)) for group in found.groups]
    if found.left_out:
        rows.append((f"({found.left_out} more)", *[""] * len(_HEADERS)))
    if len(rows) > 1:
        rows.append(("total", *_counts(found.total)))
    say_table((found.by.upper(), *_HEADERS), rows, empty="Nothing was used.")
    if found.total.estimated:
        say("~ partly counted by Holdfast, because the provider reported nothing.")
    if found.total.unpriced:
        say("+? and more, for which no price is known.")


def _name(group: UsageGroup) -> str:
    if not group.key:
        return "(none)"
    return f"{group.key[:8]} {group.label}" if group.label not in ("", group.key) else group.key


def _counts(counts: UsageCounts) -> tuple[str, ...]:
    about = "~" if counts.estimated else ""
    tokens = (counts.input_tokens, counts.cached_tokens, counts.output_tokens, counts.reasoning_tokens)
    return (
        str(counts.runs),
        str(counts.steps),
        *(f"{about if count else ''}{count:,}" for count in tokens),
        f"${counts.cost_usd:.{_digits(counts.cost_usd)}f}{'+?' if counts.unpriced else ''}",
    )


def _digits(usd: float) -> int:
    return 2 if usd == 0 or usd >= 0.01 else 4
