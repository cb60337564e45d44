"""`holdfast webhooks`: addresses that get signed events over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from holdfast.cli import selecting
from holdfast.cli.calling import call
from holdfast.cli.options import Json, examples, group
from holdfast.cli.output import ago, say, say_fields, say_json, say_table, short_ids, warn

if TYPE_CHECKING:
    from holdfast.core.domain.webhooks import Delivery, NewWebhook, Webhook
    from holdfast.core.services.workbench import Workbench

T = TypeVar("T")

app = group("Send signed events to other programs over HTTP.")

WebhookId = Annotated[str, typer.Argument(metavar="WEBHOOK", help="An id, its start, or `last`.")]
_Patterns = Annotated[
    list[str] | None,
    typer.Option(
        "--event", metavar="TYPE", help="A type of events, or a pattern such as `run.*`; repeatable."
    ),
]
_DELIVERED = "delivered"


@app.command(
    epilog=examples(
        "holdfast webhooks add https://ci.example.org/holdfast",
        'holdfast webhooks add https://ci.example.org/holdfast --event "run.*" --name ci',
    )
)
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are posted to.")],
    event: _Patterns = None,
    name: Annotated[str, typer.Option(help="To tell it from others.")] = "",
    session: Annotated[str | None, typer.Option(help="Send the events of this session only.")] = None,
    as_json: Json = False,
) -> None:
    """Add a webhook; the secret that signs what it sends is printed this once."""

    async def added(workbench: Workbench) -> NewWebhook:
        of = (await selecting.session(workbench, session)).id if session else None
        return await workbench.webhooks.add(url, tuple(event or ()), of, name)

    made = call(added)
    if as_json:
        say_json(made)
        return
    say_fields([*_fields(made.webhook), ("secret", made.secret)])
    warn("This secret is not shown again. The receiver checks the header X-Holdfast-Signature with it.")


@app.command("list")
def list_webhooks(as_json: Json = False) -> None:
    """List your webhooks, oldest first."""
    found = call(lambda workbench: workbench.webhooks.list())
    if as_json:
        say_json(found)
        return
    ids = short_ids(each.id for each in found)
    say_table(
        ("ID", "NAME", "URL", "EVENTS", "STATE", "DELIVERED"),
        [
            (
                ids[each.id],
                each.name,
                each.url,
                _events(each),
                _state(each, short=True),
                ago(each.succeeded_at) or "never",
            )
            for each in found
        ],
        empty="There is no webhook; `holdfast webhooks add URL` makes one.",
    )


@app.command()
def show(
    webhook: WebhookId,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many deliveries.")] = 20,
    as_json: Json = False,
) -> None:
    """Show a webhook and its last deliveries, newest first."""

    async def shown(workbench: Workbench, found: Webhook) -> tuple[Webhook, tuple[Delivery, ...]]:
        return found, (await workbench.webhooks.deliveries(found.id, limit)).items

    found, deliveries = call(_with(webhook, shown))
    if as_json:
        say_json({"webhook": found, "deliveries": deliveries})
        return
    say_fields(_fields(found))
    say()
    ids = short_ids(each.id for each in deliveries)
    say_table(
        ("DELIVERY", "EVENT", "STATE", "ATTEMPTS", "WHEN", "ANSWER"),
        [
            (
                ids[each.id],
                each.type,
                each.status.value,
                str(each.attempts),
                ago(each.attempted_at or each.created_at),
                _answer(each),
            )
            for each in deliveries
        ],
        empty="Nothing was sent yet.",
    )


@app.command()
def test(webhook: WebhookId, as_json: Json = False) -> None:
    """Send a `webhook.test` now, and show what the receiver answers. What waits is sent as well."""
    _report(call(_with(webhook, lambda workbench, found: workbench.webhooks.test(found.id))), as_json)


@app.command()
def redeliver(
    webhook: WebhookId,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="An id, its start, or `last`.")],
    as_json: Json = False,
) -> None:
    """Send a delivery once more, under the same id."""

    async def sent(workbench: Workbench, found: Webhook) -> Delivery:
        known = (await workbench.webhooks.deliveries(found.id, 1000)).items
        id = selecting.pick(delivery, (each.id for each in known), "delivery")
        return await workbench.webhooks.redeliver(id)

    _report(call(_with(webhook, sent)), as_json)


@app.command()
def update(
    webhook: WebhookId,
    enable: Annotated[bool | None, typer.Option("--enable/--disable", help="Send to it, or not.")] = None,
    event: _Patterns = None,
    url: Annotated[str | None, typer.Option(help="Another address.")] = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    as_json: Json = False,
) -> None:
    """Change a webhook; one that is enabled again goes on where it stopped."""
    events = tuple(event) if event else None
    changed = call(
        _with(
            webhook,
            lambda workbench, found: workbench.webhooks.update(found.id, enable, events, url, name),
        )
    )
    if as_json:
        say_json(changed)
        return
    say_fields(_fields(changed))


@app.command()
def remove(webhook: WebhookId) -> None:
    """Remove a webhook with its secret and the log of its deliveries."""

    async def removed(workbench: Workbench, found: Webhook) -> Webhook:
        await workbench.webhooks.remove(found.id)
        return found

    say(f"removed the webhook {call(_with(webhook, removed)).url}")


def _with(
    text: str, action: Callable[[Workbench, Webhook], Awaitable[T]]
) -> Callable[[Workbench], Awaitable[T]]:
    """Returns an action on the webhook that `text` names."""

    async def act(workbench: Workbench) -> T:
        known = {each.id: each for each in reversed(await workbench.webhooks.list())}
        return await action(workbench, known[selecting.pick(text, known, "webhook")])

    return act


def _report(delivery: Delivery, as_json: bool) -> None:
    """Says what came of one attempt; ends with status 1 when the receiver has not taken it."""
    taken = delivery.status.value == _DELIVERED
    if as_json:
        say_json(delivery)
    else:
        say(f"{delivery.status.value}: {_answer(delivery)} ({delivery.duration_ms or 0:.0f} ms)")
        if delivery.response:
            say(delivery.response)
    if not taken:
        raise typer.Exit(1)


def _fields(webhook: Webhook) -> list[tuple[str, Any]]:
    return [
        ("id", webhook.id),
        ("name", webhook.name),
        ("url", webhook.url),
        ("events", _events(webhook)),
        ("session", webhook.session_id),
        *([("format", webhook.format)] if webhook.format else []),
        ("state", _state(webhook)),
    ]


def _events(webhook: Webhook) -> str:
    return ", ".join(webhook.events) or "all"


def _state(webhook: Webhook, *, short: bool = False) -> str:
    if not webhook.enabled:
        return f"disabled: {webhook.reason}" if webhook.reason else "disabled"
    if webhook.failing_since is not None:
        attempts = "" if short else f", {webhook.failures} attempts"
        return f"failing since {ago(webhook.failing_since)}{attempts}"
    return "enabled"


def _answer(delivery: Delivery) -> str:
    return delivery.error or str(delivery.response_status or "")
