"""Hooks as a noun of the workbench: here and over the socket, for the machine's user and for others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import (
    AgentFileError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from holdfast.core.domain.hooks import HookSpec
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Role, Scope

both = pytest.mark.parametrize("door", ["local", "remote"])
DENY = {"type": "rule", "rules": [{"when": "path CONTAINS x", "reason": "no x"}]}
GUARD = "def guard(event: dict) -> dict:\n    return {'action': 'deny', 'message': event['tool_name']}\n"


def hook(**more: Any) -> HookSpec:
    return HookSpec.model_validate({"point": "before_tool", **DENY, **more})


@both
async def test_hooks_are_added_listed_in_their_order_tested_and_removed(
    open_bench: Any, tmp_path: Path
) -> None:
    file = tmp_path / "guard.py"
    file.write_text(GUARD)
    agents = [{"point": "before_tool", **DENY, "name": "agent's", "order": 5}]
    async with open_bench(agent=f"hooks: {json.dumps(agents)}\n") as bench:
        hooks = bench.workbench.hooks
        later = await hooks.add(hook(order=9))
        web = {"type": "webhook", "rules": (), "url": "https://a.test/", "headers": {"X-Key": "canary"}}
        secret = await hooks.add(hook(**web))
        python = await hooks.add(hook(type="python", rules=(), file=str(file), order=-1))
        assert await hooks.list() == (python, secret, later)
        assert "canary" not in f"{await hooks.list()}"
        *_, theirs, last = await hooks.list(agent="tester")
        assert (theirs.source, theirs.agent, theirs.hook.name) == ("agent", "tester", "agent's")
        assert last == later

        said = await hooks.test(python.hook.id, {}, tool="run_command")
        assert (said.outcome, said.reason) == ("deny", "run_command")
        said = await hooks.test(theirs.hook.id, {"path": "axb"}, agent="tester")
        assert (said.outcome, said.reason) == ("deny", "no x")
        with pytest.raises(NotFoundError):
            await hooks.test(theirs.hook.id)
        with pytest.raises(NotFoundError):
            await hooks.remove(theirs.hook.id)
        await hooks.remove(later.hook.id)
        assert await hooks.list() == (python, secret)


async def test_what_a_hook_of_an_agent_sends_as_headers_is_in_no_listing(open_bench: Any) -> None:
    headers = {"Authorization": "Bearer canary"}
    web = [{"point": "before_tool", "type": "webhook", "url": "https://a.test/", "headers": headers}]
    hooks = f"hooks: {json.dumps(web)}\n"
    async with open_bench(agent=hooks) as bench:
        agents = bench.workbench.agents
        made = await agents.create(f"version: 1\nname: other\n{hooks}")
        for found in (await agents.get("tester"), *await agents.list(), made):
            assert "canary" not in found.model_dump_json()
        (listed,) = await bench.workbench.hooks.list(agent="tester")
        assert listed.hook.headers == {"Authorization": "***"}


@both
async def test_what_can_never_act_is_not_added(open_bench: Any, tmp_path: Path) -> None:
    async with open_bench() as bench:
        hooks = bench.workbench.hooks
        (tmp_path / "none.py").write_text("x = 1\n")
        for wrong in (
            {"type": "webhook", "rules": (), "url": "ftp://a.test/"},
            {"type": "python", "rules": (), "file": str(tmp_path / "none.py")},
            {"type": "python", "rules": (), "file": str(tmp_path / "gone.py")},
        ):
            with pytest.raises(InvalidError):
                await hooks.add(hook(**wrong))
        added = await hooks.add(hook())
        with pytest.raises(ConflictError):
            await hooks.add(added.hook)
        messages = hook(
            point="before_model", rules=({"action": "modify", "replace": "a", "replacement": "b"},)
        )
        changes = await hooks.add(messages)
        with pytest.raises(InvalidError):
            await hooks.test(changes.hook.id, {"messages": [{"role": "user"}]})
        said = await hooks.test(changes.hook.id, {"messages": [{"role": "user", "text": "a"}]})
        assert said.data is not None
        assert said.data["messages"][0]["text"] == "b"


@both
async def test_one_secret_signs_until_it_is_renewed(open_bench: Any) -> None:
    async with open_bench() as bench:
        first = (await bench.workbench.hooks.secret()).secret
        assert first.startswith("hfh_")
        assert (await bench.workbench.hooks.secret()).secret == first
        assert (await bench.workbench.hooks.secret(renew=True)).secret != first
    async with open_bench() as bench:
        assert (await bench.workbench.hooks.secret()).secret != first


async def test_users_have_hooks_of_their_own_and_no_functions(open_bench: Any, tmp_path: Path) -> None:
    file = tmp_path / "guard.py"
    file.write_text(GUARD)
    async with open_bench() as bench:
        local = bench.workbench
        await local.users.add("ann", Role.USER)
        ann = local.as_principal(
            LOCAL_PRINCIPAL.model_copy(update={"user_id": await _id(local, "ann"), "role": Role.USER})
        )
        mine = await ann.hooks.add(hook())
        assert await local.hooks.list() == ()
        with pytest.raises(ForbiddenError):
            await ann.hooks.add(hook(type="python", rules=(), file=str(file)))
        with pytest.raises(AgentFileError, match="only the user of this machine"):
            hooks = [{"point": "before_tool", "type": "python", "file": str(file)}]
            await ann.agents.create(f"version: 1\nname: own\nhooks: {json.dumps(hooks)}\n")
        assert (await ann.hooks.secret()).secret != (await local.hooks.secret()).secret
        reader = local.as_principal(LOCAL_PRINCIPAL.model_copy(update={"scope": Scope.READ}))
        assert await reader.hooks.list() == ()
        with pytest.raises(ForbiddenError):
            await reader.hooks.secret()
        assert await ann.hooks.list() == (mine,)


async def test_an_agents_hooks_come_with_what_extends_it_and_find_their_files(
    open_bench: Any, tmp_path: Path
) -> None:
    hooks = [{"point": "before_tool", "type": "python", "file": "guard.py"}]
    async with open_bench(agent=f"hooks: {json.dumps(hooks)}\n") as bench:
        folder = bench.project / ".holdfast" / "agents"
        folder.mkdir(parents=True)
        more = [{"point": "after_run", "type": "webhook", "url": "https://a.test/"}]
        (folder / "child.yaml").write_text(
            f"version: 1\nname: child\nextends: tester\nhooks: {json.dumps(more)}\n"
        )
        await bench.workbench.agents.trust(str(bench.project), True)
        found: AgentInfo = await bench.workbench.agents.get("child", str(bench.project))
        assert found.spec is not None
        first, second = found.spec.hooks
        assert first.file == str(bench.home / "config" / "agents" / "guard.py")
        assert second.url == "https://a.test/"
        assert first.id
        assert first.id != second.id


@pytest.mark.parametrize(
    ("hooks", "place"),
    [
        ("- {point: before_tool, type: rule}", "hooks.0"),
        ("- {point: before_tool, type: approval, matcher: write_fiel}", "hooks.0.matcher"),
        ("- {point: sometimes, type: approval}", "hooks.0.point"),
        ("- {point: before_run, type: rule, rules: [{when: message HAS x}]}", "hooks.0.rules.0.when"),
    ],
)
async def test_a_mistake_in_an_agents_hooks_has_its_place(open_bench: Any, hooks: str, place: str) -> None:
    async with open_bench() as bench:
        text = f"version: 1\nname: own\ntools: [write_file]\nhooks:\n  {hooks}\n"
        (problem,) = await bench.workbench.agents.check(text)
        assert (problem.line, problem.key_path.replace("[", ".").replace("]", "")) == (5, place)


async def _id(workbench: Any, name: str) -> str:
    return next(user.id for user in await workbench.users.list() if user.name == name)
