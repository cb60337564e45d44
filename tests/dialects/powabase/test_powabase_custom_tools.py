"""Tools of the user's own through Powabase's API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.custom_tools import CustomTool
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.values import new_id, utc_now
from holdfast.server.dialects.powabase.mapping import TOOLS
from holdfast.server.dialects.powabase.mapping_custom import changed_spec, custom_tool, tool_spec
from holdfast.server.dialects.powabase.wire_agents import ToolBody, ToolChanges

PLACE = "/powabase/api/tools"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CONFIG = {"endpoint": "https://weather.test/now", "method": "GET", "timeout_seconds": 5}
BODY = {"name": "weather", "description": "Tells it.", "type": "http", "input_schema": SCHEMA}
NONE = "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"


async def make(served: Any, **more: Any) -> Any:
    answer = await served.http.post(PLACE, json={**BODY, "config": CONFIG, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.covers(
    "powabase.create_tool", "powabase.get_tool", "powabase.update_tool", "powabase.delete_tool"
)
async def test_a_tool_is_made_changed_and_deleted(serve: Any) -> None:
    async with serve() as served:
        made = await make(served)
        assert {key: made[key] for key in BODY} == BODY
        assert made["config"] == {**CONFIG, "timeout_seconds": 5.0, "headers": {}}
        place = f"{PLACE}/{made['id']}"
        assert (await served.http.get(place)).json() == made
        answer = await served.http.put(place, json={"description": "Else.", "name": "rain"})
        assert (answer.status_code, answer.json()) == (200, {"id": made["id"], "name": "rain"})
        assert (await served.http.get(place)).json() == {**made, "description": "Else.", "name": "rain"}
        config = {"endpoint": "https://rain.test/x"}
        assert (await served.http.put(place, json={"config": config})).status_code == 200
        changed = (await served.http.get(place)).json()["config"]
        assert changed == {**config, "method": "POST", "timeout_seconds": 30.0, "headers": {}}
        gone = await served.http.delete(place)
        assert (gone.status_code, gone.json()) == (200, {"deleted": True})
        for method in ("GET", "PUT", "DELETE"):
            answer = await served.http.request(method, place, json={"name": "a"})
            assert answer.status_code == 404 and answer.json()["error"]


@pytest.mark.covers("powabase.update_tool", "powabase.delete_tool", "powabase.remove_agent_tool")
async def test_agents_follow_a_tool_that_is_renamed_or_deleted(serve: Any) -> None:
    async with serve() as served:
        made = await make(served)
        agent = (await served.http.post("/powabase/api/agents", json={"name": "A"})).json()
        tools = f"/powabase/api/agents/{agent['id']}/tools"
        for body in ({"tool_name": "web_search"}, {"tool_id": made["id"], "config_override": {"a": 1}}):
            assert (await served.http.post(tools, json=body)).status_code == 201
        await served.http.put(f"{PLACE}/{made['id']}", json={"name": "rain"})
        _, given = (await served.http.get(tools)).json()["tools"]
        assert (given["tool_name"], given["tool_id"], given["config_override"]) == (
            "rain",
            made["id"],
            {"a": 1},
        )
        await served.http.delete(f"{PLACE}/{made['id']}")
        assert [one["tool_name"] for one in (await served.http.get(tools)).json()["tools"]] == ["web_search"]
        assert (await served.http.post(tools, json={"tool_name": "http_request"})).status_code == 201


@pytest.mark.covers("powabase.update_tool", "powabase.delete_tool")
async def test_agents_that_extend_each_other_follow_and_a_wrong_file_is_in_nobodys_way(serve: Any) -> None:
    async with serve() as served:
        agents, made = served.bench.workbench.agents, await make(served)
        name = made["name"]
        await agents.create(f"version: 1\nname: base\ntools: [{name}]\n")
        await agents.create("version: 1\nname: heir\nextends: base\n")
        own = await agents.create(f"version: 1\nname: a\nextends: base\ntools: [web_search, {name}]\n")
        assert own.spec is not None
        wrong = Path(own.path).with_name("wrong.yaml")
        wrong.write_text(f"version: 1\nname: wrong\ntools: [{name}, nonsense]\n")
        Path(own.path).with_name("worse.yaml").write_text("version: 1\nname: worse\ntools: 5\n")
        answer = await served.http.put(f"{PLACE}/{made['id']}", json={"name": "rain"})
        assert answer.status_code == 200, answer.text
        for named in ("base", "heir", "a"):
            spec = (await agents.get(named)).spec
            assert spec is not None and spec.tools[-1].tool == "rain"
        again = (await agents.get("a")).spec
        assert again is not None and [each.id for each in again.tools] == [each.id for each in own.spec.tools]
        answer = await served.http.delete(f"{PLACE}/{made['id']}")
        assert answer.status_code == 200, answer.text
        for named, left in (("base", []), ("heir", []), ("a", ["web_search"])):
            spec = (await agents.get(named)).spec
            assert spec is not None and [each.tool for each in spec.tools] == left
        assert name in wrong.read_text()


@pytest.mark.covers("powabase.list_tools")
async def test_those_that_come_with_holdfast_stand_first(serve: Any) -> None:
    async with serve() as served:
        made = await make(served)
        tools = (await served.http.get(PLACE)).json()["tools"]
        assert tools[-1] == made
        builtin = {one["name"]: one for one in tools[:-1]}
        assert list(builtin)[: len(TOOLS)] == list(TOOLS)
        assert {(one["id"], one["type"]) for one in builtin.values()} == {(None, "builtin")}
        assert {"max_results", "include_domains"} <= set(builtin["web_search"]["input_schema"]["properties"])
        language = builtin["code_execute"]["input_schema"]["properties"]["language"]
        assert language["enum"] == ["python", "javascript"]
        assert "read_file" in builtin and not {"sql_query", "run_python"} & builtin.keys()


@pytest.mark.covers("powabase.create_tool")
async def test_what_older_clients_say_beside_the_config_counts(serve: Any) -> None:
    async with serve() as served:
        made = await make(served, config=None, endpoint_url="https://a.test/", method="put", type="rest")
        assert (made["config"]["endpoint"], made["config"]["method"]) == ("https://a.test/", "PUT")


@pytest.mark.covers("powabase.create_tool", "powabase.update_tool", "powabase.list_tools")
async def test_values_of_headers_are_kept_and_never_shown(serve: Any) -> None:
    async with serve() as served:
        made = await make(
            served, config={**CONFIG, "headers": {"X-Key": "canary-key", "Accept": "text/plain"}}
        )
        assert made["config"]["headers"] == {"X-Key": "***", "Accept": "***"}
        place = f"{PLACE}/{made['id']}"
        for body in ({"description": "x"}, {"config": made["config"]}):
            assert (await served.http.put(place, json=body)).status_code == 200
            own = await served.bench.workbench.tools.get(made["id"])
            assert own.spec.headers == {"X-Key": "${secret:X-Key}", "Accept": "text/plain"}
            assert own.missing == ()
        assert "canary" not in (await served.http.get(PLACE)).text


@pytest.mark.covers("powabase.create_tool")
async def test_what_is_none_is_refused(serve: Any) -> None:
    async with serve() as served:
        for body, status in [
            ({}, 400),
            ({**BODY, "config": {}}, 400),
            ({**BODY, "config": {"endpoint": "file:///etc"}}, 400),
            ({**BODY, "config": {**CONFIG, "method": "BREW"}}, 400),
            ({**BODY, "config": {**CONFIG, "headers": {"a": 1}}}, 400),
            ({**BODY, "config": {**CONFIG, "headers": {"X-Api-Key": "short"}}}, 400),
            ({**BODY, "config": {**CONFIG, "timeout_seconds": "long"}}, 400),
            ({**BODY, "config": CONFIG, "name": "No Such Name"}, 400),
            ({**BODY, "config": CONFIG, "name": "web_search"}, 409),
            ({**BODY, "config": CONFIG, "input_schema": {"type": "array"}}, 400),
            ({**BODY, "config": CONFIG, "input_schema": None}, 400),
            ({**BODY, "config": CONFIG, "description": ""}, 400),
        ]:
            answer = await served.http.post(PLACE, json=body)
            assert answer.status_code == status, answer.text
            assert answer.json()["error"]
            assert await served.bench.workbench.tools.list() == await served.bench.workbench.tools.list("")


@pytest.mark.covers("powabase.update_tool")
async def test_a_change_of_nothing_is_refused(serve: Any) -> None:
    async with serve() as served:
        made = await make(served)
        for body in [{}, {"color": 1}, {"config": {"endpoint": ""}}, {"name": ""}, {"config": 1}]:
            answer = await served.http.put(f"{PLACE}/{made['id']}", json=body)
            assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    ("headers", "before"),
    [
        ({"X-Key!": "canary-1", "X-Key*": "canary-2"}, {}),
        ({"X-Key!": "***", "X-Key_": "canary-2"}, {"X-Key!": "${secret:X-Key_}"}),
    ],
)
def test_the_secret_of_a_header_is_never_that_of_another(headers: Any, before: Any) -> None:
    spec = tool_spec(ToolBody(name="a", description="b", input_schema=SCHEMA, config=CONFIG)).spec
    now, own = utc_now(), spec.model_copy(update={"headers": before})
    tool = CustomTool(id=NONE, number=1, owner="local", spec=own, created_at=now, updated_at=now)
    with pytest.raises(InvalidError, match="too alike"):
        changed_spec(tool, ToolChanges(config={**CONFIG, "headers": headers}))


@pytest.mark.parametrize("changes", [{"config": {"endpoint": "https://b.test/"}}, {"description": "c"}])
def test_what_other_apis_keep_of_a_tool_stays(changes: Any) -> None:
    spec = tool_spec(ToolBody(name="a", description="b", input_schema=SCHEMA, config=CONFIG)).spec
    now, own = utc_now(), spec.model_copy(update={"ext": {"h2ogpte": {"type": "x"}}})
    tool = CustomTool(id=NONE, number=1, owner="local", spec=own, created_at=now, updated_at=now)
    assert changed_spec(tool, ToolChanges(**changes)).spec.ext == own.ext


HEADERS = st.dictionaries(
    st.sampled_from(["X-Key", "Accept", "Authorization", "a"]),
    st.text("xyz", min_size=8, max_size=12),
    max_size=3,
)


@given(HEADERS, st.sampled_from(["GET", "post", "Delete"]), st.floats(1, 300))
def test_a_tool_that_is_sent_back_as_it_was_shown_is_the_same(
    headers: dict[str, str], method: str, wait: float
) -> None:
    config = {"endpoint": "https://a.test/", "method": method, "headers": headers, "timeout_seconds": wait}
    spec = tool_spec(ToolBody(name="a", description="b", input_schema=SCHEMA, config=config))
    now = utc_now()
    tool = CustomTool(id=new_id(), number=1, owner="local", spec=spec.spec, created_at=now, updated_at=now)
    shown = custom_tool(tool)
    back = ToolChanges(
        name=shown.name,
        description=shown.description,
        input_schema=shown.input_schema,
        config=shown.config,
    )
    again = changed_spec(tool, back)
    assert (again.spec, again.secrets) == (spec.spec, {})
