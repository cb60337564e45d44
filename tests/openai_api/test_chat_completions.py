"""Chat completions through OpenAI's own client: replies, streams, tools of the caller, errors."""

from __future__ import annotations

import asyncio
import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path

import openai
import pytest

from holdfast.core.domain.errors import ModelRateLimited
from holdfast.core.domain.messages import ImagePart, ToolResultPart
from holdfast.core.domain.models import Finished, ReasoningDelta, TextDelta, UsageReport

MODEL = "agent/tester"
ASK = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="


async def create(served, messages=ASK, **more):
    return await served.client.chat.completions.create(model=MODEL, messages=messages, **more)


async def test_agents_are_models(serve) -> None:
    async with serve() as served:
        models = {model.id async for model in served.client.models.list()}
        assert {MODEL, "agent/general"} <= models
        assert (await served.client.models.retrieve(MODEL)).id == MODEL
        with pytest.raises(openai.NotFoundError):
            await served.client.models.retrieve("agent/nobody")


async def test_a_reply_comes_whole_with_its_usage(serve) -> None:
    steps = [
        [
            TextDelta(text="Good "),
            TextDelta(text="day"),
            UsageReport(input_tokens=7, output_tokens=2, cached_tokens=3, cost_usd=0.1),
            Finished(reason="stop"),
        ]
    ]
    async with serve(steps) as served:
        reply = await create(served)
        assert reply.id.startswith("chatcmpl-")
        assert (reply.object, reply.model) == ("chat.completion", MODEL)
        assert reply.choices[0].message.content == "Good day"
        assert reply.choices[0].finish_reason == "stop"
        assert reply.usage.total_tokens == 9
        assert reply.usage.prompt_tokens_details.cached_tokens == 3
        (session,) = (await served.bench.workbench.sessions.list()).items
        assert session.title == "Hello"


