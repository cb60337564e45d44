"""The real LiteLLM adapter against the fake server, in this process and through the worker."""

from __future__ import annotations

import asyncio
import base64
import json
import logging

import pytest
from tests.fakes.openai_server import CONTEXT_ERROR, FakeOpenAI

from holdfast.core.domain.errors import (
    ContextTooLong,
    ModelAuthError,
    ModelError,
    ModelNotFound,
    ModelRateLimited,
    ModelRequestRefused,
    ModelStreamCut,
    ModelUnavailable,
)
from holdfast.core.domain.messages import FilePart, ImagePart, Message, TextPart, ToolCallPart, ToolResultPart
from holdfast.core.domain.models import (
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolSchema,
    UsageReport,
)
from holdfast.core.models import litellm_client
from holdfast.core.models.credentials import Addresses
from holdfast.core.models.desk import Providers
from holdfast.core.models.router import ModelRouter

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # LiteLLM's own, at its import and at calls; it leaves tasks and transports to the end of the process.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NOOP = ToolSchema(name="noop", description="Nothing", parameters={"type": "object", "properties": {}})


def text(deltas):
    return "".join(d.text for d in deltas if isinstance(d, TextDelta))


def calls(deltas):
    """The calls by key: name and whole arguments."""
    found: dict[str, list[str]] = {}
    for d in deltas:
        if isinstance(d, ToolCallDelta):
            name, arguments = found.setdefault(d.key, ["", ""])
            found[d.key] = [name + d.name, arguments + d.arguments]
    return [tuple(v) for v in found.values()]


def usage(deltas):
    (found,) = [d for d in deltas if isinstance(d, UsageReport)]
    return found


async def test_text_and_reasoning_stream_in_order_and_end_once(adapter, server, ask, collect):
    server.reset({"reasoning": "Let me think about it.", "text": "The answer is forty-two. Söze 🙂"})
    deltas = await collect(adapter.stream(ask()))
    assert text(deltas) == "The answer is forty-two. Söze 🙂"
    reasoning = [d for d in deltas if isinstance(d, ReasoningDelta)]
    assert "".join(d.text for d in reasoning) == "Let me think about it."
    assert not any(d.summary for d in reasoning)
    kinds = [type(d) for d in deltas]
    assert kinds.index(ReasoningDelta) < kinds.index(TextDelta)
    assert [d for d in deltas if isinstance(d, Finished)] == [Finished(reason="stop")]
    assert isinstance(deltas[-1], Finished)


async def test_the_call_carries_key_settings_tools_and_no_retries(adapter, server, ask, collect, canary):
    server.reset({"text": "ok"})
    request = ask(
        tools=(NOOP,), temperature=0.5, max_output_tokens=7, seed=3, stop=("END",), parallel_tool_calls=False
    )
    await collect(adapter.stream(request))
    (sent,) = server.requests
    assert sent.headers["authorization"] == f"Bearer {canary}"
    body = sent.body
    assert body["model"] == "gpt-4o"
    assert body["temperature"] == 0.5
    assert body.get("max_tokens", body.get("max_completion_tokens")) == 7
    assert body["seed"] == 3
    assert body["stop"] == ["END"]
    assert body["parallel_tool_calls"] is False
    assert body["tools"][0]["function"]["name"] == "noop"


async def test_parallel_tool_calls_arrive_whole_from_interleaved_fragments(adapter, server, ask, collect):
    first, second = {"path": "a.md", "content": "x" * 100}, {"pattern": "ü*"}
    server.reset(
        {
            "tools": [{"name": "write", "arguments": first}, {"name": "find", "arguments": second}],
            "piece": 7,
        }
    )
    deltas = await collect(adapter.stream(ask(tools=(NOOP,))))
    assert [(n, json.loads(a)) for n, a in calls(deltas)] == [("write", first), ("find", second)]
    assert deltas[-1] == Finished(reason="tool_calls")


