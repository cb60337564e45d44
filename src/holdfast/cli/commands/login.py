"""`holdfast login`: signs in to an engine elsewhere with an account."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from holdfast.cli.doors import Login, doors
from holdfast.cli.options import Json, examples, single
from holdfast.cli.output import say_json, say_table
from holdfast.cli.signing_in import ask_name, sign_in
from holdfast.core.domain.errors import InvalidError

app = single()


@app.command(
    epilog=examples(
        "holdfast login https://bench.example.org:8700 --name ann",
        "printf '%s\\n' \"$PASSWORD\" | holdfast login https://bench.example.org:8700 --name robot",
        "holdfast login --list",
    )
)
def login(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="Where `holdfast serve` listens, such as https://bench.example.org:8700; "
            "default: HOLDFAST_URL.",
        ),
    ] = "",
    name: Annotated[str, typer.Option(metavar="NAME", help="Your name there, or your e-mail address.")] = "",
    ca: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="Trust these certificates (PEM) and no others, from now on at this address; "
            "default: HOLDFAST_CA, else the usual ones.",
        ),
    ] = "",
    days: Annotated[int, typer.Option(min=1, max=30, help="How many days the login is good for.")] = 7,
    unencrypted: Annotated[
        bool,
        typer.Option(
            "--unencrypted", help="Send the password over http:// to another machine, for all to read."
        ),
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the logins that are kept.")] = False,
    as_json: Json = False,
) -> None:
    """Sign in to an engine elsewhere, and keep the login: `attach` and all commands use it at this address.

    The password is asked for unseen, or is the first line of stdin; it is not kept. The login is, in the
    system's keyring where there is one, else in a file of yours alone.
    """
    if listing:
        _list(as_json)
        return
    engine = doors().elsewhere(url, "", ca)
    if engine is None:
        raise InvalidError("give the URL of an engine, or set HOLDFAST_URL")
    if engine.is_open and not unencrypted:
        raise InvalidError(
            f"{engine.url} is not encrypted: everybody on the way could read the password. Use https://, or "
            "a tunnel of ssh; --unencrypted sends it nevertheless"
        )
    if not name and not sys.stdin.isatty():
        raise InvalidError("give --name; the first line of stdin is the password")
    named = name or ask_name(engine.place, engine.login)
    if not named:
        raise InvalidError("no name was given; with a key there is nothing to sign in for: see HOLDFAST_KEY")
    sign_in(engine, named, days)


def _list(as_json: bool) -> None:
    found = doors().kept_logins()
    if as_json:
        say_json([{"url": one.url, "name": one.name, "expires_at": _iso(one)} for one in found])
        return
    say_table(
        ("URL", "NAME", "ENDS"),
        [(one.url, one.name, _iso(one)[:16].replace("T", " ")) for one in found],
        empty="No login is kept; `holdfast login URL` signs in.",
    )


def _iso(one: Login) -> str:
    return "" if one.expires_at is None else one.expires_at.astimezone().isoformat(timespec="seconds")