async def test_a_stream_says_what_the_whole_reply_says(serve, say) -> None:
    async with serve([say("Good ", "day")] * 2) as served:
        whole = await create(served)
        stream = await create(served, stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
        assert chunks[0].choices[0].delta.role == "assistant"
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == whole.choices[0].message.content == "Good day"
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
        assert chunks[-1].usage is not None and not chunks[-1].choices


async def test_texts_of_several_steps_are_one_reply_and_the_agents_own_tools_stay_hidden(
    serve, say, call
) -> None:
    first = [TextDelta(text="Let me write."), *call(("write_file", '{"path": "free.md", "content": "x"}'))]
    async with serve([first, say("Done.")] * 2) as served:
        reply = await create(served)
        assert reply.choices[0].message.content == "Let me write.\n\nDone."
        assert reply.choices[0].message.tool_calls is None
        stream = await create(served, stream=True)
        chunks = [chunk async for chunk in stream]
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Let me write.\n\nDone."


async def test_reasoning_stands_beside_the_text(serve) -> None:
    steps = [[ReasoningDelta(text="Hm."), TextDelta(text="Yes"), Finished(reason="length")]]
    async with serve(steps) as served:
        reply = await create(served)
        assert reply.choices[0].message.content == "Yes"
        assert reply.choices[0].message.model_dump()["reasoning_content"] == "Hm."
        assert reply.choices[0].finish_reason == "length"


async def test_a_conversation_goes_on_in_its_session_though_all_of_it_is_sent_again(serve, say) -> None:
    async with serve([say("One"), say("Two"), say("Other")]) as served:
        messages = list(ASK)
        for question in ("And then?", None):
            reply = await create(served, messages)
            messages.append(reply.choices[0].message.model_dump())
            if question:
                messages.append({"role": "user", "content": question})
        (session,) = (await served.bench.workbench.sessions.list()).items
        assert session.messages == 4
        seen = served.bench.model.requests[-1].messages
        assert [m.role for m in seen] == ["system", "user", "assistant", "user"]
        # Another end of the same beginning is another session.
        await create(served, [*messages[:2], {"role": "user", "content": "Something else"}])
        assert len((await served.bench.workbench.sessions.list()).items) == 2
        assert [m.text for m in served.bench.model.requests[-1].messages][1:] == [
            "Hello",
            "One",
            "Something else",
        ]


async def test_a_conversation_stays_with_the_agent_that_was_asked(serve, say) -> None:
    async with serve([say("one"), say("two"), say("three")], agent="subagents: [helper]\n") as served:
        await served.bench.workbench.agents.create("version: 1\nname: helper\ntools: []\n")
        begun = [*ASK, {"role": "assistant", "content": "one"}, {"role": "user", "content": "More"}]
        for messages in (ASK, begun, [*ASK, *begun]):  # one that is new, remembered, not known
            await create(served, messages)
        assert len((await served.bench.workbench.sessions.list()).items) == 2
        requests = served.bench.model.requests
        offered = [{tool.name for tool in request.tools} & {"delegate", "hand_over"} for request in requests]
        assert offered == [{"delegate"}] * 3


async def test_a_conversation_that_is_not_known_begins_with_its_history(serve, say) -> None:
    async with serve([say("Yes")]) as served:
        messages = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "My name is Ann"},
            {"role": "assistant", "content": "Hello Ann"},
            {"role": "user", "content": "Do you know it?"},
        ]
        await create(served, messages)
        seen = served.bench.model.requests[-1].messages
        assert seen[0].text.startswith("Be brief.")
        assert [m.text for m in seen[1:]] == ["My name is Ann", "Hello Ann", "Do you know it?"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_of_the_caller_comes_back_as_a_call_and_its_result_goes_on(
    serve, say, call, stream
) -> None:
    async with serve([call(("weather", '{"city": "Oslo"}')), say("It rains.")]) as served:
        messages = list(ASK)
        if stream:
            chunks = [c async for c in await create(served, tools=[WEATHER], stream=True)]
            made = next(c.choices[0].delta.tool_calls[0] for c in chunks if c.choices[0].delta.tool_calls)
            assert chunks[-1].choices[0].finish_reason == "tool_calls"
            said = {"role": "assistant", "content": "", "tool_calls": [made.model_dump()]}
        else:
            reply = await create(served, tools=[WEATHER])
            assert reply.choices[0].finish_reason == "tool_calls"
            made = reply.choices[0].message.tool_calls[0]
            said = reply.choices[0].message.model_dump()
        assert (made.function.name, json.loads(made.function.arguments)) == ("weather", {"city": "Oslo"})
        messages += [said, {"role": "tool", "tool_call_id": made.id, "content": "rain"}]
        reply = await create(served, messages, tools=[WEATHER])
        assert reply.choices[0].message.content == "It rains."
        (result,) = served.bench.model.requests[-1].messages[-1].parts
        assert isinstance(result, ToolResultPart)
        assert result.content[0].text == "rain"
        assert len((await served.bench.workbench.sessions.list()).items) == 1


async def test_results_of_a_conversation_that_is_not_known_are_taken(serve, say) -> None:
    async with serve([say("It rains.")]) as served:
        function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
        messages = [
            *ASK,
            {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        ]
        reply = await create(served, messages, tools=[WEATHER])
        assert reply.choices[0].message.content == "It rains."
        assert [m.role for m in served.bench.model.requests[-1].messages][1:] == ["user", "assistant", "tool"]


async def test_tool_choice_none_keeps_the_callers_tools_from_the_model(serve, say) -> None:
    async with serve([say("Hi")]) as served:
        await create(served, tools=[WEATHER], tool_choice="none")
        assert "weather" not in {tool.name for tool in served.bench.model.requests[-1].tools}


async def test_an_image_inside_of_a_message_reaches_the_model(serve, say) -> None:
    async with serve([say("A dot")]) as served:
        content = [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        ]
        await create(served, [{"role": "user", "content": content}])
        parts = served.bench.model.requests[-1].messages[-1].parts
        assert isinstance(parts[1], ImagePart)
        assert parts[1].media_type == "image/png"


async def test_settings_reach_the_model(serve, say) -> None:
    async with serve([say("x")]) as served:
        await create(served, temperature=0.5, max_completion_tokens=9, stop=["a"], seed=1, top_p=0.5)
        settings = served.bench.model.requests[-1].settings
        assert (settings.temperature, settings.max_output_tokens, settings.stop) == (0.5, 9, ("a",))
        assert (settings.seed, settings.top_p) == (1, 0.5)


async def test_a_reply_that_must_fit_a_schema_comes_once_and_right(serve, say) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    async with serve([say("no"), say('{"a": 1}')] * 2) as served:
        reply = await create(served, response_format=form)
        assert json.loads(reply.choices[0].message.content) == {"a": 1}
        chunks = [c async for c in await create(served, response_format=form, stream=True)]
        assert json.loads("".join(c.choices[0].delta.content or "" for c in chunks)) == {"a": 1}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"tool_choice": "required", "tools": [WEATHER]}, "tool_choice"),
        ({"logprobs": True}, "logprobs"),
        ({"presence_penalty": 1}, "presence_penalty"),
        ({"temperature": 7}, "temperature"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": []}, "messages"),
    ],
)
async def test_what_cannot_be_done_is_refused_by_name(serve, more, param) -> None:
    async with serve() as served:
        arguments = {"model": MODEL, "messages": ASK, **more}
        with pytest.raises(openai.BadRequestError) as refused:
            await served.client.chat.completions.create(**arguments)
        assert refused.value.param == param
        assert (await served.bench.workbench.sessions.list()).items == ()