async def test_two_calls_under_one_index_stay_apart_and_stop_becomes_tool_calls(
    adapter, server, ask, collect
):
    server.reset(
        {
            "chunks": [
                {"tool": {"index": 0, "id": "a", "name": "f", "arguments": "{}"}},
                {"tool": {"index": 0, "id": "b", "name": "g", "arguments": '{"x":'}},
                {"tool": {"index": 0, "arguments": "1}"}},
            ],
            "finish": "stop",
        }
    )
    deltas = await collect(adapter.stream(ask(tools=(NOOP,))))
    assert calls(deltas) == [("f", "{}"), ("g", '{"x":1}')]
    assert deltas[-1] == Finished(reason="tool_calls")


async def test_half_the_json_of_tool_arguments_is_passed_on_as_it_came(adapter, server, ask, collect):
    server.reset({"tools": [{"name": "write", "arguments": '{"path": "a.md", "cont'}]})
    deltas = await collect(adapter.stream(ask(tools=(NOOP,))))
    assert calls(deltas) == [("write", '{"path": "a.md", "cont')]


async def test_reported_usage_has_cost_and_is_not_marked_as_estimated(adapter, server, ask, collect):
    reported = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 60},
    }
    server.reset({"text": "ok", "usage": reported})
    found = usage(await collect(adapter.stream(ask())))
    assert (found.input_tokens, found.output_tokens) == (1000, 100)
    assert (found.cached_tokens, found.reasoning_tokens) == (400, 60)
    assert found.cost_usd == pytest.approx(600 * 2.5e-6 + 400 * 1.25e-6 + 100 * 1e-5)
    assert not found.estimated


async def test_usage_that_the_provider_did_not_report_is_marked_as_estimated(adapter, server, ask, collect):
    server.reset({"text": "some words here", "usage": False})
    found = usage(await collect(adapter.stream(ask())))
    assert found.estimated
    assert found.output_tokens > 0


async def test_a_model_without_known_price_has_no_cost(adapter, server, ask, collect):
    server.reset({"text": "ok"})
    assert usage(await collect(adapter.stream(ask(model="openai/own-model")))).cost_usd is None


@pytest.mark.parametrize(
    ("answer", "error", "retryable"),
    [
        ({"status": 400}, ModelRequestRefused, False),
        ({"status": 400, "error": CONTEXT_ERROR}, ContextTooLong, False),
        ({"status": 401}, ModelAuthError, False),
        ({"status": 403}, ModelAuthError, False),
        ({"status": 404}, ModelNotFound, False),
        ({"status": 429}, ModelRateLimited, True),
        ({"status": 500}, ModelUnavailable, True),
        ({"status": 503}, ModelUnavailable, True),
        ({"chunks": [{"text": "abc"}, {"drop": True}]}, ModelStreamCut, True),
        ({"text": "abc", "finish": None}, ModelStreamCut, True),
        ({"chunks": [{"text": "abc"}, {"raw": "data: {broken"}]}, ModelStreamCut, True),
        (
            {"chunks": [{"text": "abc"}, {"error": {"message": "overloaded", "code": 500}}]},
            ModelStreamCut,
            True,
        ),
        ({"chunks": [], "finish": None}, ModelUnavailable, True),
    ],
    ids=lambda v: json.dumps(v)[:60] if isinstance(v, dict) else None,
)
async def test_each_failure_is_one_error_of_ours_after_one_request(
    adapter, server, ask, collect, answer, error, retryable
):
    server.reset(answer)
    with pytest.raises(ModelError) as caught:
        await collect(adapter.stream(ask()))
    assert type(caught.value) is error
    assert caught.value.retryable is retryable
    assert caught.value.details["model"] == "openai/gpt-4o"
    assert len(server.requests) == 1
    if error is ModelStreamCut:
        assert text(collect.got) == "abc"


