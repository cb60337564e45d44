"""The fixture that holds answers against documents can fail."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


def answering(status: int, body: Any, **more: Any) -> httpx.AsyncClient:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=body, **more)

    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://engine")


async def test_what_is_as_described_is_taken(validated) -> None:
    for status, body in ((200, {"status": "ok"}), (404, {"error": "a", "code": "b"})):
        async with validated(answering(status, body)) as http:
            assert (await http.get("/powabase/api/health")).status_code == status


@pytest.mark.parametrize(
    ("status", "body"),
    [(201, {"status": "ok"}), (200, {"status": 1}), (200, {}), (404, {"detail": "a"}), (500, {"error": 1})],
)
async def test_what_is_not_as_described_is_an_error(validated, status: int, body: Any) -> None:
    async with validated(answering(status, body)) as http:
        with pytest.raises(AssertionError, match="health"):
            await http.get("/powabase/api/health")


async def test_what_is_of_another_kind_than_described_is_an_error(validated) -> None:
    async with validated(answering(200, {}, headers={"content-type": "text/plain"})) as http:
        with pytest.raises(AssertionError, match="health"):
            await http.get("/powabase/api/health")


async def test_what_no_dialect_describes_is_left_alone(validated) -> None:
    async with validated(answering(299, {"detail": 1})) as http:
        for path in ("/powabase/nothing", "/holdfast/v1/version", "/", "/toy/things"):
            assert (await http.get(path)).status_code == 299
