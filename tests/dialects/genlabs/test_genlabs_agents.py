"""GenLabs' agents: made, shown, changed and deleted, in its words to the letter."""

from __future__ import annotations

import re
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from holdfast.core.domain.agreements import DECENTRALIZED
from holdfast.core.domain.custom_tools import PythonToolSpec
from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.identity import Scope

CREATE = pytest.mark.covers("genlabs.create_agent")
DELETE = pytest.mark.covers("genlabs.delete_agent")
DETAILS = pytest.mark.covers("genlabs.get_agent_details")
UPDATE = pytest.mark.covers("genlabs.update_agent")
LIST = pytest.mark.covers("genlabs.get_agents")
REFUSED = "Not authenticated, invalid session id or api key"
REFUSED_DETAILS = "Not authenticated, invalid session ID or API key"
CHAIN = """\
initial_response = query("gpt-4o", conversation)
follow_up = add("user", f"Explain your reasoning for that", conversation)
final_response = query("gpt-4", conversation)
"""
IDS = ("modelId", "model_id", "agent_id", "agentId")
NAMES = ("agent_name", "agentName", "modelName", "model_name", "name")


def error(answer: Any, status: int) -> str:
    """Returns the one thing that an error says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    return answer.json()["error"]


# --- create


@CREATE
async def test_the_samples_agent_is_made(manage) -> None:
    async with manage() as asked:
        body = {"agent_name": "My New Agent", "plan": "Dedicated", "region": "us-east-1"}
        made = await asked("POST", "/create_agent", body)
        assert (made.status_code, made.content) == (201, b'{"message":"Agent created successfully"}')
        info = await asked.bench.workbench.agents.get(made.headers["x-agent-id"])
        assert (info.display_name, info.spec.plan, info.spec.region) == (
            "My New Agent",
            "dedicated",
            "us-east-1",
        )


@CREATE
async def test_a_name_has_each_of_its_spellings(manage) -> None:
    async with manage() as asked:
        for path, field in product(("/create_agent", "/create-agent"), NAMES):
            made = await asked("POST", path, {field: "Clerk", "plan": "Decentralized", "region": "mars"})
            assert made.status_code == 201
            info = await asked.bench.workbench.agents.get(made.headers["x-agent-id"])
            assert (info.display_name, info.spec.plan, info.spec.region) == ("Clerk", "decentralized", None)


NO_AGENTS = [
    ({}, "Agent name and plan are required"),
    ({"agent_name": "x"}, "Agent name and plan are required"),
    ({"plan": "Dedicated"}, "Agent name and plan are required"),
    ({"agent_name": " ", "plan": "Dedicated"}, "Agent name and plan are required"),
    ({"agent_name": 7, "plan": "Dedicated"}, "Agent name and plan are required"),
    ({"agent_name": "x", "plan": "dedicated"}, "Invalid plan selection"),
    ({"agent_name": "x", "plan": ["Dedicated"]}, "Invalid plan selection"),
    ({"agent_name": "x", "plan": "Dedicated"}, "Invalid region selection"),
    ({"agent_name": "x", "plan": "Dedicated", "region": "mars-1"}, "Invalid region selection"),
    ({"agent_name": "x", "plan": "Dedicated", "region": {}}, "Invalid region selection"),
    (
        {"agent_name": "x" * 201, "plan": "Decentralized"},
        "modelName: the text is too long (expected at most 200 characters)",
    ),
]


@CREATE
async def test_an_agent_that_cannot_be_is_refused(manage) -> None:
    async with manage() as asked:
        for body, text in NO_AGENTS:
            assert error(await asked("POST", "/create_agent", body), 400) == text


@CREATE
async def test_regions_are_those_of_the_settings_and_one_that_goes_gives_way(manage) -> None:
    async with manage(more_settings={"limits": {"regions": ["eu-north-9", "us-east-1"]}}) as asked:
        refused = await asked("POST", "/create_agent", agent_name="x", plan="Dedicated", region="eu-west-1")
        assert error(refused, 400) == "Invalid region selection"
        id = await asked.agent("x", "Dedicated", region="us-east-1")
        await asked.bench.workbench.agents.edit(id, {"region": "gone-1"})
        assert (await asked.ok("POST", "/get_agent_details", modelId=id))["region"] == "eu-north-9"


@CREATE
@UPDATE
async def test_a_decentralized_agent_means_that_its_agreement_is_accepted(manage) -> None:
    async with manage() as asked:
        users = asked.bench.workbench.users
        dedicated = await asked.agent("x", "Dedicated", region="us-east-1")
        assert [each.accepted_at for each in await users.agreements()] == [None]
        await asked.ok("PUT", "/update_agent", modelId=dedicated, plan="Decentralized")
        (accepted,) = await users.agreements()
        assert (accepted.name, accepted.accepted_at is not None) == (DECENTRALIZED, True)
        await asked.agent("y")
        assert await users.agreements() == (accepted,)


# --- who may


@CREATE
@UPDATE
@LIST
async def test_a_login_that_is_shown_has_to_be_a_good_one(manage) -> None:
    async with manage() as asked:
        standard = await asked.secret(scope=Scope.CHAT)
        login = (await asked.bench.workbench.users.login()).secret
        for method, path in (("POST", "/create_agent"), ("PUT", "/update_agent"), ("POST", "/get_agents")):
            for body in (
                {},
                {"api_key": "wrong"},
                {"session_id": "wrong", "api_key": asked.key},
                {"session_id": 7, "api_key": asked.key},
                {"api_key": 7},
                {"api_key": standard},
                [],
                "x",
            ):
                assert error(await asked.raw(method, path, body), 401) == REFUSED
            for body in ({"session_id": login}, {"session_id": login, "api_key": "wrong"}):
                assert (await asked.raw(method, path, body)).status_code != 401


@DELETE
@DETAILS
@pytest.mark.parametrize(
    ("method", "path", "text"),
    [("DELETE", "/delete_agent", REFUSED), ("POST", "/get_agent_details", REFUSED_DETAILS)],
)
async def test_a_bad_login_gives_way_to_a_key(manage, method, path, text) -> None:
    async with manage() as asked:
        for body in ({}, {"session_id": "wrong"}, {"session_id": "wrong", "api_key": "wrong"}):
            assert error(await asked.raw(method, path, body), 401) == text
        login = (await asked.bench.workbench.users.login()).secret
        for body in (
            {"session_id": "wrong", "api_key": asked.key},
            {"session_id": login, "api_key": "wrong"},
        ):
            assert error(await asked.raw(method, path, body), 400) == "Model ID is required"


@DELETE
@DETAILS
async def test_of_a_login_and_a_key_the_login_counts(manage) -> None:
    async with manage() as asked:
        id = await asked.agent()
        other = await asked.secret("ann")
        login = (await asked.bench.workbench.users.login()).secret
        body = {"session_id": login, "api_key": other, "modelId": id}
        assert (await asked.raw("POST", "/get_agent_details", body)).status_code == 200
        assert (await asked.raw("DELETE", "/delete_agent", body)).status_code == 200


@DELETE
@DETAILS
@UPDATE
async def test_agents_of_others_and_those_that_come_along_are_not_there(manage) -> None:
    async with manage() as asked:
        mine, other = await asked.agent(), await asked.secret("ann")
        shipped = (await asked.bench.workbench.agents.get("general")).id
        for id, key in (
            (mine, other),
            (shipped, asked.key),
            (str(uuid4()), asked.key),
            ("x", asked.key),
            (7, asked.key),
        ):
            body = {"api_key": key, "modelId": id}
            gone = await asked.raw("DELETE", "/delete_agent", body)
            assert error(gone, 404) == "Model not found or does not belong to you"
            assert error(await asked.raw("POST", "/get_agent_details", body), 404) == "Model not found"
            assert error(await asked.raw("PUT", "/update_agent", body), 404) == "Model not found"


@DELETE
@DETAILS
@UPDATE
async def test_an_agent_has_to_be_named(manage) -> None:
    async with manage() as asked:
        for body in ({}, {"modelId": None}, {"modelId": ""}):
            for method, path in (
                ("DELETE", "/delete_agent"),
                ("POST", "/get_agent_details"),
                ("PUT", "/update_agent"),
            ):
                assert error(await asked(method, path, body), 400) == "Model ID is required"


@pytest.mark.parametrize(
    ("method", "path", "noun", "broken", "text"),
    [
        ("POST", "/create_agent", "agents", "compose", "Failed to create model"),
        ("DELETE", "/delete_agent", "agents", "get", "Failed to delete model"),
        ("POST", "/get_agent_details", "agents", "get", "Failed to fetch model details"),
        ("PUT", "/update_agent", "agents", "get", "Failed to update model"),
    ],
)
async def test_what_breaks_is_said_in_its_endpoints_words(
    manage, monkeypatch, caplog, method, path, noun, broken, text
) -> None:
    async def breaks(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    async with manage() as asked:
        monkeypatch.setattr(f"holdfast.core.services.agents.AgentService.{broken}", breaks)
        body = {"agent_name": "x", "plan": "Decentralized", "modelId": str(uuid4())}
        assert error(await asked(method, path, body), 500) == text
        assert error(await asked(method, path.replace("_", "-"), body), 500) == text

        async def fails(*_: Any, **__: Any) -> None:
            raise StoreError("/home/me/agents/x.yaml cannot be written: Disk full")

        monkeypatch.setattr(f"holdfast.core.services.agents.AgentService.{broken}", fails)
        assert error(await asked(method, path, body), 500) == text


# --- delete


@DELETE
async def test_an_agent_is_deleted_whatever_its_id_is_called(manage) -> None:
    async with manage() as asked:
        for field in IDS:
            body = {field: await asked.agent()}
            gone = await asked("DELETE", "/delete_agent", body)
            assert (gone.status_code, gone.content) == (200, b'{"message":"Agent deleted successfully"}')
            again = await asked("DELETE", "/delete-agent", body)
            assert error(again, 404) == "Model not found or does not belong to you"


@DELETE
async def test_the_samples_agents_are_deleted_by_who_is_logged_in_and_by_who_has_a_key(manage) -> None:
    async with manage() as asked:
        login = (await asked.bench.workbench.users.login()).secret
        for who in ({"session_id": login}, {"api_key": asked.key}):
            body = {**who, "model_id": await asked.agent()}
            gone = await asked.raw("DELETE", "/delete_agent", body)
            assert (gone.status_code, gone.json()) == (200, {"message": "Agent deleted successfully"})


# --- details


@DETAILS
async def test_a_new_agent_is_shown_with_all_that_it_has(manage) -> None:
    async with manage() as asked:
        id = await asked.agent("Clerk", "Dedicated", region="us-west-1")
        found, *others = [await asked.ok("POST", "/get-agent-details", {field: id}) for field in IDS]
        assert all(each == found for each in others)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", found.pop("creationDate"))
        assert found == {
            "modelName": "Clerk",
            "modelType": None,
            "modelProvider": None,
            "modelScript": 'response = query("scripted", conversation)\n',
            "plan": "Dedicated",
            "region": "us-west-1",
            "apiKey": None,
            "tools": "",
            "topP": 1.0,
            "temperature": 1.0,
            "system": "",
            "stream": False,
        }


@DETAILS
@UPDATE
async def test_the_samples_agent_is_shown_as_the_sample_shows_it(manage) -> None:
    async with manage() as asked:
        id = await asked.agent("x", "Dedicated", region="us-east-1")
        await asked.tool("Tool1")
        await asked.tool("Tool2", "File Search")
        said = {
            "modelName": "My Awesome Model",
            "modelScript": "print('Hello World')",
            "plan": "Dedicated",
            "region": "us-east-1",
            "apiKey": asked.key,
            "tools": ["Tool1", "Tool2"],
            "topP": 0.9,
            "temperature": 0.75,
            "system": "System Configuration",
            "stream": True,
        }
        changed = await asked("PUT", "/update_agent", said, modelId=id)
        assert (changed.status_code, changed.content) == (200, b'{"message":"Model updated successfully"}')
        found = await asked.ok("POST", "/get_agent_details", modelId=id)
        assert found.pop("creationDate")
        assert asked.key not in str(found)
        assert found == {
            **said,
            "apiKey": "any_one_of_your_keys",
            "tools": "Tool1, Tool2",
            "modelType": None,
            "modelProvider": None,
        }


# --- update


@UPDATE
async def test_the_samples_update_changes_what_it_names_and_nothing_else(manage) -> None:
    async with manage() as asked:
        id = await asked.agent("Clerk", "Dedicated", region="us-east-1")
        await asked.ok("PUT", "/update_agent", modelId=id, system="Help.", temperature=0.5)
        before = await asked.ok("POST", "/get_agent_details", modelId=id)
        said = {"modelScript": "print('Updated Script')", "region": "us-west-1"}
        await asked.ok("PUT", "/update_agent", said, modelId=id)
        assert await asked.ok("POST", "/get_agent_details", modelId=id) == {**before, **said}
        await asked.ok("PUT", "/update_agent", modelId=id)
        nothing = {"topP": None, "tools": None, "apiKey": None, "stream": None, "system": None}
        await asked.ok("PUT", "/update-agent", nothing, modelId=id)
        assert await asked.ok("POST", "/get_agent_details", modelId=id) == {**before, **said}


@UPDATE
async def test_snake_case_says_the_same(manage) -> None:
    async with manage() as asked:
        id = await asked.agent()
        said = {"model_name": "Other", "model_script": CHAIN, "top_p": 0.25}
        await asked.ok("PUT", "/update_agent", said, agent_id=id)
        found = await asked.ok("POST", "/get_agent_details", modelId=id)
        assert (found["modelName"], found["modelScript"], found["topP"]) == ("Other", CHAIN, 0.25)


NO_CHANGES = [
    ({"plan": "Free"}, "Invalid plan selection"),
    ({"plan": 1}, "Invalid plan selection"),
    ({"plan": "Dedicated"}, "Invalid region selection"),
    ({"plan": "Dedicated", "region": "mars"}, "Invalid region selection"),
    ({"tools": ["Nothing"]}, "Invalid tool selection: Nothing"),
    ({"tools": [99]}, "Invalid tool selection: 99"),
    ({"apiKey": "nobodys"}, "Invalid API key selection"),
    ({"modelScript": "import os"}, "Invalid agent script: line 1 of the script: a script cannot import"),
    ({"modelScript": "if"}, "Invalid agent script: line 1 of the script: this is no Python"),
    ({"topP": 7}, "topP: "),
    ({"temperature": 7}, "temperature: "),
    ({"temperature": "hot"}, "temperature"),
    ({"stream": "perhaps"}, "stream"),
    ({"modelName": ""}, "modelName"),
    ({"modelName": "  "}, "modelName"),
    ({"tools": {"a": 1}}, "Invalid tool selection"),
    ({"tools": [True]}, "Invalid tool selection"),
    ({"tools": [None, 1.5]}, "Invalid tool selection"),
]


@UPDATE
async def test_what_cannot_be_is_refused_and_changes_nothing(manage) -> None:
    async with manage() as asked:
        id = await asked.agent()
        assert await asked.tool() == 1
        before = await asked.ok("POST", "/get_agent_details", modelId=id)
        for said, text in NO_CHANGES:
            assert text in error(await asked("PUT", "/update_agent", said, modelId=id), 400)
        assert await asked.ok("POST", "/get_agent_details", modelId=id) == before


@UPDATE
async def test_a_plan_brings_its_region_and_takes_it_away(manage) -> None:
    async with manage() as asked:
        id = await asked.agent()

        async def change(**said: Any) -> tuple[Any, Any]:
            await asked.ok("PUT", "/update_agent", modelId=id, **said)
            found = await asked.ok("POST", "/get_agent_details", modelId=id)
            return found["plan"], found["region"]

        assert await change(region="us-west-1") == ("Decentralized", None)
        assert await change(plan="Dedicated", region="us-west-1") == ("Dedicated", "us-west-1")
        assert await change(plan="Dedicated") == ("Dedicated", "us-west-1")
        assert await change(plan="Decentralized", region="us-west-1") == ("Decentralized", None)


@UPDATE
async def test_tools_are_named_by_what_they_are_called_or_by_number_and_keep_what_stands_with_them(
    manage,
) -> None:
    async with manage() as asked:
        workbench = asked.bench.workbench
        id = await asked.agent()
        order, terms = await asked.tool("Get order"), await asked.tool("Terms, old and new", "File Search")
        await workbench.tools.create(PythonToolSpec(code='def shout(text: str) -> str:\n    """Shouts."""\n'))

        async def change(tools: Any) -> str:
            await asked.ok("PUT", "/update_agent", modelId=id, tools=tools)
            return (await asked.ok("POST", "/get_agent_details", modelId=id))["tools"]

        assert await change(["Get order"]) == "Get order"
        await workbench.agents.edit(id, {"tools": [{"tool": "get_order", "arguments": {"a": 1}}]})
        assert await change(f"{terms}, Get order,shout") == "Terms, old and new, Get order, shout"
        (_, kept, _) = (await workbench.agents.get(id)).spec.tools
        assert kept.arguments == {"a": 1}
        assert await change("Terms, old and new") == "Terms, old and new"
        assert await change([str(order), order, "read_file"]) == "Get order, read_file"
        assert await change([]) == ""
        assert await change(["Get order"]) == "Get order"
        assert await change("") == ""


@UPDATE
async def test_a_key_is_selected_by_value_id_or_name_and_shown_by_name(manage) -> None:
    async with manage() as asked:
        id, workbench = await asked.agent(), asked.bench.workbench
        secret = await asked.secret(scope=Scope.CHAT, name="calls")
        found = await workbench.keys.find("calls")

        async def select(key: str) -> Any:
            await asked.ok("PUT", "/update_agent", modelId=id, apiKey=key)
            return (await asked.ok("POST", "/get_agent_details", modelId=id))["apiKey"]

        for named in (secret, found.id, "calls"):
            assert await select(named) == "calls"
            assert (await workbench.agents.get(id)).spec.ext["genlabs"]["key"] == found.id
            assert await select("") is None
        other = await asked.secret("ann", name="hers")
        for named in (other, "hers"):
            refused = await asked("PUT", "/update_agent", modelId=id, apiKey=named)
            assert error(refused, 400) == "Invalid API key selection"
            assert named not in refused.text
        await asked.secret(name="calls")
        refused = await asked("PUT", "/update_agent", modelId=id, apiKey="calls")
        assert error(refused, 400) == "Invalid API key selection"
        assert await select(secret) == found.id
        await workbench.keys.revoke(found.id)
        assert (await asked.ok("POST", "/get_agent_details", modelId=id))["apiKey"] is None


@UPDATE
async def test_a_script_keeps_the_models_that_it_is_given_elsewhere(manage) -> None:
    async with manage() as asked:
        id, workbench = await asked.agent(), asked.bench.workbench
        await workbench.agents.edit(id, {"script": {"code": "x = 1", "models": {"gpt-4": "scripted"}}})
        await asked.ok("PUT", "/update_agent", modelId=id, modelScript=CHAIN)
        script = (await workbench.agents.get(id)).spec.script
        assert (script.code, script.models) == (CHAIN, {"gpt-4": "scripted"})
        await asked.ok("PUT", "/update_agent", modelId=id, modelScript="  ")
        assert (await workbench.agents.get(id)).spec.script is None


# --- list


@LIST
async def test_agents_are_listed_with_what_they_have_used(manage, say) -> None:
    async with manage([say("Hi.")]) as asked:
        first = await asked.agent("First", "Dedicated", region="us-east-1")
        second = await asked.agent("Second")
        await asked.ok("PUT", "/update_agent", modelId=second, logging=False, alpha=True)
        workbench = asked.bench.workbench
        info = await workbench.agents.get(first)
        session = await workbench.sessions.create(info.name)
        await asked.bench.end(await asked.bench.send(session))
        listed = {each["modelName"]: each for each in (await asked.ok("POST", "/get_agents"))["agents"]}
        assert {"First", "Second"} <= set(listed)
        one, other = listed["First"], listed["Second"]
        assert (one["agent_id"], one["modelId"], one["requests"], one["region"]) == (
            first,
            first,
            1,
            "us-east-1",
        )
        assert (one["logging"], one["alpha"], other["logging"], other["alpha"]) == (True, False, False, True)
        assert (other["plan"], other["requests"], other["credits"]) == ("Decentralized", 0, 0)
        theirs = await asked.raw("POST", "/get_agents", {"api_key": await asked.secret("ann")})
        assert theirs.json() == {"agents": []}