async def test_a_refused_key_says_how_to_set_it_and_never_shows_it(adapter, server, ask, collect, canary):
    server.reset({"status": 401, "error": {"message": f"Incorrect API key provided: {canary}"}})
    with pytest.raises(ModelAuthError) as caught:
        await collect(adapter.stream(ask()))
    assert "holdfast keys provider set openai" in str(caught.value)
    assert "canary" not in repr(caught.value.info)


@pytest.mark.parametrize("status", [400, 404, 429, 500])
async def test_a_provider_that_quotes_the_key_does_not_get_it_into_an_error(
    adapter, server, ask, collect, canary, status
):
    server.reset({"status": status, "error": {"message": f"bad header 'Bearer {canary}' or {canary}"}})
    with pytest.raises(ModelError) as caught:
        await collect(adapter.stream(ask()))
    assert "canary" not in repr(caught.value.info)
    assert caught.value.__cause__ is None


async def test_retry_after_is_told_in_seconds(adapter, server, ask, collect):
    server.reset({"status": 429, "headers": {"Retry-After": "7"}})
    with pytest.raises(ModelRateLimited) as caught:
        await collect(adapter.stream(ask()))
    assert caught.value.retry_after_s == 7.0
    assert caught.value.details["retry_after_s"] == 7.0


async def test_a_closed_port_is_unavailable(adapter, server, ask, collect):
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        await collect(adapter.stream(ask(api_base="http://127.0.0.1:9/v1")))


async def test_a_server_that_fails_once_answers_the_next_call(adapter, server, ask, collect):
    server.reset({"status": 500}, {"text": "back"})
    with pytest.raises(ModelUnavailable):
        await collect(adapter.stream(ask()))
    assert text(await collect(adapter.stream(ask()))) == "back"


async def test_silence_in_a_stream_ends_as_a_cut(in_process, server, ask, collect):
    server.reset({"chunks": [{"text": "abc"}, {"stall": True}]})
    with pytest.raises(ModelStreamCut):
        await collect(in_process.stream(ask()))
    assert text(collect.got) == "abc"


async def test_a_reply_without_an_end_is_cut(in_process, server, ask, collect, monkeypatch):
    monkeypatch.setattr(litellm_client, "MAX_REPLY", 1_000)
    server.reset(
        {"chunks": [{"reasoning": "abc" * 100}, {"text": "abc" * 100, "repeat": 20}, {"stall": True}]}
    )
    with pytest.raises(ModelError) as cut:
        await collect(in_process.stream(ask()))
    assert cut.value.code == "reply_too_long" and not cut.value.retryable
    assert sum(len(each.text) for each in collect.got) == 900
    assert await asyncio.to_thread(server.wait_for_early_close)


async def test_closing_the_iterator_ends_the_call_at_the_provider(adapter, server, ask):
    server.reset({"chunks": [{"text": "abc"}, {"stall": True}]})
    stream = adapter.stream(ask())
    assert (await anext(stream)) == TextDelta(text="abc")
    await stream.aclose()
    assert await asyncio.to_thread(server.wait_for_early_close)


async def test_calls_run_side_by_side(adapter, server, ask, collect):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(collect(adapter.stream(ask(f"number {i}")))) for i in range(8)]
    server_saw = {r.body["messages"][0]["content"] for r in server.requests}
    assert server_saw == {f"number {i}" for i in range(8)}
    assert len(tasks) == 8


async def test_a_schema_is_sent_as_response_format_where_the_model_takes_one(adapter, server, ask, collect):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    server.reset({"text": '{"a":1}'}, {"text": '{"a":1}'})
    await collect(adapter.stream(ask(response_format=schema)))
    await collect(adapter.stream(ask(model="openai/own-model", response_format=schema)))
    known, unknown = (r.body for r in server.requests)
    assert known["response_format"]["json_schema"]["schema"] == schema
    assert "response_format" not in unknown
    assert json.dumps(schema) in unknown["messages"][-1]["content"]


