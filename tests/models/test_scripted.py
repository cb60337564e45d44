"""The scripted model and the router that finds it."""

from __future__ import annotations

import json

import pytest

from holdfast.core.domain.errors import ModelNotFound, ModelRateLimited
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import Finished, ModelRequest, TextDelta, ToolCallDelta
from holdfast.core.models.router import ModelRouter
from holdfast.core.models.scripted import EXHAUSTED, ScriptedModel


def request(model: str = "scripted", *roles: str) -> ModelRequest:
    messages = tuple(Message(role=r, parts=(TextPart(text="x"),)) for r in roles or ("user",))
    return ModelRequest(model=model, messages=messages)


async def play(model, asked: ModelRequest):
    return [d async for d in model.stream(asked)]


async def test_each_call_gets_the_next_step_and_the_end_is_told():
    model = ScriptedModel([[TextDelta(text="a")], [ToolCallDelta(key="1", name="f", arguments="{}")]])
    assert await play(model, request()) == [TextDelta(text="a"), Finished(reason="stop")]
    assert (await play(model, request()))[-1] == Finished(reason="tool_calls")
    assert (await play(model, request()))[0] == TextDelta(text=EXHAUSTED)
    assert len(model.requests) == 3


async def test_a_step_may_raise_and_may_depend_on_the_request():
    model = ScriptedModel(
        [[TextDelta(text="a"), ModelRateLimited("no")], lambda r: [TextDelta(text=r.model)]]
    )
    with pytest.raises(ModelRateLimited):
        await play(model, request())
    assert (await play(model, request("scripted/x")))[0] == TextDelta(text="scripted/x")


async def test_a_file_is_loaded_by_name_where_that_is_allowed(tmp_path, blobs):
    path = tmp_path / "script.json"
    steps = [
        [{"type": "text", "text": "ab", "repeat": 3}],
        [{"type": "tool_call", "key": "1", "name": "f", "arguments": {"x": 1}}],
        [{"type": "error", "code": "model_rate_limited", "message": "later", "retry_after_s": 2}],
    ]
    path.write_text(json.dumps({"steps": steps, "delay_s": 0}))
    name = f"scripted/{path}"
    router = ModelRouter(lambda _: None, blobs, tmp_path / "log", {}, scripted=True)
    assert await play(router, request(name)) == [TextDelta(text="ab")] * 3 + [Finished(reason="stop")]
    assert (await play(router, request(name)))[0] == ToolCallDelta(key="1", name="f", arguments='{"x": 1}')
    with pytest.raises(ModelRateLimited) as caught:
        await play(router, request(name))
    assert caught.value.retry_after_s == 2
    assert caught.value.retryable
    await router.close()
    strict = ModelRouter(lambda _: None, blobs, tmp_path / "log", {})
    with pytest.raises(ModelNotFound):
        await play(strict, request(name))


async def test_a_script_can_follow_the_conversation_instead_of_the_calls(tmp_path):
    path = tmp_path / "script.json"
    steps = [[{"type": "text", "text": "first"}], [{"type": "text", "text": "second"}]]
    path.write_text(json.dumps({"steps": steps, "by": "conversation"}))
    model = ScriptedModel.load(path)
    for _ in range(2):
        assert (await play(model, request("s", "user")))[0] == TextDelta(text="first")
        assert (await play(model, request("s", "user", "assistant", "tool")))[0] == TextDelta(text="second")


@pytest.mark.parametrize("text", ["", "[]", '{"steps": [[{"type": "nonsense"}]]}', '{"steps": 1}'])
async def test_a_broken_script_is_not_found(tmp_path, text):
    path = tmp_path / "script.json"
    path.write_text(text)
    with pytest.raises(ModelNotFound):
        ScriptedModel.load(path)
    with pytest.raises(ModelNotFound):
        ScriptedModel.load(tmp_path / "missing.json")


async def test_offline_goes_to_the_planner_and_starts_no_worker(tmp_path, blobs):
    router = ModelRouter(lambda _: None, blobs, tmp_path / "log", {})
    await router.prestart("offline")
    assert isinstance((await play(router, request("offline")))[-1], Finished)
    assert router.worker_pid is None
    await router.close()
