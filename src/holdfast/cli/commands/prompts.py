"""`holdfast prompts`: list, show, write, resolve and run prompts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli.calling import call
from holdfast.cli.described import read_pairs
from holdfast.cli.editing import draft, edit_file
from holdfast.cli.options import Json, Project, examples, group
from holdfast.cli.output import say, say_fields, say_json, say_table, warn
from holdfast.cli.places import is_elsewhere, project_folder
from holdfast.cli.reading import read_text
from holdfast.core.domain.paths import path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from holdfast.core.domain.prompts import FoundPrompt, PromptInfo, ResolvedPrompt
    from holdfast.core.services.workbench import Workbench

app = group("List, show, write, fill in and run prompts: messages that are sent by name.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A prompt's name or its key.")]
Words = Annotated[list[str] | None, typer.Argument(metavar="[WORD…]", help="Values by their places.")]
Values = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="NAME=VALUE", help="A value by its name; can be repeated."),
]
Agent = Annotated[str | None, typer.Option("--agent", help="With the prompts of this agent.")]
Session = Annotated[
    str | None, typer.Option("--session", help="As seen from this session; its id, its start, or `last`.")
]
Source = Annotated[
    str | None,
    typer.Option("--from", metavar="FILE|-", help="Markdown with front matter; default: your editor."),
]
Attached = Annotated[
    str | None, typer.Option("--file", metavar="PATH", help="A file of at most 10 MB that goes with it.")
]

_NEW = """---
description: What it is for.
# What it asks for, in the order in which words are given to them.
arguments:
  - { name: file, description: Which file, required: true }
---
Review {{file}}. $ARGUMENTS
"""

_EXAMPLES = examples(
    "holdfast prompts add review --from review.md",
    "echo 'Explain {{topic}} to a child.' | holdfast prompts add explain --from -",
    "holdfast prompts run explain tides",
)


@app.command("list")
def list_prompts(
    agent: Agent = None, session: Session = None, project: Project = None, as_json: Json = False
) -> None:
    """List the prompts that can be used here: the project's, yours, those of MCP servers, an agent's."""
    found = call(lambda workbench: _list(workbench, agent, session, project))
    if as_json:
        say_json(found)
        return
    say_table(
        ("NAME", "FROM", "DESCRIPTION"),
        [(_called(info), _origin(info), _summary(info)) for info in found],
        empty="There are no prompts; `holdfast prompts add NAME` makes one.",
    )


@app.command()
def show(
    name: Name, agent: Agent = None, session: Session = None, project: Project = None, as_json: Json = False
) -> None:
    """Show a prompt: where it is from, what it asks for, what it says."""
    found = call(lambda workbench: _get(workbench, name, agent, session, project))
    if as_json:
        say_json(found)
        return
    info = found.info
    say_fields(
        [
            ("name", _called(info)),
            ("from", _origin(info)),
            *([("title", info.title)] if info.title else []),
            *([("file", info.path)] if info.path else []),
            *([("description", info.description)] if info.description else []),
        ]
    )
    for each in info.arguments:
        kind = "required" if each.required else f"default {each.default!r}" if each.default else "optional"
        described = f"{each.name} ({kind})"
        say_fields([("argument", f"{described}: {each.description}" if each.description else described)])
    if info.attachment is not None:
        say_fields([("attached", info.attachment.name)])
    for problem in info.problems:
        warn(str(problem))
    if found.text:
        say()
        say(found.text.rstrip("\n"))


@app.command(epilog=_EXAMPLES)
def add(name: Name, source: Source = None, file: Attached = None) -> None:
    """Make a prompt of your own, from a file, stdin or your editor."""
    data = _attached(file)

    async def create(workbench: Workbench, text: str) -> FoundPrompt:
        made = await workbench.prompts.create(await workbench.prompts.parse(name, text))
        return made if data is None else await workbench.prompts.attach(made.info.id, data[1], data[0])

    made = _keep(name, _NEW, create) if source is None else call(lambda w: create(w, _read(source)))
    say(f"added {made.info.name}: send it as /{made.info.name}, or with holdfast prompts run")


@app.command()
def edit(
    name: Name,
    source: Source = None,
    file: Attached = None,
    detach: Annotated[bool, typer.Option("--no-file", help="Take the file that goes with it away.")] = False,
) -> None:
    """Change a prompt of your own; a file in a folder of prompts is opened where it is."""
    from holdfast.core.domain.prompts import PromptOrigin

    data = _attached(file)
    found = call(lambda w: w.prompts.get(name, project=project_folder(None) or None))
    if found.info.origin is not PromptOrigin.OWN:
        _edit_in_place(found.info)
        return

    async def update(workbench: Workbench, text: str) -> FoundPrompt:
        spec = await workbench.prompts.parse(found.info.name, text)
        return await workbench.prompts.update(found.info.id, spec, found.digest)

    if source is not None:
        call(lambda w: update(w, _read(source)))
    elif not (data or detach):
        _keep(found.info.name, found.source, update)
    if detach:
        call(lambda w: w.prompts.detach(found.info.id))
    if data is not None:
        call(lambda w: w.prompts.attach(found.info.id, data[1], data[0]))
    say(f"changed {found.info.name}")


@app.command()
def remove(name: Name) -> None:
    """Put a prompt of yours into the trash; `holdfast trash restore` brings it back."""
    call(lambda workbench: workbench.prompts.delete(name))
    say(f"removed {name}")


@app.command()
def resolve(
    name: Name,
    words: Words = None,
    arg: Values = None,
    agent: Agent = None,
    session: Session = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Show the message that a prompt is with values, without sending it."""
    from holdfast.cli.prompting import PromptUse, resolved
    from holdfast.core.domain.messages import text_of

    use = PromptUse(name, tuple(words or ()), read_pairs(arg, "--arg"))
    folder = project_folder(project) or None

    async def made(workbench: Workbench) -> ResolvedPrompt:
        session_id = await _session(workbench, session)
        return await resolved(workbench, use, session_id=session_id, project=folder, agent=agent)

    message = call(made)
    if as_json:
        say_json(message)
        return
    say(text_of(message.parts))