async def test_a_conversation_with_calls_images_and_files_reaches_the_provider(
    adapter, server, ask, collect, blobs
):
    image = ImagePart(blob=blobs.put(b"\x89PNG"), media_type="image/png", name="plot.png")
    pdf = FilePart(blob=blobs.put(b"%PDF-1.4\0"), media_type="application/pdf", name="a.pdf", size=9)
    table = FilePart(blob=blobs.put("a,b\n1,ü\n".encode()), media_type="text/csv", name="t.csv", size=9)
    result = ToolResultPart(call_id="c1", name="plot", content=(TextPart(text="drawn"), image))
    server.reset({"text": "ok"})
    messages = (
        Message(role="system", parts=(TextPart(text="Be brief."),)),
        Message(role="user", parts=(TextPart(text="Look:"), image, pdf, table)),
        Message(role="assistant", parts=(ToolCallPart(call_id="c1", name="plot", arguments={"n": 1}),)),
        Message(role="tool", parts=(result,)),
    )
    await collect(adapter.stream(ask(messages=messages, tools=(NOOP,))))
    system, user, assistant, tool, shown = server.requests[0].body["messages"]
    assert system["content"] == "Be brief."
    url = f"data:image/png;base64,{base64.b64encode(b'%cPNG' % 0x89).decode()}"
    assert user["content"][1]["image_url"]["url"] == url
    assert user["content"][2]["file"]["file_data"].startswith("data:application/pdf;base64,")
    assert user["content"][3]["text"] == '<file name="t.csv">\na,b\n1,ü\n\n</file>'
    assert json.loads(assistant["tool_calls"][0]["function"]["arguments"]) == {"n": 1}
    assert (tool["tool_call_id"], tool["content"]) == ("c1", "drawn\n[image plot.png: in the next message]")
    assert shown["content"][1]["image_url"]["url"] == url


async def test_an_image_for_a_model_without_eyes_is_refused_before_any_request(
    adapter, server, ask, collect, blobs
):
    image = ImagePart(blob=blobs.put(b"\x89PNG"), media_type="image/png", name="plot.png")
    message = Message(role="user", parts=(TextPart(text="What is this?"), image))
    with pytest.raises(ModelRequestRefused, match=r"takes no images.*plot\.png"):
        await collect(adapter.stream(ask(model="groq/openai/gpt-oss-120b", messages=(message,))))
    assert server.requests == []


async def test_a_name_without_known_provider_is_not_found(adapter, server: FakeOpenAI, ask, collect):
    with pytest.raises(ModelNotFound, match=r"did you mean.*openai/gpt-4o"):
        await collect(adapter.stream(ask(model="opena/gpt-4o")))


async def test_the_key_is_in_no_log_record_even_when_everything_is_logged(
    in_process, server, ask, collect, canary, caplog
):
    caplog.set_level(logging.DEBUG)
    server.reset({"text": "ok"}, {"status": 500, "error": {"message": f"bad {canary}"}})
    await collect(in_process.stream(ask()))
    with pytest.raises(ModelUnavailable):
        await collect(in_process.stream(ask()))
    assert "canary" not in caplog.text


async def test_a_key_is_tried_with_the_provider_before_it_is_kept(server, blobs, tmp_path, canary) -> None:
    router = ModelRouter(lambda _: None, blobs, tmp_path / "log", {}, in_process=True)
    addresses = Addresses(environment={"OPENAI_API_BASE": server.url})
    desk = Providers(router, lambda _: None, dict, addresses, lambda *_: None, lambda _: None)
    server.key = "sk-right-key"
    try:
        wrong = await desk.check("openai", canary, None)
        right = await desk.check("openai", "sk-right-key", None)
    finally:
        server.key = None
        await router.close()
    assert (wrong.state, right.state) == ("refused", "right")
    assert canary not in wrong.model_dump_json()
    assert server.requests[-1].headers["authorization"] == "Bearer sk-right-key"
