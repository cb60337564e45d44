"""Webhooks, as Dexto's clients send them and read them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from holdfast.server.dialects.dexto.wire import Said, Sent, absent
from holdfast.server.dialects.dexto.wire_mcp import UrlText


class WebhookBody(Sent):
    """A new webhook."""

    url: UrlText
    secret: Annotated[str, StringConstraints(max_length=1_000)] = ""
    """Signs what it gets; without one nothing is signed."""
    description: Annotated[str, StringConstraints(max_length=10_000)] | None = None


class Webhook(Said):
    """A webhook; its secret is never shown."""

    id: str
    url: str
    description: str | None = absent()
    created_at: str


class OneWebhook(Said):
    webhook: Webhook


class Webhooks(Said):
    webhooks: list[Webhook]


class WebhookRemoved(Said):
    status: Literal["removed"] = "removed"
    webhook_id: str


class TestResult(Said):
    """What came of a test, after the last attempt."""

    __test__ = False

    success: bool
    status_code: int | None = absent()
    response_time: float | None = Field(default=None, ge=0, exclude_if=lambda value: value is None)
    """In milliseconds."""
    error: str | None = absent()


class WebhookTested(Said):
    test: Literal["completed"] = "completed"
    result: TestResult
