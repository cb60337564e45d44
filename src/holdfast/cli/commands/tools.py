"""`holdfast tools`: what agents can be given, and one of it run directly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.commands.run import Approve
from holdfast.cli.options import Json, examples, group
from holdfast.cli.output import say, say_fields, say_json, say_table

if TYPE_CHECKING:
    from holdfast.core.domain.tools import ToolInfo

app = group("See the tools that agents can have; run one directly.")


@app.command("list")
def list_tools(as_json: Json = False) -> None:
    """List the tools, and the worst that each can do."""
    found = _tools()
    if as_json:
        say_json(found)
        return
    say_table(
        ("TOOL", "RISK", "WHAT IT DOES"),
        [(tool.name, tool.risk.value, tool.description.partition("\n")[0]) for tool in found],
        empty="There are no tools.",
    )


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="TOOL", help="A tool's name.")], as_json: Json = False
) -> None:
    """Show what models read of a tool, and its arguments."""
    from holdfast.cli.running.tool import named

    found = named(_tools(), name)
    if as_json:
        say_json(found)
        return
    say_fields([("name", found.name), ("risk", found.risk.value)])
    say(f"\n{found.description}\n")
    required = found.parameters.get("required", ())
    say_table(
        ("ARGUMENT", "TYPE", "", "MEANING"),
        [
            (
                argument,
                str(schema.get("type", "")),
                "required" if argument in required else "",
                str(schema.get("description", "")),
            )
            for argument, schema in found.parameters["properties"].items()
        ],
        empty="It takes no arguments.",
    )


@app.command(
    epilog=examples(
        "holdfast tools run read_file path=notes.md",
        'holdfast tools run write_file --arguments \'{"path": "a.md", "content": "hello"}\'',
    )
)
def run(
    name: Annotated[str, typer.Argument(metavar="TOOL", help="A tool's name.")],
    pairs: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Arguments; what is no text is written as JSON."),
    ] = None,
    session: Annotated[
        str, typer.Option(metavar="SESSION", help="In which session: an id, its start, or `last`.")
    ] = "last",
    arguments: Annotated[
        str | None, typer.Option(metavar="JSON", help="All arguments as one JSON object.")
    ] = None,
    approve: Annotated[
        Approve | None,
        typer.Option(help="What goes without asking; `none`: nobody is asked. Default: the session's mode."),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Work for no longer; waiting does not count.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run one tool in a session's workspace, without any model, under the same rules as an agent's call.

    Its result goes to stdout. Exit status: 0 done, 1 failed or denied, 2 wrong usage, 3 an approval or a
    question waits and nobody can be asked, 130 interrupted.
    """
    from holdfast.cli.running.request import options_of
    from holdfast.cli.running.terminal import find_terminal
    from holdfast.cli.running.tool import ToolRequest, execute_tool
    from holdfast.core.domain.approvals import ApproveMode

    asked = ToolRequest(
        session=session,
        tool=name,
        pairs=tuple(pairs or ()),
        arguments=arguments,
        options=options_of(
            approve=None if approve is None else ApproveMode(approve.value), timeout_s=timeout
        ),
    )
    person = None if approve is Approve.NONE else find_terminal(stdin_is_message=False)
    raise typer.Exit(execute_tool(asked, person, as_json))


def _tools() -> tuple[ToolInfo, ...]:
    return call(lambda workbench: workbench.tools.list())
