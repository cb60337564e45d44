"""`holdfast chat`: a conversation, in the app or line by line."""

from __future__ import annotations

from typing import Annotated

import typer

from holdfast.cli.commands.run import Approve
from holdfast.cli.opening import open_tui, wants_plain
from holdfast.cli.options import examples, single

app = single()


@app.command(
    epilog=examples(
        "holdfast chat --plain",
        "holdfast chat --plain --session last",
        "printf 'Hello\\nAnd goodbye\\n' | holdfast chat --agent general",
    )
)
def chat(
    plain: Annotated[
        bool,
        typer.Option(
            "--plain",
            help="Line by line on stdin and stdout: no colours, no boxes, no moving cursor. "
            "So it is anyway without a terminal, on TERM=dumb and for a screen reader.",
        ),
    ] = False,
    session: Annotated[str | None, typer.Option(help="Open this session; `last` is the latest.")] = None,
    agent: Annotated[str | None, typer.Option(help="Start with this agent.")] = None,
    model: Annotated[str | None, typer.Option(help="Use this model.")] = None,
    cwd: Annotated[
        str | None, typer.Option(metavar="DIR", help="The project folder; default: this one.")
    ] = None,
    approve: Annotated[
        Approve | None,
        typer.Option(
            help="ask: ask on a terminal. none: never ask, what needs approval waits. "
            "reads: reading tools need none. all: nothing does that no rule denies. "
            "Default: as the session is.",
        ),
    ] = None,
) -> None:
    """Talk with an agent, in the app or line by line.

    Line by line: what does not begin with a slash is a message, /help names the commands, Ctrl+C stops a
    run, and Ctrl+D leaves. Sessions are those of the app. From a pipe or file each line is a message; nobody
    is asked then.

    Exit status: 0 left; without a terminal that of the last run: 1 failed, 3 an approval or a question
    waits, 130 interrupted.
    """
    if not plain and not wants_plain() and cwd is None and approve is None:
        raise typer.Exit(open_tui({"session": session, "agent": agent, "model": model}))
    from holdfast.cli.chatting.starting import start

    raise typer.Exit(start(session, agent, model, cwd, None if approve is None else approve.value))
