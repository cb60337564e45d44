"""Powabase's agents over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.agents import AgentSpec
from holdfast.server.dialects.powabase.mapping_agents import agent_changes, agent_values, settings_of
from holdfast.server.dialects.powabase.wire_agents import AgentBody, AgentChanges

AGENTS = "/powabase/api/agents"
BODY = {
    "name": "My Agent",
    "model": "gpt-4o",
    "system_prompt": "You are a helpful assistant.",
    "settings": {"temperature": 0.7},
}
NOBODY = f"{AGENTS}/8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"


async def make(served: Any, **more: Any) -> Any:
    answer = await served.http.post(AGENTS, json={**BODY, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.covers("powabase.create_agent", "powabase.get_agent")
async def test_an_agent_is_made_as_the_documentation_shows_it(serve: Any) -> None:
    async with serve() as served:
        made = await make(served)
        assert {key: made[key] for key in BODY} == BODY
        assert (await served.http.get(f"{AGENTS}/{made['id']}")).json() == made
        info = await served.bench.workbench.agents.get(made["id"])
        assert (info.name, info.display_name) == ("my-agent", "My Agent")
        assert info.spec is not None
        assert (info.spec.model, info.spec.model_settings.temperature) == ("gpt-4o", 0.7)
        assert (await make(served))["id"] != made["id"]


@pytest.mark.covers("powabase.create_agent")
async def test_settings_act_where_they_can_and_come_back_as_they_were_sent(serve: Any) -> None:
    settings = {
        "temperature": 0.2,
        "max_tokens": 900,
        "reasoning_effort": "low",
        "max_steps": 7,
        "timeout_seconds": 60.0,
        "fallback_model": "gpt-4o-mini",
        "max_context_tokens": 4000,
        "theme": {"dark": [1, None]},
    }
    async with serve() as served:
        made = await make(served, settings=settings, temperature=2)
        assert made["settings"] == settings
        spec = (await served.bench.workbench.agents.get(made["id"])).spec
        assert spec is not None
        assert (spec.model_settings.max_output_tokens, spec.model_settings.reasoning_effort) == (900, "low")
        assert (spec.limits.max_steps, spec.limits.timeout_s) == (7, 60)
        assert spec.fallback_models == ("gpt-4o-mini",)


@pytest.mark.covers("powabase.create_agent")
async def test_what_is_no_agent_is_refused(serve: Any) -> None:
    async with serve() as served:
        for body in [
            {},
            {"name": ""},
            {"name": "  "},
            {"name": 3},
            {"name": "x" * 201},
            {"name": "a", "settings": []},
            {"name": "a", "settings": {"temperature": "hot"}},
            {"name": "a", "settings": {"theme": "x" * 70_000}},
            [],
        ]:
            answer = await served.http.post(AGENTS, json=body)
            assert answer.status_code == 400
            assert set(answer.json()) == {"error", "code"} and answer.json()["error"]


@pytest.mark.covers("powabase.update_agent")
async def test_a_setting_that_cannot_be_is_told_without_where_files_are(serve: Any) -> None:
    async with serve() as served:
        place = f"{AGENTS}/{(await make(served))['id']}"
        answer = await served.http.patch(place, json={"settings": {"temperature": "hot", "max_steps": 0}})
        assert answer.status_code == 400
        assert answer.json()["error"] == (
            "model_settings.temperature: text stands here (expected a number); "
            "limits.max_steps: `0` is out of range (expected more than 0)"
        )


@pytest.mark.covers("powabase.update_agent")
async def test_a_change_leaves_the_rest_and_replaces_settings(serve: Any) -> None:
    async with serve() as served:
        made = await make(served, settings={"temperature": 0.7, "max_steps": 3, "theme": "dark"})
        place = f"{AGENTS}/{made['id']}"
        answer = await served.http.patch(place, json={"settings": {"temperature": 0.5}})
        assert answer.status_code == 200
        assert answer.json() == {
            **made,
            "settings": {"temperature": 0.5},
            "updated_at": answer.json()["updated_at"],
        }
        renamed = (await served.http.patch(place, json={"name": "Other", "model": None})).json()
        assert (renamed["name"], renamed["model"], renamed["system_prompt"]) == (
            "Other",
            None,
            BODY["system_prompt"],
        )
        assert renamed["settings"] == {"temperature": 0.5}
        assert (await served.http.patch(place, json={"settings": {}})).json()["settings"] == {}


@pytest.mark.covers("powabase.update_agent")
async def test_changes_at_once_are_all_made(serve: Any) -> None:
    async with serve() as served:
        place = f"{AGENTS}/{(await make(served))['id']}"
        bodies = [{"name": "New"}, {"model": "m"}, {"system_prompt": "p"}, {"settings": {"max_steps": 2}}]
        answers = await asyncio.gather(*(served.http.patch(place, json=body) for body in bodies))
        assert [answer.status_code for answer in answers] == [200] * 4
        found = (await served.http.get(place)).json()
        assert {key: found[key] for key in BODY} == {
            "name": "New",
            "model": "m",
            "system_prompt": "p",
            "settings": {"max_steps": 2},
        }


@pytest.mark.covers("powabase.update_agent")
async def test_a_change_of_nothing_is_refused(serve: Any) -> None:
    async with serve() as served:
        for body in [{}, {"temperature": 1}, {"name": None}, {"name": ""}, {"settings": 3}]:
            answer = await served.http.patch(f"{AGENTS}/{(await make(served))['id']}", json=body)
            assert answer.status_code == 400 and "error" in answer.json()


@pytest.mark.covers("powabase.delete_agent", "powabase.get_agent", "powabase.update_agent")
async def test_what_is_not_there_is_not_found(serve: Any) -> None:
    async with serve() as served:
        gone = f"{AGENTS}/{(await make(served))['id']}"
        session = await served.bench.workbench.sessions.create("my-agent")
        assert (await served.http.delete(gone)).json() == {"message": "Agent deleted"}
        for place in (gone, NOBODY):
            answers = (
                await served.http.get(place),
                await served.http.patch(place, json={"name": "x"}),
                await served.http.delete(place),
            )
            assert [answer.status_code for answer in answers] == [404] * 3
            assert all(answer.json()["error"] for answer in answers)
        assert (await served.bench.workbench.sessions.get(session.id)).agent == "my-agent"


@pytest.mark.covers("powabase.update_agent", "powabase.delete_agent")
async def test_an_agent_that_comes_with_holdfast_is_shown_and_not_changed(serve: Any) -> None:
    async with serve() as served:
        agents = (await served.http.get(AGENTS, params={"limit": 100})).json()["agents"]
        general = next(one for one in agents if one["name"].lower() in ("general", "coder"))
        place = f"{AGENTS}/{general['id']}"
        assert (await served.http.get(place)).status_code == 200
        for answer in (await served.http.patch(place, json={"name": "x"}), await served.http.delete(place)):
            assert answer.status_code == 403
            assert answer.json()["code"] == "agent_readonly"


@pytest.mark.covers("powabase.list_agents")
async def test_agents_are_listed_in_parts_and_in_the_order_that_is_asked(serve: Any, say: Any) -> None:
    async with serve([say("one"), say("two")]) as served:
        for name in ("zeta one", "Alpha One", "beta one"):
            await make(served, name=name, model="scripted")
        session = await served.bench.workbench.sessions.create("beta-one")
        for _ in range(2):
            await served.bench.end(await served.bench.send(session))

        async def listed(**query: Any) -> Any:
            answer = await served.http.get(AGENTS, params={"q": " ONE", **query})
            assert answer.status_code == 200, answer.text
            return answer.json()

        names = [one["name"] for one in (await listed(sort="name", order="asc"))["agents"]]
        assert names == ["Alpha One", "beta one", "zeta one"]
        assert [one["name"] for one in (await listed())["agents"]] == ["beta one", "Alpha One", "zeta one"]
        part = await listed(sort="name", order="asc", limit=1, offset=1)
        assert (part["total"], part["limit"], part["offset"]) == (3, 1, 1)
        beta = part["agents"][0]
        assert (beta["name"], beta["session_count"], beta["total_runs"]) == ("beta one", 1, 2)
        assert beta["last_run_at"] > beta["created_at"]
        last = await listed(sort="last_run_at")
        assert last["agents"][0] == beta and last["agents"][1]["last_run_at"] is None
        assert (await listed(limit=1000))["limit"] == 100
        assert (await listed(limit=0))["limit"] == 1


@pytest.mark.covers("powabase.list_agents")
async def test_an_order_that_is_none_is_refused(serve: Any) -> None:
    async with serve() as served:
        for query in [{"sort": "id"}, {"order": "up"}, {"offset": "-1"}, {"limit": "x"}, {"q": "x" * 201}]:
            answer = await served.http.get(AGENTS, params=query)
            assert answer.status_code == 400 and "error" in answer.json()


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0.1, 1),
        "max_tokens": st.integers(1, 10**6),
        "reasoning_effort": st.sampled_from(["low", "medium", "high"]),
        "seed": st.integers(0, 99),
        "max_steps": st.integers(1, 100),
        "timeout_seconds": st.floats(1, 3600),
        "fallback_model": st.text("abc/-", min_size=1),
        "max_context_tokens": st.integers(1000, 256_000),
        "theme": st.none() | st.text() | st.lists(st.integers()),
    },
)


@given(SETTINGS)
def test_settings_come_back_from_what_they_become(settings: dict[str, Any]) -> None:
    values = agent_values(AgentBody(name="a", settings=settings))
    written = {key: value for key, value in values.items() if value is not None}
    assert settings_of(AgentSpec.model_validate({"version": 1, "name": "a", **written})) == settings


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({"fallback_model": "a", "seed": 1}, ("a", "b")),
        ({"fallback_model": "c"}, ("c",)),
        ({"fallback_model": ["a"]}, (["a"],)),
        ({}, None),
    ],
)
def test_fallbacks_behind_the_first_stay_as_long_as_it_is_the_same(settings: Any, left: Any) -> None:
    now = AgentSpec(version=1, name="a", fallback_models=("a", "b"))
    changes = agent_changes(AgentChanges(settings=settings), now)
    found = changes.get("fallback_models", now.fallback_models)
    assert (found if found is None else tuple(found)) == left
