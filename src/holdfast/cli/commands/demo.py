"""`holdfast demo`: the guided tour."""

from __future__ import annotations

import typer

from holdfast.cli.doors import doors
from holdfast.cli.opening import has_terminal
from holdfast.cli.options import single

app = single()


@app.command()
def demo() -> None:
    """Show in two minutes what Holdfast does: the real app, in a folder that is gone afterwards."""
    raise typer.Exit(doors().run_demo() if has_terminal() else 2)
