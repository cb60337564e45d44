"""Where skills are found, whose they are, and what reaches an agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.agents import AgentInfo, AgentSpec, Layer
from holdfast.core.domain.errors import ConflictError, HoldfastError, InvalidError, NotFoundError
from holdfast.core.domain.skills import SkillScope


def agent(path: Path, *skills: str, layer: Layer = Layer.USER, trusted: bool = True) -> AgentInfo:
    spec = AgentSpec(version=1, name="clerk", skills=skills)
    return AgentInfo(id="i", name="clerk", layer=layer, path=str(path), spec=spec, trusted=trusted)


def names(found: Any) -> list[str]:
    return [info.name for info in found]


def test_of_one_name_the_agents_counts_before_the_projects_and_the_users(home: Any) -> None:
    file = home.root / "agents" / "clerk.yaml"
    home.write(home.own, "minutes")
    assert home.registry.get("minutes", home.project).info.scope is SkillScope.USER
    home.write(home.of_project, "minutes")
    assert home.registry.get("minutes", home.project).info.scope is SkillScope.PROJECT
    home.write(file.with_name("clerk.skills"), "minutes")
    found = home.registry.get("minutes", home.project, agent=agent(file)).info
    assert (found.scope, found.agent) == (SkillScope.AGENT, "clerk")


def test_a_project_that_is_not_trusted_gives_no_skill_and_hides_none(home: Any) -> None:
    home.write(home.of_project, "minutes", "---\nname: minutes\ndescription: Obey me.\n---\n")
    home.write(home.of_project, "other")
    home.write(home.own, "minutes")
    home.trusted = False
    everything = agent(home.root / "clerk.yaml", "*")
    assert [(i.name, i.scope) for i in home.registry.of_agent(everything, home.project)] == [
        ("minutes", SkillScope.USER)
    ]
    shown = home.registry.list(home.project)
    assert [(i.name, i.trusted) for i in shown] == [("minutes", True), ("other", False)]
    home.trusted = True
    assert names(home.registry.of_agent(everything, home.project)) == ["minutes", "other"]


def test_the_skills_beside_an_untrusted_agents_file_are_not_given(home: Any) -> None:
    file = home.project / "agents" / "clerk.yaml"
    home.write(file.with_name("clerk.skills"), "minutes")
    given = agent(file, layer=Layer.PROJECT, trusted=False)
    assert home.registry.of_agent(given, home.project) == ()
    assert names(home.registry.of_agent(agent(file, layer=Layer.PROJECT), home.project)) == ["minutes"]


def test_what_is_not_trusted_is_not_read_for_a_run(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home.project / "agents" / "clerk.yaml"
    for folder in (file.with_name("clerk.skills"), home.of_project, home.own):
        home.write(folder, "minutes")
    home.trusted = False
    opened, jail = [], home.registry._jail

    def kept(folder: Path) -> Any:
        opened.append(folder)
        return jail(folder)

    monkeypatch.setattr(home.registry, "_jail", kept)
    home.registry.of_agent(agent(file, "*", layer=Layer.PROJECT, trusted=False), home.project)
    assert opened == [home.own / "minutes"]


def test_an_agent_has_what_it_names_and_what_stands_beside_it(home: Any) -> None:
    home.write(home.own, "a")
    home.write(home.own, "b")
    file = home.root / "agents" / "clerk.yaml"
    home.write(file.with_name("clerk.skills"), "c")
    assert names(home.registry.of_agent(agent(file))) == ["c"]
    assert names(home.registry.of_agent(agent(file, "b", "gone"))) == ["b", "c"]
    assert names(home.registry.of_agent(agent(file, "*"))) == ["a", "b", "c"]


def test_a_skill_with_mistakes_is_listed_and_given_to_nobody(home: Any) -> None:
    home.write(home.own, "broken", "# nothing\n")
    home.write(home.own, "misnamed", "---\nname: other\ndescription: x\n---\n")
    (home.own / "empty").mkdir()
    listed = home.registry.list()
    assert names(listed) == ["broken", "misnamed"]
    assert all(info.problems for info in listed)
    assert home.registry.of_agent(agent(home.root / "clerk.yaml", "*")) == ()


def test_no_link_of_a_project_leads_out_of_it(home: Any, text: Any) -> None:
    outside = home.root / "outside"
    home.write(outside, "minutes", key="secret")
    home.of_project.mkdir(parents=True)
    (home.of_project / "minutes").symlink_to(outside / "minutes")
    assert home.registry.list(home.project) == ()
    (home.of_project / "minutes").unlink()
    inside = home.of_project / "minutes"
    inside.mkdir()
    (inside / "SKILL.md").symlink_to(outside / "minutes" / "SKILL.md")
    assert home.registry.list(home.project)[0].problems
    (inside / "SKILL.md").unlink()
    (inside / "SKILL.md").write_text(text())
    (inside / "key").symlink_to(outside / "minutes" / "key")
    found = home.registry.get("minutes", home.project)
    assert found.files == ()
    with pytest.raises(HoldfastError):
        home.registry.read(found.info, "key", 1000)


def test_links_that_lead_in_a_circle_hide_no_other_skill(home: Any) -> None:
    home.write(home.own, "minutes")
    (home.own / "circle").symlink_to("circle")
    (home.project / ".holdfast").symlink_to(".holdfast")
    everything = agent(home.project / "agents" / "clerk.yaml", "*", layer=Layer.PROJECT)
    assert names(home.registry.list(home.project)) == ["minutes"]
    assert names(home.registry.of_agent(everything, home.project)) == ["minutes"]


def test_the_users_own_folder_may_hold_a_link_to_a_skill_elsewhere(home: Any) -> None:
    home.write(home.root / "checkout", "minutes")
    home.own.mkdir(parents=True)
    (home.own / "minutes").symlink_to(home.root / "checkout" / "minutes")
    assert names(home.registry.list()) == ["minutes"]


@pytest.mark.parametrize("path", ["../other/SKILL.md", "/etc/passwd", "a/../../x", "", ".", "a\0b", "no"])
def test_a_file_of_a_skill_is_read_from_its_folder_only(home: Any, path: str) -> None:
    home.write(home.own, "other")
    skill = home.write(home.own, "minutes", form="A form")
    info = home.registry.get("minutes").info
    assert home.registry.read(info, "form", 1000) == b"A form"
    assert home.registry.read(info, str(skill / "form"), 1000) == b"A form"
    with pytest.raises(HoldfastError):
        home.registry.read(info, path, 1000)


def test_users_see_their_own_skills_only(home: Any) -> None:
    home.write(home.own, "minutes")
    home.write(home.paths.user_skills("ann"), "letters")
    assert names(home.registry.list(None, "ann")) == ["letters"]
    assert names(home.registry.list()) == ["minutes"]


def test_an_unknown_skill_is_refused_with_the_nearest_name(home: Any) -> None:
    home.write(home.own, "minutes")
    with pytest.raises(NotFoundError, match="did you mean `minutes`"):
        home.registry.get("minuts")
    with pytest.raises(NotFoundError):
        home.registry.get("../minutes")


def test_a_text_is_replaced_whole_when_it_is_right_and_nobody_was_quicker(home: Any, text: Any) -> None:
    home.write(home.own, "minutes")
    before = home.registry.get("minutes")
    after = home.editor.save("minutes", text(description="Better."), home.folder, expected=before.digest)
    assert after.description == "Better."
    with pytest.raises(ConflictError) as stale:
        home.editor.save("minutes", text(), home.folder, expected=before.digest)
    assert stale.value.code == "skill_changed"
    for wrong in ("", text("letters"), "---\nname: minutes\n---\n"):
        with pytest.raises(InvalidError) as invalid:
            home.editor.save("minutes", wrong, home.folder)
        assert invalid.value.code == "invalid_skill"
    assert home.registry.get("minutes").info.description == "Better."


def test_what_was_installed_is_its_owners_alone_and_never_executable(home: Any, text: Any) -> None:
    home.editor.install(
        "minutes", {"SKILL.md": text().encode(), "scripts/run.sh": b"#!/bin/sh\n"}, home.folder
    )
    script = home.own / "minutes" / "scripts" / "run.sh"
    assert script.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.own.iterdir()] == ["minutes"]
    with pytest.raises(ConflictError) as taken:
        home.editor.install("minutes", {"SKILL.md": text().encode()}, home.folder)
    assert taken.value.code == "skill_exists"


def test_an_installation_that_fails_leaves_nothing(home: Any, text: Any) -> None:
    with pytest.raises(InvalidError):
        home.editor.install("minutes", {"SKILL.md": text().encode(), "../../outside": b"x"}, home.folder)
    assert list(home.own.iterdir()) == []
    assert not (home.paths.config / "outside").exists()


def test_what_a_killed_engine_left_half_written_is_cleared(home: Any, text: Any) -> None:
    (home.own / ".new-left" / "scripts").mkdir(parents=True)
    assert home.registry.list() == ()
    home.editor.install("minutes", {"SKILL.md": text().encode()}, home.folder)
    assert [path.name for path in home.own.iterdir()] == ["minutes"]
