"""`holdfast hooks`: what looks at your runs, their calls and their replies before and after them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.described import made_of, read_headers
from holdfast.cli.editing import parse_arguments
from holdfast.cli.options import Json, Project, examples, group, whole
from holdfast.cli.output import say, say_fields, say_json, say_table, short_ids
from holdfast.cli.places import is_elsewhere, project_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.core.domain.hooks import HookInfo, HookSpec, HookTest
    from holdfast.core.services.workbench import Workbench

app = group("Have rules, people and programs look at runs, tool calls and replies on their way.")

_Id = Annotated[str, typer.Argument(metavar="HOOK", help="An id, its start, or `last`.")]
_Agent = Annotated[str | None, typer.Option("--agent", help="The hooks of this agent, too.")]


@app.command("list")
def list_hooks(agent: _Agent = None, project: Project = None, as_json: Json = False) -> None:
    """List the hooks of all your runs, and with --agent those of the agent, in the order they act in."""
    found = call(lambda workbench: workbench.hooks.list(_folder(project), agent))
    if as_json:
        say_json(found)
        return
    ids = short_ids(each.hook.id or "" for each in found)
    say_table(
        ("ID", "NAME", "POINT", "OF", "TYPE", "DOES", "FROM"),
        [
            (
                ids[each.hook.id or ""],
                each.hook.name,
                each.hook.point.value,
                each.hook.matcher,
                each.hook.type.value + ("" if each.hook.enabled else ", off"),
                _does(each.hook),
                f"agent {each.agent}" if each.agent else "you",
            )
            for each in found
        ],
        empty="There are no hooks; `holdfast hooks add POINT` makes one.",
    )


@app.command(
    epilog=examples(
        "holdfast hooks add before_tool --of run_command --deny 'command CONTAINS sudo' --reason 'no sudo'",
        "holdfast hooks add before_tool --of 'write_file(*.md)' --ask 'Two pairs of eyes'",
        "holdfast hooks add before_model --replace '[0-9]{16}' --with '[card]'",
        "holdfast hooks add after_run --url https://ci.example.org/done",
        "holdfast hooks add before_tool --python ./guard.py",
    )
)
def add(
    point: Annotated[str, typer.Argument(metavar="POINT", help="before_tool, after_tool, before_run …")],
    of: Annotated[
        str, typer.Option("--of", metavar="RULE", help="Of which calls: TOOL or TOOL(PATTERN).")
    ] = "*",
    deny: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="Refuse what it holds for; repeatable; '' for everything."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; the model or the caller sees it.")] = "",
    replace: Annotated[
        str, typer.Option(metavar="EXPRESSION", help="Replace what it matches in the text.")
    ] = "",
    replacement: Annotated[str, typer.Option("--with", metavar="TEXT", help="By this.")] = "",
    ask: Annotated[
        str | None, typer.Option(metavar="MESSAGE", help="Ask a person, even where rules allow it.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Ask the program at this address.")] = None,
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME: VALUE", help="For the address; repeatable.")
    ] = None,
    python: Annotated[str | None, typer.Option(metavar="FILE", help="Ask the function in this file.")] = None,
    name: Annotated[str, typer.Option(help="What you are told that it is.")] = "",
    order: Annotated[int, typer.Option(help="Hooks of a point act in this order.")] = 0,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="How long it may take.")] = None,
    as_json: Json = False,
) -> None:
    """Add a hook of all your runs: one of --deny or --replace, --ask, --url, --python."""
    from holdfast.core.domain.errors import InvalidError
    from holdfast.core.domain.hooks import HookSpec

    rules = [{"when": each, "action": "deny", "reason": reason} for each in deny or ()]
    if replace:
        rules.append({"action": "modify", "replace": replace, "replacement": replacement})
    chosen: dict[str, Any] = {
        "rule": {"rules": rules} if rules else None,
        "approval": {"message": ask} if ask is not None else None,
        "webhook": {"url": url, "headers": read_headers(header)} if url or header else None,
        "python": {"file": python if is_elsewhere() else whole(Path(python))} if python else None,
    }
    given = {type: fields for type, fields in chosen.items() if fields is not None}
    if len(given) != 1:
        raise InvalidError("say what the hook does: one of --deny or --replace, --ask, --url, --python")
    ((type, fields),) = given.items()
    wanted = {"point": point, "type": type, "matcher": of, "name": name, "order": order, **fields}
    spec = made_of(HookSpec, {**wanted, "timeout_s": timeout}, "the hook")
    added = call(lambda workbench: workbench.hooks.add(spec))
    if as_json:
        say_json(added)
        return
    say_fields([("id", added.hook.id or ""), ("point", point), ("does", _does(added.hook))])


@app.command()
def enable(hook: _Id) -> None:
    """Let a hook of your own act again, from the next run on."""
    say(f"enabled {call(lambda workbench: _switched(workbench, hook, True))}")


@app.command()
def disable(hook: _Id) -> None:
    """Let a hook of your own act no more, from the next run on; it stays in the list."""
    say(f"disabled {call(lambda workbench: _switched(workbench, hook, False))}")


async def _switched(workbench: Workbench, hook: str, enabled: bool) -> str:
    id = await _own(workbench, hook)
    await workbench.hooks.enable(id, enabled)
    return id


async def _own(workbench: Workbench, hook: str) -> str:
    """Returns the id of a hook of the user's own."""
    return _picked(hook, [each for each in await workbench.hooks.list() if each.source == "user"])


