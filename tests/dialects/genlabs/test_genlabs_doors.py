"""Who may call GenLabs' agents, with what in the headers, and how often."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.models import Finished, TextDelta, UsageReport
from holdfast.core.domain.status import ListenOptions
from holdfast.server.connections import Patience
from holdfast.server.security import FAILURES
from holdfast.server.tcp import Behind, OpenListener

V1 = pytest.mark.covers("genlabs.query_agent_v1")
HELLO = {"conversation": [{"role": "user", "content": "Hello"}]}
REFUSED = {"error": "Not authenticated, invalid session id or api key"}
DEAR = [
    TextDelta(text="Hi"),
    UsageReport(input_tokens=1_000_000, output_tokens=1_000_000),
    Finished(reason="stop"),
]


class Keyed:
    """A workbench behind a listener on TCP that wants keys."""

    def __init__(self, bench: Any, http: httpx.AsyncClient) -> None:
        self.bench, self.http = bench, http

    async def key(self, name: str, scope: Scope = Scope.CHAT) -> Any:
        return await self.bench.workbench.keys.create(name, scope)

    async def call(self, id: str, shown: str | None = None, version: str = "v1") -> httpx.Response:
        headers = {} if shown is None else {"Authorization": shown}
        return await self.http.post(f"/genlabs/{version}/{id}", json=HELLO, headers=headers)


@pytest.fixture
def keyed(open_bench: Any, tmp_path: Path, validated: Any) -> Any:
    @asynccontextmanager
    async def serving(steps: Any = (), **settings: Any) -> AsyncIterator[Keyed]:
        async with open_bench(steps, more_settings=settings) as bench:

            async def host() -> Any:
                return bench.workbench

            log = logging.getLogger("holdfast.tests")
            behind = Behind(host, log, ServerSettings(), Patience(), tmp_path)
            listener = await OpenListener.open(ListenOptions(port=0), behind)
            try:
                async with httpx.AsyncClient(base_url=listener.state.url, timeout=20) as http:
                    yield Keyed(bench, validated(http))
            finally:
                listener.close()
                async with asyncio.timeout(10):
                    await listener.task

    return serving


@V1
async def test_a_key_stands_in_authorization_with_bearer_or_without(
    keyed: Any, put_agent: Any, say: Any
) -> None:
    async with keyed([say("Hi")] * 2) as served:
        id = put_agent()
        key = await served.key("mine")
        for shown in (key.secret, f"Bearer {key.secret}"):
            assert (await served.call(id, shown)).status_code == 200
        for shown in (None, "wrong", f"Basic {key.secret}", ""):
            answer = await served.call(id, shown)
            assert (answer.status_code, answer.json()) == (401, REFUSED)
        assert (await served.call(id, (await served.key("looks", Scope.READ)).secret)).status_code == 403


@V1
async def test_an_agent_is_called_with_its_own_key_or_a_secret_one(
    keyed: Any, put_agent: Any, say: Any
) -> None:
    async with keyed([say("Hi")] * 2) as served:
        own, other = await served.key("own"), await served.key("other")
        secret = await served.key("secret", Scope.ADMIN)
        id = put_agent(ext={"genlabs": {"key": own.credential.id}})
        assert (await served.call(id, own.secret)).status_code == 200
        assert (await served.call(id, secret.secret)).status_code == 200
        answer = await served.call(id, other.secret)
        assert (answer.status_code, answer.json()) == (401, REFUSED)


@V1
async def test_another_users_agent_is_not_there(keyed: Any, put_agent: Any) -> None:
    async with keyed() as served:
        id = put_agent()
        await served.bench.workbench.users.add("eve")
        key = await served.bench.workbench.keys.create("hers", Scope.ADMIN, user="eve")
        answer = await served.call(id, key.secret)
        assert (answer.status_code, answer.json()) == (404, {"error": "Model not found"})


@V1
async def test_calls_are_limited_by_the_tier_of_the_credits(keyed: Any, put_agent: Any, say: Any) -> None:
    async with keyed([say("Hi")] * 10, limits={"credits": True}) as served:
        id = put_agent(plan="decentralized")
        key = await served.key("mine")
        left = []
        for _ in range(10):
            answer = await served.call(id, key.secret)
            assert answer.status_code == 200, answer.text
            assert answer.headers["X-RateLimit-Limit"] == "10"
            left.append(int(answer.headers["X-RateLimit-Remaining"]))
        assert left == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
        answer = await served.call(id, key.secret)
        assert answer.status_code == 429
        assert answer.json() == {"error": "Rate limit exceeded", "tier": "Tier 1", "limit": 10}
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("10", "0")
        assert answer.headers["X-RateLimit-Reset"] == answer.headers["Retry-After"]


@pytest.mark.covers("genlabs.query_agent_v2")
async def test_a_call_that_waits_for_its_turn_is_one_call(keyed: Any, put_agent: Any, say: Any) -> None:
    async with keyed([say("Hi")] * 5, limits={"credits": True}) as served:
        id = put_agent(plan="decentralized")
        headers = {"Authorization": (await served.key("mine")).secret, "session": "one"}

        async def ask() -> httpx.Response:
            message = {"message": {"role": "user", "content": "Hello"}}
            return await served.http.post(f"/genlabs/v2/{id}", json=message, headers=headers)

        answers = await asyncio.gather(*(ask() for _ in range(5)))
        assert [each.status_code for each in answers] == [200] * 5
        assert min(int(each.headers["X-RateLimit-Remaining"]) for each in answers) == 5


@V1
async def test_without_credits_a_call_is_refused_and_tools_are_free(keyed: Any, put_agent: Any) -> None:
    async with keyed([DEAR], limits={"credits": True, "starting_credits": 100}) as served:
        id = put_agent(plan="dedicated", model="gpt-4")
        key = await served.key("mine")
        assert (await served.call(id, key.secret)).status_code == 200
        for version in ("v1", "v2"):
            answer = await served.call(id, key.secret, version)
            assert (answer.status_code, answer.json()) == (402, {"error": "Insufficient credits"})


@V1
async def test_where_credits_do_not_count_nothing_is_said_of_limits(
    keyed: Any, put_agent: Any, say: Any
) -> None:
    async with keyed([say("Hi")]) as served:
        answer = await served.call(put_agent(plan="decentralized"), (await served.key("mine")).secret)
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.lower().startswith("x-ratelimit")]


@pytest.mark.covers("genlabs.get_agent_details")
@pytest.mark.covers("genlabs.get_tools")
async def test_however_many_keys_were_wrong_they_are_not_known_and_right_ones_are(
    keyed: Any, put_agent: Any
) -> None:
    async with keyed() as served:
        secret = (await served.key("secret", Scope.ADMIN)).secret

        async def ask(path: str, **body: str) -> httpx.Response:
            return await served.http.post(f"/genlabs{path}", json=body)

        for _ in range(FAILURES + 2):
            answer = await ask("/get_tools", api_key="wrong")
            assert (answer.status_code, answer.json()) == (401, REFUSED)
        assert (await served.call(put_agent(), "wrong")).status_code == 401
        stale = await ask("/get_agent_details", session_id="gone", api_key=secret, modelId="x")
        assert (stale.status_code, stale.json()) == (404, {"error": "Model not found"})