@app.command()
def run(
    name: Name,
    words: Words = None,
    arg: Values = None,
    agent: Annotated[str, typer.Option("--agent", help="Who is asked.")] = "general",
    session: Annotated[
        str | None, typer.Option(help="Go on with this session; `last` is the agent's latest.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Use this model.")] = None,
    project: Project = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the events of the log, one a line.")] = False,
) -> None:
    """Send a prompt to an agent and stream the reply, as `holdfast run` does; what is sent goes to stderr."""
    from holdfast.cli.prompting import PromptUse
    from holdfast.cli.running import request as requests
    from holdfast.cli.running.execute import execute
    from holdfast.cli.running.terminal import find_terminal

    asked = requests.RunRequest(
        agent=agent,
        message="",
        session=session,
        project=requests.read_project(project),
        files=(),
        options=requests.options_of(approve=None, model=model),
        prompt=PromptUse(name, tuple(words or ()), read_pairs(arg, "--arg")),
    )
    raise typer.Exit(execute(asked, find_terminal(stdin_is_message=False), as_json))


async def _list(
    workbench: Workbench, agent: str | None, session: str | None, project: str | None
) -> tuple[PromptInfo, ...]:
    session_id = await _session(workbench, session)
    return await workbench.prompts.list(session_id, project_folder(project) or None, agent)


async def _get(
    workbench: Workbench, name: str, agent: str | None, session: str | None, project: str | None
) -> FoundPrompt:
    session_id = await _session(workbench, session)
    return await workbench.prompts.get(name, session_id, project_folder(project) or None, agent)


async def _session(workbench: Workbench, named: str | None) -> str | None:
    from holdfast.cli import selecting

    return None if named is None else (await selecting.session(workbench, named)).id


def _keep(
    name: str, text: str, keep: Callable[[Workbench, str], Coroutine[Any, Any, FoundPrompt]]
) -> FoundPrompt:
    """Keeps what the person makes of a text in an editor."""
    with draft(text, name, ".md") as path:
        written = read_text(path)
        return call(lambda workbench: keep(workbench, written))


def _edit_in_place(info: PromptInfo) -> None:
    from holdfast.core.domain.errors import InvalidError
    from holdfast.core.domain.prompts import PromptOrigin

    if info.origin not in (PromptOrigin.FILE, PromptOrigin.PROJECT):
        where = f"the agent's file ({info.path})" if info.agent else f"the MCP server {info.server}"
        raise InvalidError(f"{info.name} is of {where}; change it there")
    if is_elsewhere():
        raise InvalidError(f"{info.path} is on the engine's machine; edit it there")
    edit_file(Path(info.path))
    again = call(lambda w: w.prompts.get(info.key, project=project_folder(None) or None)).info
    for problem in again.problems:
        say(str(problem))
    if again.problems:
        raise typer.Exit(2)
    say("valid")


def _read(source: str) -> str:
    if source == "-":
        return sys.stdin.buffer.read().decode("utf-8", errors="replace")
    return read_text(source)


def _attached(file: str | None) -> tuple[str, bytes] | None:
    """Returns the name and the content of a file to attach, read before anything is changed."""
    from holdfast.core.domain.errors import NotFoundError, TooLargeError
    from holdfast.core.domain.prompts import MAX_ATTACHMENT_BYTES

    if file is None:
        return None
    path = path_of(file)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_ATTACHMENT_BYTES + 1)
    except OSError as error:
        raise NotFoundError(f"{file} cannot be read: {error.strerror}") from error
    if len(data) > MAX_ATTACHMENT_BYTES:
        raise TooLargeError(f"{file} is larger than 10 MB", code="attachment_too_large")
    return path.name, data


def _called(info: PromptInfo) -> str:
    """Returns what to call a prompt by: its key where its name alone means another."""
    return info.key if info.shadowed or not info.usable else info.name


def _origin(info: PromptInfo) -> str:
    whose = " ".join(filter(None, (info.origin.value, info.agent or info.server)))
    return whose if info.trusted else f"{whose}, not trusted"


def _summary(info: PromptInfo) -> str:
    if info.problems:
        return f"invalid: {info.problems[0].message} (line {info.problems[0].line})"
    return " · ".join(filter(None, (info.description or info.title, info.hint)))
