"""Citations in chat completions: whole replies have the clean text, streams what the model wrote."""

from __future__ import annotations

from typing import Any

from tests.fakes.fake_index import FakeIndex

AGENT = "knowledge: [{ collection: docs, retrieval: { mode: context } }]\n"


def knowledge() -> dict[str, Any]:
    index = FakeIndex()
    index.add("docs", {"a.md": ["Hotels cost ninety euros."]})
    return {"knowledge": index, "agent": AGENT}


async def create(served: Any, *more: dict[str, str], **options: Any) -> Any:
    messages = [{"role": "user", "content": "hotels"}, *more]
    return await served.client.chat.completions.create(model="agent/tester", messages=messages, **options)


async def test_a_whole_reply_has_no_number_that_cites_nothing(serve, say, call) -> None:
    steps = [[*say("First [9].")[:-1], *call(("list_files", "{}"))], say("Ninety [1]", " not [7].")]
    async with serve(steps, **knowledge()) as served:
        reply = await create(served)
        assert reply.choices[0].message.content == "First.\n\nNinety [1] not."


async def test_a_conversation_goes_on_in_its_session_after_either(serve, say) -> None:
    async with serve([say("Ninety [7].")] * 4, **knowledge()) as served:
        whole = (await create(served)).choices[0].message.content
        stream = await create(served, stream=True)
        parts = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        assert (whole, "".join(parts)) == ("Ninety.", "Ninety [7].")
        for said in (whole, "".join(parts)):
            await create(served, {"role": "assistant", "content": said}, {"role": "user", "content": "Sure?"})
        sessions = (await served.bench.workbench.sessions.list()).items
        assert sorted(session.messages for session in sessions) == [4, 4], "two sessions, each went on"
