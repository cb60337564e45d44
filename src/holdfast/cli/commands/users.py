"""`holdfast users`: who else may use this engine."""

from __future__ import annotations

import shlex
from typing import Annotated, Literal

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, group
from holdfast.cli.output import ago, say, say_json, say_table
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import Role

app = group("Add and remove users. Each has their own sessions, agents and files.")

Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command("list")
def list_users(as_json: Json = False) -> None:
    """List the users; `local` is whoever owns this machine's home."""
    found = call(lambda workbench: workbench.users.list())
    if as_json:
        say_json(found)
        return
    say_table(
        ("NAME", "ROLE", "ID", "SINCE"),
        [(user.name, user.role.value, user.id, ago(user.created_at)) for user in found],
        empty="There is no user.",
    )


@app.command()
def add(
    name: Name,
    role: Annotated[
        Literal["user", "admin"], typer.Option(help="admin: may look after the engine, too.")
    ] = "user",
    as_json: Json = False,
) -> None:
    """Add a user, who can do nothing without a key."""
    made = call(lambda workbench: workbench.users.add(name, Role(role)))
    if as_json:
        say_json(made)
        return
    say(f"added {made.name} ({made.role.value})")
    say(f"`holdfast keys create NAME --user {shlex.quote(made.name)}` makes a key for this user.")


@app.command()
def remove(name: Name) -> None:
    """Remove a user with all keys; what the user made stays on disk, and nobody sees it."""
    call(lambda workbench: workbench.users.remove(name))
    say(f"removed {name}")


@app.command()
def agreements(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Show the text of this one.")] = None,
    as_json: Json = False,
) -> None:
    """List what there is to agree to and what you have accepted, or show the text of one."""
    found = call(lambda workbench: workbench.users.agreements())
    if name is not None:
        found = tuple(each for each in found if each.name == name)
        if not found:
            raise NotFoundError(f"There is no agreement {name!r}; `holdfast users agreements` lists them.")
    if as_json:
        say_json(found)
    elif name is not None:
        say(found[0].text.rstrip())
    else:
        say_table(
            ("NAME", "TITLE", "ACCEPTED"),
            [(each.name, each.title, ago(each.accepted_at) if each.accepted_at else "no") for each in found],
            empty="There is nothing to agree to.",
        )


@app.command()
def accept(name: Name, as_json: Json = False) -> None:
    """Accept an agreement as it is worded now; `agreements NAME` shows its text."""
    accepted = call(lambda workbench: workbench.users.accept(name))
    if as_json:
        say_json(accepted)
    else:
        say(f"accepted the {accepted.title}")
