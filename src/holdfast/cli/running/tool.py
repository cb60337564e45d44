"""One tool that is run directly, from the command line to the exit status."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from holdfast.cli import selecting
from holdfast.cli.calling import open_workbench
from holdfast.cli.editing import parse_arguments
from holdfast.cli.output import say, say_json
from holdfast.cli.running.asking import Asker
from holdfast.cli.running.console import Console
from holdfast.cli.running.execute import usage_errors
from holdfast.cli.running.following import COMPLETED, FAILED, INTERRUPTED, WAITING, Follower
from holdfast.cli.running.progress import Progress
from holdfast.cli.running.reporter import Reporter
from holdfast.cli.running.terminal import Person
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.mcp import tool_name
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.runs import RunOptions, ToolRun
from holdfast.core.domain.tools import ToolInfo
from holdfast.core.services.workbench import Workbench


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """What `holdfast tools run` was asked for."""

    session: str
    tool: str
    pairs: tuple[str, ...]
    """Arguments as `key=value`."""
    arguments: str | None
    """All of them as JSON instead."""
    options: RunOptions
    server: str = ""
    """The MCP server whose tool it is; empty: one of those that `tools.list` names."""


def execute_tool(request: ToolRequest, person: Person | None, as_json: bool) -> int:
    """Runs the tool and returns the exit status. `person` is None when nobody is to be asked."""

    async def executed() -> int:
        console = Console(sys.stdout, sys.stderr, shutil.get_terminal_size().columns)
        async with open_workbench() as workbench:
            asker = None if person is None else Asker(workbench, console, person)
            return await _execute(workbench, request, console, asker, as_json)

    try:
        return asyncio.run(executed())
    except asyncio.CancelledError:
        return INTERRUPTED


async def _execute(
    workbench: Workbench, request: ToolRequest, console: Console, asker: Asker | None, as_json: bool
) -> int:
    with usage_errors():
        session = await selecting.session(workbench, request.session)
        tool = await _named(workbench, request)
        arguments = arguments_of(tool, request)
        started = await workbench.tools.run(session.id, tool.name, arguments, request.options)
    progress = Progress("", started.run_id)
    reporter = Reporter(console, None, as_json=False)
    follower = Follower(workbench, session.id, console, reporter, progress, asker)
    with follower.interrupts():
        status = await follower.follow(session.last_event_id)
    if status == WAITING:
        return status
    return _show(await workbench.tools.result(started.run_id), status, as_json)


def _show(done: ToolRun, status: int, as_json: bool) -> int:
    if as_json:
        say_json(done)
    elif done.outcome == "ok":
        say(text_of(done.content))
    return FAILED if status == COMPLETED and done.outcome != "ok" else status


async def _named(workbench: Workbench, request: ToolRequest) -> ToolInfo:
    if not request.server:
        return named(await workbench.tools.list(), request.tool)
    tools = await workbench.mcp.tools(request.server)
    whole = tool_name(request.server, request.tool)
    return named(tools, whole if any(tool.name == whole for tool in tools) else request.tool)


def named(tools: Iterable[ToolInfo], name: str) -> ToolInfo:
    """Returns the tool of that name. Raises `NotFoundError`."""
    known = {tool.name: tool for tool in tools}
    if name not in known:
        raise NotFoundError(f"there is no tool {name!r}; there are: {', '.join(known)}")
    return known[name]


def arguments_of(tool: ToolInfo, request: ToolRequest) -> dict[str, Any]:
    """Returns the arguments that were written. Raises `InvalidError` for what is none."""
    if request.arguments is not None:
        if request.pairs:
            raise InvalidError("say KEY=VALUE or --arguments, not both")
        return parse_arguments(request.arguments)
    found: dict[str, Any] = {}
    for pair in request.pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise InvalidError(f"{pair!r} is no argument; write it as KEY=VALUE, for example path=notes.md")
        if key in found:
            raise InvalidError(f"{key} is given twice")
        found[key] = _value(text, tool.parameters.get("properties", {}).get(key, {}))
    return found


def _value(text: str, schema: Any) -> Any:
    """Returns a text as it stands where a text is wanted, else the JSON that it is."""
    if isinstance(schema, dict) and schema.get("type") == "string":  # a schema may be a mere `true`
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
