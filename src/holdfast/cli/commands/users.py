"""`holdfast users`: who else may use this engine."""

from __future__ import annotations

import shlex
from typing import Annotated, Literal

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, group
from holdfast.cli.output import ago, say, say_json, say_table
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
