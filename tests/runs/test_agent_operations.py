"""Agents that are made, changed and used through the workbench, by the local user and by others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.agents import Layer
from holdfast.core.domain.errors import (
    AgentFileError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooLargeError,
)
from holdfast.core.domain.identity import Role, Scope
from holdfast.core.domain.messages import TextPart
from holdfast.core.services.workbench import Workbench

both_doors = pytest.mark.parametrize("door", ["local", "remote"])

TEXT = "# mine\nversion: 1\nname: helper\nmodel: scripted\ntools: [read_file] # look\n"


@both_doors
async def test_an_agent_is_made_read_changed_and_deleted(open_bench: Any) -> None:
    async with open_bench() as bench:
        agents = bench.workbench.agents
        made = await agents.create(TEXT)
        assert (made.name, made.layer, made.owner) == ("helper", Layer.USER, "local")
        assert await agents.get("helper") == await agents.get(made.id) == made
        source = await agents.source(made.id)
        assert source.text == TEXT.replace("name: helper\n", f"name: helper\nid: {made.id}\n")
        assert source.path == made.path
        changed = await agents.update("helper", TEXT + "display_name: Größe\n", source.digest)
        assert (changed.id, changed.display_name) == (made.id, "Größe")
        with pytest.raises(ConflictError) as refused:
            await agents.update("helper", TEXT, source.digest)
        assert refused.value.code == "agent_changed"
        await agents.delete("helper")
        with pytest.raises(NotFoundError):
            await agents.get(made.id)


@both_doors
async def test_an_editor_has_what_it_needs_of_an_agent_and_writes_one_of_a_project(
    open_bench: Any, tmp_path: Path
) -> None:
    async with open_bench() as bench:
        agents = bench.workbench.agents
        assert "read_file" in (await agents.schema())["properties"]["tools"]["items"]["examples"]
        text = await agents.template("fresh")
        assert await agents.check(text) == ()
        with pytest.raises(InvalidError):
            await agents.template("No name")
        file = tmp_path / "there" / "agents" / "theirs.yaml"
        file.parent.mkdir(parents=True)
        file.write_text("version: 1\nname: theirs\n")
        project = str(tmp_path / "there")
        source = await agents.source("theirs", project)
        changed = f"{source.text}author: Ann  # me\n"
        assert await agents.check(changed, "theirs", project) == ()
        assert (await agents.update("theirs", changed, source.digest, project)).author == "Ann"
        assert file.read_text() == changed
        assert file.with_name("theirs.yaml.bak").read_text() == source.text


@both_doors
async def test_mistakes_are_told_alike_whether_the_text_is_checked_or_kept(open_bench: Any) -> None:
    wrong = "version: 1\nname: a\ntols: []\ntools: [{ tool: reed_file }]\n"
    async with open_bench() as bench:
        agents = bench.workbench.agents
        told = await agents.check(wrong)
        assert [(one.line, one.key_path, one.hint) for one in told] == [
            (3, "tols", "did you mean `tools`?"),
            (4, "tools[0].tool", "did you mean `read_file`?"),
        ]
        with pytest.raises(AgentFileError) as refused:
            await agents.create(wrong)
        assert tuple(refused.value.diagnostics) == told
        assert await agents.check(TEXT) == ()
        for method in (agents.check, agents.create):
            with pytest.raises(TooLargeError):
                await method(TEXT + "#" * 262_144)
        with pytest.raises(AgentFileError):
            await agents.create("")


@both_doors
async def test_a_shipped_agent_is_copied_changed_and_back(open_bench: Any) -> None:
    async with open_bench() as bench:
        agents = bench.workbench.agents
        shipped = await agents.get("writer")
        with pytest.raises(ForbiddenError, match="install"):
            await agents.update("writer", TEXT)
        assert not any(each.installed for each in await agents.available())
        copy = await agents.install("writer")
        assert [each.name for each in await agents.available() if each.installed] == ["writer"]
        assert (await agents.get("writer")).id == copy.id != shipped.id
        await agents.uninstall("writer")
        assert await agents.get("writer") == shipped


@both_doors
async def test_a_file_of_the_machine_is_installed_by_its_path(open_bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "theirs.yaml"
    path.write_text(TEXT)
    async with open_bench() as bench:
        info = await bench.workbench.agents.install(str(path))
        assert info.path == str(bench.home / "config" / "agents" / "helper.yaml")


@both_doors
async def test_a_session_may_name_its_agent_by_the_id(open_bench: Any, say: Any) -> None:
    async with open_bench([say("hello")]) as bench:
        workbench = bench.workbench
        made = await workbench.agents.create(TEXT)
        session = await workbench.sessions.create(made.id, str(bench.project))
        assert session.agent == "helper"
        other = await workbench.sessions.create("tester", str(bench.project))
        assert (await workbench.sessions.configure(other.id, agent=made.id)).agent == "helper"
        submitted = await workbench.runs.send(session.id, (TextPart(text="Hi"),))
        assert submitted.run_id is not None
        events = await bench.end(submitted.run_id)
        assert events[-1].event.type == "run.completed"
        assert (await workbench.runs.get(submitted.run_id)).agent == "helper"
        assert [tool.name for tool in bench.model.requests[0].tools] == ["read_file"]


async def signed_in(host: Any, name: str, role: Role = Role.USER, scope: Scope = Scope.ADMIN) -> Workbench:
    if name not in {user.name for user in (await host.users.list())}:
        await host.users.add(name, role)
    new = await host.keys.create("k", scope, user=name)
    seen: Workbench = host.as_principal(await host.authenticate(new.secret))
    return seen


async def test_each_user_has_agents_of_his_own(open_bench: Any, say: Any) -> None:
    async with open_bench([say("hello")]) as bench:
        host = bench.workbench
        ann, bob = await signed_in(host, "ann"), await signed_in(host, "bob", Role.ADMIN)
        mine = await ann.agents.create(TEXT)
        assert mine.owner == (await ann.users.me()).user_id
        for other in (host, bob):
            assert mine.id not in {each.id for each in await other.agents.list()}
            for wanted in (
                other.agents.get(mine.id),
                other.agents.source("helper"),
                other.agents.update(mine.id, TEXT),
                other.agents.delete("helper"),
                other.agents.uninstall("helper"),
                other.sessions.create("helper", str(bench.project)),
            ):
                with pytest.raises(NotFoundError):
                    await wanted
            with pytest.raises(AgentFileError, match="no agent `helper` to extend"):
                await other.agents.create("version: 1\nname: x\nextends: helper\n")
            await other.agents.create(TEXT)
        assert [each.name for each in await ann.agents.list() if each.layer is Layer.USER] == ["helper"]
        session = await ann.sessions.create(mine.id)
        submitted = await ann.runs.send(session.id, (TextPart(text="Hi"),))
        assert submitted.run_id is not None
        await host.agents.delete("helper")
        await bob.agents.delete("helper")
        assert (await ann.agents.get("helper")).id == mine.id


async def test_files_of_the_machine_are_for_administrators(open_bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text(TEXT)
    async with open_bench() as bench:
        ann = await signed_in(bench.workbench, "ann")
        for source in (str(path), "../secret.yaml", "secret.yaml", "/etc/passwd", "..\\secret"):
            with pytest.raises(ForbiddenError) as refused:
                await ann.agents.install(source)
            assert refused.value.code == "admin_only"
        with pytest.raises(ForbiddenError):
            await ann.agents.source("tester", str(tmp_path))
        assert (await ann.agents.install("writer")).layer is Layer.USER
        boss = await signed_in(bench.workbench, "boss", Role.ADMIN)
        assert (await boss.agents.install(str(path))).name == "helper"


async def test_a_key_that_may_only_work_changes_no_agent(open_bench: Any) -> None:
    async with open_bench() as bench:
        ann = await signed_in(bench.workbench, "ann", scope=Scope.CHAT)
        assert await ann.agents.check(TEXT) == ()
        assert {each.installed for each in await ann.agents.available()} == {False}
        for change in (
            lambda: ann.agents.create(TEXT),
            lambda: ann.agents.update("writer", TEXT),
            lambda: ann.agents.delete("writer"),
            lambda: ann.agents.install("writer"),
            lambda: ann.agents.uninstall("writer"),
        ):
            with pytest.raises(ForbiddenError) as refused:
                await change()
            assert refused.value.code == "scope_missing"


async def test_an_agent_of_another_user_cannot_send_the_engines_keys_elsewhere(open_bench: Any) -> None:
    text = TEXT + "model_settings: { api_base: 'https://elsewhere.example' }\n"
    async with open_bench() as bench:
        ann = await signed_in(bench.workbench, "ann")
        with pytest.raises(AgentFileError, match="api_base"):
            await ann.agents.create(text)
        assert [each.key_path for each in await ann.agents.check(text)] == ["model_settings.api_base"]
        assert await bench.workbench.agents.check(text) == ()
