"""Deliveries: at least once, in order, from a cursor that survives; one receiver never holds up another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.events import RunCompleted, RunStarted, SessionCreated, SessionRenamed
from holdfast.core.hooks.backoff import MAX_ATTEMPTS
from holdfast.core.hooks.outcome import Answer

A, B = "http://a.test/", "http://b.test/"
DOWN = Answer(None, error="connection refused")


async def test_events_come_in_order_and_the_cursor_follows(desk: Any) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    first = await desk.rename(session, 3)
    await desk.deliver()
    later = await desk.rename(session, 2)
    deliveries = await desk.until_done(webhook, 5)
    assert desk.post.events(A) == [*first, *later]
    assert [each.status for each in deliveries] == ["delivered"] * 5
    assert (await desk.stored(webhook)).cursor == later[-1]
    assert (await desk.stored(webhook)).succeeded_at == desk.clock.now()


async def test_a_new_webhook_gets_what_comes_later_only(desk: Any) -> None:
    session = await desk.session()
    await desk.rename(session)
    await desk.webhook(A)
    await desk.deliver()
    (later,) = await desk.rename(session)
    await desk.post.until(lambda: bool(desk.post.events(A)))
    assert desk.post.events(A) == [later]


@pytest.mark.parametrize("origin", [{"forked_from": "s"}, {"imported_from": "chatgpt"}])
async def test_what_was_copied_or_imported_did_not_happen_here(desk: Any, origin: dict[str, str]) -> None:
    made = SessionCreated(session_id="s", title="", agent="a", project="/", workspace="/", **origin)
    webhook = await desk.webhook(A, events=("run.*",))
    old, new = (
        [RunStarted(**ids, agent="a", model="m"), RunCompleted(**ids)]
        for ids in (
            {"session_id": "s", "run_id": "old", "at": made.at - timedelta(days=1)},
            {"session_id": "s", "run_id": "new", "at": made.at + timedelta(seconds=1)},
        )
    )
    logged = await desk.log.append(made, *old, *new)
    await desk.deliver()
    await desk.until_done(webhook, 2)
    assert desk.post.events(A) == [each.id for each in logged[-2:]]


async def test_a_failure_is_tried_again_with_the_same_id_while_the_others_wait(desk: Any) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    ids = await desk.rename(session, 2)
    desk.post.answers[A] = [DOWN, Answer(500), Answer(429, retry_after_s=77), Answer(408)]
    await desk.deliver()
    deliveries = await desk.until_done(webhook, 2)
    assert [body["event_id"] for _, body in desk.post.attempts] == [ids[0]] * 5 + [ids[1]]
    assert len({body["id"] for _, body in desk.post.attempts}) == 2
    assert [body["attempt"] for _, body in desk.post.attempts] == [1, 2, 3, 4, 5, 1]
    assert desk.clock.waits == [1, 5, 77, 120]
    assert [(each.status, each.attempts) for each in deliveries] == [("delivered", 5), ("delivered", 1)]
    sent = [body["sent_at"] for _, body in desk.post.attempts[:5]]
    assert sent == sorted(set(sent)), "each attempt says its own time"
    assert len({body["created_at"] for _, body in desk.post.attempts[:5]}) == 1


async def test_what_is_refused_is_given_up_at_once_and_the_next_one_comes(desk: Any) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    ids = await desk.rename(session, 2)
    desk.post.answers[A] = [Answer(400, "no such field")]
    await desk.deliver()
    refused, taken = await desk.until_done(webhook, 2)
    assert (refused.status, refused.attempts, refused.response_status) == ("failed", 1, 400)
    assert refused.response == "no such field"
    assert (taken.event_id, taken.status) == (ids[1], "delivered")
    assert desk.clock.waits == []


async def test_after_its_last_attempt_a_delivery_has_failed_and_the_cursor_goes_on(desk: Any) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    ids = await desk.rename(session, 2)
    desk.post.answers[A] = [DOWN] * MAX_ATTEMPTS
    await desk.deliver()
    failed, taken = await desk.until_done(webhook, 2)
    assert (failed.status, failed.attempts, failed.next_attempt_at) == ("failed", MAX_ATTEMPTS, None)
    assert failed.error == "connection refused"
    assert taken.event_id == ids[1]
    assert timedelta(hours=23) < desk.clock.now() - taken.created_at + timedelta(days=1)
    assert (await desk.stored(webhook)).failures == 0


async def test_a_webhook_that_fails_for_days_is_disabled_and_says_why(
    desk: Any, caplog: pytest.LogCaptureFixture
) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    await desk.rename(session, 9)
    desk.post.answers[A] = [DOWN] * 1000
    with caplog.at_level(logging.WARNING):
        await desk.deliver()

        async def disabled() -> bool:
            return not (await desk.stored(webhook)).enabled

        await desk.until(disabled)
    found = await desk.stored(webhook)
    assert "in 3 days" in found.reason
    assert "connection refused" in found.reason
    attempts = len(desk.post.attempts)
    await desk.rename(session)
    assert len(desk.post.attempts) == attempts
    assert f"webhook {webhook.id} is disabled" in caplog.text
    assert A not in caplog.text, "an address may hold a secret"


async def test_a_receiver_that_is_gone_is_not_asked_again(desk: Any) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    await desk.rename(session, 3)
    desk.post.answers[A] = [Answer(410)]
    await desk.deliver()

    async def disabled() -> bool:
        return not (await desk.stored(webhook)).enabled

    await desk.until(disabled)
    (only,) = await desk.deliveries(webhook)
    assert only.status == "failed"
    assert "410" in (await desk.stored(webhook)).reason


async def test_deltas_come_only_to_who_names_them(desk: Any) -> None:
    session = await desk.session()
    every = await desk.webhook(A)
    deltas = await desk.webhook(B, events=("part.delta",))
    await desk.deliver()
    delta = await desk.delta(session)
    (renamed,) = await desk.rename(session)
    await desk.until_done(every, 1)
    await desk.until_done(deltas, 1)
    assert (desk.post.events(A), desk.post.events(B)) == ([renamed], [delta])


async def test_a_webhook_that_wants_deltas_later_gets_those_that_come_then(desk: Any) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A, events=("run.*",))
    worker = await desk.deliver()
    await desk.delta(session)
    async with worker.paused(webhook.id):
        changed = (await desk.stored(webhook)).model_copy(update={"events": ("part.delta",)})
        await desk.tables.change(changed)
    delta = await desk.delta(session)
    await desk.post.until(lambda: bool(desk.post.events(A)))
    assert desk.post.events(A)[-1] == delta


class Racing:
    """A store in which an event is committed just before a task asks for the last one."""

    def __init__(self, desk: Any, task: asyncio.Task[None] | None) -> None:
        self._desk = desk
        self._tables = desk.tables
        self._task = task
        self.session = ""
        self.committed: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tables, name)

    async def last_event_id(self) -> int:
        if self.session and asyncio.current_task() is self._task:
            self.committed += await self._desk.rename(self.session)
        return int(await self._tables.last_event_id())


async def test_what_is_committed_while_the_follower_changes_is_not_overlooked(desk: Any) -> None:
    store = Racing(desk, asyncio.current_task())
    session = await desk.session()
    webhook = await desk.webhook(A)
    worker = await desk.deliver(store=store)
    await desk.rename(session)
    await desk.until_done(webhook, 1)
    deltas = await desk.webhook(B, events=("part.delta",))
    store.session = session
    async with worker.paused(deltas.id):
        pass
    store.session = ""
    await desk.until_done(webhook, 2)
    assert desk.post.events(A)[1:] == store.committed


async def test_patterns_and_a_session_narrow_what_comes(desk: Any) -> None:
    one, other = await desk.session(), await desk.session()
    by_type = await desk.webhook(A, events=("run.*",))
    by_session = await desk.webhook(B, session_id=other)
    await desk.deliver()
    await desk.rename(one)
    run = (await desk.complete_run(one)).id
    (renamed,) = await desk.rename(other)
    await desk.until_done(by_type, 1)
    await desk.until_done(by_session, 1)
    assert (desk.post.events(A), desk.post.events(B)) == ([run], [renamed])


async def test_a_webhook_gets_events_of_its_owners_sessions_only(desk: Any) -> None:
    mine, anns = await desk.session(), await desk.session("ann")
    local = await desk.webhook(A)
    ann = await desk.webhook(B, owner="ann")
    await desk.deliver()
    await desk.rename(anns)
    anns_last = await desk.delete(anns, "ann")
    mine_last = await desk.delete(mine)
    await desk.until_done(local, 1)
    await desk.until_done(ann, 1)

    async def all_done() -> bool:
        return (await desk.stored(ann)).cursor >= anns_last

    await desk.until(all_done)
    assert desk.post.events(A) == [mine_last]
    assert desk.post.events(B)[-1] == anns_last


async def test_a_receiver_that_hangs_costs_the_others_nothing(desk: Any) -> None:
    session = await desk.session()
    await desk.webhook(A)
    quick = await desk.webhook(B)
    desk.post.hanging.add(A)
    await desk.deliver()
    ids = await desk.rename(session, 20)
    await desk.until_done(quick, 20)
    assert desk.post.events(B) == ids
    assert [url for url, _ in desk.post.attempts].count(A) == 1


async def test_what_waits_for_its_next_attempt_goes_on_after_a_restart(
    open_desk: Callable[..., Any], stopped_clock: Any, tmp_path: Path
) -> None:
    async with open_desk(tmp_path, stopped_clock) as desk:
        session = await desk.session()
        webhook = await desk.webhook(A)
        ids = await desk.rename(session, 2)
        desk.post.answers[A] = [DOWN] * 9
        await desk.deliver()

        async def waits() -> bool:
            return bool(await desk.deliveries(webhook))

        await desk.until(waits)
        before = desk.post.attempts[0][1]["id"]
    async with open_desk(tmp_path) as desk:
        await desk.deliver()
        deliveries = await desk.until_done(webhook, 2)
        assert desk.clock.waits == [1], "what is left of the wait"
        assert desk.post.events(A) == ids
        assert (desk.post.taken[0][1]["id"], deliveries[0].attempts) == (before, 2)


async def test_what_was_sent_but_not_noted_comes_again_with_its_id(
    open_desk: Callable[..., Any], tmp_path: Path
) -> None:
    async with open_desk(tmp_path) as desk:
        session = await desk.session()
        webhook = await desk.webhook(A)
        await desk.rename(session)
        desk.post.hanging.add(A)
        await desk.deliver()
        await desk.post.until(lambda: bool(desk.post.attempts))
        before = desk.post.attempts[0][1]["id"]
    async with open_desk(tmp_path) as desk:
        await desk.deliver()
        await desk.until_done(webhook, 1)
        assert desk.post.taken[0][1]["id"] == before


async def test_what_happened_while_nothing_was_delivered_comes_at_the_next_start(
    open_desk: Callable[..., Any], tmp_path: Path
) -> None:
    async with open_desk(tmp_path) as desk:
        session = await desk.session()
        webhook = await desk.webhook(A)
        ids = await desk.rename(session, 3)
    async with open_desk(tmp_path) as desk:
        await desk.deliver()
        await desk.until_done(webhook, 3)
        assert desk.post.events(A) == ids


async def test_events_of_a_session_that_was_deleted_meanwhile_are_not_sent(
    desk: Any, stopped_clock: Any
) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    await desk.rename(session, 3)
    desk.post.answers[A] = [DOWN]
    worker = await desk.deliver(wait=stopped_clock.wait)

    async def waits() -> bool:
        return bool(await desk.deliveries(webhook))

    await desk.until(waits)
    deleted = await desk.delete(session)
    worker.hurry(webhook.id)
    dropped, last = await desk.until_done(webhook, 2)
    assert (dropped.status, "not there any more" in dropped.error) == ("failed", True)
    assert last.event_id == deleted
    assert desk.post.events(A) == [deleted]


async def test_a_test_that_is_taken_sends_what_waits(desk: Any, stopped_clock: Any) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    ids = await desk.rename(session)
    desk.post.answers[A] = [DOWN, Answer(503), OK_BODY]
    worker = await desk.deliver(wait=stopped_clock.wait)

    async def waits() -> bool:
        return bool(await desk.deliveries(webhook))

    await desk.until(waits)
    failed = await worker.test(webhook)
    assert (failed.status, failed.response_status, failed.next_attempt_at) == ("failed", 503, None)
    assert len(desk.post.attempts) == 2, "a test that fails hurries nothing"
    taken = await worker.test(webhook)
    assert (taken.status, taken.response, taken.type) == ("delivered", "thanks", "webhook.test")
    await desk.until_done(webhook, 3)
    assert desk.post.events(A) == [None, *ids]
    assert (await desk.stored(webhook)).cursor == ids[0]


OK_BODY = Answer(200, "thanks")


async def test_changing_a_webhook_ends_its_wait_and_keeps_its_place(desk: Any, stopped_clock: Any) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    ids = await desk.rename(session, 2)
    desk.post.answers[A] = [DOWN]
    worker = await desk.deliver(wait=stopped_clock.wait)

    async def waits() -> bool:
        return bool(await desk.deliveries(webhook))

    await desk.until(waits)
    async with worker.paused(webhook.id):
        await desk.tables.change((await desk.stored(webhook)).model_copy(update={"url": B}))
    worker.hurry(webhook.id)
    await desk.until_done(webhook, 2)
    assert (desk.post.events(A), desk.post.events(B)) == ([], ids)


async def test_a_webhook_that_is_removed_gets_nothing_more_and_leaves_nothing(desk: Any) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    desk.post.hanging.add(A)
    worker = await desk.deliver()
    await desk.rename(session, 3)
    await desk.post.until(lambda: bool(desk.post.attempts))
    async with worker.paused(webhook.id):
        await desk.tables.remove(webhook.id)
    await worker.test(webhook.model_copy(update={"url": B}))
    assert await desk.deliveries(webhook) == ()
    assert len(desk.post.attempts) == 2


async def test_without_a_secret_nothing_is_sent(desk: Any) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    await desk.rename(session)
    secrets = [None, "found again"]

    async def secret(id: str) -> str | None:
        return secrets.pop(0)

    await desk.deliver(secret=secret)
    (delivery,) = await desk.until_done(webhook, 1)
    assert (delivery.attempts, len(desk.post.attempts)) == (2, 1)


async def test_an_event_whose_content_is_lost_holds_nothing_up(desk: Any, tmp_path: Path) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    (lost,) = await desk.log.append(SessionRenamed(session_id=session, title="x" * 100_000))
    (kept,) = await desk.rename(session)
    for path in (tmp_path / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    await desk.deliver()
    failed, _ = await desk.until_done(webhook, 2)
    assert (failed.event_id, failed.status, failed.error) == (
        lost.id,
        "failed",
        "The event's content is lost.",
    )
    assert desk.post.events(A) == [kept]


class FullDisk:
    """A store that cannot write for a while."""

    def __init__(self, tables: Any, failures: int) -> None:
        self._tables = tables
        self.failures = failures

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tables, name)

    async def record(self, *args: Any) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("The disk is full.", code="disk_full")
        await self._tables.record(*args)


async def test_what_cannot_be_noted_is_noted_later_and_not_sent_again(desk: Any) -> None:
    session = await desk.session()
    webhook = await desk.webhook(A)
    ids = await desk.rename(session, 2)
    tables, desk.tables = desk.tables, FullDisk(desk.tables, 3)
    await desk.deliver()
    desk.tables = tables
    await desk.until_done(webhook, 2)
    assert desk.post.events(A) == ids
    assert len(desk.post.attempts) == 2


async def test_old_deliveries_are_dropped_and_those_that_wait_stay(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.core.store.webhooks.KEPT_DELIVERIES", 50)
    session = await desk.session()
    webhook = await desk.webhook(A)
    ids = await desk.rename(session, 210)
    await desk.deliver()
    await desk.until(lambda: cursor_is(desk, webhook, ids[-1]))
    deliveries = await desk.deliveries(webhook)
    assert [each.event_id for each in deliveries] == ids[-len(deliveries) :]
    assert 50 <= len(deliveries) < 150


async def cursor_is(desk: Any, webhook: Any, event_id: int) -> bool:
    return bool((await desk.stored(webhook)).cursor == event_id)


async def test_nothing_runs_without_an_enabled_webhook(desk: Any) -> None:
    await desk.webhook(A, enabled=False)
    before = asyncio.all_tasks()
    worker = await desk.deliver()
    assert asyncio.all_tasks() == before
    webhook = await desk.webhook(B)
    async with worker.paused(webhook.id):
        pass
    assert len(asyncio.all_tasks()) == len(before) + 2
    async with worker.paused(webhook.id):
        await desk.tables.remove(webhook.id)
    assert asyncio.all_tasks() == before


async def test_a_webhook_of_a_user_who_is_gone_is_not_started(desk: Any) -> None:
    anns = await desk.session("ann")
    await desk.webhook(A, owner="ann")
    await desk.rename(anns)
    await desk.accounts.remove_user("ann")
    before = asyncio.all_tasks()
    await desk.deliver()
    assert asyncio.all_tasks() == before


@pytest.mark.thorough
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    answers=st.lists(
        st.sampled_from(
            [Answer(200), Answer(500), Answer(429), DOWN, Answer(404), Answer(302), "crash", "full"]
        ),
        max_size=25,
    ),
)
async def test_every_event_is_taken_or_given_up_and_in_order_whatever_fails(
    tmp_path_factory: Any, open_desk: Callable[..., Any], batches: list[int], answers: list[Any]
) -> None:
    """At least once and in order: over failures, crashes between sending and noting, and a full disk."""
    folder = tmp_path_factory.mktemp("log")
    async with open_desk(folder) as desk:
        session = await desk.session()
        webhook = await desk.webhook(A)
    taken: list[int] = []
    ids: list[int] = []
    ended = False
    while batches or not ended:
        async with open_desk(folder) as desk:
            ids += await desk.rename(session, batches.pop()) if batches else []
            ended = await delivered_or_crashed(desk, webhook, ids[-1], answers, taken)
            deliveries = await desk.deliveries(webhook)
    assert [each.event_id for each in deliveries] == ids
    assert len({each.id for each in deliveries}) == len(ids)
    failed = {each.event_id for each in deliveries if each.status == "failed"}
    assert set(taken) | failed == set(ids)
    firsts = list(dict.fromkeys(taken))
    assert firsts == sorted(firsts)


async def delivered_or_crashed(
    desk: Any, webhook: Any, last: int, script: list[Any], taken: list[int]
) -> bool:
    """Delivers until the event `last`, or a crash; says which."""
    crashed = asyncio.Event()
    store = FullDisk(desk.tables, 0)
    await desk.deliver(store=store, make_sender=lambda: Faulty(script, store, crashed, taken))
    ended = asyncio.create_task(desk.until(lambda: cursor_is(desk, webhook, last)))
    crash = asyncio.create_task(crashed.wait())
    await asyncio.wait({ended, crash}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    done = ended.done() and ended.result() is None
    for task in (ended, crash):
        task.cancel()
    await asyncio.wait({ended, crash})
    return done


class Faulty:
    """A network that does the next thing of a script, and 200 when it has ended."""

    def __init__(self, script: list[Any], store: FullDisk, crashed: asyncio.Event, taken: list[int]) -> None:
        self._script = script
        self._store = store
        self._crashed = crashed
        self._taken = taken

    async def send(self, url: str, message: Any, *, allow_private: bool) -> Answer:
        event_id = int(message.body.split(b'"event_id": ')[1].split(b",")[0])
        step = self._script.pop(0) if self._script else Answer(200)
        if step == "crash":
            self._taken.append(event_id)
            self._crashed.set()
            await asyncio.Event().wait()
        if step == "full":
            self._store.failures += 2
            step = Answer(200)
        if step.status == 200:
            self._taken.append(event_id)
        return step

    async def close(self) -> None:
        return
