"""`holdfast oauth`: programs that people sign in to with Holdfast."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from holdfast.cli.calling import call
from holdfast.cli.options import Json, examples, group
from holdfast.cli.output import ago, say, say_json, say_table, warn
from holdfast.core.domain.oauth import ALL_SCOPES, AuthMethod

app = group("Let people sign in to other programs with Holdfast, by OAuth 2.0.")
client_app = group("Programs that are registered.")
grant_app = group("Programs that you have let in.")
app.add_typer(client_app, name="clients")
app.add_typer(grant_app, name="grants")

ClientId = Annotated[str, typer.Argument(metavar="ID", help="The client's id.")]


@client_app.command(
    epilog=examples(
        "holdfast oauth clients add Notes --redirect-uri https://notes.example.org/callback",
        "holdfast oauth clients add Laptop --public --redirect-uri http://127.0.0.1/callback",
    )
)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As people are shown it who are asked.")],
    redirect_uri: Annotated[
        list[str],
        typer.Option(metavar="URL", help="Where browsers are sent back to, exactly; may be repeated."),
    ],
    public: Annotated[
        bool, typer.Option("--public", help="It can keep no secret, as an app on people's devices.")
    ] = False,
    in_form: Annotated[
        bool, typer.Option("--secret-in-form", help="It sends its secret in the form, not in a header.")
    ] = False,
    consent: Annotated[bool, typer.Option(help="Ask each user before it learns anything.")] = True,
    scope: Annotated[str, typer.Option(help="What it may ask for at most.")] = ALL_SCOPES,
    id: Annotated[str, typer.Option(metavar="ID", help="What it calls itself; default: a new id.")] = "",
    as_json: Json = False,
) -> None:
    """Register a client; its secret is printed this once."""
    method: AuthMethod = "client_secret_post" if in_form else "client_secret_basic"
    made = call(
        lambda workbench: workbench.oauth.add_client(
            name, tuple(redirect_uri), scope, "none" if public else method, consent, id
        )
    )
    if as_json:
        say_json(made)
        return
    say(f"client id      {made.client.id}")
    if made.secret:
        say(f"client secret  {made.secret}")
        warn("This secret is not shown again.")


@client_app.command("list")
def list_clients(as_json: Json = False) -> None:
    """List the clients."""
    found = call(lambda workbench: workbench.oauth.clients())
    if as_json:
        say_json(found)
        return
    say_table(
        ("ID", "NAME", "KIND", "ASKS", "STATE", "REDIRECTS TO", "SINCE"),
        [
            (
                each.id,
                each.name,
                "public" if each.public else "secret",
                "yes" if each.consent else "no",
                "on" if each.enabled else "off",
                " ".join(each.redirect_uris),
                ago(each.created_at),
            )
            for each in found
        ],
        empty="No client is registered; `holdfast oauth clients add` registers one.",
    )


@client_app.command()
def enable(id: ClientId, state: Annotated[Literal["on", "off"], typer.Argument()] = "on") -> None:
    """Let a client ask, or no longer: `off` ends everything that it was given."""
    client = call(lambda workbench: workbench.oauth.enable_client(id, state == "on"))
    say(f"{client.name} is {state}")


@client_app.command()
def remove(id: ClientId) -> None:
    """Remove a client with everything that it was given."""
    call(lambda workbench: workbench.oauth.remove_client(id))
    say(f"removed {id}")


@grant_app.command("list")
def list_grants(as_json: Json = False) -> None:
    """List the programs that you have let in."""
    found = call(lambda workbench: workbench.oauth.grants())
    if as_json:
        say_json(found)
        return
    say_table(
        ("ID", "CLIENT", "SEES", "SINCE"),
        [(each.id, each.client_name, each.scope, ago(each.created_at)) for each in found],
        empty="You have let in no program.",
    )


@grant_app.command()
def end(id: Annotated[str, typer.Argument(metavar="ID", help="The grant's id.")]) -> None:
    """End what a program was given by you."""
    call(lambda workbench: workbench.oauth.end_grant(id))
    say(f"ended {id}")
