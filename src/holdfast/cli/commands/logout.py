"""`holdfast logout`: ends a login to an engine elsewhere."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from holdfast.cli.doors import doors
from holdfast.cli.options import examples, single
from holdfast.cli.output import advise, say
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.text import sanitize_line

app = single()


@app.command(epilog=examples("holdfast logout", "holdfast logout https://bench.example.org:8700"))
def logout(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="Of which engine; default: HOLDFAST_URL, else the only one that a login is kept for.",
        ),
    ] = "",
) -> None:
    """End the login that is kept for an engine elsewhere, here and there."""
    wanted = url or _the_one()
    ended = asyncio.run(doors().sign_out(wanted))
    if ended is None:
        raise NotFoundError(
            f"No login is kept for {sanitize_line(wanted)}; `holdfast login --list` lists them."
        )
    login, told = ended
    say(f"signed out: {sanitize_line(login.name)} at {login.url}")
    if not told:
        advise("holdfast: the engine could not be told; over there the login lasts until it expires")


def _the_one() -> str:
    named = doors().elsewhere()
    if named is not None:
        return named.url
    kept = doors().kept_logins()
    if len(kept) == 1:
        return kept[0].url
    if not kept:
        raise NotFoundError("No login is kept; there is nothing to end.")
    raise InvalidError(
        "logins to several engines are kept: name one of " + ", ".join(one.url for one in kept)
    )
