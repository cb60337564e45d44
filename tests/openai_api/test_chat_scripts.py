"""Agents that have a script, through OpenAI's own client: only the result is the reply, as it comes."""

from __future__ import annotations

from holdfast.core.domain.models import Finished, TextDelta, UsageReport

AGENT = """\
version: 1
name: twice
model: scripted
script: |
  draft = query("one", conversation)
  response = query("two", conversation)
"""
ASK = [{"role": "user", "content": "Hello"}]
STEPS = [
    [TextDelta(text="A draft"), UsageReport(input_tokens=1, output_tokens=2), Finished(reason="stop")],
    [
        TextDelta(text="Good "),
        TextDelta(text="day"),
        UsageReport(input_tokens=3, output_tokens=4),
        Finished(reason="stop"),
    ],
]


async def test_a_scripts_result_is_the_reply_streamed_or_whole(serve) -> None:
    async with serve(STEPS * 2, more_settings={"sandbox": {"unconfined_scripts": True}}) as served:
        await served.bench.workbench.agents.create(AGENT)
        create = served.client.chat.completions.create
        whole = await create(model="agent/twice", messages=ASK)
        assert whole.choices[0].message.content == "Good day"
        assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (4, 6)
        stream = await create(model="agent/twice", messages=ASK, stream=True)
        deltas = [chunk.choices[0].delta async for chunk in stream]
        assert "".join(delta.content or "" for delta in deltas) == "Good day"
        assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "A draft"
