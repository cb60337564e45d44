"""Chat completions that are cut, and conversations that change under their callers."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from holdfast.core.domain.approvals import Decision
from holdfast.core.services.sessions import SessionService
from holdfast.server.openai.conversations import Conversations

MODEL = "agent/tester"
ASK = [{"role": "user", "content": "Hello"}]
AGAIN = [*ASK, {"role": "assistant", "content": "one"}, {"role": "user", "content": "More"}]
ASKED = ("write_file", '{"path": "asked.md", "content": "x"}')


async def create(served: Any, messages: Any = ASK, **more: Any) -> Any:
    return await served.client.chat.completions.create(model=MODEL, messages=messages, **more)


async def session_of(served: Any, messages: Any) -> str:
    raw = await served.client.chat.completions.with_raw_response.create(model=MODEL, messages=messages)
    return str(raw.headers["holdfast-session"])


async def test_a_stream_that_the_engine_cuts_is_an_error_and_no_reply(serve, call) -> None:
    async with serve([call(ASKED)]) as served:
        stream = await create(served, stream=True)
        await served.bench.approval()
        served.stop.set()
        with pytest.raises(openai.APIError, match="stopping"):
            async with asyncio.timeout(10):
                async for _ in stream:
                    pass


async def test_a_reply_that_the_engine_cuts_may_be_asked_for_again(serve, call) -> None:
    async with serve([call(ASKED)]) as served:
        asking = asyncio.create_task(create(served))
        await served.bench.approval()
        served.stop.set()
        with pytest.raises(openai.InternalServerError) as caught:
            async with asyncio.timeout(10):
                await asking
        assert (caught.value.status_code, caught.value.code) == (503, "engine_stopping")
        assert "retry-after" in caught.value.response.headers


@pytest.mark.parametrize("stream", [False, True])
async def test_a_log_that_closes_ends_no_reply(serve, call, stream: bool) -> None:
    async with serve([call(ASKED)]) as served:
        asking = asyncio.create_task(create(served, stream=stream))
        await served.bench.approval()
        log = served.bench.workbench._core.log
        log._closing.set()
        for follower in log._followers:
            follower.wake.set()
        with pytest.raises(openai.APIError, match="stopping"):
            async with asyncio.timeout(10):
                async for _ in await asking:
                    pass


async def test_a_request_that_cannot_be_leaves_no_session_behind(serve, say) -> None:
    tool = {"type": "function", "function": {"name": "no good name"}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,!"}}
    async with serve([say("one")]) as served:
        for wrong in ({"tools": [tool]}, {"messages": [{"role": "user", "content": [image]}]}):
            with pytest.raises(openai.BadRequestError):
                await create(served, **wrong)
        assert (await served.bench.workbench.sessions.list()).items == ()


async def test_a_conversation_whose_session_is_deleted_goes_on_in_another(serve, say, monkeypatch) -> None:
    known = Conversations._known

    async def deleted_meanwhile(self: Any, workbench: Any, *of: Any) -> Any:
        found = await known(self, workbench, *of)
        if found is not None:
            await workbench.sessions.delete(found.id)
        return found

    async with serve([say("one"), say("two")]) as served:
        first = await session_of(served, ASK)
        monkeypatch.setattr(Conversations, "_known", deleted_meanwhile)
        assert await session_of(served, AGAIN) != first
        texts = [message.text for message in served.bench.model.requests[-1].messages[1:]]
        assert texts == ["Hello", "one", "More"]


async def test_a_conversation_is_not_gone_on_with_by_another_agent(serve, say) -> None:
    async with serve([say("one"), say("two")]) as served:
        first = await session_of(served, ASK)
        await served.bench.workbench.sessions.configure(first, agent="general")
        second = await session_of(served, AGAIN)
        assert (await served.bench.workbench.sessions.get(second)).agent == "tester"


@pytest.mark.parametrize("begun", [False, True])
async def test_of_two_that_go_on_at_once_one_is_told_to_come_again_unless_it_has_begun(
    serve, say, call, monkeypatch, begun: bool
) -> None:
    """A message that had to wait is taken out of the queue, or has left it for a run by itself."""
    async with serve([say("one"), call(ASKED), say("two"), say("three")]) as served:
        bench = served.bench
        session = await bench.workbench.sessions.get(await session_of(served, ASK))
        busy = await bench.send(session, "Another client")
        approval = await bench.approval()
        pull_back = SessionService.pull_back

        async def too_late(self: Any, session_id: str, message_id: str) -> Any:
            await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny"))
            await bench.until("run.started", after=(await bench.end(busy))[-1].id)
            return await pull_back(self, session_id, message_id)

        async def still_known(*_: Any) -> Any:
            return session

        monkeypatch.setattr(Conversations, "_known", still_known)
        if begun:
            monkeypatch.setattr(SessionService, "pull_back", too_late)
            assert (await create(served, AGAIN)).choices[0].message.content == "three"
        else:
            with pytest.raises(openai.ConflictError):
                await create(served, AGAIN)
            assert await bench.workbench.sessions.queue(session.id) == ()
