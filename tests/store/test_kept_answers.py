"""Answers that are kept for requests that may be repeated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.idempotency import KeptAnswer, KeyedRequest
from holdfast.core.domain.identity import Role, User
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.idempotency import AnswerStore

REQUEST = KeyedRequest(user_id="u", operation="sessions.create", key="k", digest="d")
ANSWER = KeptAnswer(201, b'{"id": "s"}')
START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


async def refused(answers: AnswerStore, request: KeyedRequest) -> ConflictError:
    with pytest.raises(ConflictError) as caught:
        await answers.claim(request)
    return caught.value


async def count(log) -> int:
    return await log.writer.run(lambda db: db.execute("SELECT COUNT(*) FROM idempotency").fetchone()[0])


async def test_the_first_is_to_answer_and_the_second_gets_what_was_kept(log) -> None:
    answers = AnswerStore(log.writer)
    assert await answers.claim(REQUEST) is None
    await answers.keep(REQUEST, ANSWER)
    assert await answers.claim(REQUEST) == ANSWER
    assert await answers.claim(REQUEST) == ANSWER


async def test_while_the_first_is_answered_the_second_is_told_to_come_back(log) -> None:
    answers = AnswerStore(log.writer)
    await answers.claim(REQUEST)
    error = await refused(answers, REQUEST)
    assert (error.code, error.retryable) == ("idempotency_in_progress", True)


@pytest.mark.parametrize("answered", [True, False])
async def test_another_request_under_the_key_is_refused(log, answered: bool) -> None:
    answers = AnswerStore(log.writer)
    await answers.claim(REQUEST)
    if answered:
        await answers.keep(REQUEST, ANSWER)
    error = await refused(answers, replace(REQUEST, digest="other"))
    assert (error.code, error.retryable) == ("idempotency_key_reused", False)


async def test_a_key_that_was_let_go_is_as_new(log) -> None:
    answers = AnswerStore(log.writer)
    await answers.claim(REQUEST)
    await answers.release(REQUEST)
    assert await answers.claim(replace(REQUEST, digest="other")) is None


@pytest.mark.parametrize("other", [{"user_id": "v"}, {"operation": "sessions.fork"}, {"key": "K"}])
async def test_each_user_and_each_operation_has_keys_of_its_own(log, other: dict[str, str]) -> None:
    answers = AnswerStore(log.writer)
    await answers.claim(REQUEST)
    await answers.keep(REQUEST, ANSWER)
    assert await answers.claim(replace(REQUEST, **other)) is None


async def test_an_answer_is_kept_for_a_day_and_then_forgotten(log) -> None:
    clock = Clock()
    answers = AnswerStore(log.writer, clock)
    await answers.claim(REQUEST)
    await answers.keep(REQUEST, ANSWER)
    clock.now = START + timedelta(hours=24)
    assert await answers.claim(REQUEST) == ANSWER
    clock.now += timedelta(seconds=1)
    await answers.claim(replace(REQUEST, key="another"))
    assert await count(log) == 1
    assert await answers.claim(REQUEST) is None


async def test_pruning_leaves_what_is_young(log) -> None:
    clock = Clock()
    answers = AnswerStore(log.writer, clock)
    for hour in range(30):
        clock.now = START + timedelta(hours=hour)
        await answers.claim(replace(REQUEST, key=str(hour)))
    clock.now = START + timedelta(hours=30)
    await answers.prune()
    assert await count(log) == 24


async def test_the_next_engine_has_the_answers_of_the_one_before(log) -> None:
    before = AnswerStore(log.writer)
    await before.claim(REQUEST)
    await before.keep(REQUEST, ANSWER)
    assert await AnswerStore(log.writer).claim(REQUEST) == ANSWER


async def test_what_an_engine_has_not_answered_is_never_done_a_second_time(log) -> None:
    await AnswerStore(log.writer).claim(REQUEST)
    error = await refused(AnswerStore(log.writer), REQUEST)
    assert (error.code, error.retryable) == ("idempotency_interrupted", False)


async def test_the_answers_of_a_removed_user_go_with_him(log) -> None:
    answers, accounts = AnswerStore(log.writer), Accounts(log.writer, log.reader)
    await accounts.add_user(User(id="u", name="ann", role=Role.USER, created_at=START))
    await answers.claim(REQUEST)
    await answers.claim(replace(REQUEST, user_id="v"))
    await accounts.remove_user("u")
    assert await count(log) == 1
