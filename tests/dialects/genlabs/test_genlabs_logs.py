"""The log of calls of GenLabs' agents: listed, found, sorted, each in full, and as maps of sessions."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from holdfast.core.domain.custom_tools import ClientToolSpec
from holdfast.core.domain.identity import Scope

ORDERS = ClientToolSpec(
    name="get_order",
    title="Get Order Details",
    description="Looks an order up.",
    parameters={"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
)
LOGS = pytest.mark.covers("genlabs.get_logs")
DETAILS = pytest.mark.covers("genlabs.get_log_details")
MAP = pytest.mark.covers("genlabs.get_session_map")
REFUSED = {"error": "Not authenticated, invalid session id or api key"}


def asks(*texts: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"conversation": [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]}


async def calling(asked: Any, agent: str, text: str, version: str = "v1", **headers: str) -> Any:
    body = asks(text) if version == "v1" else {"message": {"role": "user", "content": text}}
    sent = {"Authorization": asked.key, **headers}
    answer = await asked.http.post(f"/genlabs/{version}/{agent}", json=body, headers=sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


@LOGS
async def test_calls_are_listed_found_sorted_and_paged(manage: Any, say: Any) -> None:
    async with manage([say("One"), say("Two"), say("Three")], **MODEL) as asked:
        first, second = await asked.agent("Zoe"), await asked.agent("Anna")
        for agent, text in (
            (first, "Where is my parcel?"),
            (second, "A refund"),
            (first, "Refund the parcel"),
        ):
            await calling(asked, agent, text)
        listed = await asked.ok("POST", "/get_logs")
        assert (listed["total"], listed["page"], listed["pages"]) == (3, 1, 1)
        assert [each["prompt"] for each in listed["logs"]] == [
            "Refund the parcel",
            "A refund",
            "Where is my parcel?",
        ]
        latest = listed["logs"][0]
        assert (latest["agent_name"], latest["agent_id"], latest["status"]) == ("Zoe", first, "completed")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", latest["timestamp"])
        assert latest["response_time_ms"] > 0 and latest["tool_used"] is False and latest["logging"] is True

        async def prompts(**wanted: Any) -> list[str]:
            return [each["prompt"] for each in (await asked.ok("POST", "/get-logs", wanted))["logs"]]

        assert await prompts(agent_id=second) == await prompts(modelId=second) == ["A refund"]
        assert await prompts(search="parcel") == ["Refund the parcel", "Where is my parcel?"]
        assert await prompts(search="anna") == ["A refund"]
        assert await prompts(sort="agent_name") == ["A refund", "Refund the parcel", "Where is my parcel?"]
        assert await prompts(sort="timestamp", order="asc", page=2, per_page=2) == ["Refund the parcel"]
        times = await asked.ok("POST", "/get_logs", sort="response_time", order="asc", per_page=2)
        found = [each["response_time_ms"] for each in times["logs"]]
        assert found == sorted(found) and times["pages"] == 2


MODEL: dict[str, Any] = {"more_settings": {"models": {"default": "scripted"}}}


@LOGS
@DETAILS
@MAP
async def test_what_cannot_be_is_refused_and_calls_of_others_are_not_there(manage: Any, say: Any) -> None:
    async with manage([say("One")], **MODEL) as asked:
        agent = await asked.agent()
        await calling(asked, agent, "Mine")
        log = (await asked.ok("POST", "/get_logs"))["logs"][0]["log_id"]
        other = await asked.secret("ann", Scope.ADMIN, "hers")
        refused = {
            (
                "/get_logs",
                400,
                "Invalid sort selection: one of agent_name, timestamp, credits, response_time",
            ): {"sort": "prompt"},
            ("/get_logs", 400, "Invalid order selection: asc or desc"): {"order": "up"},
            ("/get_logs", 400, "Invalid page: a number from 1 to 1000000"): {"page": 0},
            ("/get_logs", 400, "Search must be a string"): {"search": 7},
            ("/get_logs", 404, "Model not found"): {"agent_id": "nobody"},
            ("/get_log_details", 400, "Log ID is required"): {},
            ("/get_log_details", 404, "Log not found"): {"log_id": "0197aaaa-0000-7000-8000-000000000009"},
            ("/get_session_map", 404, "Session not found"): {"session": "nothing"},
            ("/get_session_map", 404, "Model not found"): {"model_id": log},
        }
        for (path, status, text), body in refused.items():
            answer = await asked("POST", path, body)
            assert (answer.status_code, answer.json()) == (status, {"error": text}), path
        hers = {"api_key": other}
        assert (await asked.raw("POST", "/get_logs", hers)).json()["total"] == 0
        assert (await asked.raw("POST", "/get_log_details", {**hers, "log_id": log})).status_code == 404
        assert (await asked.raw("POST", "/get_session_map", hers)).json() == {"sessions": []}
        standard = (await asked.ok("POST", "/create_key", name="calls", type="Standard"))["key"]
        for path in ("/get_logs", "/get_log_details", "/get_session_map"):
            answer = await asked.raw("POST", path, {"api_key": standard, "log_id": log})
            assert (answer.status_code, answer.json()) == (401, REFUSED)


@DETAILS
async def test_an_entry_in_full_has_prompt_answer_calls_and_the_times_of_each_phase(
    ask: Any, call: Any
) -> None:
    steps = [call(("get_order", "{}")), call(("get_order", json.dumps({"id": "17"})))]
    async with ask(steps, [ORDERS]) as asking:
        await asking.ok("v1", asks("Hello", "Hi!", "Where is order 17?"))
        (log,) = (await asking.http.post("/genlabs/get_logs", json={})).json()["logs"]
        assert log["tool_used"] is True
        assert log["tool_call_time_ms"] > 0 and log["tool_parameterization_time_ms"] > 0
        answer = await asking.http.post("/genlabs/get-log-details", json={"log_id": log["log_id"]})
        details = answer.json()
        assert {name: details[name] for name in log} == {**log, "prompt": "Where is order 17?"}
        assert details["conversation"] == [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi!"},
            {"role": "user", "content": "Where is order 17?"},
        ]
        (made,) = details["tool_calls"]
        assert (made["name"], made["parameters"], made["status"]) == ("get_order", {"id": "17"}, "client")
        assert [each["purpose"] for each in details["queries"]] == ["tool_choice", "tool_parameters"]
        assert sum(each["time_ms"] for each in details["queries"]) <= details["response_time_ms"]


@DETAILS
@LOGS
async def test_where_logging_is_off_the_figures_stay_and_no_word(ask: Any, say: Any) -> None:
    async with ask([say("A secret answer")], logging=False) as asking:
        await asking.ok("v1", asks("A secret question"))
        (log,) = (await asking.http.post("/genlabs/get_logs", json={})).json()["logs"]
        assert (log["prompt"], log["logging"], log["status"]) == ("", False, "completed")
        assert log["response_time_ms"] > 0
        answer = await asking.http.post("/genlabs/get_log_details", json={"log_id": log["log_id"]})
        assert answer.status_code == 200 and "secret" not in answer.text
        found = (await asking.http.post("/genlabs/get_logs", json={"search": "secret"})).json()
        assert found["total"] == 0


@MAP
async def test_a_thread_is_drawn_as_what_was_said_and_done_in_order(ask: Any, say: Any, call: Any) -> None:
    steps = [call(("get_order", "")), call(("get_order", '{"id": "9"}')), say("none"), say("On 2 March")]
    async with ask(steps, [ORDERS]) as asking:
        thread = {"session": "my thread"}
        message = {"role": "user", "content": "Where is order 9?"}
        await asking.ok("v2", {"message": message}, **thread)
        result = {"role": "assistant", "content": "Called get_order. Got: shipped"}
        await asking.ok("v2", {"message": result}, **thread)
        (mapped,) = (await asking.http.post("/genlabs/get_session_map", json=thread)).json()["sessions"]
        nodes = {each["id"]: each for each in mapped["nodes"]}
        shown = [(each["role"], each["tool"] or each["preview"]) for each in mapped["nodes"]]
        assert shown[:4] == [
            ("user", "Where is order 9?"),
            ("assistant", "tool_choice: get_order"),
            ("assistant", "tool_parameters"),
            ("tool", "get_order"),
        ]
        assert shown[-1] == ("assistant", "On 2 March")
        path = [edge["source"] for edge in mapped["edges"]] + [mapped["edges"][-1]["target"]]
        assert path == list(nodes), "one thing after the other"
        by_agent = (
            await asking.http.post("/genlabs/get-session-map", json={"session": mapped["session"]})
        ).json()
        assert by_agent["sessions"] == [mapped]
        assert (await asking.http.post("/genlabs/get_session_map", json={})).json()["sessions"] == [mapped]
