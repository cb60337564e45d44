"""`holdfast agents`: list, show, check, write and install agents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.doors import doors
from holdfast.cli.editing import edit_file
from holdfast.cli.options import Json, Project, examples, group
from holdfast.cli.output import advise, say, say_fields, say_json, say_table
from holdfast.cli.places import is_elsewhere, project_folder
from holdfast.cli.reading import read_text
from holdfast.core.domain.paths import path_of

if TYPE_CHECKING:
    from holdfast.core.domain.agents import AgentInfo, AgentShare
    from holdfast.core.domain.drafts import AgentDraft
    from holdfast.core.services.workbench import Workbench

app = group("List, show, check, write and install agents.")


@app.command("list")
def list_agents(project: Project = None, as_json: Json = False) -> None:
    """List the agents that can be used here; the project's come first, then yours, then the shipped ones."""
    found = call(lambda workbench: workbench.agents.list(_project(project)))
    if as_json:
        say_json(found)
        return
    columns = {
        "NAME": [info.name for info in found],
        "CALLED": [info.display_name for info in found],
        "FROM": [_origin(info) for info in found],
        "MODEL": [info.spec.model or "" if info.spec else "" for info in found],
        "TAGS": [", ".join(info.tags) for info in found],
        "DESCRIPTION": [_summary(info) for info in found],
    }
    for optional in ("CALLED", "TAGS"):
        if not any(columns[optional]):
            del columns[optional]
    say_table(
        tuple(columns),
        zip(*columns.values(), strict=True),
        empty="There are no agents; `holdfast agents new NAME` writes one.",
    )


@app.command()
def show(name: str, project: Project = None, as_json: Json = False) -> None:
    """Show one agent: its model, tools and rules."""
    info = call(lambda workbench: workbench.agents.get(name, _project(project)))
    if as_json:
        say_json(info)
        return
    say_fields(
        [
            ("name", info.name),
            ("called", info.display_name),
            ("id", info.id),
            ("from", _origin(info)),
            ("file", info.path),
            ("author", info.author),
            ("tags", ", ".join(info.tags)),
        ]
    )
    for problem in info.problems:
        say(str(problem))
    if info.spec is None:
        return
    spec = info.spec
    say_fields(
        [
            ("description", spec.description),
            ("model", spec.model or "(by the model order)"),
            ("fallbacks", ", ".join(spec.fallback_models)),
            ("tools", ", ".join(spec.tool_names)),
            ("skills", ", ".join(spec.skills)),
            ("allow", ", ".join(spec.approvals.allow)),
            ("ask", ", ".join(spec.approvals.ask)),
            ("deny", ", ".join(spec.approvals.deny)),
            ("workspace", spec.workspace),
            ("prompts", ", ".join(prompt.name for prompt in spec.prompts)),
            ("instructions", spec.instructions),
        ]
    )


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Agent files.")],
    as_json: Json = False,
) -> None:
    """Print every mistake in agent files, with its place; exit status 2 when there are any.

    What has no effect is told as a warning, and is no mistake.
    """
    found = [diagnostic for path in files for diagnostic in doors().validate_agent(path)]
    if as_json:
        say_json(found)
    for diagnostic in () if as_json else found:
        say(str(diagnostic))
    if any(not diagnostic.warning for diagnostic in found):
        raise typer.Exit(2)
    if not as_json:
        say("valid" if len(files) == 1 else f"{len(files)} files are valid")


