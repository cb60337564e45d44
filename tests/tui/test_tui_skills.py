"""Skills as a person sees them: the list, the whole of one, and what is done with them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.core.domain.errors import (
    ConflictError,
    Diagnostic,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from holdfast.core.domain.skills import Skill, SkillFile, SkillInfo, SkillScope
from holdfast.tui.control.listed import CHANGED
from holdfast.tui.control.skills import SkillsControl
from holdfast.tui.presenters.skills import (
    SkillsState,
    body_of,
    footer,
    headline,
    note_lines,
    skill_detail,
    skill_rows,
    skill_views,
    text_of,
)
from holdfast.tui.presenters.spans import plain

EVIL = "x\x1b]0;pwn\x07y"
PROBLEM = Diagnostic(file="/far/away/SKILL.md", line=2, column=1, key_path="name", message="is missing")


def info(name: str = "minutes", scope: str = "user", **more: Any) -> SkillInfo:
    known = {"description": "Writes minutes.", "path": f"/skills/{name}", **more}
    return SkillInfo(name=name, scope=SkillScope(scope), **known)


def skill(one: SkillInfo, text: str = "---\nname: a\n---\n# Do\n\nit", **more: Any) -> Skill:
    return Skill(info=one, text=text, digest="d1", **more)


def state(*seen: SkillInfo, given: Any = (), agent: str = "clerk") -> SkillsState:
    return SkillsState(skills=skill_views(seen, given), agent=agent)


def test_a_row_says_where_a_skill_is_from_and_whether_the_agent_has_it() -> None:
    known = state(
        info("own"), info("shared", "project"), given=[info("own"), info("near", "agent", agent="clerk")]
    )
    rows = dict(skill_rows(known, [], 40))
    assert list(rows) == ["agent/near", "project/shared", "user/own"]
    assert plain(rows["user/own"]) == "● own" + " " * 31 + "user\n  Writes minutes."
    assert plain(rows["project/shared"]).startswith("○ shared")
    assert [key for key, _ in skill_rows(known, ["project"], 40)] == ["project/shared"]
    assert "clerk has 2 skills" in plain([headline(known, 0)])


def test_a_skill_with_mistakes_or_without_trust_says_so_first() -> None:
    wrong, foreign = info(problems=(PROBLEM,)), info("theirs", "project", trusted=False)
    known = state(wrong, foreign, given=[wrong, foreign])
    rows = dict(skill_rows(known, [], 60))
    assert plain(rows["user/minutes"]).endswith("SKILL.md:2:1: name: is missing")
    assert "not trusted, so no agent gets it" in plain(rows["project/theirs"])
    assert "t trusts it" in plain(skill_detail(known, "project/theirs"))
    assert not any(one.given for one in known.skills or [])


def test_the_whole_of_a_skill_says_how_an_agent_gets_it_and_has_its_text() -> None:
    known = state(info(more={"license": "MIT", "metadata": {"a": 1}}))
    known.texts["user/minutes"] = text_of(skill(info(), files=(SkillFile(path="a.py", size=9),)))
    text = plain(skill_detail(known, "user/minutes"))
    assert "clerk does not have it: skills: [minutes] in its file gives it" in text
    assert 'license: MIT\nmetadata: {"a": 1}' in text
    assert "1 file\na.py  9 B" in text
    assert text.endswith("# Do\n\nit")
    assert skill_detail(known, "user/nothing") == []


@pytest.mark.parametrize(
    ("text", "body"),
    [("---\na: b\n---\n\n# T\n", "# T"), ("no front", "no front"), ("---\nnever ends", "---\nnever ends")],
)
def test_front_matter_is_no_part_of_the_instructions(text: str, body: str) -> None:
    assert body_of(text) == body


def test_what_a_skill_says_is_sanitised() -> None:
    evil = info(description=EVIL, path=EVIL, agent=EVIL, more={EVIL: EVIL})
    known = state(evil)
    known.texts["user/minutes"] = text_of(skill(evil, text=EVIL, files=(SkillFile(path=EVIL, size=1),)))
    text = plain([*skill_detail(known, "user/minutes"), *skill_rows(known, [], 60)[0][1]])
    assert "\x1b" not in text and "\x07" not in text and text.count("x]0;pwny") >= 5


def test_an_empty_list_says_what_to_do_and_keys_are_those_that_work() -> None:
    assert plain(note_lines(SkillsState(), some=False)) == "Reading the skills …"
    assert "n installs one" in plain(note_lines(SkillsState(skills=[]), some=False))
    views = skill_views([info(), info("a", "project"), info("b", "project", trusted=False)], ())
    labels = {one.id: [label for _, label, _ in footer(one)] for one in views}
    assert "edit" in labels["user/minutes"] and "edit" not in labels["project/a"]
    assert "trust" in labels["project/b"] and "trust" not in labels["project/a"]


class FakeSkills:
    """The skills of a workbench, in memory."""

    def __init__(self, *skills: Skill) -> None:
        self.skills = {one.info.name: one for one in skills}
        self.installs: list[tuple[str, str, bool]] = []
        self.refuses: list[Exception] = []

    async def list(self, project: str | None = None, agent: str | None = None) -> tuple[SkillInfo, ...]:
        if agent == "broken":
            raise NotFoundError("There is none.", code="agent_not_found")
        return tuple(one.info for one in self.skills.values())

    async def get(self, name: str, project: str | None = None, agent: str | None = None) -> Skill:
        return self.skills[name]

    async def install(self, source: str, folder: str = "", replace: bool = False) -> SkillInfo:
        self.installs.append((source, folder, replace))
        if self.refuses:
            raise self.refuses.pop(0)
        self.skills["made"] = skill(info("made"))
        return info("made")

    async def save(
        self, name: str, text: str, expected: str | None = None, shared: bool = False
    ) -> SkillInfo:
        assert shared is (self.skills[name].info.scope is SkillScope.SHARED)
        if expected is not None and expected != self.skills[name].digest:
            raise ConflictError("It has changed.", code="skill_changed")
        if "name:" not in text:
            raise InvalidError("the name is missing")
        self.skills[name] = self.skills[name].model_copy(update={"text": text})
        return self.skills[name].info

    async def remove(self, name: str, shared: bool = False) -> None:
        assert shared is (self.skills[name].info.scope is SkillScope.SHARED)
        del self.skills[name]


class Desk:
    """A controller without an app; dialogs give the answers in their order."""

    def __init__(self, *skills: Skill, answers: Any = (), agent: str = "clerk") -> None:
        self.skills = FakeSkills(*skills)
        self.answers = list(answers)
        self.said: list[str] = []
        self.problems: list[str] = []
        self.deletions: list[Any] = []
        self.trusted: list[str] = []
        self.shown: list[str] = []
        model = SimpleNamespace(skills=SkillsState(), agent=agent)
        start = SimpleNamespace(project="/p")
        app = SimpleNamespace(dialogs=self, start=start, screen_stack=[], push_screen=lambda screen: None)
        view = SimpleNamespace(mark=lambda part: None, say=self.said.append)
        thrown = SimpleNamespace(items=[SimpleNamespace(id="t1", title="minutes")])
        trash = SimpleNamespace(list=self._answering(thrown))
        workbench = SimpleNamespace(skills=self.skills, trash=trash)
        context: Any = SimpleNamespace(app=app, model=model, view=view, workbench=workbench)
        undoing: Any = SimpleNamespace(deleted=lambda *what: self.deletions.append(what))
        self.state = model.skills

        async def trust(answer: str) -> None:
            self.trusted.append(answer)

        self.control = SkillsControl(context, undoing, trust)

    def _answering(self, answer: Any) -> Any:
        async def give(*_: Any, **__: Any) -> Any:
            return answer

        return give

    async def ask(self, *_: Any) -> Any:
        return self.answers.pop(0)

    confirm = ask

    async def edit_text(self, title: str, text: str, save: Any) -> None:
        for answer in self.answers:
            self.problems.append(await save(answer))

    def markdown(self, title: str, note: str, text: str) -> None:
        self.shown.append(text)


async def test_a_skill_is_installed_and_the_cursor_goes_to_it() -> None:
    desk = Desk(answers=["/some/folder"])
    await desk.control.new()
    assert desk.skills.installs == [("/some/folder", "", False)]
    assert desk.state.wanted == "user/made"
    assert "skills: [made]" in desk.said[0]


async def test_a_skill_that_is_there_already_is_replaced_after_a_question_only() -> None:
    for answer, replaced in ((False, False), (True, True)):
        desk = Desk(answers=["a.zip", answer])
        desk.skills.refuses = [ConflictError("There is one.", code="skill_exists")]
        await desk.control.new()
        assert (("a.zip", "", True) in desk.skills.installs) is replaced


async def test_of_several_skills_the_folder_is_asked_for() -> None:
    desk = Desk(answers=["a.zip", "two"])
    desk.skills.refuses = [InvalidError("There are several: one, two.", code="several_skills")]
    await desk.control.new()
    assert desk.skills.installs[-1] == ("a.zip", "two", False)
    assert desk.said[0].startswith("There are several")


async def test_a_text_is_saved_and_a_change_of_meanwhile_is_told_once() -> None:
    desk = Desk(skill(info()), answers=["nothing", "name: b", "name: c"])
    await desk.control.reload()
    kept = desk.skills.skills["minutes"]

    async def change(*_: Any) -> Skill:
        return kept.model_copy(update={"digest": "d0"})

    desk.skills.get = change  # type: ignore[assignment, method-assign]
    await desk.control.edit("user/minutes")
    assert desk.problems == [CHANGED, "", ""]
    assert desk.skills.skills["minutes"].text == "name: c"


async def test_a_skill_that_is_not_ones_own_is_not_changed() -> None:
    desk = Desk(skill(info("theirs", "project")))
    await desk.control.reload()
    for action in (desk.control.edit, desk.control.remove):
        with pytest.raises(ForbiddenError, match="/skills/theirs"):
            await action("project/theirs")


async def test_a_skill_that_is_removed_can_be_brought_back() -> None:
    desk = Desk(skill(info()))
    await desk.control.reload()
    await desk.control.remove("user/minutes")
    assert desk.deletions == [("the skill “minutes”", [("skill", "t1")])]
    assert desk.state.skills == []


async def test_a_folder_is_trusted_after_a_question() -> None:
    desk = Desk(skill(info("theirs", "project", trusted=False)), answers=[False, True])
    await desk.control.reload()
    await desk.control.trust("project/theirs")
    assert desk.trusted == []
    await desk.control.trust("project/theirs")
    assert desk.trusted == ["yes"]


async def test_instructions_are_read_and_an_agent_with_mistakes_has_no_skills() -> None:
    desk = Desk(skill(info()), agent="broken")
    await desk.control.reload()
    assert [one.given for one in desk.state.skills or []] == [False]
    await desk.control.read("user/minutes")
    assert desk.shown == ["# Do\n\nit"]


async def test_a_skill_of_all_users_is_changed_and_removed_as_one() -> None:
    desk = Desk(skill(info("everybodys", "shared")), answers=["name: b"])
    await desk.control.reload()
    await desk.control.edit("shared/everybodys")
    assert desk.skills.skills["everybodys"].text == "name: b"
    await desk.control.remove("shared/everybodys")
    assert desk.state.skills == []
