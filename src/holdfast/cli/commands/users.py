"""`holdfast users`: who else may use this engine."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Annotated, Literal

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, examples, group
from holdfast.cli.output import ago, say, say_json, say_table
from holdfast.cli.passwords import read_password
from holdfast.core.domain.errors import NotFoundError, UnsupportedError
from holdfast.core.domain.identity import Role, User
from holdfast.core.services.workbench import Workbench

app = group("Add, change and remove users. Each has their own sessions, agents and files.")

Name = Annotated[str, typer.Argument(metavar="NAME")]
Email = Annotated[str | None, typer.Option(metavar="ADDRESS", help="By which the user signs in as well.")]
Phone = Annotated[str | None, typer.Option(metavar="NUMBER", help="A telephone number.")]


@app.command("list")
def list_users(as_json: Json = False) -> None:
    """List the users; `local` is whoever owns this machine's home."""
    found, seen = call(_users)
    if as_json:
        say_json(found)
        return
    say_table(
        ("NAME", "ROLE", "EMAIL", "ID", "SINCE", "SEEN"),
        [
            (
                user.name,
                user.role.value,
                user.email,
                user.id,
                ago(user.created_at),
                ago(seen[user.id]) if user.id in seen else "-",
            )
            for user in found
        ],
        empty="There is no user.",
    )


async def _users(workbench: Workbench) -> tuple[tuple[User, ...], dict[str, datetime]]:
    found = await workbench.users.list()
    try:
        return found, await workbench.users.seen()
    except (UnsupportedError, NotFoundError):  # an engine of an older version
        return found, {}


@app.command(
    epilog=examples(
        "holdfast users add ann --email ann@example.org --password",
        "printf '%s\\n' \"$PASSWORD\" | holdfast users add robot --password",
    )
)
def add(
    name: Name,
    role: Annotated[
        Literal["user", "admin"], typer.Option(help="admin: may look after the engine, too.")
    ] = "user",
    email: Email = None,
    phone: Phone = None,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a password, or take it from the first line of stdin.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Add a user, who can do nothing without a password or a key."""
    given = read_password(f"Password of {name}") if password else None
    made = call(
        lambda workbench: workbench.users.add(
            name, Role(role), password=given, email=email or "", phone=phone or ""
        )
    )
    if as_json:
        say_json(made)
        return
    say(f"added {made.name} ({made.role.value})")
    if password:
        return
    say(f"`holdfast keys create NAME --user {shlex.quote(made.name)}` makes a key for this user.")


@app.command()
def edit(
    name: Name,
    role: Annotated[
        Literal["user", "admin"] | None, typer.Option(help="admin: may look after the engine, too.")
    ] = None,
    email: Email = None,
    phone: Phone = None,
    display_name: Annotated[
        str | None, typer.Option("--display-name", metavar="NAME", help="What the user is called on pages.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change what is known of a user; what is left out stays, and "" takes a value out."""
    changed = call(
        lambda workbench: workbench.users.update(
            name,
            role=None if role is None else Role(role),
            email=email,
            phone=phone,
            display_name=display_name,
        )
    )
    if as_json:
        say_json(changed)
        return
    say(f"changed {changed.name}")


@app.command()
def password(
    name: Name,
    none: Annotated[bool, typer.Option("--none", help="Take the password away; keys still let in.")] = False,
) -> None:
    """Give a user another password; the user's logins end."""
    given = None if none else read_password(f"Password of {name}")
    call(lambda workbench: workbench.users.set_password(name, given))
    say(f"{name} has {'no password any more' if none else 'a new password'}; logins have ended")


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
