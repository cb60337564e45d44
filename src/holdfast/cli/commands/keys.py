"""`holdfast keys`: keys to Holdfast, and Holdfast's keys to model providers."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from holdfast.cli.calling import call
from holdfast.cli.hidden import ask_hidden
from holdfast.cli.limits import Budgets, Tier, read_budgets, shown_limit
from holdfast.cli.options import Json, examples, group
from holdfast.cli.output import ago, say, say_json, say_table, short_ids, warn
from holdfast.cli.times import span
from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.identity import Scope

if TYPE_CHECKING:
    from holdfast.core.domain.identity import Credential, NewCredential
    from holdfast.core.domain.limits import LimitState
    from holdfast.core.services.workbench import Workbench

app = group("Make and revoke keys to Holdfast; store those of model providers.")
provider_app = group("Keys of model providers.")
app.add_typer(provider_app, name="provider")

Provider = Annotated[str, typer.Argument(metavar="PROVIDER", help="For example `openai`.")]


@app.command(
    epilog=examples(
        "holdfast keys create ci --expires 90d",
        "holdfast keys create dashboard --scope read",
        "holdfast keys create ann-laptop --user ann --scope admin",
        "holdfast keys create demo --tier free --budget 2/day",
    )
)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="To tell it from others: where it is used.")],
    scope: Annotated[
        Literal["read", "chat", "admin"],
        typer.Option(help="read: look; chat: work as well; admin: change what stays, too."),
    ] = "chat",
    expires: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="How long it is valid: 90d, 12h; default: for ever."),
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Whose key; default: your own.")] = None,
    tier: Tier = None,
    budget: Budgets = None,
    as_json: Json = False,
) -> None:
    """Make an API key; it is printed this once."""
    expires_s = int(span(expires).total_seconds()) if expires else None
    budgets = read_budgets(budget)

    async def created(workbench: Workbench) -> NewCredential:
        made = await workbench.keys.create(name, Scope(scope), expires_s, user)
        if tier is None and not budgets:
            return made
        try:
            await workbench.usage.set_limit("key", made.credential.id, tier=tier, budgets=budgets)
        except HoldfastError:
            await workbench.keys.revoke(made.credential.id)
            raise
        return made

    made = call(created)
    if as_json:
        say_json(made)
        return
    say(made.secret)
    warn("This key is not shown again. Clients send it as the header `Authorization: Bearer KEY`.")


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """List the API keys with their limits; an administrator sees those of all users."""

    async def listed(
        workbench: Workbench,
    ) -> tuple[tuple[Credential, ...], dict[str, str], dict[str, LimitState]]:
        me = await workbench.users.me()
        users = await workbench.users.list() if me.is_admin else ()
        names = {user.id: user.name for user in users} | {me.user_id: me.name}
        states = await workbench.usage.limits(all_users=me.is_admin)
        limited = {each.subject: each for each in states if each.kind == "key"}
        return await workbench.keys.list(), names, limited

    found, names, limited = call(listed)
    if as_json:
        say_json([_with_limit(key, limited.get(key.id)) for key in found])
        return
    ids = short_ids(key.id for key in found)
    say_table(
        ("ID", "NAME", "USER", "SCOPE", "KEY", "CREATED", "LAST USED", "LIMITS", "STATE"),
        [
            (
                ids[key.id],
                key.name,
                names.get(key.user_id, key.user_id),
                key.scope.value,
                f"…{key.last_four}",
                ago(key.created_at),
                ago(key.last_used_at) or "never",
                shown_limit(limited.get(key.id)),
                _state(key),
            )
            for key in found
        ],
        empty="There is no key; `holdfast keys create NAME` makes one.",
    )


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its name, its id, or the start of its id.")],
) -> None:
    """Revoke an API key; it is refused from now on."""

    async def revoked(workbench: Workbench) -> Credential:
        known = [each.id for each in await workbench.keys.list() if each.revoked_at is None]
        starts = [id for id in known if len(key) >= 8 and id.startswith(key)]
        return await workbench.keys.revoke(starts[0] if len(starts) == 1 else key)

    done = call(revoked)
    say(f"revoked {done.name} (…{done.last_four})")


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


@provider_app.command(
    "set",
    epilog=examples(
        "holdfast keys provider set openai",
        "holdfast keys provider set custom --url http://127.0.0.1:8000/v1",
        "holdfast keys provider set ollama --url http://gpu-box:11434",
    ),
)
def set_provider(
    provider: Provider,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where it is, when not at its maker's: for servers of your own."),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Ask it once before its key is stored.")
    ] = True,
    keep: Annotated[bool, typer.Option("--keep", help="Store the key also when the test fails.")] = False,
) -> None:
    """Store a provider's key, read from a hidden prompt or from stdin, once a short call shows that it works.

    With --url the key may be left empty: servers of your own seldom ask for one.
    """
    from holdfast.cli.adding import add_provider
    from holdfast.core.domain.errors import InvalidError

    key = _read_key(provider)
    if not key and url is None:
        raise InvalidError("the key is empty; nothing was stored")
    add_provider(provider, key, url, test=test, keep=keep)


@provider_app.command("test")
def test_provider(provider: Provider, as_json: Json = False) -> None:
    """Ask a provider once, with the key that is known; it costs a reply of a few tokens."""
    from holdfast.cli.adding import report

    found = call(lambda workbench: workbench.keys.check_provider(provider))
    if as_json:
        say_json(found)
        return
    report(found)


@provider_app.command("remove")
def remove_provider(provider: Provider) -> None:
    """Remove a provider's stored key, and its address where one is kept."""

    async def removed(workbench: Workbench) -> None:
        from holdfast.core.domain.errors import NotFoundError, UnsupportedError

        await workbench.keys.remove_provider(provider)
        try:
            await workbench.keys.set_address(provider, None)
        except (NotFoundError, UnsupportedError):
            return  # a provider that has none

    call(removed)
    say(f"removed the key of {provider}")


def _read_key(provider: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return ask_hidden(f"Key of {provider}: ")


def _with_limit(key: Credential, limit: LimitState | None) -> dict[str, Any]:
    """Returns a key as JSON, with its tier and what is left of its budgets."""
    shown = limit.model_dump(mode="json", include={"tier", "allowances"}) if limit is not None else {}
    return {**key.model_dump(mode="json"), "tier": None, "allowances": [], **shown}


def _state(key: Credential) -> str:
    if key.revoked_at is not None:
        return f"revoked {ago(key.revoked_at)}"
    if key.expires_at is None:
        return "valid"
    left = key.expires_at - datetime.now(UTC)
    if left <= timedelta():
        return "expired"
    if left < timedelta(days=2):
        return _left(left // timedelta(minutes=1))
    return f"until {key.expires_at.astimezone():%Y-%m-%d}"


def _left(minutes: int) -> str:
    return f"{minutes}m left" if minutes < 120 else f"{minutes // 60}h left"
