"""The pure pieces of webhooks: what is wanted, what is sent, how it is signed, and what an answer means."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.events import DELTAS, LoggedEvent, SessionRenamed
from holdfast.core.domain.webhooks import Delivery, DeliveryStatus, Webhook
from holdfast.core.hooks.backoff import MAX_ATTEMPTS, MAX_RETRY_AFTER_S, retry_after_s, wait_s
from holdfast.core.hooks.matching import EVENT_TYPES, checked_patterns, wanted_types
from holdfast.core.hooks.outcome import Answer, Verdict, after_attempt, attempted, judge
from holdfast.core.hooks.payload import event_message, trial_message
from holdfast.core.hooks.signature import sign

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WEBHOOK = Webhook(id="w", owner="local", url="http://a.test/", created_at=NOW, cursor=4)
DELIVERY = Delivery(
    id="d",
    webhook_id="w",
    event_id=7,
    type="session.renamed",
    status=DeliveryStatus.PENDING,
    attempts=1,
    created_at=NOW,
)


# --- what is wanted


def test_without_patterns_everything_but_deltas_is_wanted() -> None:
    assert wanted_types(()) == frozenset(EVENT_TYPES) - set(DELTAS)
    assert wanted_types(("*",)) == wanted_types(())


def test_patterns_add_up() -> None:
    assert wanted_types(("run.completed", "session.*d")) == {
        "run.completed",
        "session.created",
        "session.renamed",
        "session.configured",
        "session.annotated",
        "session.deleted",
        "session.cleared",
        "session.mode_changed",
        "session.grants_dropped",
        "session.starred",
        "session.archived",
        "session.shared",
        "session.trashed",
        "session.restored",
    }


def test_a_delta_is_wanted_only_when_it_is_named_in_full() -> None:
    assert "part.delta" not in wanted_types(("part.*", "*.delta", "part.delt?"))
    assert wanted_types(("part.delta",)) == {"part.delta"}


@pytest.mark.parametrize(
    "pattern", ["", "run", "run.complete", "RUN.*", "webhook.test", "[", "*" * 65, "run.\n"]
)
def test_a_pattern_that_no_event_fits_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidError) as raised:
        checked_patterns((pattern,))
    assert raised.value.code == "invalid_event_pattern"


def test_the_nearest_type_is_named() -> None:
    with pytest.raises(InvalidError, match=r"did you mean `run\.completed`"):
        checked_patterns(("run.complete",))


def test_patterns_are_bounded_and_each_is_kept_once() -> None:
    assert checked_patterns(("run.*", "run.*", "session.*")) == ("run.*", "session.*")
    with pytest.raises(InvalidError):
        checked_patterns(("run.*",) * 51)


@given(st.lists(st.sampled_from([*EVENT_TYPES, "*", "run.*", "part.*", "?ool_call.*", "[a-m]*"]), min_size=1))
def test_what_is_wanted_is_what_the_patterns_say(patterns: list[str]) -> None:
    wanted = wanted_types(patterns)
    assert wanted <= set(EVENT_TYPES)
    assert set(patterns) & set(EVENT_TYPES) <= wanted
    assert wanted & set(DELTAS) <= set(patterns)


# --- what is sent


def test_the_signature_is_the_hmac_of_the_raw_body() -> None:
    # RFC 4231, test case 2.
    known = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign("Jefe", b"what do ya want for nothing?") == known


def test_a_message_has_the_event_as_the_stream_has_it_and_the_time_inside_the_signed_body() -> None:
    logged = LoggedEvent(id=7, event=SessionRenamed(session_id="s", title='Grö"ße\u2028\\', at=NOW))
    sent_at = NOW + timedelta(minutes=2)
    message = event_message(DELIVERY, logged, "secret", sent_at)
    assert json.loads(message.body) == {
        "id": "d",
        "webhook_id": "w",
        "event_id": 7,
        "type": "session.renamed",
        "created_at": "2026-11-22T12:00:00Z",
        "attempt": 1,
        "sent_at": "2026-11-22T12:02:00Z",
        "event": json.loads(logged.to_json()),
    }
    digest = hmac.new(b"secret", message.body, hashlib.sha256).hexdigest()
    assert message.headers["X-Holdfast-Signature"] == f"sha256={digest}"
    assert message.headers["X-Holdfast-Event"] == "session.renamed"
    assert message.headers["X-Holdfast-Delivery"] == "d"
    assert message.headers["X-Holdfast-Timestamp"] == str(int(sent_at.timestamp()))
    assert message.headers["Content-Type"] == "application/json"


def test_a_trial_says_that_it_is_one() -> None:
    delivery = DELIVERY.model_copy(update={"event_id": None, "type": "webhook.test"})
    body = json.loads(trial_message(delivery, "secret", NOW).body)
    assert (body["type"], body["event_id"]) == ("webhook.test", None)
    assert body["event"] == {"type": "webhook.test", "webhook_id": "w", "at": "2026-11-22T12:00:00Z"}


# --- when it is tried again


def test_waits_grow_and_the_attempts_fill_about_a_day() -> None:
    waits = [wait_s(attempts, None, 0.5) for attempts in range(1, MAX_ATTEMPTS)]
    assert waits[:5] == [1, 5, 30, 120, 600]
    assert waits == sorted(waits)
    assert 23 * 3600 < sum(waits) < 25 * 3600


@given(st.integers(1, 200), st.floats(0, 1), st.none() | st.floats(0, 1e12))
def test_a_wait_is_about_the_usual_one_and_never_shorter_than_asked_for_up_to_a_cap(
    attempts: int, chance: float, asked: float | None
) -> None:
    usual = wait_s(attempts, None, 0.5)
    found = wait_s(attempts, asked, chance)
    assert found >= 0.79 * usual
    assert found >= min(asked or 0, MAX_RETRY_AFTER_S)
    assert found <= max(1.21 * usual, MAX_RETRY_AFTER_S)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("9" * 400, 999_999_999.0),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 12:01:00 -0000", 60.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("²", None),
        ("Sun, 99 Nov 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


@given(st.text(max_size=60))
def test_no_retry_after_breaks_anything(header: str) -> None:
    found = retry_after_s(header, NOW)
    assert found is None or found >= 0


# --- what an answer means


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, Verdict.DELIVERED) for status in (200, 201, 202, 204, 299)),
        *((status, Verdict.RETRY) for status in (408, 429, 500, 502, 503, 599, 999, None)),
        *((status, Verdict.REFUSED) for status in (300, 301, 302, 307, 308, 400, 401, 404, 413, 499)),
        (410, Verdict.GONE),
    ],
)
def test_the_status_says_what_becomes_of_a_delivery(status: int | None, verdict: Verdict) -> None:
    assert judge(Answer(status)) is verdict


def test_what_cannot_be_sent_at_all_is_not_tried_again() -> None:
    assert judge(Answer(None, error="private address", final=True)) is Verdict.REFUSED


def test_a_redirection_says_that_it_is_not_followed() -> None:
    assert "not followed" in attempted(DELIVERY, Answer(302), NOW, 0.5).error


def test_the_last_attempt_is_the_last() -> None:
    last = DELIVERY.model_copy(update={"attempts": MAX_ATTEMPTS})
    assert attempted(DELIVERY, Answer(500), NOW, 0.5).status is DeliveryStatus.PENDING
    done = attempted(last, Answer(500), NOW, 0.5)
    assert (done.status, done.next_attempt_at) == (DeliveryStatus.FAILED, None)
    assert after_attempt(WEBHOOK, done, Answer(500), NOW).cursor == 7


def test_while_a_delivery_waits_the_cursor_does() -> None:
    waits = attempted(DELIVERY, Answer(503, retry_after_s=90), NOW, 0.5)
    assert waits.next_attempt_at == NOW + timedelta(seconds=90)
    webhook = after_attempt(WEBHOOK, waits, Answer(503), NOW)
    assert (webhook.cursor, webhook.failures, webhook.failing_since) == (4, 1, NOW)


def test_a_success_ends_a_row_of_failures() -> None:
    failing = WEBHOOK.model_copy(update={"failures": 9, "failing_since": NOW - timedelta(days=9)})
    webhook = after_attempt(failing, attempted(DELIVERY, Answer(204), NOW, 0.5), Answer(204), NOW)
    assert (webhook.failures, webhook.failing_since, webhook.succeeded_at) == (0, None, NOW)
    assert (webhook.cursor, webhook.enabled) == (7, True)


@pytest.mark.parametrize(("days", "failures", "enabled"), [(3, 8, True), (2, 100, True), (3, 9, False)])
def test_what_failed_for_long_and_often_is_disabled_with_a_reason(
    days: int, failures: int, enabled: bool
) -> None:
    failing = WEBHOOK.model_copy(update={"failures": failures, "failing_since": NOW - timedelta(days=days)})
    webhook = after_attempt(failing, attempted(DELIVERY, Answer(500), NOW, 0.5), Answer(500), NOW)
    assert webhook.enabled is enabled
    assert enabled or f"{failures + 1} times in {days} days" in webhook.reason
