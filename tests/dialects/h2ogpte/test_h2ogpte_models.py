"""Health, models, and what is like OpenAI's API."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import openai
import pytest

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.models import Finished, ModelInfo, TextDelta, UsageReport
from holdfast.server.dialects.h2ogpte.mapping_models import interval_of

API = "/h2ogpte/api/v1"
MODELS = "/h2ogpte/openai_api/v1/models"
ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


def client_of(served: Any) -> openai.AsyncOpenAI:
    base = f"{served.address}/h2ogpte/openai_api/v1"
    return openai.AsyncOpenAI(api_key="unused", base_url=base, max_retries=0)


@pytest.mark.covers("h2ogpte.health_readiness", "h2ogpte.health_liveness")
async def test_health_is_told_with_and_without_a_key(serve_users: Any) -> None:
    async with serve_users() as served:
        for probe in ("readiness", "liveness"):
            for headers in ({}, {"Authorization": "Bearer hf_nobody"}):
                answer = await served.http.get(f"/h2ogpte/rpc/health/{probe}", headers=headers)
                assert answer.status_code == 200
                assert answer.text
                assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.covers(
    "h2ogpte.list_models",
    "h2ogpte.get_vision_capable_model_names",
    "h2ogpte.get_model_to_vision_model_mapping",
)
async def test_models_that_can_be_used_are_listed(serve: Any) -> None:
    async with serve() as served:

        async def known(owner: str) -> tuple[ModelInfo, ...]:
            fields = {"provider": "p", "takes_images": True}
            return (
                ModelInfo(name="p/seeing", context_window=1000, **fields),
                ModelInfo(name="p/blind", provider="p"),
                ModelInfo(name="p/locked", available=False, **fields),
            )

        served.bench.catalog.list = known
        seeing, blind = (await served.http.get(f"{API}/models")).json()
        assert {seeing[key] for key in ("id", "display_name", "name", "base_model")} == {"p/seeing"}
        assert (seeing["max_seq_len"], seeing["is_vision"]) == (1000, True)
        assert (blind["id"], blind["is_vision"], "max_seq_len" in blind) == ("p/blind", False, False)
        assert (await served.http.get(f"{API}/models/vision_capable_model_names")).json() == ["p/seeing"]
        mapping = (await served.http.get(f"{API}/models/model_to_vision_model_mapping")).json()
        assert mapping == {"p/seeing": "p/seeing"}


@pytest.mark.covers("h2ogpte.get_usage_stats_by_model")
async def test_the_use_of_models_is_told(serve: Any) -> None:
    used = UsageReport(input_tokens=7, output_tokens=3, cost_usd=0.5)
    async with serve([[TextDelta(text="hi"), used, Finished(reason="stop")]]) as served:
        where = f"{API}/stats/usage_by_model"
        assert (await served.http.get(where, params={"interval": "24 hours"})).json() == []
        await served.bench.end(await served.bench.send(await served.bench.session()))
        (row,) = (await served.http.get(where, params={"interval": "1 week"})).json()
        assert row == {
            "llm_name": "scripted",
            "llm_cost": 0.5,
            "call_count": 1,
            "input_tokens": 7,
            "output_tokens": 3,
        }
        for wrong in ({}, {"interval": "soon"}):
            assert (await served.http.get(where, params=wrong)).status_code == 400


def test_intervals_are_read_in_words() -> None:
    assert interval_of("24 hours") == timedelta(hours=24)
    assert interval_of("Week") == timedelta(weeks=1)
    for wrong in ("", "hours 2", "-1 day", "99999 years", "1 fortnight"):
        with pytest.raises(InvalidError):
            interval_of(wrong)


@pytest.mark.covers("h2ogpte.openai_list_models", "h2ogpte.openai_get_model")
async def test_openais_client_lists_models_and_agents(serve: Any) -> None:
    async with serve() as served, client_of(served) as client:
        names = [model.id async for model in await client.models.list()]
        assert names[0] == "scripted"
        assert {"agent/tester", "agent/general"} <= set(names)
        for name in ("scripted", "agent/tester"):
            assert (await client.models.retrieve(name)).id == name
        for name in ("nothing", "agent/nothing"):
            with pytest.raises(openai.NotFoundError) as caught:
                await client.models.retrieve(name)
            assert caught.value.code == "model_not_found"


@pytest.mark.covers("h2ogpte.openai_chat_completion")
async def test_a_model_answers_without_the_tools_of_the_agent(serve: Any, say: Any) -> None:
    async with serve([say("Hello", " you")]) as served, client_of(served) as client:
        told: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
        made = await client.chat.completions.create(model="scripted", messages=told, temperature=0.5)
        assert made.choices[0].message.content == "Hello you"
        (request,) = served.bench.model.requests
    assert request.tools == ()
    assert request.settings.temperature == 0.5
    assert "Be kind." in request.messages[0].text


async def test_the_agent_answers_with_its_tools_when_that_is_asked_for(serve: Any, say: Any) -> None:
    async with serve([say("done")]) as served, client_of(served) as client:
        told: Any = [{"role": "user", "content": "Hi"}]
        await client.chat.completions.create(model="auto", messages=told, extra_body={"use_agent": True})
        (request,) = served.bench.model.requests
    assert "write_file" in {tool.name for tool in request.tools}


async def test_a_model_streams_and_a_conversation_goes_on(serve: Any, say: Any) -> None:
    async with serve([say("one", " two"), say("three")]) as served, client_of(served) as client:
        told: Any = [{"role": "user", "content": "Count"}]
        stream = await client.chat.completions.create(model="auto", messages=told, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
        assert text == "one two"
        told += [{"role": "assistant", "content": text}, {"role": "user", "content": "On"}]
        made = await client.chat.completions.create(model="agent/tester", messages=told)
        assert made.choices[0].message.content == "three"


async def test_the_callers_own_tools_are_called(serve: Any, call: Any, say: Any) -> None:
    async with serve([call(("add", "{}")), say("3")]) as served, client_of(served) as client:
        told: Any = [{"role": "user", "content": "Add"}]
        made = await client.chat.completions.create(model="scripted", messages=told, tools=[ADD])
        (wanted,) = made.choices[0].message.tool_calls or ()
        assert (made.choices[0].finish_reason, wanted.function.name) == ("tool_calls", "add")
        told += [made.choices[0].message, {"role": "tool", "tool_call_id": wanted.id, "content": "3"}]
        made = await client.chat.completions.create(model="scripted", messages=told, tools=[ADD])
        assert made.choices[0].message.content == "3"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 400),
        (json.dumps({"model": "auto", "messages": []}).encode(), 400),
        (json.dumps({"model": "no", "messages": [{"role": "user", "content": "a"}]}).encode(), 404),
    ],
)
async def test_errors_of_this_part_have_openais_shape(serve: Any, body: bytes, status: int) -> None:
    async with serve() as served:
        answer = await served.http.post("/h2ogpte/openai_api/v1/chat/completions", content=body)
        unknown = await served.http.get("/h2ogpte/openai_api/v1/nothing")
    assert (answer.status_code, unknown.status_code) == (status, 404)
    for each in (answer, unknown):
        assert set(each.json()) == {"error"}
        assert {"message", "type", "param", "code"} == set(each.json()["error"])
