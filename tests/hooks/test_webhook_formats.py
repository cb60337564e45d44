"""Webhooks that get events in the words of another system."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest

from holdfast.core.domain.events import LoggedEvent, PartDelta, RunCompleted, RunStarted
from holdfast.core.domain.webhook_formats import EventPlace, Message, Notice, Retries, WebhookFormat
from holdfast.core.domain.webhooks import Delivery, DeliveryStatus, Webhook
from holdfast.core.hooks.outcome import Answer

URL = "http://a.test/"


class Writer:
    """Tells how a run has ended, twice, with all that was said in it; and new titles."""

    def __init__(self) -> None:
        self.said = ""

    def take(self, logged: LoggedEvent) -> list[Notice]:
        event = logged.event
        match event:
            case PartDelta():
                self.said += event.text
            case RunCompleted():
                return [Notice("said", {"text": self.said}), Notice("done")]
        return [Notice("title", {"title": event.title})] if event.type == "session.renamed" else []


class Words:
    """A format."""

    retries = Retries(3, (1.0, 2.0))

    def writer(self, webhook: Webhook, place: EventPlace) -> Writer:
        return Writer()

    def message(
        self, webhook: Webhook, delivery: Delivery, notice: Notice, number: int, secret: str
    ) -> Message:
        return self._message({"type": notice.type, "number": number, **notice.data}, delivery)

    def trial(self, webhook: Webhook, delivery: Delivery, secret: str, at: datetime) -> Message:
        return self._message({"type": "trial"}, delivery)

    def _message(self, said: dict[str, object], delivery: Delivery) -> Message:
        return Message({}, json.dumps({**said, "attempt": delivery.attempts}).encode())


def words(name: str) -> WebhookFormat | None:
    return Words() if name == "words" else None


def run_of(session: str, pieces: Iterable[str], run: str = "r") -> list[Any]:
    begins = RunStarted(session_id=session, run_id=run, agent="a", model="m")
    deltas = [PartDelta(session_id=session, run_id=run, part_id="p", text=each) for each in pieces]
    return [begins, *deltas, RunCompleted(session_id=session, run_id=run)]


async def test_an_event_is_told_by_all_those_of_its_run_before(desk: Any) -> None:
    webhook = await desk.webhook(URL, format="words", events=("run.completed", "session.renamed"))
    await desk.deliver(formats=words)
    session = await desk.session()
    await desk.log.append(*run_of(session, ["Hel", "lo"]))
    await desk.rename(session)
    done = await desk.until_done(webhook, 2)
    assert [body for _, body in desk.post.taken] == [
        {"type": "said", "number": 0, "text": "Hello", "attempt": 1},
        {"type": "done", "number": 1, "attempt": 1},
        {"type": "title", "number": 0, "title": "title 0", "attempt": 1},
    ]
    assert [each.type for each in done] == ["run.completed", "session.renamed"]


async def test_what_has_no_counterpart_is_no_delivery(desk: Any) -> None:
    webhook = await desk.webhook(URL, format="words")
    await desk.deliver(formats=words)
    session = await desk.session()
    await desk.log.append(*run_of(session, ["a"]))
    done = await desk.until_done(webhook, 1)
    assert [each.type for each in done] == ["run.completed"]
    assert len(desk.post.attempts) == 2


async def test_runs_that_go_on_at_once_are_told_apart(desk: Any) -> None:
    webhook = await desk.webhook(URL, format="words", events=("run.completed", "part.delta"))
    await desk.deliver(formats=words)
    first, second = await desk.session(), await desk.session()
    pairs = zip(run_of(first, ["a", "b"], "r1"), run_of(second, ["x", "y"], "r2"), strict=True)
    await desk.log.append(*(each for pair in pairs for each in pair))
    await desk.until_done(webhook, 2)
    assert [body["text"] for _, body in desk.post.taken if "text" in body] == ["ab", "xy"]


async def test_it_is_tried_as_often_as_the_format_says_whatever_is_answered(desk: Any) -> None:
    desk.post.answers[URL] = [Answer(404), Answer(410), Answer(500), Answer(404)]
    webhook = await desk.webhook(URL, format="words", events=("session.renamed",))
    await desk.deliver(formats=words)
    session = await desk.session()
    await desk.rename(session, 2)
    first, second = await desk.until_done(webhook, 2)
    assert (first.status, first.attempts) == (DeliveryStatus.FAILED, 3)
    assert (second.status, second.attempts) == (DeliveryStatus.DELIVERED, 2)
    assert [round(each, 1) for each in desk.clock.waits] == [1.1, 2.2, 1.1]
    assert (await desk.stored(webhook)).enabled


async def test_messages_of_an_event_come_again_when_a_later_one_is_refused(desk: Any) -> None:
    desk.post.answers[URL] = [Answer(200), Answer(500)]
    webhook = await desk.webhook(URL, format="words", events=("run.completed",))
    await desk.deliver(formats=words)
    await desk.log.append(*run_of(await desk.session(), ["a"]))
    await desk.until_done(webhook, 1)
    assert [body["type"] for _, body in desk.post.attempts] == ["said", "done", "said", "done"]


async def test_a_test_is_tried_as_often_too(desk: Any) -> None:
    desk.post.answers[URL] = [Answer(500)] * 3
    webhook = await desk.webhook(URL, format="words")
    worker = await desk.deliver(formats=words)
    done = await worker.test(webhook)
    assert (done.status, done.attempts, done.response_status) == (DeliveryStatus.FAILED, 3, 500)
    assert [body for _, body in desk.post.attempts] == [{"type": "trial", "attempt": n} for n in (1, 2, 3)]
    assert (await worker.test(webhook)).attempts == 1


async def test_an_event_that_is_sent_once_more_is_told_from_the_beginning_of_its_run(desk: Any) -> None:
    webhook = await desk.webhook(URL, format="words", events=("run.completed",))
    worker = await desk.deliver(formats=words)
    await desk.log.append(*run_of(await desk.session(), ["a", "b"]))
    (done,) = await desk.until_done(webhook, 1)
    found = await desk.tables.event(webhook, done.event_id)
    await worker.redeliver(webhook, done, found)
    assert desk.post.taken[-2][1] == {"type": "said", "number": 0, "text": "ab", "attempt": 2}


async def test_a_format_that_nobody_knows_is_said(desk: Any) -> None:
    webhook = await desk.webhook(URL, format="gone", events=("session.renamed",))
    await desk.deliver(formats=words)
    await desk.rename(await desk.session())
    (done,) = await desk.until_done(webhook, 1)
    assert (done.status, done.error) == (DeliveryStatus.FAILED, "Nothing here writes for gone.")
    assert desk.post.attempts == []


async def test_format_and_what_clients_keep_are_kept(desk: Any) -> None:
    ext = {"words": {"description": "ü"}}
    webhook = await desk.webhook(URL, format="words", ext=ext)
    assert (await desk.stored(webhook)) == webhook
    assert webhook.ext == ext


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 1.0), (2, 2.0), (9, 2.0)])
def test_the_last_wait_holds_for_later_attempts(attempts: int, seconds: float) -> None:
    assert Retries(9, (1.0, 2.0)).wait_s(attempts) == seconds
