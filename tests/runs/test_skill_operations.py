"""The noun `skills`: installed, shown, changed and removed, in process and over HTTP."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    HoldfastError,
    InvalidError,
    NotFoundError,
)
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.skills import SkillScope


def text(name: str = "minutes", description: str = "Writes minutes.") -> str:
    return f"---\nname: {name}\ndescription: {description}\nlicense: MIT\n---\nSay who came.\n"


def packed(files: dict[str, str]) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def folder(root: Path, **more: str) -> Path:
    skill = root / "somewhere" / "minutes-skill"
    (skill / "forms").mkdir(parents=True)
    (skill / "SKILL.md").write_text(text(**more))
    (skill / "forms" / "short.md").write_text("A short form.")
    return skill


@pytest.mark.parametrize("door", ["local", "remote"])
async def test_a_skill_of_a_folder_is_installed_shown_changed_and_removed(
    open_bench: Any, tmp_path: Path
) -> None:
    async with open_bench() as bench:
        skills = bench.workbench.skills
        installed = await skills.install(str(folder(tmp_path)))
        assert (installed.name, installed.scope) == ("minutes", SkillScope.USER)
        assert await skills.list() == (installed,)
        whole = await skills.get("minutes")
        assert (whole.text, [file.path for file in whole.files]) == (text(), ["forms/short.md"])
        assert whole.info.more == {"license": "MIT"}
        file = await skills.file("minutes", "forms/short.md")
        assert (file.name, await file.read()) == ("short.md", b"A short form.")
        for outside in ("../minutes/SKILL.md", "/etc/passwd", "nothing"):
            with pytest.raises(HoldfastError):
                await skills.file("minutes", outside)
        await skills.save("minutes", text(description="Better."), whole.digest)
        with pytest.raises(ConflictError):
            await skills.save("minutes", text(), whole.digest)
        await skills.remove("minutes")
        assert await skills.list() == ()
        [thing] = (await bench.workbench.trash.list("skill")).items
        await bench.workbench.trash.restore("skill", thing.id)
        assert (await skills.get("minutes")).info.description == "Better."
        assert [file.path for file in (await skills.get("minutes")).files] == ["forms/short.md"]


@pytest.mark.parametrize("door", ["local", "remote"])
async def test_a_zip_and_a_text_are_uploaded(open_bench: Any) -> None:
    async with open_bench() as bench:
        skills = bench.workbench.skills
        assert (await skills.upload(packed({"m/SKILL.md": text()}), "m.zip")).name == "minutes"
        assert (await skills.upload(text("letters").encode(), "SKILL.md")).name == "letters"
        several = packed({"a/SKILL.md": text("one"), "b/SKILL.md": text("two")})
        with pytest.raises(InvalidError) as unsaid:
            await skills.upload(several)
        assert unsaid.value.code == "several_skills"
        assert (await skills.upload(several, folder="b")).name == "two"


async def test_the_folder_of_a_skill_is_named_as_a_shell_completes_it(
    open_bench: Any, tmp_path: Path
) -> None:
    async with open_bench() as bench:
        skill = folder(tmp_path)
        installed = await bench.workbench.skills.install(str(skill.parent), f"{skill.name}/")
        assert installed.name == "minutes"


async def test_replacing_puts_the_former_one_into_the_trash(open_bench: Any, tmp_path: Path) -> None:
    async with open_bench() as bench:
        skills = bench.workbench.skills
        await skills.install(str(folder(tmp_path)))
        new = text(description="New.").encode()
        with pytest.raises(ConflictError) as taken:
            await skills.upload(new)
        assert taken.value.code == "skill_exists"
        assert (await skills.upload(new, replace=True)).description == "New."
        assert (await skills.get("minutes")).files == ()
        [former] = (await bench.workbench.trash.list("skill")).items
        with pytest.raises(ConflictError):
            await bench.workbench.trash.restore("skill", former.id)
        await skills.remove("minutes")
        await bench.workbench.trash.restore("skill", former.id)
        assert (await skills.get("minutes")).info.description == "Writes minutes."
        assert await bench.workbench.trash.empty("skill") == 1
        assert list((bench.home / "data" / "trash" / "skills").iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [
        packed({"SKILL.md": text(), "../../policy.yaml": "allow: ['*']"}),
        packed({"SKILL.md": text(), "/etc/x": "x"}),
        packed({"SKILL.md": "# nothing\n"}),
        packed({"SKILL.md": text("../../agents/x")}),
        packed({"a/b/SKILL.md": text()}),
        packed({}),
        b"PK\x03\x04 not a zip",
        b"",
        b"\xff\xfe",
    ],
    ids=[
        "a file beside the folder",
        "a file of the system",
        "no front matter",
        "a name that is a path",
        "too deep",
        "nothing in it",
        "no zip",
        "no bytes",
        "no text",
    ],
)
async def test_what_is_refused_leaves_nothing_behind(open_bench: Any, data: bytes) -> None:
    async with open_bench() as bench:
        before = {path for path in bench.home.rglob("*") if "config" in path.parts}
        with pytest.raises(HoldfastError):
            await bench.workbench.skills.upload(data, replace=True)
        assert {path for path in bench.home.rglob("*") if "config" in path.parts} == before


async def test_a_former_skill_stays_when_the_new_one_is_refused(open_bench: Any, tmp_path: Path) -> None:
    async with open_bench() as bench:
        skills = bench.workbench.skills
        await skills.install(str(folder(tmp_path)))
        with pytest.raises(InvalidError):
            await skills.upload(packed({"SKILL.md": text(), "a": "x", "A": "y"}), replace=True)
        assert [file.path for file in (await skills.get("minutes")).files] == ["forms/short.md"]
        assert (await bench.workbench.trash.list("skill")).items == ()


async def test_only_ones_own_skills_are_changed(open_bench: Any) -> None:
    async with open_bench() as bench:
        skill = bench.project / ".holdfast" / "skills" / "minutes"
        skill.mkdir(parents=True)
        (skill / "SKILL.md").write_text(text())
        skills, project = bench.workbench.skills, str(bench.project)
        assert not (await skills.get("minutes", project)).info.trusted
        for refused in (skills.save("minutes", text()), skills.remove("minutes"), skills.remove("../agents")):
            with pytest.raises(NotFoundError):
                await refused


async def test_the_skills_of_an_agent_are_listed(open_bench: Any, tmp_path: Path) -> None:
    async with open_bench(agent="skills: [minutes]\n") as bench:
        skills = bench.workbench.skills
        await skills.install(str(folder(tmp_path)))
        await skills.upload(text("letters").encode())
        beside = bench.home / "config" / "agents" / "tester.skills" / "testing"
        beside.mkdir(parents=True)
        (beside / "SKILL.md").write_text(text("testing"))
        assert [info.name for info in await skills.list(agent="tester")] == ["minutes", "testing"]
        assert (await skills.get("testing", agent="tester")).info.scope is SkillScope.AGENT
        with pytest.raises(NotFoundError):
            await skills.get("testing")
        with pytest.raises(NotFoundError):
            await skills.list(agent="nobody")


async def test_a_user_without_the_role_names_no_path_of_the_machine(open_bench: Any, tmp_path: Path) -> None:
    async with open_bench() as bench:
        await bench.workbench.skills.upload(text("mine").encode())
        user = await bench.workbench.users.add("ann")
        ann = Principal(user_id=user.id, name="ann", role=Role.USER, scope=Scope.ADMIN)
        skills = bench.workbench.as_principal(ann).skills
        assert await skills.list() == ()
        with pytest.raises(ForbiddenError):
            await skills.install(str(folder(tmp_path)))
        assert (await skills.upload(text("hers").encode())).name == "hers"
        assert [info.name for info in await bench.workbench.skills.list()] == ["mine"]
        reader = bench.workbench.as_principal(ann.model_copy(update={"scope": Scope.READ})).skills
        with pytest.raises(ForbiddenError):
            await reader.remove("hers")


async def test_an_agent_that_gets_another_name_keeps_its_skills(open_bench: Any) -> None:
    async with open_bench() as bench:
        agents = bench.workbench.agents
        await agents.create("version: 1\nname: clerk\n")
        beside = bench.home / "config" / "agents" / "clerk.skills" / "minutes"
        beside.mkdir(parents=True)
        (beside / "SKILL.md").write_text(text())
        await agents.update("clerk", "version: 1\nname: scribe\n")
        assert [info.name for info in await bench.workbench.skills.list(agent="scribe")] == ["minutes"]
