"""`holdfast acp`: the workbench for editors that know the Agent Client Protocol."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.cli.doors import doors
from holdfast.cli.options import examples, single

app = single()


@app.command(epilog=examples("holdfast acp", "holdfast acp --agent coder --model offline"))
def acp(
    agent: Annotated[
        str, typer.Option(help="The agent of new sessions; default: the setting `default_agent`.")
    ] = "",
    model: Annotated[str | None, typer.Option(help="The model of new sessions.")] = None,
) -> None:
    """Speak the Agent Client Protocol on stdin and stdout; an editor starts this.

    The work is done by the usual engine, which goes on when the editor is closed.
    """
    raise typer.Exit(doors().serve_acp(agent=agent, model=model))
