"""`Idempotency-Key` over HTTP: what is done once, answered again, and refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_fakes import AT

from holdfast.core.domain import errors
from holdfast.core.domain.approvals import Approval, ApprovalStatus
from holdfast.core.domain.runs import Session
from holdfast.core.domain.tools import Risk
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store.idempotency import AnswerStore
from holdfast.core.store.log import EventLog

BODY = {"agent": "analyst", "title": "Größe"}


def session(id: str) -> Session:
    return Session(id=id, title="x", agent="a", project="/p", workspace="/w", created_at=AT, updated_at=AT)


@pytest.fixture
async def kept(served: Any, short_folder: Path) -> AsyncIterator[Any]:
    """A server that keeps answers; each session that its fake makes has another id."""
    log = await EventLog.open(short_folder / "test.db", FileBlobs(short_folder / "blobs"))
    served.fake.answers = AnswerStore(log.writer)
    served.fake.results["sessions.create"] = lambda **_: session(f"s{len(served.fake.calls)}")
    yield served
    await log.close()


def approval() -> Approval:
    said: dict[str, Any] = {"session_id": "s1", "run_id": "r1", "call_id": "c1", "agent": "a", "tool": "t"}
    return Approval(
        id="a1",
        **said,
        risk=Risk.WRITE,
        subject="x",
        arguments={},
        requested_at=AT,
        status=ApprovalStatus.APPROVED,
    )


async def post(kept: Any, path: str = "/sessions", *, key: str = "k1", **body: Any) -> httpx.Response:
    return await kept.http.post(path, json=body or BODY, headers={"Idempotency-Key": key})


async def test_a_repeated_request_gets_the_same_answer_and_is_done_once(kept: Any) -> None:
    first = await post(kept)
    again = await post(kept)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert again.headers["content-type"] == "application/json"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    assert len(kept.fake.calls) == 1


async def test_without_a_key_every_request_is_done(kept: Any) -> None:
    answers = [await kept.http.post("/sessions", json=BODY) for _ in range(2)]
    assert [answer.json()["id"] for answer in answers] == ["s1", "s2"]


async def test_another_key_is_another_request(kept: Any) -> None:
    assert [(await post(kept, key=key)).json()["id"] for key in ("k1", "k2")] == ["s1", "s2"]


async def test_the_same_key_with_another_body_is_refused(kept: Any) -> None:
    await post(kept)
    answer = await post(kept, agent="other")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert "retry-after" not in answer.headers
    assert len(kept.fake.calls) == 1


async def test_the_same_key_on_another_object_is_refused(kept: Any) -> None:
    kept.fake.results["sessions.fork"] = session("f")
    assert (await kept.http.post("/sessions/a/fork", headers={"Idempotency-Key": "k"})).status_code == 201
    answer = await kept.http.post("/sessions/b/fork", headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_key_reused")


async def test_while_the_first_is_answered_the_second_is_told_to_come_back(kept: Any) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(*_: Any, **__: Any) -> Session:
        begun.set()
        await may_end.wait()
        return session("slow")

    kept.fake.sessions.create = slow
    first = asyncio.create_task(post(kept))
    async with asyncio.timeout(10):
        await begun.wait()
        second = await post(kept)
        may_end.set()
        assert (await first).status_code == 201
    assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_in_progress")
    assert second.headers["retry-after"] == "1"
    assert (await post(kept)).json()["id"] == "slow"


async def test_of_many_at_once_one_is_done(kept: Any) -> None:
    answers = await asyncio.gather(*(post(kept) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["id"] for answer in answers if answer.status_code == 201} == {"s1"}
    assert len(kept.fake.calls) == 1


@pytest.mark.parametrize(
    "error",
    [
        errors.InvalidError("No"),
        errors.NotFoundError("No"),
        errors.ConflictError("No", code="session_exists"),
        errors.TooLargeError("No"),
    ],
)
async def test_what_the_request_itself_makes_fail_fails_again_in_the_same_words(
    kept: Any, error: errors.HoldfastError
) -> None:
    kept.fake.results["sessions.create"] = error
    first = await post(kept)
    kept.fake.results["sessions.create"] = session("late")
    again = await post(kept)
    assert again.status_code == first.status_code == errors.STATUS[error.kind]
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    "error",
    [
        errors.UnauthenticatedError("No"),
        errors.ForbiddenError("No"),
        errors.RateLimitedError("No"),
        errors.ConflictError("No", code="busy", retryable=True),
        errors.UnavailableError("No"),
        errors.StoreError("No"),
        errors.UnsupportedError("No"),
        errors.DeadlineError("No"),
        ZeroDivisionError(),
    ],
)
async def test_what_may_go_otherwise_the_next_time_is_tried_again(kept: Any, error: Exception) -> None:
    kept.fake.results["sessions.create"] = error
    assert not (await post(kept)).is_success
    kept.fake.results["sessions.create"] = session("late")
    again = await post(kept)
    assert (again.status_code, again.json()["id"]) == (201, "late")
    assert "idempotency-replayed" not in again.headers


async def test_a_body_that_was_wrong_stays_wrong_under_its_key(kept: Any) -> None:
    first = await post(kept, agent=5)
    again = await post(kept, agent=5)
    assert first.status_code == again.status_code == 400
    assert again.headers["idempotency-replayed"] == "true"
    assert (await post(kept)).json()["error"]["code"] == "idempotency_key_reused"


async def test_an_answer_without_a_body_is_repeated_without_one(kept: Any) -> None:
    kept.fake.results["runs.steer"] = None
    parts = [{"type": "text", "text": "x"}]
    for replayed in (None, "true"):
        answer = await post(kept, "/runs/r1/steer", parts=parts)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "content-type" not in answer.headers
        assert answer.headers.get("idempotency-replayed") == replayed
    assert len(kept.fake.calls) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/approvals/a1/decision", {"decision": {"outcome": "approve"}}),
        ("/questions/q1/answer", {"action": "accept", "fields": {"city": "Rome"}}),
    ],
)
async def test_a_decision_that_is_sent_again_is_made_once_and_answered_alike(
    kept: Any, path: str, body: dict[str, Any]
) -> None:
    late = errors.ConflictError("Decided already.", code="approval_decided")
    decided = approval() if "approvals" in path else None
    kept.fake.results |= {"approvals.decide": decided, "runs.answer": decided}
    first = await post(kept, path, **body)
    kept.fake.results |= {"approvals.decide": late, "runs.answer": late}
    again = await post(kept, path, **body)
    assert first.is_success and (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    other = await post(kept, path, key="another", **body)
    assert other.json()["error"]["code"] == "approval_decided"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ü", "a\tb", "\x7f"])
async def test_a_key_of_other_than_visible_ascii_is_refused(kept: Any, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    answer = await kept.http.post("/sessions", json=BODY, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_idempotency_key")
    assert kept.fake.calls == []


async def test_two_keys_are_none(kept: Any) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await kept.http.post("/sessions", json=BODY, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_idempotency_key")


@pytest.mark.parametrize("key", ["!", "~" * 255, '{"a"}', "'; DROP TABLE idempotency; --".replace(" ", "_")])
async def test_any_visible_ascii_is_a_key(kept: Any, key: str) -> None:
    assert [(await post(kept, key=key)).json()["id"] for _ in range(2)] == ["s1", "s1"]


@pytest.mark.parametrize(("path", "body"), [("/keys", {"name": "ci"}), ("/logins", {})])
async def test_what_answers_with_a_secret_takes_no_key(kept: Any, path: str, body: Any) -> None:
    answer = await kept.http.post(path, json=body, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "idempotency_not_possible")
    assert kept.fake.calls == []


async def test_where_a_repetition_does_no_harm_the_key_does_nothing(kept: Any) -> None:
    kept.fake.results["sessions.rename"] = session("s")
    for _ in range(2):
        answer = await kept.http.put(
            "/sessions/s/title", json={"title": "x"}, headers={"Idempotency-Key": "not a key"}
        )
        assert answer.status_code == 200
    assert len(kept.fake.calls) == 2
