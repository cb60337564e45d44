"""The receiver that the guide shows takes what is sent, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.events import LoggedEvent, SessionRenamed
from holdfast.core.domain.values import utc_now
from holdfast.core.domain.webhook_formats import Message
from holdfast.core.domain.webhooks import Delivery, DeliveryStatus
from holdfast.core.hooks.payload import event_message

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "webhooks.md"
SECRET = "hfw_a-secret"


@pytest.fixture
def check() -> Callable[[str, bytes, str], dict[str, Any]]:
    block = GUIDE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(block, names)  # the text of the guide itself
    found: Callable[[str, bytes, str], dict[str, Any]] = names["check"]
    return found


def sent(at: datetime) -> Message:
    delivery = Delivery(
        id="d",
        webhook_id="w",
        event_id=7,
        type="session.renamed",
        status=DeliveryStatus.PENDING,
        attempts=1,
        created_at=at,
    )
    logged = LoggedEvent(id=7, event=SessionRenamed(session_id="s", title="Grüße"))
    return event_message(delivery, logged, SECRET, at)


def test_it_takes_what_was_just_sent(check: Any) -> None:
    message = sent(utc_now())
    body = check(SECRET, message.body, message.headers["X-Holdfast-Signature"])
    assert (body["id"], body["event"]["title"]) == ("d", "Grüße")


def test_it_refuses_another_body_secret_or_signature(check: Any) -> None:
    message = sent(utc_now())
    signature = message.headers["X-Holdfast-Signature"]
    for secret, body, given in (
        (SECRET, message.body + b" ", signature),
        ("hfw_another", message.body, signature),
        (SECRET, message.body, signature[:-1]),
        (SECRET, message.body, ""),
        (SECRET, message.body, "sha256=ü"),
    ):
        with pytest.raises(ValueError, match="signature"):
            check(secret, body, given)


def test_it_refuses_what_was_sent_long_ago(check: Any) -> None:
    message = sent(utc_now() - timedelta(minutes=6))
    with pytest.raises(ValueError, match="long ago"):
        check(SECRET, message.body, message.headers["X-Holdfast-Signature"])


def test_it_names_every_header_and_key_that_is_sent() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    message = sent(utc_now())
    assert [name for name in message.headers if name.startswith("X-") and f"`{name}`" not in text] == []
    keys = ("id", "webhook_id", "event_id", "type", "created_at", "attempt", "sent_at", "event")
    assert list(json.loads(message.body)) == list(keys)
    assert [key for key in keys if f'"{key}"' not in text] == []
