"""What an attempt means for the delivery and for its webhook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from holdfast.core.domain.webhook_formats import Retries
from holdfast.core.domain.webhooks import Delivery, DeliveryStatus, Webhook
from holdfast.core.hooks.backoff import JITTER, MAX_ATTEMPTS, wait_s

GIVE_UP_AFTER = timedelta(days=3)
"""A webhook that has failed for so long, and so often, is disabled."""
GIVE_UP_FAILURES = 10

_RETRIED = (408, 429)
_GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt."""

    status: int | None
    """None when there was no answer."""
    body: str = ""
    error: str = ""
    """Why there was no answer."""
    final: bool = False
    """There is no answer, and another attempt would not change that."""
    retry_after_s: float | None = None
    """What the receiver asked for."""
    duration_ms: float = 0.0


class Verdict(Enum):
    DELIVERED = "delivered"
    RETRY = "retry"
    REFUSED = "refused"
    """This one, for good."""
    GONE = "gone"
    """All, for good."""


def judge(answer: Answer) -> Verdict:
    """Says what an answer means."""
    status = answer.status
    if status is None:
        return Verdict.REFUSED if answer.final else Verdict.RETRY
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if status == _GONE:
        return Verdict.GONE
    return Verdict.RETRY if status in _RETRIED or status >= 500 else Verdict.REFUSED


def explain(answer: Answer) -> str:
    """Returns what went wrong, in a line; empty when nothing did."""
    status = answer.status
    if status is None:
        return answer.error
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"The receiver answered {status}: redirections are not followed. Give its final address."
    return f"The receiver answered {status}."


def attempted(
    delivery: Delivery,
    answer: Answer,
    at: datetime,
    chance: float | None,
    retries: Retries | None = None,
) -> Delivery:
    """Returns the delivery after an attempt that ended at `at`.

    `chance` is a random number from 0 to 1 that shifts the next attempt; None: there is to be none. `retries`
    say how often and when it is tried; None: as is usual here.
    """
    verdict = judge(answer)
    again = verdict is Verdict.RETRY if retries is None else verdict is not Verdict.DELIVERED
    most = MAX_ATTEMPTS if retries is None else retries.attempts
    waits = chance is not None and again and not answer.final and delivery.attempts < most
    status = DeliveryStatus.PENDING if waits else DeliveryStatus.FAILED
    if retries is None:
        wait = wait_s(delivery.attempts, answer.retry_after_s, chance or 0.0)
    else:
        wait = retries.wait_s(delivery.attempts) * (1 + JITTER * (chance or 0.0))
    return delivery.model_copy(
        update={
            "status": DeliveryStatus.DELIVERED if verdict is Verdict.DELIVERED else status,
            "attempted_at": at,
            "next_attempt_at": at + timedelta(seconds=wait) if waits else None,
            "response_status": answer.status,
            "response": answer.body,
            "error": explain(answer),
            "duration_ms": answer.duration_ms,
        }
    )


def after_attempt(
    webhook: Webhook, delivery: Delivery, answer: Answer, at: datetime, *, lasting: bool = False
) -> Webhook:
    """Returns the webhook after an attempt: `delivery` is how that left it. `lasting`: nothing that a
    receiver answers disables it."""
    done = delivery.status is not DeliveryStatus.PENDING and delivery.event_id is not None
    cursor = delivery.event_id if done else webhook.cursor
    if delivery.status is DeliveryStatus.DELIVERED:
        update = {"cursor": cursor, "failing_since": None, "failures": 0, "succeeded_at": at}
        return webhook.model_copy(update=update)
    since, failures = webhook.failing_since or at, webhook.failures + 1
    reason = "" if lasting else _reason(answer, at - since, failures)
    return webhook.model_copy(
        update={
            "cursor": cursor,
            "failing_since": since,
            "failures": failures,
            "enabled": not reason,
            "reason": reason,
        }
    )


def _reason(answer: Answer, failing: timedelta, failures: int) -> str:
    """Returns why the webhook is to be disabled; empty when it is not."""
    if judge(answer) is Verdict.GONE:
        return "The receiver answered 410: it is gone for good."
    if failing >= GIVE_UP_AFTER and failures >= GIVE_UP_FAILURES:
        return f"It failed {failures} times in {failing.days} days; the last time: {explain(answer)}"
    return ""
