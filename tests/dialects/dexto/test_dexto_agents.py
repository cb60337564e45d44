"""Agents and their files through Dexto's API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.dialects.test_every_dialect import switching

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import Scope

AGENTS = "/dexto/api/agents"
FILE = """\
# What my agent does.
systemPrompt: You are a clerk.
llm:
  provider: openai
  model: gpt-5-nano
  apiKey: $OPENAI_API_KEY
greeting: Good morning!
"""
METADATA = {"description": "Keeps the books.", "author": "Ann", "tags": ["books"]}
CONFIG = {"systemPrompt": "You are a clerk.", "llm": {"provider": "openai", "model": "gpt-5-nano"}}
NEW = {"id": "clerk", "name": "Clerk", "description": "Keeps the books.", "config": CONFIG}


async def post(served: Any, place: str, status: int = 200, **body: Any) -> Any:
    answer = await served.http.post(f"/dexto/api/{place}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def get(served: Any, path: str) -> Any:
    answer = await served.http.get(f"/dexto/api/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.covers("dexto.list_agents", "dexto.get_current_agent", "dexto.install_agent")
async def test_an_agent_of_the_registry_is_installed(serve: Any) -> None:
    async with serve() as served:
        before = await get(served, "agents")
        assert [(one["id"], one["type"]) for one in before["installed"]] == [("tester", "custom")]
        first = before["available"][0]
        assert {"id", "name", "description", "type"} <= set(first)
        assert first["type"] == "builtin"
        made = await post(served, "agents/install", 201, id=first["id"])
        assert made == {"installed": True, "id": first["id"], "name": first["name"], "type": "builtin"}
        after = await get(served, "agents")
        assert {one["id"] for one in after["installed"]} == {"tester", first["id"]}
        assert first["id"] not in [one["id"] for one in after["available"]]
        again = await post(served, "agents/install", 400, id=first["id"])
        assert (again["code"], again["type"], again["scope"]) == (
            "registry_agent_already_exists",
            "user",
            "agent_registry",
        )
        unknown = await post(served, "agents/install", 400, id="nobody")
        assert unknown["code"] == "registry_agent_not_found"
        assert (unknown["endpoint"], unknown["method"]) == ("/api/agents/install", "POST")


async def test_an_agent_is_installed_from_a_file_of_the_machine(serve: Any, tmp_path: Path) -> None:
    file = tmp_path / "clerk.yml"
    file.write_text(FILE)
    async with serve() as served:
        given = {"id": "my-clerk", "sourcePath": str(file), "metadata": METADATA}
        made = await post(served, "agents/install", 201, **given)
        assert made == {"installed": True, "id": "my-clerk", "name": "My Clerk", "type": "custom"}
        agent = await served.bench.workbench.agents.get("my-clerk")
        assert agent.spec.instructions == "You are a clerk."
        assert (agent.author, agent.tags) == ("Ann", ("books",))
        missing = await post(
            served, "agents/install", 400, **{**given, "id": "x", "sourcePath": f"{file}.yaml"}
        )
        assert missing["code"] == "config_file_not_found"
        half = await post(served, "agents/install", 400, id="y", sourcePath=str(file))
        assert half["error"]["issues"][0]["path"] == ["metadata"]
        more = await post(served, "agents/install", 400, id="y", color="red")
        assert more["error"]["issues"][0]["keys"] == ["color"]


@pytest.mark.covers("dexto.create_custom_agent", "dexto.switch_agent", "dexto.validate_agent_name")
async def test_an_agent_is_made_of_a_configuration_and_switched_to(serve: Any) -> None:
    async with serve() as served:
        assert await post(served, "agents/validate-name", id="clerk") == {"valid": True}
        made = await post(served, "agents/custom/create", 201, **NEW, tags=["a"])
        assert made == {"created": True, "id": "clerk", "name": "Clerk"}
        taken = await post(served, "agents/validate-name", id="clerk")
        assert (taken["valid"], taken["conflict"]) == (False, "custom")
        assert (await post(served, "agents/validate-name", id="general"))["conflict"] == "builtin"
        assert await post(served, "agents/switch", id="clerk") == {
            "switched": True,
            "id": "clerk",
            "name": "Clerk",
        }
        assert await get(served, "agents/current") == {"id": "clerk", "name": "Clerk"}
        agent = await served.bench.workbench.agents.get("clerk")
        other = await post(served, "agents/switch", id="general")
        assert other["id"] == "general"
        assert (await post(served, "agents/switch", id="x", path=agent.path))["id"] == "clerk"
        answer = await served.http.post(f"{AGENTS}/switch", json={"id": "nobody"})
        assert answer.status_code == 404


async def test_a_configuration_that_is_none_makes_no_agent(serve: Any) -> None:
    async with serve() as served:
        wrong = await post(served, "agents/custom/create", 400, **{**NEW, "config": {"systemPrompt": "x"}})
        assert wrong["name"] == "DextoValidationError"
        assert wrong["message"] == "llm: Required"
        assert wrong["issues"][0]["code"] == "agent_invalid_config"
        bad = await post(served, "agents/custom/create", 400, **{**NEW, "id": "Not A Slug"})
        assert bad["error"]["issues"][0]["code"] == "invalid_string"
        with pytest.raises(NotFoundError):
            await served.bench.workbench.agents.get("clerk")


async def test_a_key_in_a_configuration_goes_into_the_store(serve: Any) -> None:
    key = "sk-proj-abcdefghijklmnop1234"
    async with serve() as served:
        llm = {"provider": "openai", "model": "gpt-5-nano", "apiKey": key}
        await post(served, "agents/custom/create", 201, **{**NEW, "config": {**CONFIG, "llm": llm}})
        agents = served.bench.workbench.agents
        agent = await agents.get("clerk")
        assert key not in (await agents.source("clerk")).text
        assert key not in Path(agent.path).read_text()
        assert "openai" in await served.bench.workbench.keys.providers()
        await post(served, "agents/switch", id="clerk")
        assert "$OPENAI_API_KEY" in (await get(served, "agent/config"))["yaml"]


@pytest.mark.covers("dexto.uninstall_agent")
async def test_an_agent_is_uninstalled_but_not_the_default_one(serve: Any) -> None:
    async with serve() as served:
        assert (await post(served, "agents/uninstall", 400, id="clerk"))[
            "code"
        ] == "registry_agent_not_installed"
        await post(served, "agents/custom/create", 201, **NEW)
        assert await post(served, "agents/uninstall", id="clerk") == {"uninstalled": True, "id": "clerk"}
        await post(served, "agents/install", 201, id="general")
        protected = await post(served, "agents/uninstall", 400, id="general")
        assert protected["code"] == "registry_agent_protected"
        assert (await post(served, "agents/uninstall", id="general", force=True))["uninstalled"]


@pytest.mark.covers("dexto.save_agent_config", "dexto.get_agent_config", "dexto.get_agent_path")
async def test_a_file_is_saved_and_read_back_as_it_was_written(serve: Any) -> None:
    async with serve() as served:
        first = await get(served, "agent/path")
        assert first["isDefault"] is True
        saved = await post(served, "agent/config", yaml=FILE)
        assert saved["ok"] and saved["reloaded"] and saved["restarted"]
        assert {"System prompt", "LLM configuration"} <= set(saved["changesApplied"])
        assert saved["message"] == "Configuration saved and applied successfully (agent restarted)"
        read = await get(served, "agent/config")
        assert read["yaml"] == FILE
        assert read["lastModified"].endswith("Z")
        assert len(read["warnings"]) == 2
        assert read["path"] == saved["path"]
        place = await get(served, "agent/path")
        assert place["relativePath"] == f"{place['name']}.yaml"
        agent = await served.bench.workbench.agents.get("general")
        assert (agent.spec.instructions, agent.spec.model) == ("You are a clerk.", "openai/gpt-5-nano")
        again = await post(served, "agent/config", yaml=FILE.replace("morning", "day"))
        assert (again["restarted"], again["changesApplied"]) == (False, [])
        assert again["message"] == "Configuration saved successfully (no changes detected)"


async def test_a_file_that_was_changed_elsewhere_is_told_as_it_is(serve: Any) -> None:
    async with serve() as served:
        await post(served, "agent/config", yaml=FILE)
        await served.bench.workbench.agents.edit("general", {"instructions": "You are a judge."})
        told = yaml.safe_load((await get(served, "agent/config"))["yaml"])
        assert told["systemPrompt"] == "You are a judge."
        assert told["llm"]["model"] == "gpt-5-nano"


async def test_what_is_read_and_saved_again_changes_nothing(serve: Any) -> None:
    async with serve() as served:
        agents = served.bench.workbench.agents
        await post(served, "agents/install", 201, id="general")
        before = (await agents.get("general")).spec
        told = (await get(served, "agent/config"))["yaml"]
        assert (await post(served, "agent/config", yaml=told))["changesApplied"] == []
        after = (await agents.get("general")).spec
        assert (after.model, after.instructions) == (before.model, before.instructions)
        assert (after.tools, after.approvals) == (before.tools, before.approvals)
        changed = yaml.safe_load(told)
        changed["customTools"] = [{"type": "filesystem-tools", "enabledTools": ["read_file"]}]
        changed["toolConfirmation"] = {
            "mode": "manual",
            "toolPolicies": {"alwaysDeny": ["internal--ask_user"]},
        }
        await post(served, "agent/config", yaml=yaml.safe_dump(changed))
        spec = (await agents.get("general")).spec
        gone = {"write_file", "edit_file", "list_files", "search_files", "run_command", "update_plan"}
        assert spec.tool_names == tuple(name for name in before.tool_names if name not in gone)
        assert spec.approvals.deny == (*before.approvals.deny, "ask_user")


@pytest.mark.covers("dexto.validate_agent")
async def test_every_mistake_has_its_place(serve: Any) -> None:
    async with serve() as served:
        assert await post(served, "agent/validate", yaml=FILE) == {
            "valid": True,
            "errors": [],
            "warnings": [],
        }
        told = await post(
            served, "agent/validate", yaml="systemPrompt: x\nllm:\n  provider: nobody\nfoo: 1\n"
        )
        assert not told["valid"]
        assert [(one["path"], one["line"], one["code"]) for one in told["errors"]] == [
            ("llm.provider", 3, "SCHEMA_VALIDATION_ERROR"),
            ("llm.model", 3, "SCHEMA_VALIDATION_ERROR"),
            ("", 1, "SCHEMA_VALIDATION_ERROR"),
        ]
        broken = (await post(served, "agent/validate", yaml="a: [1\n"))["errors"]
        assert [one["code"] for one in broken] == ["YAML_PARSE_ERROR"]
        assert broken[0]["line"] >= 1 and broken[0]["column"] >= 1
        for nothing in ("", "- 1", "x"):
            none = await post(served, "agent/validate", yaml=nothing)
            assert [(one["line"], one["column"], one["code"]) for one in none["errors"]] == [
                (1, 1, "INVALID_CONFIG_TYPE")
            ]
        literal = await post(served, "agent/validate", yaml=FILE.replace("$OPENAI_API_KEY", "sk-abcdefgh"))
        assert [(one["path"], one["code"]) for one in literal["warnings"]] == [
            ("llm.apiKey", "SECURITY_WARNING")
        ]
        missing = await served.http.post("/dexto/api/agent/validate", json={})
        assert missing.status_code == 400
        assert missing.json()["error"]["issues"][0]["message"] == "Required"


async def test_a_file_with_mistakes_is_not_saved(serve: Any) -> None:
    async with serve() as served:
        before = (await get(served, "agent/config"))["yaml"]
        wrong = await post(served, "agent/config", 400, yaml="systemPrompt: x\nllm: {provider: openai}\n")
        assert (wrong["name"], wrong["errorCount"]) == ("DextoValidationError", 1)
        assert wrong["issues"][0]["message"] == "llm.model: Required"
        await post(served, "agent/config", 400, yaml="")
        assert (await get(served, "agent/config"))["yaml"] == before


@pytest.mark.covers("dexto.export_agent_config")
async def test_an_export_has_the_defaults_and_no_secrets(serve: Any) -> None:
    servers = "mcpServers:\n  a: {type: stdio, command: a, env: {LEVEL: high}}\n"
    async with serve() as served:
        await post(served, "agent/config", yaml=FILE + servers)
        session = await served.http.post("/dexto/api/sessions", json={"sessionId": "a/b"})
        assert session.json()["session"]["id"] == "a/b"
        for query in ("", "?sessionId=a/b"):
            answer = await served.http.get(f"/dexto/api/agent/config/export{query}")
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("application/x-yaml")
            told = yaml.safe_load(answer.text)
            assert told["llm"]["apiKey"] == "[REDACTED]"
            assert told["mcpServers"]["a"]["env"] == {"LEVEL": "[REDACTED]"}
            assert told["mcpServers"]["a"]["timeout"] == 30000
        assert (await served.http.get("/dexto/api/agent/config/export?sessionId=x")).status_code == 404


async def test_servers_with_secrets_become_the_users_own(serve: Any) -> None:
    server = "{type: http, url: 'https://example.org/mcp', headers: {Authorization: Bearer hush-hush}}"
    text = f"{FILE}mcpServers:\n  Docs X: {server}\n"
    async with serve() as served:
        await post(served, "agent/config", yaml=text)
        found = await served.bench.workbench.mcp.get("docs-x")
        assert found.spec.headers == {"Authorization": "${secret:Authorization}"}
        assert found.missing == ()
        source = await served.bench.workbench.agents.source("general")
        assert "hush" not in source.text
        assert source.values["mcp"] == ["docs-x"]


async def test_who_may_keep_no_keys_changes_no_agent_by_a_file_that_has_one(serve: Any) -> None:
    text = FILE.replace("$OPENAI_API_KEY", "sk-abcdefghijkl")
    async with serve(app=switching) as served:
        await served.bench.workbench.users.add("ann")
        key = await served.bench.workbench.keys.create("k", Scope.ADMIN, user="ann")
        headers = {"authorization": f"Bearer {key.secret}"}
        said = {"json": {"yaml": text}, "headers": headers}
        answer = await served.http.post("/dexto/api/agent/config", **said)
        assert (answer.status_code, answer.json()["code"]) == (403, "admin_only")
        config = {"llm": {"provider": "openai", "model": "a", "apiKey": "sk-abcdefghijkl"}}
        new = {"id": "b", "name": "B", "description": "d", "config": {**config, "systemPrompt": "x"}}
        path = "/dexto/api/agents/custom/create"
        assert (await served.http.post(path, json=new, headers=headers)).status_code == 403
        listed = (await served.http.get("/dexto/api/agents", headers=headers)).json()
        assert listed["installed"] == []


@pytest.mark.covers("dexto.get_dexto_auth_status", "dexto.health")
async def test_it_says_that_it_is_there_and_that_nobody_is_signed_in(serve: Any) -> None:
    async with serve() as served:
        health = await served.http.get("/dexto/health")
        assert (health.status_code, health.text) == (200, "OK")
        assert health.headers["content-type"].startswith("text/plain")
        assert await get(served, "dexto-auth/status") == {
            "enabled": False,
            "authenticated": False,
            "canUse": False,
        }
