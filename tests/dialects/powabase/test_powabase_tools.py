"""What tools Powabase's agents are assigned, over HTTP."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.agents import AgentInfo, AgentSpec, Layer
from holdfast.core.domain.databases import DatabaseSpec
from holdfast.core.domain.errors import InvalidError
from holdfast.server.dialects.powabase.mapping import TOOLS
from holdfast.server.dialects.powabase.mapping_databases import check_schemas, database_changes

AGENTS = "/powabase/api/agents"
NONE = "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"
ORDERS = {"schemas": {"public": ["users", "orders"]}}


class Made:
    """An agent made over the API, and what may be asked of its tools."""

    def __init__(self, served: Any, id: str) -> None:
        self.served = served
        self.place = f"{AGENTS}/{id}/tools"
        self.id = id

    async def post(self, status: int = 201, **body: Any) -> Any:
        answer = await self.served.http.post(self.place, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def patch(self, id: str, body: Any, status: int = 200) -> Any:
        answer = await self.served.http.patch(f"{self.place}/{id}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def listed(self) -> Any:
        return (await self.served.http.get(self.place)).json()["tools"]

    async def delete(self, id: str) -> Any:
        return await self.served.http.delete(f"{self.place}/{id}")

    async def spec(self) -> AgentSpec:
        spec = (await self.served.bench.workbench.agents.get(self.id)).spec
        assert spec is not None
        return spec


async def make(served: Any, **more: Any) -> Made:
    body = {"name": "My Agent", "model": "scripted", **more}
    return Made(served, (await served.http.post(AGENTS, json=body)).json()["id"])


@pytest.mark.covers(
    "powabase.assign_agent_tool",
    "powabase.list_agent_tools",
    "powabase.update_agent_tool",
    "powabase.remove_agent_tool",
)
async def test_a_tool_is_assigned_limited_and_removed_as_the_documentation_shows_it(serve: Any) -> None:
    async with serve() as served:
        agent = await make(served)
        made = await agent.post(tool_name="database_query")
        assert made == {
            "id": made["id"],
            "tool_type": "builtin",
            "tool_name": "database_query",
            "tool_id": None,
            "config_override": None,
        }
        changed = await agent.patch(made["id"], {"config_override": ORDERS})
        assert changed == {**made, "config_override": ORDERS}
        assert await agent.listed() == [changed]
        assert (await agent.spec()).databases == (
            DatabaseSpec(name="public", path="public.db", tables=("users", "orders")),
        )
        answer = await agent.delete(made["id"])
        assert (answer.status_code, answer.json()) == (200, {"deleted": True})
        assert await agent.listed() == []
        spec = await agent.spec()
        assert (spec.tools, spec.databases) == ((), ())


@pytest.mark.covers("powabase.assign_agent_tool")
async def test_each_builtin_tool_is_one_assignment_of_all_that_does_the_same_here(serve: Any) -> None:
    async with serve() as served:
        agent = await make(served)
        for name in sorted(TOOLS):
            made = await agent.post(tool_type="builtin", tool_name=name)
            assert made["tool_name"] == name
            assert (await agent.spec()).tool_names == TOOLS[name]
            assert await agent.listed() == [made]
            assert await agent.post(tool_name=name) == made
            assert (await agent.delete(made["id"])).status_code == 200
            assert (await agent.spec()).tools == ()


@pytest.mark.covers("powabase.assign_agent_tool")
async def test_tools_of_ours_and_of_the_user_are_assigned_by_their_names(serve: Any) -> None:
    async with serve() as served:
        agent = await make(served)
        own = (
            await served.http.post(
                "/powabase/api/tools",
                json={
                    "name": "weather",
                    "description": "Tells it.",
                    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
                    "config": {"endpoint": "https://weather.test/x"},
                },
            )
        ).json()
        ours = await agent.post(tool_name="run_python")
        assert (ours["tool_type"], ours["tool_name"]) == ("builtin", "run_python")
        by_name = await agent.post(tool_name="weather", tool_type="custom", config_override={"city": "Bern"})
        assert (by_name["tool_type"], by_name["tool_id"]) == ("custom", own["id"])
        assert by_name["config_override"] == {"city": "Bern"}
        assert await agent.post(tool_id=own["id"]) == {**by_name, "config_override": None}
        spec = await agent.spec()
        assert spec.tool_names == ("run_python", "weather") and spec.tools[1].arguments == {}
        assert [one["tool_name"] for one in await agent.listed()] == ["run_python", "weather"]


@pytest.mark.covers("powabase.assign_agent_tool")
async def test_what_is_no_tool_is_refused(serve: Any) -> None:
    async with serve() as served:
        agent = await make(served)
        for body in [
            {},
            {"tool_name": ""},
            {"tool_name": "no_such_tool"},
            {"tool_name": "web_search", "tool_type": "custom"},
            {"tool_name": "web_search", "tool_type": "other"},
            {"tool_id": NONE},
            {"tool_name": 3},
            {"tool_name": "web_search", "config_override": []},
            {"tool_name": "database_query", "config_override": {"schemas": {"auth": []}}},
        ]:
            assert (await agent.post(400, **body))["error"]
            assert await agent.listed() == []


@pytest.mark.covers("powabase.update_agent_tool")
async def test_only_the_key_config_override_is_read(serve: Any) -> None:
    async with serve() as served:
        agent = await make(served)
        made = await agent.post(tool_name="web_search", config_override={"max_results": 3})
        for body in ({"config": {"max_results": 1}}, {}, {"max_results": 1, "tool_name": "http_request"}):
            assert await agent.patch(made["id"], body) == made
        unread = await served.http.patch(f"{agent.place}/{made['id']}")
        assert (unread.status_code, unread.json()) == (200, made)
        assert (await agent.patch(made["id"], {"config_override": None}))["config_override"] is None
        assert (await agent.spec()).tools[0].arguments == {}


@pytest.mark.covers("powabase.update_agent_tool")
async def test_an_override_replaces_the_one_before_and_comes_back_as_it_was_sent(serve: Any) -> None:
    first = {"max_results": 3, "include_domains": ["example.com"], "color": {"deep": [1, None]}}
    async with serve() as served:
        agent = await make(served)
        made = await agent.post(tool_name="web_search")
        assert (await agent.patch(made["id"], {"config_override": first}))["config_override"] == first
        pinned = (await agent.spec()).tools[0].arguments
        assert pinned == {"max_results": 3, "include_domains": ["example.com"]}
        second = {"num_results": 2}
        assert (await agent.patch(made["id"], {"config_override": second}))["config_override"] == second
        assert (await agent.spec()).tools[0].arguments == {"max_results": 2}
        assert (await agent.listed())[0]["config_override"] == second


@pytest.mark.covers("powabase.update_agent_tool")
async def test_forced_arguments_override_what_the_model_asks_for(serve: Any, call: Any, say: Any) -> None:
    steps = [call(("list_files", '{"path": "other"}')), say("done")]
    async with serve(steps) as served:
        agent = await make(served)
        made = await agent.post(tool_name="list_files", config_override={"path": ".", "unknown": 1})
        assert made["config_override"] == {"path": ".", "unknown": 1}
        session = await served.bench.workbench.sessions.create(agent.id)
        events = await served.bench.end(await served.bench.send(session))
        started = next(each.event for each in events if each.event.type == "tool_call.started")
        assert started.arguments["path"] == "."


@pytest.mark.covers("powabase.update_agent_tool")
async def test_schemas_that_cannot_be_are_refused_and_nothing_is_kept(serve: Any) -> None:
    async with serve() as served:
        agent = await make(served)
        made = await agent.post(tool_name="database_write", config_override=ORDERS)
        for schemas in [
            [],
            None,
            "public",
            {"public": "users"},
            {"public": [1]},
            {"public": ["users; drop"]},
            {"public": [""]},
            {"1public": []},
            {"pub-lic": []},
            {"": []},
            {"x" * 65: []},
            {"auth": ["users"]},
            {"storage": []},
            {"ai": []},
            {"pg_temp": []},
            {"information_schema": []},
            {"public": ["x\n"]},
        ]:
            refused = await agent.patch(made["id"], {"config_override": {"schemas": schemas}}, 400)
            assert refused["error"].startswith("config_override.schemas: ")
            assert await agent.listed() == [made]


@pytest.mark.covers("powabase.update_agent_tool")
async def test_each_database_tool_reaches_the_tables_that_it_names(serve: Any, call: Any, say: Any) -> None:
    asked = '{"database": "public", "query": "SELECT name FROM %s"}'
    steps = [call(("sql_query", asked % "town"), ("sql_query", asked % "note")), say("done")]
    async with serve(steps) as served:
        agent = await make(served)
        read = await agent.post(tool_name="database_query")
        write = await agent.post(tool_name="database_write")
        await asyncio.gather(
            agent.patch(read["id"], {"config_override": {"schemas": {"public": ["town"]}}}),
            agent.patch(write["id"], {"config_override": {"schemas": {"public": ["note"], "Log": ["t"]}}}),
        )
        assert (await agent.spec()).databases == (
            DatabaseSpec(name="log", path="Log.db", tables=(), writable=True, changeable=("t",)),
            DatabaseSpec(
                name="public", path="public.db", tables=("town",), writable=True, changeable=("note",)
            ),
        )
        session = await served.bench.workbench.sessions.create(agent.id, str(served.bench.project))
        database = sqlite3.connect(f"{session.workspace}/public.db")
        database.executescript("CREATE TABLE town (name); CREATE TABLE note (name);")
        database.executescript("INSERT INTO town VALUES ('Bern'); INSERT INTO note VALUES ('secret')")
        database.close()
        await served.bench.end(await served.bench.send(session))
        told = [part for message in served.bench.model.requests[1].messages for part in message.parts]
        results = " ".join(str(part) for part in told if part.type == "tool_result")
        assert "Bern" in results and "secret" not in results and "the table note" in results


@pytest.mark.covers("powabase.update_agent_tool", "powabase.remove_agent_tool")
async def test_a_choice_that_is_forced_leaves_the_tools_of_it(serve: Any) -> None:
    async with serve() as served:
        agent = await make(served)
        made = await agent.post(tool_name="code_execute")
        for override, tools in (
            ({"language": "javascript"}, {"run_javascript"}),
            ({}, {"run_python", "run_javascript"}),
            ({"language": "python"}, {"run_python"}),
            ({"language": "javascript"}, {"run_javascript"}),
            (None, {"run_python", "run_javascript"}),
        ):
            changed = await agent.patch(made["id"], {"config_override": override})
            assert changed == {**made, "config_override": override}
            spec = await agent.spec()
            assert set(spec.tool_names) == tools
            assert len({one.id for one in spec.tools}) == len(spec.tools)
        await agent.delete(made["id"])
        assert (await agent.spec()).tools == ()


@pytest.mark.covers("powabase.assign_agent_tool")
async def test_tools_assigned_at_once_are_all_there(serve: Any) -> None:
    async with serve() as served:
        agent = await make(served)
        await asyncio.gather(*(agent.post(tool_name=name) for name in TOOLS))
        assert {one["tool_name"] for one in await agent.listed()} == set(TOOLS)


@pytest.mark.covers("powabase.list_agent_tools", "powabase.update_agent_tool", "powabase.remove_agent_tool")
async def test_assignments_of_others_are_not_found(serve: Any) -> None:
    async with serve() as served:
        one, two = await make(served), await make(served)
        made = await one.post(tool_name="web_search")
        for place in (f"{two.place}/{made['id']}", f"{AGENTS}/{NONE}/tools/{made['id']}"):
            for answer in (
                await served.http.patch(place, json={"config_override": {}}),
                await served.http.patch(place, json={}),
                await served.http.delete(place),
            ):
                assert answer.status_code == 404 and answer.json()["error"]
        missing = f"{AGENTS}/{NONE}/tools"
        assert (await served.http.get(missing)).status_code == 404
        assert (await served.http.post(missing, json={"tool_name": "web_search"})).status_code == 404
        assert await one.listed() == [made]


@pytest.mark.covers("powabase.assign_agent_tool")
async def test_what_a_hand_has_written_stays(serve: Any) -> None:
    text = (
        "version: 1\nname: mine  # my own\ntools:\n  # looks\n  - list_files\n"
        "  - {tool: web_search, arguments: {max_results: 2}}\n"
        "databases: [{name: shop, path: data/shop.db, tables: [sale]}]\n"
    )
    async with serve() as served:
        info = await served.bench.workbench.agents.create(text)
        agent = Made(served, info.id)
        names = {one["tool_name"]: one["config_override"] for one in await agent.listed()}
        assert names == {"list_files": None, "web_search": {"max_results": 2}}
        await agent.post(tool_name="database_query", config_override={"schemas": {"shop": ["price"]}})
        source = await served.bench.workbench.agents.source(info.id)
        assert source.text.startswith(f"version: 1\nname: mine  # my own\nid: {info.id}\ntools:\n  # looks\n")
        (shop,) = (await agent.spec()).databases
        assert (shop.path, shop.tables) == ("data/shop.db", ("price",))


@pytest.mark.covers("powabase.update_agent_tool", "powabase.remove_agent_tool")
async def test_databases_of_a_hand_are_back_when_no_schemas_are_named(serve: Any) -> None:
    text = (
        "version: 1\nname: mine\n"
        "databases: [{name: shop, path: data/shop.db, tables: [sale]}, {name: hr, path: data/hr.db}]\n"
    )
    async with serve() as served:
        agent = Made(served, (await served.bench.workbench.agents.create(text)).id)
        before = (await agent.spec()).databases
        made = await agent.post(tool_name="database_query", config_override={"schemas": {"shop": ["price"]}})
        await agent.patch(made["id"], {"config_override": {"schemas": {"hr": ["person"]}}})
        (hr,) = (await agent.spec()).databases
        assert (hr.name, hr.path, hr.tables) == ("hr", "data/hr.db", ("person",))
        await agent.patch(made["id"], {"config_override": {}})
        assert ((await agent.spec()).databases, (await agent.spec()).ext) == (before, {})
        await agent.patch(made["id"], {"config_override": {"schemas": {}}})
        assert (await agent.spec()).databases != before
        assert (await agent.delete(made["id"])).status_code == 200
        assert (await agent.spec()).databases == before


@pytest.mark.covers("powabase.update_agent_tool")
async def test_schemas_are_those_of_the_one_database_that_the_settings_name(serve: Any) -> None:
    settings = {"tools": {"postgres": {"main": "postgresql://db.test/main"}}}
    async with serve(more_settings=settings) as served:
        text = "version: 1\nname: mine\ndatabases: [{name: shop, path: shop.db}]\n"
        agent = Made(served, (await served.bench.workbench.agents.create(text)).id)
        schemas = {"public": ["users"], "Sales": ["a", "b"], "shop": ["x"]}
        made = await agent.post(tool_name="database_query", config_override={"schemas": schemas})
        main = DatabaseSpec(name="main", postgres="main", tables=("Sales.a", "Sales.b", "public.users"))
        shop = DatabaseSpec(name="shop", path="shop.db", tables=("x",))
        assert (await agent.spec()).databases == (shop, main)
        await agent.patch(made["id"], {"config_override": {"schemas": {"main": ["t"]}}})
        assert (await agent.spec()).databases == (
            DatabaseSpec(name="main", postgres="main", tables=("main.t",)),
        )
        await agent.patch(made["id"], {"config_override": {"schemas": {}}})
        assert (await agent.spec()).databases == (DatabaseSpec(name="public", path="public.db", tables=()),)


@pytest.mark.covers("powabase.assign_agent_tool")
async def test_the_tools_of_shipped_agents_do_not_change(serve: Any) -> None:
    async with serve() as served:
        listed = (await served.http.get(AGENTS, params={"limit": 100})).json()["agents"]
        shipped = next(one for one in listed if one["name"].lower() == "coder")
        agent = Made(served, shipped["id"])
        assert await agent.listed()
        assert (await agent.post(403, tool_name="web_search"))["code"] == "agent_readonly"


NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,20}", fullmatch=True).filter(
    lambda name: not name.lower().startswith("pg_") and name.lower() not in ("ai", "auth", "net", "cron")
)
SCHEMAS = st.dictionaries(NAMES, st.lists(NAMES, max_size=3, unique=True), max_size=3)


@given(SCHEMAS, SCHEMAS)
def test_databases_have_exactly_the_tables_that_are_named(reads: Any, writes: Any) -> None:
    check_schemas(reads)
    info = AgentInfo(
        id=NONE, name="a", layer=Layer.USER, path="", spec=AgentSpec(version=1, name="a", id=NONE)
    )
    after = {"sql_query": reads, "sql_write": writes}
    made = database_changes(info, {}, {}, after, None)["databases"]
    specs = [DatabaseSpec.model_validate(one) for one in made]
    assert len({one.name for one in specs}) == len(specs) > 0
    by_schema = {str(one.path).removesuffix(".db"): one for one in specs}
    for schema, one in by_schema.items():
        assert list(one.tables or ()) == reads.get(schema, [])
        assert one.writable == bool(writes.get(schema))
        assert not one.writable or list(one.to_change().tables or ()) == writes[schema]
    connected = database_changes(info, {}, {}, after, "shop")["databases"][0]
    assert set(connected["tables"]) == {f"{name}.{each}" for name, all in reads.items() for each in all}


@pytest.mark.parametrize("name", ["Auth", "PG_x", "pg_catalog"])
def test_system_schemas_are_refused_however_they_are_written(name: str) -> None:
    with pytest.raises(InvalidError):
        check_schemas({name: []})
