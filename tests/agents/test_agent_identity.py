"""What agents and their tools are known by."""

from __future__ import annotations

import uuid

import pytest
from agent_folders import TOOLS, Agents

from holdfast.core.agents.identity import assignment_id, made_id
from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.domain.agents import ToolAssignment
from holdfast.core.domain.errors import NotFoundError

ID = "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"
OTHER = "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d002"
ANN = "11111111-1111-4111-8111-111111111111"


def test_made_ids_are_what_they_always_were() -> None:
    # Ids are kept by other programs: whoever changes how they are made breaks them.
    assert made_id("local", "user", "coder") == "cc736180-4ba6-5790-836f-3d225b92195e"
    assert assignment_id(ID, "read_file") == str(uuid.uuid5(uuid.UUID(ID), "tool:read_file"))


def test_an_id_that_nothing_gives_stays_while_the_file_is_edited(agents: Agents) -> None:
    agents.write("user", "coder", "description: one\ntools: [read_file]\n")
    before = agents.registry.get("coder")
    agents.write("user", "coder", "description: two\ntools: [write_file, read_file]\n")
    after = agents.registry.get("coder")
    assert after.id == before.id
    assert after.spec is not None
    assert before.spec is not None
    assert after.spec.tools[1] == before.spec.tools[0]
    assert after.spec.id == after.id


def test_another_name_is_another_agent_unless_the_file_says_who_it_is(agents: Agents) -> None:
    path = agents.write("user", "coder")
    made = agents.registry.get("coder").id
    path.write_text("version: 1\nname: writer\n")
    assert agents.registry.get("writer").id != made
    for name in ("coder", "writer"):
        path.write_text(f"version: 1\nname: {name}\nid: {ID}\n")
        assert agents.registry.get(name).id == ID


def test_one_name_has_another_id_in_each_layer_and_of_each_owner(agents: Agents) -> None:
    folder = agents.paths.user_agents(ANN)
    folder.mkdir(parents=True)
    (folder / "coder.yaml").write_text("version: 1\nname: coder\n")
    seen = {agents.registry.get("coder", None, ANN).id}
    for layer in ("shipped", "user", "project"):
        agents.write(layer, "coder")
        seen.add(agents.registry.get("coder", agents.project).id)
    other = agents.project.with_name("other")
    (other / "agents").mkdir(parents=True)
    (other / "agents" / "coder.yaml").write_text("version: 1\nname: coder\n")
    seen.add(agents.registry.get("coder", other).id)
    assert len(seen) == 5


def test_a_tool_has_the_id_that_its_entry_gives_or_one_of_the_agent(agents: Agents) -> None:
    text = f"id: {ID}\ntools:\n  - read_file\n  - {{ tool: write_file, id: {OTHER} }}\n  - tool: ask_user\n"
    agents.write("user", "coder", text)
    spec = agents.spec("coder")
    assert spec.tool_names == ("read_file", "write_file", "ask_user")
    assert spec.tools == (
        ToolAssignment(tool="read_file", id=assignment_id(ID, "read_file")),
        ToolAssignment(tool="write_file", id=OTHER),
        ToolAssignment(tool="ask_user", id=assignment_id(ID, "ask_user")),
    )


def test_an_agent_is_found_by_its_name_and_by_its_id(agents: Agents) -> None:
    agents.write("user", "coder", f"id: {ID}\n")
    agents.write("shipped", "writer")
    writer = agents.registry.get("writer")
    assert agents.registry.get(ID).name == "coder"
    assert agents.registry.get(writer.id) == writer
    with pytest.raises(NotFoundError):
        agents.registry.get(OTHER)


def test_the_id_of_an_agent_behind_another_of_its_name_finds_nothing(agents: Agents) -> None:
    agents.write("shipped", "coder")
    hidden = agents.registry.get("coder").id
    agents.write("user", "coder")
    with pytest.raises(NotFoundError):
        agents.registry.get(hidden)


def test_a_listing_tells_who_an_agent_is_also_when_it_is_broken(agents: Agents) -> None:
    about = f"id: {ID}\ndisplay_name: The Größe\nauthor: Ann\ntags: [a, b c]\n"
    agents.write("user", "coder", about)
    info = agents.registry.get("coder")
    assert (info.id, info.display_name, info.author, info.tags) == (ID, "The Größe", "Ann", ("a", "b c"))
    assert info.owner == "local"
    agents.write("user", "coder", about + "foo: 1\n")
    broken = agents.registry.get(ID)
    assert broken.spec is None
    assert (broken.id, broken.display_name, broken.author) == (ID, "The Größe", "Ann")
    agents.write("shipped", "writer")
    agents.write("project", "mine")
    assert [agents.registry.get(name, agents.project).owner for name in ("writer", "mine")] == ["", ""]


