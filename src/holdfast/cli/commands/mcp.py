"""`holdfast mcp`: servers whose tools agents can have, and a server whose tools are agents."""

from __future__ import annotations

import sys
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli.calling import call
from holdfast.cli.commands.run import Approve
from holdfast.cli.described import made_of, read_headers, read_pairs
from holdfast.cli.doors import doors
from holdfast.cli.hidden import ask_hidden
from holdfast.cli.options import Json, examples, group, whole
from holdfast.cli.output import ago, say, say_fields, say_json, say_table, warn

if TYPE_CHECKING:
    from holdfast.core.domain.mcp import McpServer

app = group("Add MCP servers, whose tools agents can have; be one, whose tools are agents.")

_Name = Annotated[str, typer.Argument(metavar="SERVER", help="The name of one of your servers.")]
_FAILED = "failed"


@app.command(
    epilog=examples(
        "holdfast mcp add files -- npx -y @modelcontextprotocol/server-filesystem ~/notes",
        "holdfast mcp add docs --url https://docs.example.org/mcp"
        " --header 'Authorization: Bearer ${secret:docs}'",
    )
)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, - and _.")],
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- PROGRAM ARGUMENT…]", help="A program; it speaks over stdin and stdout."),
    ] = None,
    url: Annotated[str | None, typer.Option(help="An address that speaks streamable HTTP, instead.")] = None,
    sse: Annotated[bool, typer.Option("--sse", help="The address speaks the older transport.")] = False,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="For the program; `${secret:NAME}` stands for a secret."),
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME: VALUE", help="For the address; secrets as in --env.")
    ] = None,
    cwd: Annotated[str | None, typer.Option(metavar="FOLDER", help="Where the program starts.")] = None,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Longest time of one call.")] = 60,
    start_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Within these it must have started.")
    ] = 30,
    trusted: Annotated[
        bool, typer.Option("--trusted", help="A tool that says that it only reads needs no approval.")
    ] = False,
    confine: Annotated[
        bool | None,
        typer.Option(
            "--confine/--no-confine",
            help="Confine the program as commands are; else only where `sandbox.mode` is `require`.",
        ),
    ] = None,
    sampling: Annotated[
        str,
        typer.Option(
            metavar="WORD",
            help="Whether it may have the run's model complete messages of its own: ask, deny or allow.",
        ),
    ] = "ask",
    replace: Annotated[
        bool, typer.Option("--replace", help="Have it take the place of the server of this name.")
    ] = False,
    connect: Annotated[
        bool, typer.Option("--connect", help="Start it now, and change nothing when that fails.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Add a server. It is started when it is needed; `holdfast mcp test` starts it now."""
    from holdfast.core.domain.mcp import McpServerSpec

    spec = made_of(
        McpServerSpec,
        {
            "name": name,
            "command": command or (),
            "url": url,
            "sse": sse,
            "env": read_pairs(env, "--env"),
            "headers": read_headers(header),
            "cwd": cwd,
            "timeout_s": timeout,
            "start_timeout_s": start_timeout,
            "trusted": trusted,
            "sampling": sampling,
            "confine": confine,
        },
        "the server",
    )
    if replace:
        _report(call(lambda workbench: workbench.mcp.replace(name, spec, None, connect)), as_json)
    else:
        _report(call(lambda workbench: workbench.mcp.add(spec, None, connect)), as_json)


@app.command("list")
def list_servers(as_json: Json = False) -> None:
    """List your servers and how each is; none is started."""
    found = call(lambda workbench: workbench.mcp.list())
    if as_json:
        say_json(found)
        return
    say_table(
        ("SERVER", "STATE", "TOOLS", "REACHED BY"),
        [
            (each.spec.name, _state(each), "" if each.tools is None else str(each.tools), _reached(each))
            for each in found
        ],
        empty="There is no MCP server; `holdfast mcp add` adds one.",
    )


@app.command()
def show(server: _Name, as_json: Json = False) -> None:
    """Show a server, the tools that were left out, and the end of its log."""
    _report(call(lambda workbench: workbench.mcp.get(server)), as_json)


@app.command()
def test(server: _Name, as_json: Json = False) -> None:
    """Start a server, anew where it runs, and say how it is. Exit status 1 when it failed."""
    found = call(lambda workbench: workbench.mcp.test(server))
    _report(found, as_json)
    if found.state.value == _FAILED:
        raise typer.Exit(1)


@app.command()
def tools(server: _Name, as_json: Json = False) -> None:
    """List the tools of a server, and the worst that each can do. It is started if need be."""
    found = call(lambda workbench: workbench.mcp.tools(server))
    if as_json:
        say_json(found)
        return
    say_table(
        ("TOOL", "RISK", "WHAT IT DOES"),
        [(tool.name, tool.risk.value, tool.description.partition("\n")[0]) for tool in found],
        empty="The server has no tools.",
    )


@app.command()
def resources(server: _Name, as_json: Json = False) -> None:
    """List what a server lets read; it is started if need be."""
    found = call(lambda workbench: workbench.mcp.resources(server))
    if as_json:
        say_json(found)
        return
    say_table(
        ("URI", "NAME", "TYPE", "DESCRIPTION"),
        [
            (
                f"{each.uri} (template)" if each.template else each.uri,
                each.name,
                each.media_type,
                each.description,
            )
            for each in found
        ],
        empty=f"{server} has no resources.",
    )


@app.command(epilog=examples("holdfast mcp read docs docs://start"))
def read(
    server: _Name,
    uri: Annotated[str, typer.Argument(metavar="URI", help="Its address, as `resources` shows it.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write what it holds there, also what is no text."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a resource of a server holds."""
    contents = call(lambda workbench: workbench.mcp.read(server, uri))
    if as_json:
        say_json(contents)
        return
    if output is not None:
        data = [
            (each.text or "").encode() if each.data is None else b64decode(each.data) for each in contents
        ]
        output.write_bytes(b"".join(data))
        say(f"written to {output}")
        return
    for each in contents:
        said = each.text if each.text is not None else f"[{each.media_type}: -o FILE writes it to a file]"
        say(said)
        if each.truncated:
            warn("it is longer than what is read of a resource")


@app.command("call", epilog=examples("holdfast mcp call files read_text_file path=/home/me/notes/today.md"))
def call_tool(
    server: _Name,
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="As the server calls it, or in full.")],
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
    as_json: Json = False,
) -> None:
    """Call one tool of a server, under the same rules as an agent's call; see `holdfast tools run`."""
    from holdfast.cli.running.request import options_of
    from holdfast.cli.running.terminal import find_terminal
    from holdfast.cli.running.tool import ToolRequest, execute_tool
    from holdfast.core.domain.approvals import ApproveMode

    asked = ToolRequest(
        session=session,
        tool=tool,
        pairs=tuple(pairs or ()),
        arguments=arguments,
        options=options_of(approve=None if approve is None else ApproveMode(approve.value)),
        server=server,
    )
    person = None if approve is Approve.NONE else find_terminal(stdin_is_message=False)
    raise typer.Exit(execute_tool(asked, person, as_json))


@app.command()
def enable(server: _Name) -> None:
    """Let agents have the tools of a server again."""
    call(lambda workbench: workbench.mcp.enable(server, True))
    say(f"enabled the MCP server {server}")


@app.command()
def disable(server: _Name) -> None:
    """Let no agent have the tools of a server; one that runs is ended."""
    call(lambda workbench: workbench.mcp.enable(server, False))
    say(f"disabled the MCP server {server}")


@app.command()
def secret(
    server: _Name,
    secret: Annotated[str, typer.Argument(metavar="SECRET", help="The name that it is referred to by.")],
    clear: Annotated[bool, typer.Option("--clear", help="Remove it.")] = False,
) -> None:
    """Keep a secret of a server where keys are kept; it is asked for, or read from stdin."""
    value = None
    if not clear:
        value = ask_hidden(f"{secret}: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    call(lambda workbench: workbench.mcp.set_secret(server, secret, value))
    say(f"removed the secret {secret}" if clear else f"stored the secret {secret}")


@app.command()
def remove(server: _Name) -> None:
    """End a server and remove it with its secrets and its log."""
    call(lambda workbench: workbench.mcp.remove(server))
    say(f"removed the MCP server {server}")


@app.command(
    epilog=examples("holdfast mcp serve", "holdfast mcp serve --agent coder --project ~/work/site"),
)
def serve(
    agent: Annotated[
        list[str] | None,
        typer.Option(metavar="AGENT", help="Show this agent; more than one may be given. Default: all."),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Agents work in this folder; default: one of your own."),
    ] = None,
) -> None:
    """Be an MCP server on stdin and stdout, whose tools are your agents; an MCP client starts this.

    The work is done by the usual engine, which goes on when the client is closed.
    """
    folder = whole(project) or ""
    raise typer.Exit(doors().serve_mcp(agents=tuple(agent or ()), project=folder))


def _report(server: McpServer, as_json: bool) -> None:
    spec = server.spec
    if as_json:
        say_json(server)
    else:
        fields: list[tuple[str, Any]] = [
            ("server", spec.name),
            ("state", _state(server)),
            ("started", ago(server.started_at)),
            ("tools", server.tools),
            ("reached by", _reached(server)),
        ]
        say_fields(fields)
        for each in server.left_out:
            warn(f"left out the tool {each.tool}: {each.reason}")
        if server.log:
            say(f"\n{server.log.rstrip()}")
    for name in server.missing:
        warn(f"The secret {name} is not set: `holdfast mcp secret {spec.name} {name}` sets it.")


def _state(server: McpServer) -> str:
    if not server.spec.enabled:
        return "disabled"
    return f"{server.state.value}: {server.reason}" if server.reason else server.state.value


def _reached(server: McpServer) -> str:
    return server.spec.url or " ".join(server.spec.command)
