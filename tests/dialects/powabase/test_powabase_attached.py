"""Knowledge bases, MCP servers and hooks of Powabase's agents, over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.core.config.paths import Paths
from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.hooks import HookPoint, HookSpec, HookType
from holdfast.core.files.blobs import FileBlobs
from holdfast.server.dialects.powabase.mapping_hooks import hook_entry
from holdfast.server.dialects.powabase.wire_agents import HookBody

AGENTS = "/powabase/api/agents"
NONE = "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"
MCP = {"url": "https://mcp.example.com", "transport": "http", "name": "My MCP"}
WEBHOOK = {"event": "before_run", "type": "webhook", "config": {"url": "https://example.com/hook"}}


@pytest.fixture
def index(tmp_path: Path) -> MemoryIndex:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    return MemoryIndex(paths.knowledge, FileBlobs(paths.blobs))


class Part:
    """One kind of things that an agent is given."""

    def __init__(self, served: Any, agent: str, part: str) -> None:
        self.served = served
        self.agent = agent
        self.place = f"{AGENTS}/{agent}/{part}"
        self.key = part.replace("-", "_")

    async def ask(self, method: str, status: int, below: str = "", body: Any = None) -> Any:
        place = f"{self.place}/{below}" if below else self.place
        answer = await self.served.http.request(method, place, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, body: Any, status: int = 201) -> Any:
        return await self.ask("POST", status, body=body)

    async def listed(self) -> Any:
        found = await self.ask("GET", 200)
        assert set(found) == {self.key}
        return found[self.key]

    async def spec(self) -> AgentSpec:
        spec = (await self.served.bench.workbench.agents.get(self.agent)).spec
        assert spec is not None
        return spec


async def part(served: Any, name: str) -> Part:
    made = await served.http.post(AGENTS, json={"name": "My Agent", "model": "scripted"})
    return Part(served, made.json()["id"], name)


class TestKnowledgeBases:
    @pytest.mark.covers(
        "powabase.assign_agent_knowledge_base",
        "powabase.list_agent_knowledge_bases",
        "powabase.remove_agent_knowledge_base",
    )
    async def test_one_is_linked_once(self, serve: Any, index: MemoryIndex) -> None:
        async with serve(knowledge=index) as served:
            bases = await part(served, "knowledge-bases")
            docs = await served.bench.workbench.knowledge.create("docs")
            config = {"top_k": 3, "retrieval_method": "full_text", "max_context_tokens": 500, "color": "red"}
            made = await bases.post({"knowledge_base_id": docs.id, "config": config})
            assert made == {
                "id": made["id"],
                "agent_id": bases.agent,
                "knowledge_base_id": docs.id,
                "config": config,
            }
            assert await bases.listed() == [made]
            (assigned,) = (await bases.spec()).knowledge
            assert (assigned.collection, assigned.retrieval.method) == (docs.id, "lexical")
            assert (assigned.retrieval.top_k, assigned.retrieval.max_tokens) == (3, 500)
            again = await bases.post({"knowledge_base_id": docs.id}, 409)
            assert again["error"] == "Knowledge base already assigned to this agent"
            assert await bases.ask("DELETE", 200, made["id"]) == {"deleted": True}
            assert await bases.listed() == []
            await bases.ask("DELETE", 404, made["id"])

    @pytest.mark.covers("powabase.assign_agent_knowledge_base")
    async def test_two_at_once_are_both_linked_and_the_same_only_once(
        self, serve: Any, index: MemoryIndex
    ) -> None:
        async with serve(knowledge=index) as served:
            bases = await part(served, "knowledge-bases")
            ids = [(await served.bench.workbench.knowledge.create(name)).id for name in "abc"]
            answers = await asyncio.gather(
                *(served.http.post(bases.place, json={"knowledge_base_id": id}) for id in (*ids, *ids))
            )
            assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 3
            assert {one["knowledge_base_id"] for one in await bases.listed()} == set(ids)

    @pytest.mark.covers("powabase.assign_agent_knowledge_base", "powabase.list_agent_knowledge_bases")
    async def test_one_by_its_name_in_the_file_is_the_same(self, serve: Any, index: MemoryIndex) -> None:
        async with serve(knowledge=index) as served:
            docs = await served.bench.workbench.knowledge.create("docs")
            text = "version: 1\nname: mine\nknowledge: [docs, gone, '*']\n"
            info = await served.bench.workbench.agents.create(text)
            bases = Part(served, info.id, "knowledge-bases")
            (found,) = await bases.listed()
            assert (found["knowledge_base_id"], found["config"]) == (docs.id, {})
            await bases.post({"knowledge_base_id": docs.id}, 409)

    @pytest.mark.covers("powabase.assign_agent_knowledge_base")
    async def test_what_is_none_is_refused(self, serve: Any, index: MemoryIndex) -> None:
        async with serve(knowledge=index) as served:
            bases = await part(served, "knowledge-bases")
            await served.bench.workbench.knowledge.create("docs")
            for body, status in [
                ({}, 400),
                ({"knowledge_base_id": ""}, 400),
                ({"knowledge_base_id": 3}, 400),
                ({"knowledge_base_id": NONE}, 404),
                ({"knowledge_base_id": "docs", "config": {"top_k": 0}}, 400),
                ({"knowledge_base_id": "docs", "config": {"retrieval_method": "magic"}}, 400),
                ({"knowledge_base_id": "docs", "config": {"retrieval_method": ["hybrid"]}}, 400),
            ]:
                assert (await bases.post(body, status))["error"]
                assert await bases.listed() == []


class TestMcpServers:
    @pytest.mark.covers(
        "powabase.add_agent_mcp_server",
        "powabase.list_agent_mcp_servers",
        "powabase.update_agent_mcp_server",
        "powabase.remove_agent_mcp_server",
    )
    async def test_one_is_added_changed_and_removed_as_the_documentation_shows_it(self, serve: Any) -> None:
        async with serve() as served:
            servers = await part(served, "mcp-servers")
            made = await servers.post(MCP)
            assert {key: made[key] for key in MCP} == MCP
            assert (made["enabled"], made["headers"], made["config"]) == (True, {}, {})
            assert made["created_at"] == made["updated_at"]
            (assigned,) = (await servers.spec()).mcp
            assert (assigned.server, assigned.url, assigned.id) == ("my-mcp", MCP["url"], made["id"])
            changed = await servers.ask("PUT", 200, made["id"], {"url": "https://new-url.com"})
            assert changed == {**made, "url": "https://new-url.com", "updated_at": changed["updated_at"]}
            assert changed["updated_at"] > made["updated_at"]
            assert await servers.listed() == [changed]
            assert await servers.ask("DELETE", 200, made["id"]) == {"deleted": True}
            assert await servers.listed() == []
            await servers.ask("DELETE", 404, made["id"])
            await servers.ask("PUT", 404, made["id"], {"url": "https://x.test"})

    @pytest.mark.covers("powabase.add_agent_mcp_server", "powabase.update_agent_mcp_server")
    async def test_a_name_is_taken_once(self, serve: Any) -> None:
        async with serve() as served:
            servers = await part(served, "mcp-servers")
            first = await servers.post(MCP)
            refused = await servers.post(MCP, 409)
            assert refused["error"] == "An MCP server with this name already exists for this agent"
            second = await servers.post({**MCP, "name": "my mcp"})
            assert [one.server for one in (await servers.spec()).mcp] == ["my-mcp", "my-mcp-2"]
            await servers.ask("PUT", 409, second["id"], {"name": "My MCP"})
            renamed = await servers.ask("PUT", 200, second["id"], {"name": "Other", "transport": "sse"})
            assert (renamed["id"], renamed["name"], renamed["transport"]) == (second["id"], "Other", "sse")
            same = await servers.ask("PUT", 200, first["id"], {"name": "My MCP", "enabled": False})
            assert (same["name"], same["enabled"]) == ("My MCP", False)
            spec = await servers.spec()
            assert [(one.server, one.enabled, one.sse) for one in spec.mcp] == [
                ("my-mcp", False, False),
                ("other", True, True),
            ]
            # What the first is called here is no name of Powabase's.
            assert (await servers.post({**MCP, "name": "my-mcp"}))["name"] == "my-mcp"

    @pytest.mark.covers("powabase.add_agent_mcp_server", "powabase.update_agent_mcp_server")
    async def test_values_of_headers_are_kept_and_never_shown(self, serve: Any) -> None:
        async with serve() as served:
            servers = await part(served, "mcp-servers")
            made = await servers.post({**MCP, "headers": {"X-Key": "canary-1", "X-Other": "canary-2"}})
            assert made["headers"] == {"X-Key": "***", "X-Other": "***"}
            answer = await servers.ask("PUT", 200, made["id"], {"headers": {"X-Key": "***", "X-New": "n"}})
            assert answer["headers"] == {"X-Key": "***", "X-New": "***"}
            (own,) = await served.bench.workbench.mcp.list()
            assert own.spec.headers == {"X-Key": "${secret:X-Key}", "X-New": "***"}
            assert (await served.bench.workbench.mcp.get(own.spec.name)).missing == ()
            assert "canary" not in str(await servers.listed())
            source = await served.bench.workbench.agents.source(servers.agent)
            assert "canary" not in source.text and own.spec.name in source.text

    @pytest.mark.covers("powabase.update_agent_mcp_server", "powabase.remove_agent_mcp_server")
    async def test_a_server_with_secrets_is_the_users_own_and_goes_with_the_assignment(
        self, serve: Any
    ) -> None:
        async with serve() as served:
            servers, mcp = await part(served, "mcp-servers"), served.bench.workbench.mcp
            plain = await servers.post({**MCP, "headers": {"X-Team": "blue"}})
            assert await mcp.list() == ()
            secret = {"Authorization": "Bearer canary-1"}
            moved = await servers.ask("PUT", 200, plain["id"], {"headers": {**secret, "X-Team": "***"}})
            assert {key: moved[key] for key in MCP} == MCP
            assert (moved["id"], moved["headers"]) == (
                plain["id"],
                {"Authorization": "***", "X-Team": "***"},
            )
            (own,) = await mcp.list()
            assert own.spec.headers["Authorization"] == "${secret:Authorization}"
            changed = await servers.ask("PUT", 200, plain["id"], {"name": "Other", "enabled": False})
            assert (changed["name"], changed["enabled"], changed["url"]) == ("Other", False, MCP["url"])
            sse = await servers.ask("PUT", 200, plain["id"], {"transport": "sse", "url": f"{MCP['url']}/x"})
            assert (sse["transport"], sse["url"]) == ("sse", f"{MCP['url']}/x")
            assert (await mcp.get(own.spec.name)).missing == ()
            await servers.ask("PUT", 200, plain["id"], {"url": "https://elsewhere.example.com"})
            assert (await mcp.get(own.spec.name)).missing == ("Authorization",)
            await servers.post({**MCP, "name": "Other", "headers": secret}, 409)
            assert len(await mcp.list()) == 1  # what was refused has left none
            await servers.ask("PUT", 400, plain["id"], {"url": "ftp://x"})
            assert await servers.ask("DELETE", 200, plain["id"]) == {"deleted": True}
            assert (await mcp.list(), await servers.listed()) == ((), [])

    @pytest.mark.covers("powabase.add_agent_mcp_server")
    async def test_what_is_none_is_refused(self, serve: Any) -> None:
        async with serve() as served:
            servers = await part(served, "mcp-servers")
            for body in [
                {},
                {"name": "a"},
                {"url": "https://a.test"},
                {"name": "", "url": "https://a.test"},
                {"name": "a", "url": ""},
                {"name": "a", "url": "file:///etc/passwd"},
                {"name": "a", "url": "https://a.test", "transport": "stdio"},
                {"name": "a", "url": "https://a.test", "headers": {"a": 1}},
                {"name": "a", "url": "https://a.test", "headers": {"a": "${secret:x}"}},
            ]:
                assert (await servers.post(body, 400))["error"]
                assert await servers.listed() == []

    @pytest.mark.covers("powabase.update_agent_mcp_server")
    async def test_a_change_of_nothing_is_refused(self, serve: Any) -> None:
        async with serve() as served:
            servers = await part(served, "mcp-servers")
            made = await servers.post(MCP)
            for body in [{}, {"color": "red"}, {"url": None}, {"url": "ftp://x"}, {"name": " "}]:
                assert (await servers.ask("PUT", 400, made["id"], body))["error"]
                assert await servers.listed() == [made]

    @pytest.mark.covers("powabase.update_agent_mcp_server", "powabase.list_agent_mcp_servers")
    async def test_a_server_that_the_agent_only_names_is_switched_and_not_changed(self, serve: Any) -> None:
        async with serve() as served:
            info = await served.bench.workbench.agents.create("version: 1\nname: mine\nmcp: [files]\n")
            servers = Part(served, info.id, "mcp-servers")
            (named,) = await servers.listed()
            assert (named["name"], named["url"]) == ("files", "")
            refused = await servers.ask("PUT", 403, named["id"], {"url": "https://a.test"})
            assert refused["code"] == "mcp_server_readonly"
            off = await servers.ask("PUT", 200, named["id"], {"enabled": False})
            assert (off["enabled"], off["id"]) == (False, named["id"])


class TestHooks:
    @pytest.mark.covers("powabase.add_agent_hook", "powabase.list_agent_hooks", "powabase.remove_agent_hook")
    async def test_one_is_added_and_removed_as_the_documentation_shows_it(self, serve: Any) -> None:
        async with serve() as served:
            hooks = await part(served, "hooks")
            made = await hooks.post(WEBHOOK)
            assert made == {
                **WEBHOOK,
                "id": made["id"],
                "agent_id": hooks.agent,
                "matcher": None,
                "enabled": True,
                "position": 0,
                "created_at": made["created_at"],
            }
            assert await hooks.listed() == [made]
            (spec,) = (await hooks.spec()).hooks
            assert (spec.id, spec.point, spec.type) == (made["id"], HookPoint.BEFORE_RUN, HookType.WEBHOOK)
            assert spec.url == "https://example.com/hook"
            assert await hooks.ask("DELETE", 200, made["id"]) == {"deleted": True}
            assert await hooks.listed() == []
            await hooks.ask("DELETE", 404, made["id"])

    @pytest.mark.parametrize(
        ("point", "events"),
        [
            (HookPoint.BEFORE_RUN, ("OnRunStart", "before_run", "pre_run", "run_start")),
            (HookPoint.BEFORE_TOOL, ("PreToolUse", "before_tool", "before_tool_call", "pre_tool")),
            (HookPoint.AFTER_TOOL, ("PostToolUse", "after_tool", "after_tool_call", "post_tool")),
            (HookPoint.BEFORE_DELEGATION, ("OnDelegation", "before_delegation")),
            (HookPoint.BEFORE_RESPONSE, ("PreResponse", "before_response")),
            (HookPoint.AFTER_RUN, ("OnRunComplete", "after_run", "post_run", "run_complete")),
        ],
    )
    def test_each_name_of_an_event_means_its_point_and_stays(
        self, point: HookPoint, events: tuple[str, ...]
    ) -> None:
        for event in events:
            body = HookBody(event=event, type="http", config={"url": "https://a.test"})
            spec = HookSpec.model_validate(hook_entry(body, NONE))
            assert (spec.point, spec.type) == (point, HookType.WEBHOOK)
            assert (spec.ext["powabase"]["event"], spec.ext["powabase"]["type"]) == (event, "http")

    @pytest.mark.parametrize("matcher", [None, "", "*"])
    def test_without_a_matcher_every_tool_is_meant(self, matcher: str | None) -> None:
        body = HookBody(event="PreToolUse", type="approval", config={}, matcher=matcher)
        spec = HookSpec.model_validate(hook_entry(body, NONE))
        assert spec.matcher == "*" and spec.ext["powabase"].get("matcher") == matcher

    @pytest.mark.covers("powabase.add_agent_hook", "powabase.list_agent_hooks")
    async def test_rules_and_approvals_are_what_they_say(self, serve: Any) -> None:
        rule = {
            "event": "PreToolUse",
            "type": "rule",
            "matcher": "code_execute",
            "config": {"condition": 'code CONTAINS "rm -rf"', "action": "deny", "message": "No."},
            "position": 2,
        }
        several = {
            "event": "PreToolUse",
            "type": "rule",
            "config": {"rules": [{"condition": "url NOT STARTS_WITH https://"}], "note": 1},
            "enabled": False,
        }
        approval = {
            "event": "before_tool",
            "type": "approval",
            "matcher": "web_search",
            "config": {"message": "Sure?", "timeout": 30},
            "position": -1,
        }
        async with serve() as served:
            hooks = await part(served, "hooks")
            made = [await hooks.post(each) for each in (rule, several, approval)]
            for sent, given in zip((rule, several, approval), made, strict=True):
                assert {key: given[key] for key in sent} == sent
            assert await hooks.listed() == [made[2], made[1], made[0]]
            one, two, three = (await hooks.spec()).hooks
            assert one.matches("run_python", ("",)) and one.matches("run_javascript", ("",))
            assert not one.matches("run_command", ("",)) and one.rules[0].reason == "No."
            assert (two.enabled, two.matcher, two.rules[0].action) == (False, "*", "deny")
            assert (three.matcher, three.message, three.timeout_s) == ("web_search", "Sure?", 30)

    @pytest.mark.covers("powabase.add_agent_hook", "powabase.list_agent_hooks")
    async def test_values_of_headers_are_kept_and_never_shown(self, serve: Any) -> None:
        config = {"url": "https://a.test", "headers": {"X-Key": "canary"}, "timeout_seconds": 2}
        async with serve() as served:
            hooks = await part(served, "hooks")
            made = await hooks.post({**WEBHOOK, "config": config})
            assert made["config"] == {**config, "headers": {"X-Key": "***"}}
            assert await hooks.listed() == [made]
            source = await served.bench.workbench.agents.source(hooks.agent)
            assert source.text.count("canary") == 1
            second = await hooks.post(WEBHOOK)
            await hooks.ask("DELETE", 200, second["id"])
            source = await served.bench.workbench.agents.source(hooks.agent)
            assert source.text.count("canary") == 1

    @pytest.mark.covers("powabase.add_agent_hook")
    async def test_a_rule_refuses_what_the_model_asks_for(self, serve: Any, call: Any, say: Any) -> None:
        rule = {
            "event": "before_tool",
            "type": "rule",
            "config": {"condition": "path CONTAINS secret", "message": "Not that."},
        }
        steps = [call(("list_files", '{"path": "secret"}')), say("done")]
        async with serve(steps) as served:
            hooks = await part(served, "hooks")
            await served.http.post(f"{AGENTS}/{hooks.agent}/tools", json={"tool_name": "list_files"})
            await hooks.post(rule)
            session = await served.bench.workbench.sessions.create(hooks.agent)
            events = await served.bench.end(await served.bench.send(session))
            ended = next(each.event for each in events if each.event.type == "tool_call.completed")
            assert ended.outcome == "denied" and "Not that." in str(ended.content)

    @pytest.mark.covers("powabase.add_agent_hook")
    async def test_what_is_none_is_refused(self, serve: Any) -> None:
        async with serve() as served:
            hooks = await part(served, "hooks")
            for body in [
                {},
                {"event": "before_run", "type": "webhook"},
                {**WEBHOOK, "event": "someday"},
                {**WEBHOOK, "event": ""},
                {**WEBHOOK, "type": "magic"},
                {**WEBHOOK, "config": []},
                {**WEBHOOK, "config": {}},
                {**WEBHOOK, "config": {"url": "gopher://a"}},
                {**WEBHOOK, "config": {"url": "https://a.test", "timeout_seconds": "long"}},
                {**WEBHOOK, "config": {"url": "https://a.test", "headers": {"Host": "b"}}},
                {**WEBHOOK, "matcher": "web_search"},
                {"event": "PostToolUse", "type": "approval", "config": {}},
                {"event": "OnRunComplete", "type": "rule", "config": {"condition": "a CONTAINS b"}},
                {"event": "PreToolUse", "type": "rule", "config": {}},
                {"event": "PreToolUse", "type": "rule", "config": {"rules": []}},
                {"event": "PreToolUse", "type": "rule", "config": {"condition": "nonsense"}},
                {"event": "PreToolUse", "type": "approval", "config": {}, "matcher": "no_such_tool"},
            ]:
                assert (await hooks.post(body, 400))["error"]
                assert await hooks.listed() == []

    @pytest.mark.covers("powabase.list_agent_hooks", "powabase.remove_agent_hook")
    async def test_hooks_that_are_inherited_are_listed_and_stay(self, serve: Any) -> None:
        async with serve() as served:
            agents = served.bench.workbench.agents
            hook = "hooks:\n  - {point: before_run, type: webhook, url: 'https://a.test'}\n"
            await agents.create(f"version: 1\nname: base\n{hook}")
            info = await agents.create("version: 1\nname: child\nextends: base\n")
            hooks = Part(served, info.id, "hooks")
            made = await hooks.post(WEBHOOK)
            inherited, own = await hooks.listed()
            assert (inherited["event"], inherited["type"], own) == ("OnRunStart", "http", made)
            assert inherited["config"] == {"url": "https://a.test"}
            refused = await hooks.ask("DELETE", 403, inherited["id"])
            assert refused["code"] == "hook_inherited"
            await hooks.ask("DELETE", 200, made["id"])
            assert await hooks.listed() == [inherited]


@pytest.mark.covers(
    "powabase.list_agent_knowledge_bases", "powabase.list_agent_mcp_servers", "powabase.list_agent_hooks"
)
@pytest.mark.parametrize(
    ("name", "body"),
    [("knowledge-bases", {"knowledge_base_id": NONE}), ("mcp-servers", MCP), ("hooks", WEBHOOK)],
)
async def test_of_an_agent_that_is_not_there_nothing_is_found(serve: Any, name: str, body: Any) -> None:
    async with serve() as served:
        gone = Part(served, NONE, name)
        await gone.ask("GET", 404)
        assert (await gone.post(body, 404))["error"]
        await gone.ask("DELETE", 404, NONE)


@pytest.mark.covers("powabase.assign_agent_tool", "powabase.add_agent_hook", "powabase.list_agents")
async def test_an_agent_whose_file_has_mistakes_is_listed_and_told_of(serve: Any) -> None:
    async with serve() as served:
        made = (await served.http.post(AGENTS, json={"name": "Broken"})).json()
        info = await served.bench.workbench.agents.get(made["id"])
        Path(info.path).write_text(
            "version: 1\nname: broken\nid: " + made["id"] + "\ntools: [{color: red}]\nhooks: 3\n"
        )
        listed = (await served.http.get(AGENTS, params={"q": "broken"})).json()["agents"]
        assert [one["id"] for one in listed] == [made["id"]]
        for name, body in (
            ("tools", {"tool_name": "web_search"}),
            ("hooks", WEBHOOK),
            ("mcp-servers", MCP),
        ):
            broken = Part(served, made["id"], name)
            assert (await broken.post(body, 400))["code"] == "invalid_agent"
            assert await broken.listed() == []
        assert await Part(served, made["id"], "knowledge-bases").listed() == []