@app.command()
def new(
    name: str,
    user: Annotated[
        bool, typer.Option("--user", help="For you in every folder, not for this project.")
    ] = False,
    project: Project = None,
) -> None:
    """Write a new agent file to start from."""
    from holdfast.core.domain.agents import NAME_PATTERN
    from holdfast.core.domain.errors import ConflictError, InvalidError

    if re.fullmatch(NAME_PATTERN, name) is None:
        raise InvalidError(
            f"{name!r} cannot be an agent's name: write small letters, digits, `-` and `_`, at most 64"
        )
    folder = doors().paths().agents if user else Path(project or ".").absolute() / "agents"
    folder.mkdir(mode=0o700 if user else 0o777, parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(doors().new_agent_text(name))
    except FileExistsError as taken:
        raise ConflictError(f"{path} exists already; `holdfast agents edit {name}` opens it") from taken
    say(str(path))


@app.command()
def available(as_json: Json = False) -> None:
    """List the agents that come with Holdfast, and whether you have a copy of your own."""
    found = call(lambda workbench: workbench.agents.available())
    if as_json:
        say_json(found)
        return
    say_table(
        ("NAME", "INSTALLED", "TAGS", "DESCRIPTION"),
        [(a.name, "yes" if a.installed else "", ", ".join(a.tags), a.description) for a in found],
        empty="No agents come with this Holdfast.",
    )


@app.command()
def install(
    source: Annotated[
        str, typer.Argument(metavar="PATH|NAME", help="An agent file, or one of `agents available`.")
    ],
) -> None:
    """Copy an agent into your own folder: it is there in every project, and yours to change."""
    path = path_of(source)
    names_file = "/" in source or path.suffix in (".yaml", ".yml")
    if names_file and is_elsewhere():  # a file of this machine
        text = read_text(source)
        info = call(lambda workbench: workbench.agents.create(text))
    else:
        named = str(path.absolute()) if names_file else source
        info = call(lambda workbench: workbench.agents.install(named))
    say(f"installed {info.name}: {info.path}")


@app.command("import")
def import_agent(
    system: Annotated[str, typer.Argument(metavar="dexto", help="The system that it was written for.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="Its agent file.")],
    name: Annotated[str, typer.Option(help="Instead of the name that the file says, or is called by.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the agent, and keep nothing.")] = False,
) -> None:
    """Make an agent of another system's agent file, and report what has no counterpart here."""
    from holdfast.cli.foreign import import_dexto
    from holdfast.core.domain.errors import InvalidError

    if system != "dexto":
        raise InvalidError(f"{system!r} is no system whose agents can be read; there is: dexto.")
    import_dexto(file, name, dry_run=dry_run)


@app.command()
def uninstall(name: str) -> None:
    """Remove an agent from your own folder; one that comes with Holdfast is back under its name.

    `holdfast trash restore` brings it back.
    """
    call(lambda workbench: workbench.agents.uninstall(name))
    say(f"uninstalled {name}")


@app.command()
def edit(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE")],
    project: Project = None,
) -> None:
    """Open an agent file in $EDITOR and check it afterwards."""
    path = Path(name)
    if not (path.suffix in (".yaml", ".yml") and path.exists()):
        path = _own_file(call(lambda workbench: workbench.agents.get(name, _project(project))))
    edit_file(path)
    validate([path])


@app.command(
    epilog=examples(
        "holdfast agents share clerk ann bob",
        "holdfast agents share clerk",
        "holdfast agents share clerk --nobody",
    )
)
def share(
    name: Annotated[str, typer.Argument(metavar="AGENT", help="An agent of yours.")],
    users: Annotated[
        list[str] | None, typer.Argument(metavar="USER", help="All with whom it is to be shared.")
    ] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Share it with nobody any more.")] = False,
    as_json: Json = False,
) -> None:
    """Share an agent of yours with these users and no others; without any, show with whom it is shared.

    They see it, read it and run it under their own rules; only you can change it.
    """

    async def shared(workbench: Workbench) -> tuple[AgentShare, ...]:
        if users or nobody:
            return await workbench.agents.share(name, () if nobody else tuple(users or ()))
        return await workbench.agents.shared_with(name)

    found = call(shared)
    if as_json:
        say_json(found)
        return
    say_table(
        ("USER", "ID"),
        [(each.name, each.user_id) for each in found],
        empty=f"The agent {name} is shared with nobody.",
    )


@app.command()
def draft(
    description: Annotated[str, typer.Argument(metavar="DESCRIPTION", help="What the agent is to be for.")],
    tools: Annotated[
        list[str] | None, typer.Option("--tool", help="A tool that it may have; else any.")
    ] = None,
    language: Annotated[str, typer.Option(help="Of its texts, such as en or zh.")] = "en",
    keep: Annotated[bool, typer.Option("--keep", help="Make it an agent of yours.")] = False,
    as_json: Json = False,
) -> None:
    """Let the model draft an agent from a description; without a model it is made from a template."""

    async def drafted(workbench: Workbench) -> tuple[AgentDraft, str]:
        made = await workbench.drafts.agent(description, None if tools is None else tuple(tools), language)
        if not keep:
            return made, ""
        fields = {"display_name", "description", "instructions", "tools", "workflows"}
        values = made.model_dump(mode="json", include=fields, exclude_defaults=True)
        kept = await workbench.agents.compose(values)
        return made, kept.name

    found, name = call(drafted)
    if as_json:
        say_json(found)
        return
    _say_draft(found)
    say(f"made {name}" if name else "nothing is kept of it; --keep makes it an agent of yours")


def _say_draft(draft: AgentDraft) -> None:
    by = f"the model {draft.model}" if draft.by == "model" else "a template: no model was asked"
    say_fields(
        [
            ("called", draft.display_name),
            ("description", draft.description),
            ("tools", ", ".join(draft.tools)),
            ("workflows", ", ".join(draft.workflows)),
            ("drafted by", by),
            ("instructions", draft.instructions),
        ]
    )


@app.command("improve-prompt")
def improve_prompt(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Holds the system prompt.")],
    goal: Annotated[str, typer.Option(help="What is to be better.")] = "",
    language: Annotated[str, typer.Option(help="Of the prompt, such as en or zh.")] = "en",
    as_json: Json = False,
) -> None:
    """Print a system prompt that says the same better, as the model finds."""
    text = read_text(file)
    found = call(lambda workbench: workbench.drafts.prompt(text, goal, language))
    if as_json:
        say_json(found)
        return
    say(found.text)
    if found.by == "template":
        advise("No model was asked: this is the prompt itself, under headings.")


@app.command()
def schema() -> None:
    """Print the JSON Schema of agent files, for editors."""
    say_json(doors().agent_schema())


def _own_file(info: AgentInfo) -> Path:
    from holdfast.core.domain.agents import Layer
    from holdfast.core.domain.errors import InvalidError

    if info.layer is Layer.SHIPPED:
        raise InvalidError(
            f"{info.name!r} comes with Holdfast and the next version replaces it; make a copy of your own"
            f" with `holdfast agents install {info.name}`, or write one that says `extends: {info.name}`"
        )
    if info.layer is Layer.SHARED:
        raise InvalidError(f"{info.display_name!r} is {info.owner_name}'s, and only its owner can change it")
    if is_elsewhere():
        raise InvalidError(f"{info.path} is on the engine's machine; edit it there")
    return Path(info.path)


def _project(project: str | None) -> str | None:
    return project_folder(project) or None


def _origin(info: AgentInfo) -> str:
    if info.owner_name:
        return f"shared by {info.owner_name}"
    return info.layer.value if info.trusted else f"{info.layer.value}, not trusted"


def _summary(info: AgentInfo) -> str:
    if not info.problems:
        return info.description
    return f"invalid: {info.problems[0].message} (line {info.problems[0].line})"
