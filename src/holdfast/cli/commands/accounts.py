"""`holdfast accounts`: how people sign in to this engine."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, group
from holdfast.cli.output import ago, say, say_json
from holdfast.cli.passwords import read_known_password, read_password
from holdfast.core.domain.accounts import SignInWays

app = group("How people sign in: passwords, accounts that they make themselves, mail.")


@app.command()
def ways(as_json: Json = False) -> None:
    """Show how people can sign in."""
    found = call(lambda workbench: workbench.accounts.ways())
    if as_json:
        say_json(found)
        return
    said = {"all": "let everybody in", "admins": "let administrators in", "none": "let nobody in"}
    say(f"mode          {found.mode.value}")
    say(f"passwords     {said[found.passwords]}")
    say(f"registration  {_registration(found)}")
    others = [provider.name or provider.id for provider in found.providers if provider.type != "native"]
    if others:
        say(f"elsewhere     {', '.join(others)}")


def _registration(found: SignInWays) -> str:
    if found.registration:
        return "on: people can make accounts themselves"
    return "off: `holdfast users add NAME --password` makes an account"


@app.command()
def register(
    state: Annotated[Literal["on", "off"], typer.Argument(help="Whether people can make accounts.")],
) -> None:
    """Let people make accounts themselves, or stop to."""
    call(lambda workbench: workbench.engine.set_setting("accounts.registration", state == "on"))
    say(f"registration is {state}")


@app.command()
def outbox(as_json: Json = False) -> None:
    """Show the mails that were not sent, newest first: hand them over yourself."""
    found = call(lambda workbench: workbench.accounts.outbox())
    if as_json:
        say_json(found)
        return
    if not found:
        say("There is nothing in the outbox.")
    for mail in found:
        say(f"{mail.to}  {ago(mail.at)}  {mail.subject}")
        say(f"  not sent: {mail.reason}")
        for line in mail.text.rstrip().splitlines():
            say(f"  | {line}")


@app.command()
def password() -> None:
    """Change your own password; your other logins end."""
    old = read_known_password("Your password")
    new = read_password("The new one")
    call(lambda workbench: workbench.accounts.change_password(old, new))
    say("changed; other logins have ended")
