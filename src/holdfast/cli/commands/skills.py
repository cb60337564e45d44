"""`holdfast skills`: list, show, install, edit and remove skills."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.editing import draft, edit_file
from holdfast.cli.options import Json, Project, examples, group
from holdfast.cli.output import amount, say, say_fields, say_json, say_table, warn
from holdfast.cli.places import is_elsewhere, project_folder
from holdfast.cli.reading import read_text
from holdfast.core.domain.paths import path_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.core.domain.skills import Skill, SkillInfo
    from holdfast.core.services.workbench import Workbench

app = group("List, show, install, edit and remove skills: instructions that agents load on demand.")

Agent = Annotated[str | None, typer.Option("--agent", help="The skills of this agent.")]
OfAgent = Annotated[
    str | None, typer.Option("--agent", metavar="AGENT", help="The one that this agent of yours alone has.")
]
Shared = Annotated[bool, typer.Option("--shared", help="The one of all users; administrators only.")]

Replace = Annotated[bool, typer.Option("--replace", help="Put one of the name into the trash.")]

_To = tuple[str, bool, str | None, bool]
"""The folder in a source, whether to replace, the agent that alone gets it, whether all users do."""

_EXAMPLES = examples(
    "holdfast skills install ./minutes",
    "holdfast skills install minutes.zip --replace",
    "holdfast skills install https://example.org/minutes/SKILL.md",
    "holdfast skills install https://example.org/skills.git --folder minutes",
    "holdfast skills install minutes.zip --agent clerk",
)


@app.command("list")
def list_skills(agent: Agent = None, project: Project = None, as_json: Json = False) -> None:
    """List the skills that can be used here: the project's, yours, all users'; with --agent, its runs'."""
    found = call(lambda workbench: workbench.skills.list(_project(project), agent))
    if as_json:
        say_json(found)
        return
    say_table(
        ("NAME", "FROM", "DESCRIPTION"),
        [(info.name, _origin(info), _summary(info)) for info in found],
        empty="There are no skills; `holdfast skills install SOURCE` adds one.",
    )


@app.command()
def show(
    name: str,
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="One of its files.")] = "",
    agent: Agent = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Show a skill: where it is, what it says, and which files belong to it; or one of those files."""
    if file:
        say(call(lambda workbench: _file_text(workbench, name, file, _project(project), agent)).rstrip("\n"))
        return
    skill = call(lambda workbench: workbench.skills.get(name, _project(project), agent))
    if as_json:
        say_json(skill)
        return
    info = skill.info
    more = [(key, str(value)) for key, value in info.more.items()]
    say_fields([("name", info.name), ("from", _origin(info)), ("folder", info.path), *more])
    for each in skill.files:
        say_fields([("file", f"{each.path} ({amount(each.size)})")])
    for problem in info.problems:
        warn(str(problem))
    say()
    say(skill.text.rstrip("\n"))


@app.command(epilog=_EXAMPLES)
def install(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A folder, a zip, a SKILL.md, an https address, or a git repository."
        ),
    ],
    folder: Annotated[str, typer.Option(help="The folder in it, where there are several skills.")] = "",
    replace: Replace = False,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="AGENT", help="Give it to this agent of yours alone.")
    ] = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="Give it to all users; administrators only.")
    ] = False,
) -> None:
    """Copy a skill into your own folder: your agents can have it in every project."""
    to = (folder, replace, agent, shared)
    if _names_an_address(source):
        info = call(lambda workbench: workbench.skills.install(source, *to))
    else:
        info = _installed(path_of(source).absolute(), to)
    say(f"installed {info.name}: {info.path}")


def _installed(path: Path, to: _To) -> SkillInfo:
    if not is_elsewhere():
        return call(lambda workbench: workbench.skills.install(str(path), *to))
    data = _packed(path)  # a file of this machine
    return call(lambda workbench: workbench.skills.upload(data, path.name, *to))


@app.command(epilog=examples("holdfast skills copy minutes clerk"))
def copy(name: str, agent: Annotated[str, typer.Argument(metavar="AGENT")], replace: Replace = False) -> None:
    """Give an agent of yours a copy of a skill, which it has whatever becomes of the first."""
    info = call(lambda workbench: workbench.skills.copy(name, agent, replace))
    say(f"copied {info.name}: {info.path}")


@app.command()
def edit(name: str, agent: Agent = None, project: Project = None) -> None:
    """Open the SKILL.md of a skill in $EDITOR; it is checked, and kept only when it is right."""
    from holdfast.core.domain.skills import SkillScope

    skill = call(lambda workbench: workbench.skills.get(name, _project(project), agent))
    if skill.info.scope not in (SkillScope.USER, SkillScope.SHARED):
        _edit_in_place(skill, lambda: call(lambda w: w.skills.get(name, _project(project), agent)))
        return
    with draft(skill.text, name, ".md") as path:
        text = read_text(path)
        if text != skill.text:
            shared = skill.info.scope is SkillScope.SHARED
            call(lambda workbench: workbench.skills.save(name, text, skill.digest, None, shared))
    say("nothing was changed" if text == skill.text else f"changed {name}")


@app.command()
def remove(name: str, agent: OfAgent = None, shared: Shared = False) -> None:
    """Put a skill of yours into the trash; `holdfast trash restore` brings it back."""
    call(lambda workbench: workbench.skills.remove(name, agent, shared))
    say(f"removed {name}")


async def _file_text(
    workbench: Workbench, name: str, file: str, project: str | None, agent: str | None
) -> str:
    from holdfast.core.domain.errors import InvalidError

    data = await (await workbench.skills.file(name, file, project, agent)).read()
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidError(f"{file} is no text ({amount(len(data))})") from None


def _edit_in_place(skill: Skill, again: Callable[[], Skill]) -> None:
    from holdfast.core.domain.errors import InvalidError

    path = Path(skill.info.path) / "SKILL.md"
    if is_elsewhere():
        raise InvalidError(f"{path} is on the engine's machine; edit it there")
    edit_file(path)
    problems = again().info.problems
    for problem in problems:
        say(str(problem))
    if problems:
        raise typer.Exit(2)
    say("valid")


def _packed(path: Path) -> bytes:
    """Returns a file as it is, a folder as a zip of its ordinary files."""
    if not path.is_dir():
        return path.read_bytes()
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in sorted(path.rglob("*")):
            if each.is_file() and not each.is_symlink() and ".git" not in each.relative_to(path).parts:
                archive.write(each, each.relative_to(path).as_posix())
    return stream.getvalue()


def _names_an_address(source: str) -> bool:
    return "://" in source or source.startswith("git@")


def _project(project: str | None) -> str | None:
    return project_folder(project) or None


def _origin(info: SkillInfo) -> str:
    whose = f"agent {info.agent}" if info.agent else info.scope.value
    return whose if info.trusted else f"{whose}, not trusted"


def _summary(info: SkillInfo) -> str:
    if not info.problems:
        return info.description
    return f"invalid: {info.problems[0].message} (line {info.problems[0].line})"
