"""Between webhooks as Dexto has them and ours. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdfast.core.domain.webhooks import Delivery, DeliveryStatus
from holdfast.core.domain.webhooks import Webhook as OurWebhook
from holdfast.server.dialects.dexto.active import EXT
from holdfast.server.dialects.dexto.times import iso
from holdfast.server.dialects.dexto.wire_webhooks import TestResult, Webhook, WebhookBody

FORMAT = "dexto"
"""The name of the format in which Dexto's webhooks are written."""
EVENTS = (
    "session.created",
    "session.cleared",
    "session.configured",
    "session.renamed",
    "message.queued",
    "message.dequeued",
    "message.added",
    "context.compacted",
    "run.started",
    "run.completed",
    "run.failed",
    "step.completed",
    "part.delta",
    "part.completed",
    "tool_call.requested",
    "tool_call.started",
    "tool_call.completed",
    "mcp.changed",
    "user.annotated",
)
"""The events of ours that have a counterpart in Dexto."""

_SIGNED, _URL, _DESCRIPTION = "signed", "url", "description"


def new_webhook(body: WebhookBody) -> dict[str, Any]:
    """Returns what `webhooks.add` takes."""
    kept: dict[str, Any] = {_SIGNED: bool(body.secret), _URL: body.url}
    if body.description is not None:
        kept[_DESCRIPTION] = body.description
    return {
        "url": body.url,
        "events": EVENTS,
        "secret": body.secret or None,
        "format": FORMAT,
        "ext": {EXT: kept},
    }


def signed(webhook: OurWebhook) -> bool:
    """Says whether what a webhook gets is signed: whether its client has given a secret."""
    return bool(_kept(webhook).get(_SIGNED))


def webhook(found: OurWebhook) -> Webhook:
    """Returns a webhook as its client has made it."""
    kept = _kept(found)
    return Webhook(
        id=found.id,
        url=str(kept.get(_URL) or found.url),
        description=kept.get(_DESCRIPTION),
        created_at=iso(found.created_at),
    )


def webhooks(found: Iterable[OurWebhook]) -> list[Webhook]:
    """Returns the webhooks that get Dexto's events."""
    return [webhook(each) for each in found if each.format == FORMAT]


def _kept(found: OurWebhook) -> dict[str, Any]:
    return found.ext.get(EXT, {})


def result(delivery: Delivery) -> TestResult:
    """Returns what came of a test."""
    success = delivery.status is DeliveryStatus.DELIVERED
    return TestResult(
        success=success,
        status_code=delivery.response_status,
        response_time=None if delivery.duration_ms is None else round(delivery.duration_ms, 1),
        error=None if success else delivery.error or "The receiver did not take it.",
    )
