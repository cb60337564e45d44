"""`holdfast credits`: what is left to agents with a plan, and what models cost on it."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Group, Json, examples
from holdfast.cli.output import say, say_fields, say_json, say_table
from holdfast.core.domain.plans import CreditState, PlanTerms

app = typer.Typer(cls=Group, rich_markup_mode=None, add_completion=False)

User = Annotated[
    str | None, typer.Option("--user", metavar="USER", help="Of another user; for administrators.")
]


@app.callback(
    invoke_without_command=True, epilog=examples("holdfast credits", "holdfast credits set 100000 --user ann")
)
def credits(context: typer.Context, user: User = None, as_json: Json = False) -> None:
    """Show the credits that are left, and how often they let agents with a plan be asked."""
    if context.invoked_subcommand is None:
        _report(call(lambda workbench: workbench.usage.credits(user)), as_json)


@app.command("set")
def set_credits(
    balance: Annotated[float, typer.Argument(metavar="CREDITS", help="How many are owned from now on.")],
    user: User = None,
    as_json: Json = False,
) -> None:
    """Say how many credits a user owns from now on; ten are a US cent."""
    _report(call(lambda workbench: workbench.usage.set_credits(balance, user)), as_json)


@app.command()
def prices(as_json: Json = False) -> None:
    """List what models cost on each plan; the setting `limits.credit_prices` says other prices."""
    terms: PlanTerms = call(lambda workbench: workbench.usage.plans())
    if as_json:
        say_json(terms)
        return
    say_table(
        ("MODEL", "100 QUERIES", "1M INPUT", "1M OUTPUT"),
        [(each.model, *map(_amount, (each.decentralized, each.input, each.output))) for each in terms.prices],
        empty="No model has a price.",
    )


def _report(state: CreditState, as_json: bool) -> None:
    if as_json:
        say_json(state)
        return
    tier = state.tier
    say_fields(
        [
            ("credits", _amount(state.balance)),
            ("spent", _amount(state.spent)),
            ("tier", f"{tier.name}: {tier.per_minute:,} requests a minute, {tier.per_day:,} a day"),
            *((f"this {each.period}", f"{each.used:,.0f} of {each.limit:,.0f}") for each in state.requests),
        ]
    )
    if not state.counted:
        say("They do not count: the setting `limits.credits` is off.")


def _amount(credits: float) -> str:
    """Returns credits as people read them, a part of one to six digits."""
    return f"{credits:,.6f}".rstrip("0").rstrip(".")
