"""`holdfast usage`: tokens and money that runs have used."""

from __future__ import annotations

from typing import Annotated, cast, get_args

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, examples, single
from holdfast.cli.output import say, say_json, say_table
from holdfast.cli.times import moment
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.usage import UsageCounts, UsageGroup, UsageKey, UsageSummary

app = single()

_KEYS = get_args(UsageKey)
_HEADERS = ("RUNS", "STEPS", "INPUT", "CACHED", "OUTPUT", "REASONING", "COST")


@app.command(
    epilog=examples("holdfast usage --since 7d", "holdfast usage --by model --since 2026-11-01 --json")
)
def usage(
    by: Annotated[str, typer.Option(metavar="KEY", help=f"Group by {', '.join(_KEYS)}.")] = "day",
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then on: 7d (seven days ago), 2026-11-01.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Up to then, but without it.")] = None,
    all_users: Annotated[bool, typer.Option("--all-users", help="Of all users; for administrators.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most groups to show.")] = 200,
    as_json: Json = False,
) -> None:
    """Show the tokens and the money that runs have used, deleted sessions included; days are those of UTC."""
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
        return
    _say_summary(found)


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