async def test_fields_that_change_nothing_are_taken(serve, say) -> None:
    async with serve([say("ok")]) as served:
        await create(
            served, n=1, user="u", store=False, presence_penalty=0, logit_bias={}, metadata={"a": "b"}
        )


@pytest.mark.parametrize("model", ["agent/nobody", "gpt-4o", "agent/", "agent/../x"])
async def test_an_unknown_model_is_not_found(serve, model) -> None:
    async with serve() as served:
        with pytest.raises(openai.NotFoundError) as refused:
            await served.client.chat.completions.create(model=model, messages=ASK)
        assert refused.value.code == "model_not_found"


async def test_a_run_that_fails_is_an_error_that_clients_do_not_send_again(serve) -> None:
    failing = [ModelRateLimited("slow down")] * 9
    async with serve([[each] for each in failing], retries=0) as served:
        with pytest.raises(openai.RateLimitError) as failed:
            await create(served)
        assert failed.value.response.headers["x-should-retry"] == "false"
        with pytest.raises(openai.APIError, match="slow down"):
            async for _ in await create(served, stream=True):
                pass


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_goes_away_cancels_his_run(serve, call, stream) -> None:
    waiting = call(("run_command", '{"command": "echo hi"}'))
    async with serve([waiting]) as served:
        body = {"model": MODEL, "messages": ASK, "stream": stream}
        asking = asyncio.create_task(served.http.post("/openai/v1/chat/completions", json=body))
        approval = await served.bench.approval()
        asking.cancel()
        await served.bench.until("run.cancelled", run_id=approval.run_id)


async def test_a_call_that_needs_a_person_waits_or_is_denied_as_the_caller_says(serve, say, call) -> None:
    asked = call(("run_command", '{"command": "echo hi"}'))
    async with serve([asked, say("Denied it was.")]) as served:
        reply = await create(served, extra_body={"holdfast": {"approvals": "deny"}})
        assert reply.choices[0].message.content == "Denied it was."


async def test_the_headers_name_the_run_in_the_native_api(serve, say) -> None:
    async with serve([say("x")]) as served:
        raw = await served.client.chat.completions.with_raw_response.create(model=MODEL, messages=ASK)
        run = await served.http.get(f"/holdfast/v1/runs/{raw.headers['holdfast-run']}")
        assert run.json()["session_id"] == raw.headers["holdfast-session"]


async def test_the_example_of_the_guide_works(serve, say) -> None:
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "openai-clients.md"
    (code,) = re.findall(r"```python\n(.*?)```", guide.read_text(), re.DOTALL)
    async with serve([say("I read files.")]) as served:
        code = code.replace("http://127.0.0.1:8700", served.address)
        out = io.StringIO()
        with redirect_stdout(out):
            await asyncio.to_thread(exec, compile(code, str(guide), "exec"), {"key": "hf_any"})
        assert out.getvalue() == "I read files.\n"


@pytest.mark.parametrize("path", ["/openai/v1", "/openai/v1/embeddings", "/openai/v1/chat"])
async def test_other_paths_are_not_there_in_openais_words(serve, path) -> None:
    async with serve() as served:
        answer = await served.http.post(path, json={})
        assert answer.status_code == 404
        error = answer.json()["error"]
        assert error["type"] == "invalid_request_error"
        assert "POST /openai/v1/chat/completions" in error["message"]


async def test_a_wrong_address_says_where_the_apis_are(serve) -> None:
    async with serve() as served:
        answer = await served.http.post("/v1/chat/completions", json={})
        assert answer.status_code == 404
        assert "APIs are under /holdfast/v1, /openai" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", ["", "{", "[]", '{"model": 1}', '{"model": "agent/tester", "messages": 3}'])
async def test_a_body_that_is_wrong_says_where(serve, body) -> None:
    async with serve() as served:
        headers = {"Content-Type": "application/json"}
        answer = await served.http.post("/openai/v1/chat/completions", content=body, headers=headers)
        assert answer.status_code == 400
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "arguments",
    ["[" * 100_000, '{"a":' * 900 + "1" + "}" * 900, '{"a": "\\ud800"}', '{"a": NaN}', "9" * 5_000],
    ids=["open", "deep", "half", "nan", "long"],
)
async def test_arguments_in_the_history_that_are_no_json_object_are_refused(serve, arguments: str) -> None:
    function = {"name": "weather", "arguments": arguments}
    said = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]}
    async with serve() as served:
        with pytest.raises(openai.BadRequestError) as caught:
            await create(served, [*ASK, said, {"role": "tool", "tool_call_id": "c1", "content": "x"}])
        assert caught.value.code == "invalid_history"


async def test_a_body_of_too_many_values_is_refused(serve) -> None:
    async with serve() as served:
        answer = await served.http.post(
            "/openai/v1/chat/completions", json={"model": MODEL, "messages": ASK * 60_000}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