def test_who_an_agent_is_is_not_inherited(agents: Agents) -> None:
    base = (
        f"id: {ID}\ndisplay_name: Base\nauthor: Ann\ntags: [a]\ntools: [{{tool: read_file, id: {OTHER}}}]\n"
    )
    agents.write("shipped", "base", base)
    agents.write("user", "child", "extends: base\n")
    child = agents.registry.get("child")
    assert child.spec is not None
    assert (child.spec.display_name, child.spec.author, child.spec.tags) == ("", "", ("a",))
    assert child.id == child.spec.id != ID
    assert child.spec.tools == (ToolAssignment(tool="read_file", id=assignment_id(child.id, "read_file")),)


def test_a_copy_with_the_same_id_is_told_and_the_first_one_keeps_it(agents: Agents) -> None:
    agents.write("user", "coder", f"id: {ID}\n")
    agents.write("user", "a-coder", f"id: {ID}\n")
    copy, coder = agents.registry.list()
    assert coder.spec is not None
    assert copy.spec is None
    assert (copy.problems[0].line, copy.problems[0].key_path) == (3, "id")
    assert "coder.yaml has this id" in copy.problems[0].message
    assert agents.registry.get(ID).name == "coder"
    assert agents.registry.get(copy.id).name == "a-coder"


def test_an_id_that_another_agent_has_of_its_name_is_taken(agents: Agents) -> None:
    agents.write("user", "writer")
    taken = agents.registry.get("writer").id
    agents.write("user", "a", f"id: {taken}\n")
    assert agents.registry.get(taken).name == "writer"
    assert agents.registry.get("a").spec is None


def test_users_do_not_see_each_others_agents(agents: Agents) -> None:
    agents.write("shipped", "base")
    agents.write("user", "secret", f"id: {ID}\n")
    for name in ("secret", ID):
        with pytest.raises(NotFoundError) as refused:
            agents.registry.get(name, None, ANN)
        assert "there are: base" in str(refused.value)
    assert [info.name for info in agents.registry.list(None, ANN)] == ["base"]
    folder = agents.paths.user_agents(ANN)
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("version: 1\nname: mine\nextends: secret\n")
    mine = agents.registry.get("mine", None, ANN)
    assert mine.owner == ANN
    assert "there is no agent `secret` to extend" in mine.problems[0].message
    with pytest.raises(NotFoundError):
        agents.registry.get("mine")


@pytest.mark.parametrize("owner", ["", ".", "..", "../local", "a/b", "/etc"])
def test_an_owner_that_is_no_user_reaches_no_folder(agents: Agents, owner: str) -> None:
    with pytest.raises(ValueError):
        agents.registry.list(None, owner)


def test_agents_of_other_users_reach_nothing_of_the_machine(agents: Agents) -> None:
    folder = agents.paths.user_agents(ANN)
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        "version: 1\nname: mine\nworkspace: /etc\nmodel_settings: { api_base: 'http://x', temperature: 1 }\n"
        "approvals: { allow: [write_file] }\n"
    )
    spec = agents.registry.get("mine", agents.project, ANN).spec
    assert spec is not None
    assert (spec.workspace, spec.model_settings.api_base, spec.model_settings.temperature) == (
        "session",
        None,
        1,
    )
    assert spec.approvals.allow == ("write_file",)


def test_a_trusted_project_reaches_nothing_of_the_machine_for_another_user(agents: Agents) -> None:
    agents.trust.set(agents.project, True)
    text = "workspace: /etc\nmodel_settings: { api_base: 'http://x' }\n"
    agents.write("project", "theirs", text)
    spec = agents.registry.get("theirs", agents.project, ANN).spec
    assert spec is not None
    assert (spec.workspace, spec.model_settings.api_base) == ("session", None)
    assert agents.spec("theirs").workspace == "/etc"


def test_a_registry_of_its_own_makes_the_same_ids(agents: Agents) -> None:
    agents.write("user", "coder", "tools: [read_file]\n")
    again = AgentRegistry(agents.paths, TOOLS, agents.trust, agents.shipped)
    assert again.get("coder") == agents.registry.get("coder")
