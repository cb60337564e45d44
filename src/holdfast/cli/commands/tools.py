"""`holdfast tools`: what agents can be given, one of it run directly, and tools of one's own."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli.calling import call
from holdfast.cli.commands.run import Approve
from holdfast.cli.hidden import ask_hidden
from holdfast.cli.options import Json, Project, examples, group
from holdfast.cli.output import say, say_fields, say_json, say_table, warn
from holdfast.cli.places import project_folder

if TYPE_CHECKING:
    from holdfast.core.domain.custom_tools import CustomTool, ToolSpec
    from holdfast.core.domain.tools import ToolInfo
    from holdfast.core.services.workbench import Workbench

app = group("See the tools that agents can have; run one directly; make tools of your own.")

_Own = Annotated[str, typer.Argument(metavar="TOOL", help="One of your own tools: its name or id.")]


@app.command("list")
def list_tools(
    agent: Annotated[
        str | None,
        typer.Option("--agent", help="Those that this agent has, and what your rules say of each."),
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """List the tools, and the worst that each can do."""
    if agent is not None:
        _list_given(agent, project_folder(project) or None, as_json)
        return
    found = _tools()
    if as_json:
        say_json(found)
        return
    say_table(
        ("TOOL", "RISK", "WHAT IT DOES"),
        [
            (tool.name, tool.risk.value, tool.description.partition("\n")[0])
            for tool in sorted(found, key=lambda tool: tool.source == "builtin")
        ],
        empty="There are no tools.",
    )


def _list_given(agent: str, project: str | None, as_json: bool) -> None:
    given = call(lambda workbench: workbench.tools.given(agent, project))
    if as_json:
        say_json(given)
        return
    say_table(
        ("TOOL", "RISK", "A CALL", "WHY", "PINNED"),
        [
            (one.tool.name, one.tool.risk.value, one.verdict.value, one.reason, ", ".join(one.pinned))
            for one in given.tools
        ],
        empty=f"{agent} has no tools.",
    )
    for line in given.missing:
        warn(f"not there: {line}")


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
            for argument, schema in _described(found)
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


@app.command(
    epilog=examples(
        "holdfast tools add find_stock 'https://shop.example.org/articles/{article}' --method GET"
        " --description 'Says how many are in stock.' --header 'Authorization: Bearer ${secret:SHOP}'",
    )
)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What agents and models call it.")],
    url: Annotated[
        str, typer.Argument(metavar="URL", help="`{ARGUMENT}` in its path or query is filled in.")
    ],
    description: Annotated[str, typer.Option(help="What models read: what it does and when to use it.")],
    method: Annotated[str, typer.Option(help="GET, POST, PUT, PATCH or DELETE.")] = "POST",
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME: VALUE", help="`${secret:NAME}` stands for a secret; repeatable."),
    ] = None,
    parameters: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="JSON Schema of the arguments. Default: those of the URL, texts."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a tool of your own: a request over HTTP that agents may make, under your rules."""
    from holdfast.cli.tool_files import drafted

    spec = drafted(name, url, description, method.upper(), header or [], parameters)
    _report(call(lambda workbench: workbench.tools.create(spec)), as_json)


@app.command(
    "import",
    epilog=examples("holdfast tools import stock.yaml", "holdfast tools import --replace add_days.py"),
)
def import_tool(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="YAML, JSON, `.py`, or a `.zip` of them; `-`: stdin.")
    ],
    replace: Annotated[bool, typer.Option("--replace", help="Change the tool if there is one.")] = False,
    as_json: Json = False,
) -> None:
    """Make tools of your own out of a file, as `export` writes it. Secrets are in no file: set them."""
    from holdfast.cli.tool_files import read_specs
    from holdfast.core.domain.errors import ConflictError

    async def taken(workbench: Workbench, spec: ToolSpec) -> CustomTool:
        try:
            return await workbench.tools.create(spec)
        except ConflictError as error:
            if not replace or error.code != "tool_exists":
                raise
            return await workbench.tools.update(str(error.details["name"]), spec)

    for spec in read_specs(file):
        _report(call(partial(taken, spec=spec)), as_json)


@app.command()
def export(name: _Own) -> None:
    """Print one of your own tools as `import` takes it, without its secrets."""
    from holdfast.core.config.tool_text import written

    sys.stdout.write(written(_own(name).spec))


@app.command()
def edit(name: _Own, as_json: Json = False) -> None:
    """Open one of your own tools in $EDITOR, check it and keep it as its next version."""
    from holdfast.cli.editing import draft
    from holdfast.cli.tool_files import read_spec
    from holdfast.core.config.tool_text import ending, written

    before = _own(name)
    with draft(written(before.spec), before.spec.name, ending(before.spec)) as path:
        spec = read_spec(str(path))
        changed = call(lambda workbench: workbench.tools.update(before.id, spec, before.version))
    _report(changed, as_json)


@app.command()
def remove(name: _Own) -> None:
    """Put one of your own tools into the trash; `holdfast trash restore` brings it back."""
    call(lambda workbench: workbench.tools.delete(name))
    say(f"removed the tool {name}")


@app.command()
def secret(
    name: _Own,
    secret: Annotated[str, typer.Argument(metavar="SECRET", help="The name that a header refers to.")],
    clear: Annotated[bool, typer.Option("--clear", help="Remove it.")] = False,
) -> None:
    """Keep a secret of one of your own tools where keys are kept; it is asked for, or read from stdin.

    It is sent to the host of the tool's address and nowhere else.
    """
    value = None if clear else _read_secret(secret)
    call(lambda workbench: workbench.tools.set_secret(name, secret, value))
    say(f"removed the secret {secret}" if clear else f"stored the secret {secret}")


def _described(tool: ToolInfo) -> list[tuple[str, dict[str, Any]]]:
    """Returns each argument with its schema, which may be a mere `true`."""
    properties = tool.parameters["properties"]
    return [(name, each if isinstance(each, dict) else {}) for name, each in properties.items()]


def _read_secret(name: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return ask_hidden(f"{name}: ")


def _own(name: str) -> CustomTool:
    return call(lambda workbench: workbench.tools.get(name))


def _report(tool: CustomTool, as_json: bool) -> None:
    if as_json:
        say_json(tool)
    else:
        from holdfast.core.config.tool_text import about

        say_fields([("tool", tool.spec.name), ("what", about(tool.spec)), ("version", tool.version)])
    for name in tool.missing:
        warn(f"The secret {name} is not set: `holdfast tools secret {tool.spec.name} {name}` sets it.")


def _tools() -> tuple[ToolInfo, ...]:
    return call(lambda workbench: workbench.tools.list())
