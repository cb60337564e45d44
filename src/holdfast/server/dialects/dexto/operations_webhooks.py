"""Webhooks of Dexto's users."""

from __future__ import annotations

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.webhooks import Webhook as OurWebhook
from holdfast.server.dialects.dexto.errors import not_here
from holdfast.server.dialects.dexto.mapping_webhooks import FORMAT, new_webhook, result, webhook, webhooks
from holdfast.server.dialects.dexto.wire_webhooks import (
    OneWebhook,
    WebhookBody,
    WebhookRemoved,
    Webhooks,
    WebhookTested,
)
from holdfast.server.kit.operations import Call, Operation


async def create_webhook(call: Call) -> OneWebhook:
    """Adds an address that gets Dexto's events."""
    made = await call.workbench.webhooks.add(**new_webhook(call.body))
    return OneWebhook(webhook=webhook(made.webhook))


async def list_webhooks(call: Call) -> Webhooks:
    """Lists the addresses that get Dexto's events."""
    return Webhooks(webhooks=webhooks(await call.workbench.webhooks.list()))


async def get_webhook(call: Call) -> OneWebhook:
    """Gets one webhook."""
    return OneWebhook(webhook=webhook(await _found(call)))


async def delete_webhook(call: Call) -> WebhookRemoved:
    """Removes a webhook."""
    found = await _found(call)
    await call.workbench.webhooks.remove(found.id)
    return WebhookRemoved(webhook_id=found.id)


async def test_webhook(call: Call) -> WebhookTested:
    """Sends an event that tells nothing, and waits for what comes of it."""
    return WebhookTested(result=result(await call.workbench.webhooks.test((await _found(call)).id)))


async def _found(call: Call) -> OurWebhook:
    try:
        found = await call.workbench.webhooks.get(call.path["webhookId"])
    except NotFoundError:
        raise not_here("Webhook not found") from None
    if found.format != FORMAT:
        raise not_here("Webhook not found")
    return found


_ALL, _ONE = "/api/webhooks", "/api/webhooks/{webhookId}"

OPERATIONS = (
    Operation("create_webhook", "POST", _ALL, create_webhook, 201, result=OneWebhook, body=WebhookBody),
    Operation("list_webhooks", "GET", _ALL, list_webhooks, result=Webhooks),
    Operation("get_webhook", "GET", _ONE, get_webhook, result=OneWebhook),
    Operation("delete_webhook", "DELETE", _ONE, delete_webhook, result=WebhookRemoved),
    Operation("test_webhook", "POST", f"{_ONE}/test", test_webhook, result=WebhookTested),
)
