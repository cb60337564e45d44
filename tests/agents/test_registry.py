"""The registry: layers, clashes, live reading."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from agent_folders import Agents

from holdfast.core.domain.agents import Layer
from holdfast.core.domain.errors import NotFoundError


def test_the_project_comes_before_the_user_and_the_user_before_the_shipped(agents: Agents) -> None:
    for layer in ("shipped", "user", "project", "hidden"):
        agents.write(layer, "coder", f"description: {layer}\n")
        assert agents.registry.get("coder", agents.project).description == layer
    assert agents.registry.get("coder").description == "user"


def test_a_listing_has_each_name_once_from_the_layer_that_wins(agents: Agents) -> None:
    agents.write("shipped", "coder")
    agents.write("user", "coder")
    agents.write("shipped", "writer")
    agents.write("project", "local")
    found = [(info.name, info.layer) for info in agents.registry.list(agents.project)]
    assert found == [("coder", Layer.USER), ("local", Layer.PROJECT), ("writer", Layer.SHIPPED)]


def test_an_unknown_agent_names_the_nearest(agents: Agents) -> None:
    agents.write("shipped", "analyst")
    with pytest.raises(NotFoundError, match="did you mean `analyst`"):
        agents.registry.get("analist", agents.project)


def test_an_edit_is_seen_at_the_next_call_even_at_the_same_instant(agents: Agents) -> None:
    path = agents.write("user", "a", "description: one\n")
    for word in ("two", "six", "ten"):
        assert agents.registry.get("a").description in ("one", "two", "six")
        path.write_text(path.read_text().replace("one", word).replace("two", word).replace("six", word))
        assert agents.registry.get("a").description == word


def test_a_file_that_was_just_written_is_not_taken_for_unchanged(agents: Agents) -> None:
    path = agents.write("user", "a")
    assert agents.registry._read(path) is not agents.registry._read(path)


def test_a_settled_file_is_not_read_again_until_it_changes(
    agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = agents.write("user", "a", "description: one\n")
    monkeypatch.setattr("holdfast.core.config.kept.SETTLED_NS", 0)
    first = agents.registry.get("a").spec
    assert first is not None
    assert agents.registry._read(path) is agents.registry._read(path)
    path.write_text(path.read_text() + "model: offline\n")
    assert agents.spec("a").model == "offline"


def test_a_broken_edit_is_listed_with_its_mistakes_and_hides_what_was_there(agents: Agents) -> None:
    agents.write("shipped", "coder")
    path = agents.write("user", "coder")
    assert agents.registry.get("coder").spec is not None
    path.write_text("version: 1\nname: coder\ntols: []\n")
    (info,) = agents.registry.list(agents.project)
    assert (info.name, info.layer, info.spec) == ("coder", Layer.USER, None)
    assert info.problems[0].hint == "did you mean `tools`?"
    path.unlink()
    assert agents.registry.get("coder").layer is Layer.SHIPPED


def test_a_file_that_is_no_yaml_is_listed_by_its_own_name(agents: Agents) -> None:
    agents.write("user", "x").write_bytes(b"name: \xff")
    info = agents.registry.get("x")
    assert info.spec is None
    assert "not UTF-8" in info.problems[0].message


def test_two_files_of_one_name_in_a_folder_are_a_mistake_of_the_copy(agents: Agents) -> None:
    agents.write("user", "coder", file="a-copy.yaml")
    agents.write("user", "coder")
    assert agents.registry.get("coder").path.endswith("/coder.yaml")
    copy, kept = agents.registry.list(None)
    assert (copy.name, copy.spec) == ("a-copy", None)
    assert "defined already in coder.yaml" in copy.problems[0].message
    assert kept.spec is not None


def test_files_that_are_no_yaml_files_are_left_alone(agents: Agents) -> None:
    agents.write("user", "a", file="notes.txt")
    agents.write("user", "b", file="b.yml")
    (agents.paths.agents / "gone.yaml").symlink_to(agents.project / "nowhere")
    assert [info.name for info in agents.registry.list()] == ["b"]


def test_a_folder_that_is_called_like_an_agent_is_listed_as_broken(agents: Agents) -> None:
    agents.write("user", "a")
    (agents.paths.agents / "b.yaml").mkdir()
    assert [(info.name, info.spec is None) for info in agents.registry.list()] == [("a", False), ("b", True)]


def test_a_pipe_in_a_project_does_not_hang_the_listing(agents: Agents) -> None:
    agents.write("project", "a")
    os.mkfifo(agents.project / "agents" / "pipe.yaml")
    listing = threading.Thread(target=agents.registry.list, args=(agents.project,), daemon=True)
    listing.start()
    listing.join(5)
    assert not listing.is_alive()


def test_the_checkout_of_the_shipped_agents_is_no_foreign_project(agents: Agents, tmp_path: Path) -> None:
    (agents.project / "agents").symlink_to(agents.shipped)
    agents.write("shipped", "a")
    info = agents.registry.get("a", agents.project)
    assert (info.layer, info.trusted) == (Layer.SHIPPED, True)


class TestValidate:
    def test_a_valid_file_anywhere_has_no_mistakes(self, agents: Agents, tmp_path: Path) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text("version: 1\nname: mine\n")
        assert agents.registry.validate(path) == ()

    def test_every_mistake_is_returned(self, agents: Agents, tmp_path: Path) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text("version: 1\nname: mine\nfoo: 1\ntools: [x]\n")
        assert [p.key_path for p in agents.registry.validate(path)] == ["foo", "tools[0]"]

    def test_what_is_extended_is_looked_for_beside_the_file_and_below(
        self, agents: Agents, tmp_path: Path
    ) -> None:
        agents.write("shipped", "base")
        path = tmp_path / "mine.yaml"
        path.write_text("version: 1\nname: mine\nextends: base\n")
        assert agents.registry.validate(path) == ()
        path.write_text("version: 1\nname: mine\nextends: bse\n")
        assert agents.registry.validate(path)[0].hint == "did you mean `base`?"

    def test_a_copy_in_a_folder_is_told(self, agents: Agents) -> None:
        agents.write("user", "coder")
        path = agents.write("user", "coder", file="copy.yaml")
        assert "defined already" in agents.registry.validate(path)[0].message

    def test_a_missing_file_is_not_found(self, agents: Agents, tmp_path: Path) -> None:
        with pytest.raises(NotFoundError):
            agents.registry.validate(tmp_path / "none.yaml")


def test_a_link_to_itself_in_a_project_breaks_no_other_agent(agents: Agents) -> None:
    path = agents.write("project", "good")
    path.with_name("loop.yaml").symlink_to("loop.yaml")
    good, loop = agents.registry.list(agents.project)
    assert good.spec is not None
    assert (loop.name, loop.spec) == ("loop", None)
    assert "cannot be read" in loop.problems[0].message


def test_a_folder_that_links_to_itself_breaks_no_other(agents: Agents) -> None:
    agents.write("project", "good")
    (agents.project / ".holdfast").symlink_to(".holdfast")
    assert [info.name for info in agents.registry.list(agents.project) if info.spec] == ["good"]


def test_a_hook_in_the_home_of_nobody_is_a_mistake_of_its_file_and_of_no_listing(agents: Agents) -> None:
    hook = "hooks: [{point: before_tool, type: python, file: '~nobody-of-this-name/x.py'}]\n"
    agents.write("project", "stranger", hook)
    agents.write("user", "mine")
    found = {info.name: info for info in agents.registry.list(agents.project)}
    assert found["mine"].problems == ()
    assert "home of nobody" in found["stranger"].problems[0].message


@pytest.mark.parametrize("base", ["/" + "x" * 4_000, "y" * 4_090])
def test_what_is_too_much_only_as_a_whole_is_told_where_it_is_said(agents: Agents, base: str) -> None:
    hook = "{point: before_tool, type: approval}"
    agents.write("user", "base", f"hooks: [{', '.join([hook] * 30)}]\n")
    agents.write("user", "over", f"extends: base\nhooks: [{', '.join([hook] * 30)}]\n")
    agents.write("user", "deep", f"hooks: [{{point: before_tool, type: python, file: {base}}}]\n")
    found = {info.name: info for info in agents.registry.list()}
    (problem,) = found["over"].problems
    assert ("hooks" in problem.message, problem.line) == (True, 3)
    assert bool(found["deep"].problems) == (not base.startswith("/"))
