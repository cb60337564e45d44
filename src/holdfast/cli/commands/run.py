"""`holdfast run`: asks an agent and streams its reply to stdout."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.commands.rules import Mode
from holdfast.cli.options import single

app = single()


class Approve(StrEnum):
    """The domain's `ApproveMode`, known before the domain is imported."""

    NONE = "none"
    ASK = "ask"
    READS = "reads"
    EDITS = "edits"
    PLAN = "plan"
    AUTO = "auto"
    ALL = "all"


class Way(StrEnum):
    """The domain's ways of working, known before the domain is imported."""

    SINGLE = "single"
    DELEGATING = "delegating"
    TEAM = "team"
    DEEP = "deep"


@app.command()
def run(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="An agent's name.")],
    message: Annotated[
        str, typer.Argument(metavar="MESSAGE|-", help="What to say; `-` reads it from stdin.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the events of the log, one a line.")] = False,
    session: Annotated[
        str | None, typer.Option(help="Go on with this session; `last` is the agent's latest.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Use this model.")] = None,
    cwd: Annotated[
        str | None, typer.Option(metavar="DIR", help="The project folder; default: this one.")
    ] = None,
    file: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="Attach a file; can be repeated.")
    ] = None,
    approve: Annotated[
        Approve | None,
        typer.Option(
            help="For this run alone. ask: ask on a terminal. none: never ask, what needs approval waits. "
            "reads: reading tools need none. edits: nor do files of the workspace. plan: only reading. "
            "auto: nothing that no rule denies asks, until a limit is reached. all: the same without limits."
        ),
    ] = None,
    mode: Annotated[
        Mode | None,
        typer.Option(help="The same for the session: it holds until somebody changes it."),
    ] = None,
    tool: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Use no tools of the agent but this one; can be repeated."),
    ] = None,
    knowledge: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Search no collections but this one; can be repeated."),
    ] = None,
    instructions: Annotated[
        str, typer.Option(metavar="TEXT", help="Put this before the agent's instructions.")
    ] = "",
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="Work for no longer.")] = None,
    max_steps: Annotated[int | None, typer.Option(metavar="N", help="Make no more model calls.")] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(metavar="USD", help="Spend no more; the model's price must be known."),
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON Schema that the reply must satisfy.")
    ] = None,
    suggest: Annotated[
        bool | None,
        typer.Option("--suggest/--no-suggest", help="Suggest questions that could follow the reply."),
    ] = None,
    way: Annotated[
        Way | None,
        typer.Option(
            help="single: without sub-agents. delegating: hand work to them where that pays. team: lead "
            "them. deep: in passes, with much thought."
        ),
    ] = None,
    workflow: Annotated[
        str | None, typer.Option(metavar="NAME", help="Follow this workflow of the agent's file.")
    ] = None,
    analysis: Annotated[
        bool | None,
        typer.Option("--analysis/--no-analysis", help="Let the model judge how the run went."),
    ] = None,
    summary: Annotated[bool, typer.Option("--summary", help="End with a summary of what was done.")] = False,
) -> None:
    """Ask an agent and stream its reply to stdout; status and approvals go to stderr.

    Exit status: 0 completed, 1 failed, 2 wrong usage or invalid agent, 3 an approval or a question waits
    and nobody can be asked, 130 interrupted.
    """
    from holdfast.cli.running import request as requests
    from holdfast.cli.running.execute import execute
    from holdfast.cli.running.terminal import find_terminal
    from holdfast.core.domain.approvals import ApproveMode

    if approve is not None and mode is not None:
        raise typer.BadParameter("say --approve for this run or --mode for the session, not both")
    asked = requests.RunRequest(
        agent=agent,
        message=requests.read_message(message),
        session=session,
        project=requests.read_project(cwd),
        files=tuple(file or ()),
        mode=None if mode is None else ApproveMode(mode.value),
        options=requests.options_of(
            model=model,
            approve=None if approve is None else ApproveMode(approve.value),
            schema=requests.read_schema(schema),
            instructions=instructions,
            tools=tool,
            knowledge=knowledge,
            timeout_s=timeout,
            max_steps=max_steps,
            max_cost_usd=max_cost,
            suggestions=suggest,
            analysis=analysis,
            summary=summary,
            way=None if way is None else way.value,
            workflow=workflow,
        ),
    )
    person = None if approve is Approve.NONE else find_terminal(stdin_is_message=message == "-")
    raise typer.Exit(execute(asked, person, as_json))
