"""What a receiver gets: the body, and the headers that say what it is before it is read."""

from __future__ import annotations

import json
from datetime import datetime

from holdfast import __version__
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.webhook_formats import Message
from holdfast.core.domain.webhooks import TEST_EVENT, Delivery
from holdfast.core.hooks import signature


def event_message(delivery: Delivery, logged: LoggedEvent, secret: str, at: datetime) -> Message:
    """Returns the request of an attempt at `at` that sends an event of the log."""
    return _message(delivery, logged.to_json(), secret, at)


def trial_message(delivery: Delivery, secret: str, at: datetime) -> Message:
    """Returns the request that only tries whether the receiver answers."""
    event = {"type": TEST_EVENT, "webhook_id": delivery.webhook_id, "at": _text(at)}
    return _message(delivery, json.dumps(event), secret, at)


def _message(delivery: Delivery, event: str, secret: str, at: datetime) -> Message:
    """`event` is JSON already: it goes in as it is, byte for byte what the native stream sends."""
    head = json.dumps(
        {
            "id": delivery.id,
            "webhook_id": delivery.webhook_id,
            "event_id": delivery.event_id,
            "type": delivery.type,
            "created_at": _text(delivery.created_at),
            "attempt": delivery.attempts,
            "sent_at": _text(at),
        }
    )
    body = f'{head[:-1]}, "event": {event}}}'.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"holdfast/{__version__}",
        "X-Holdfast-Event": delivery.type,
        "X-Holdfast-Delivery": delivery.id,
        "X-Holdfast-Timestamp": str(int(at.timestamp())),
        signature.HEADER: signature.sign(secret, body),
    }
    return Message(headers, body)


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
