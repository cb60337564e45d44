"""`holdfast keys`: store and remove keys."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, group
from holdfast.cli.output import say, say_json, say_table

app = group("Store and remove keys.")
provider_app = group("Keys of model providers.")
app.add_typer(provider_app, name="provider")

Provider = Annotated[str, typer.Argument(metavar="PROVIDER", help="For example `openai`.")]


@provider_app.command("list")
def list_providers(as_json: Json = False) -> None:
    """List the providers that have a key, and where it comes from; never the keys."""
    found = call(lambda workbench: workbench.keys.providers())
    if as_json:
        say_json(found)
        return
    say_table(
        ("PROVIDER", "KEY FROM"),
        sorted(found.items()),
        empty="No key is known; `holdfast keys provider set PROVIDER` stores one.",
    )


@provider_app.command("set")
def set_provider(provider: Provider) -> None:
    """Store a provider's key, read from a hidden prompt or from stdin."""
    from holdfast.core.domain.errors import InvalidError

    key = _read_key(provider)
    if not key:
        raise InvalidError("the key is empty; nothing was stored")
    say(f"stored in the {call(lambda workbench: workbench.keys.set_provider(provider, key))}")


@provider_app.command("remove")
def remove_provider(provider: Provider) -> None:
    """Remove a provider's stored key."""
    call(lambda workbench: workbench.keys.remove_provider(provider))
    say(f"removed the key of {provider}")


def _read_key(provider: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    import getpass  # start-up time

    return getpass.getpass(f"Key of {provider}: ").strip()
