"""`holdfast models`: the models that can be used."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, group
from holdfast.cli.output import say_json, say_table

app = group("See the models that can be used.")


@app.callback()
def models() -> None:
    """See the models that can be used."""


@app.command("list")
def list_models(
    available: Annotated[bool, typer.Option("--available", help="Only those that can be used now.")] = False,
    as_json: Json = False,
) -> None:
    """List models with their windows and prices."""
    found = [m for m in call(lambda workbench: workbench.models.list()) if m.available or not available]
    if as_json:
        say_json(found)
        return
    say_table(
        ("MODEL", "PROVIDER", "WINDOW", "$/M IN", "$/M OUT", "READY", "NOTE"),
        [
            (
                m.name,
                m.provider,
                f"{m.context_window:,}" if m.context_window else "",
                _price(m.input_usd_per_million),
                _price(m.output_usd_per_million),
                "yes" if m.available else "no",
                m.note,
            )
            for m in found
        ],
        empty="No model is known.",
    )


def _price(usd: float | None) -> str:
    return "" if usd is None else f"{usd:.2f}"