@app.command()
def remove(hook: _Id) -> None:
    """Remove a hook of your own; those of an agent are in its file."""

    async def removed(workbench: Workbench) -> str:
        id = await _own(workbench, hook)
        await workbench.hooks.remove(id)
        return id

    say(f"removed {call(removed)}")


@app.command()
def test(
    hook: _Id,
    tool: Annotated[str, typer.Option(help="The tool that is called.")] = "",
    data: Annotated[
        str, typer.Option(metavar="JSON", help="Arguments, or an object with a message or messages.")
    ] = "",
    output: Annotated[str | None, typer.Option(help="The result, or the reply.")] = None,
    agent: _Agent = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Ask a hook about an example; the exit status is 1 when it could not decide."""
    given = parse_arguments(data) if data else None

    async def tested(workbench: Workbench) -> HookTest:
        known = await workbench.hooks.list(_folder(project), agent)
        return await workbench.hooks.test(_picked(hook, known), given, output, tool, _folder(project), agent)

    done = call(tested)
    if as_json:
        say_json(done)
    else:
        said = [("outcome", done.outcome), ("reason", done.reason), ("error", done.error)]
        changed = [
            ("data", json.dumps(done.data, ensure_ascii=False) if done.data else None),
            ("output", done.output),
        ]
        say_fields([(name, each) for name, each in (*said, *changed) if each])
    if done.error:
        raise typer.Exit(1)


@app.command()
def secret(
    renew: Annotated[bool, typer.Option("--renew", help="Make another one; the old one is gone.")] = False,
) -> None:
    """Print what signs the requests of your hooks; receivers check X-Holdfast-Signature with it."""
    say(call(lambda workbench: workbench.hooks.secret(renew)).secret)


def _picked(text: str, hooks: Sequence[HookInfo]) -> str:
    return selecting.pick(text, [each.hook.id or "" for each in reversed(hooks)], "hook")


def _folder(project: str | None) -> str | None:
    return project_folder(project) or None


def _does(hook: HookSpec) -> str:
    if hook.url:
        return f"asks {hook.url}"
    if hook.file:
        return f"asks {hook.file}"
    if not hook.rules:
        return f"asks a person: {hook.message}" if hook.message else "asks a person"
    first = hook.rules[0]
    more = f" (and {len(hook.rules) - 1} more)" if len(hook.rules) > 1 else ""
    what = f"replaces {first.replace}" if first.replace else first.action
    return f"{what} where {first.when}{more}" if first.when else f"{what}{more}"
