"""Skills of one agent, and of all users: who changes them, who has them, and how they come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.errors import ForbiddenError, HoldfastError, InvalidError, NotFoundError
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.skills import SkillScope
from holdfast.core.services.workbench import Workbench


def text(name: str = "minutes", description: str = "Writes minutes.") -> bytes:
    return f"---\nname: {name}\ndescription: {description}\n---\n# {name}\n".encode()


async def user(bench: Any, name: str) -> Workbench:
    made = await bench.workbench.users.add(name)
    who = Principal(user_id=made.id, name=name, role=Role.USER, scope=Scope.ADMIN)
    found: Workbench = bench.workbench.as_principal(who)
    return found


async def agent(workbench: Workbench, name: str, more: str = "") -> None:
    await workbench.agents.create(f"version: 1\nname: {name}\n{more}")


def names(found: Any) -> list[str]:
    return [info.name for info in found]


async def test_a_shared_skill_is_seen_by_all_users_and_changed_by_administrators(open_bench: Any) -> None:
    async with open_bench() as bench:
        skills, ann = bench.workbench.skills, (await user(bench, "ann")).skills
        made = await skills.upload(text(), shared=True)
        assert made.scope is SkillScope.SHARED
        assert names(await ann.list()) == ["minutes"]
        for refused in (
            ann.upload(text("hers"), shared=True),
            ann.save("minutes", text().decode(), shared=True),
            ann.remove("minutes", shared=True),
        ):
            with pytest.raises(ForbiddenError) as forbidden:
                await refused
            assert forbidden.value.code == "admin_only"
        for hidden in (ann.remove("minutes"), ann.save("minutes", text().decode())):
            with pytest.raises(NotFoundError):
                await hidden
        await skills.save("minutes", text(description="Better.").decode(), shared=True)
        assert (await ann.get("minutes")).info.description == "Better."


async def test_ones_own_skill_counts_before_that_of_all_users(open_bench: Any) -> None:
    async with open_bench() as bench:
        skills, ann = bench.workbench.skills, (await user(bench, "ann")).skills
        await skills.upload(text(description="Everybody's."), shared=True)
        own = await ann.upload(text(description="Hers."))
        (seen,) = await ann.list()
        assert (seen.scope, seen.description) == (SkillScope.USER, "Hers.")
        assert own.digest == (await ann.get("minutes")).digest != ""
        assert [one.description for one in await skills.list()] == ["Everybody's."]


async def test_a_shared_skill_comes_back_for_who_is_an_administrator_still(open_bench: Any) -> None:
    async with open_bench() as bench:
        admin = bench.workbench
        await admin.skills.upload(text(), shared=True)
        await admin.skills.remove("minutes", shared=True)
        assert await admin.skills.list() == ()
        [gone] = (await admin.trash.list("skill")).items
        local = Principal(user_id="local", name="local", role=Role.USER, scope=Scope.ADMIN)
        with pytest.raises(ForbiddenError):
            await bench.workbench.as_principal(local).trash.restore("skill", gone.id)
        await admin.trash.restore("skill", gone.id)
        assert names(await admin.skills.list()) == ["minutes"]


async def test_a_skill_of_an_agent_is_installed_replaced_removed_and_brought_back(open_bench: Any) -> None:
    async with open_bench() as bench:
        workbench = bench.workbench
        await agent(workbench, "clerk")
        skills = workbench.skills
        made = await skills.upload(text(), agent="clerk")
        assert (made.scope, made.agent) == (SkillScope.AGENT, "clerk")
        assert await skills.list() == ()
        assert names(await skills.list(agent="clerk")) == ["minutes"]
        assert names(await skills.list(scope=SkillScope.AGENT)) == ["minutes"]
        id = (await workbench.agents.get("clerk")).id
        await skills.upload(text(description="New."), agent=id, replace=True)
        await skills.save("minutes", text(description="Newest.").decode(), agent="clerk")
        await skills.remove("minutes", agent="clerk")
        assert await skills.list(agent="clerk") == ()
        newest, _ = (await workbench.trash.list("skill")).items
        await workbench.agents.update("clerk", "version: 1\nname: scribe\n")
        await workbench.trash.restore("skill", newest.id)  # by the id: its name is another one now
        (back,) = await skills.list(agent="scribe")
        assert (back.scope, back.description) == (SkillScope.AGENT, "Newest.")


async def test_the_skill_of_an_agent_that_is_gone_stays_in_the_trash(open_bench: Any) -> None:
    async with open_bench() as bench:
        workbench = bench.workbench
        await agent(workbench, "clerk")
        await workbench.skills.upload(text(), agent="clerk")
        await workbench.skills.remove("minutes", agent="clerk")
        await workbench.agents.delete("clerk")
        [gone] = (await workbench.trash.list("skill")).items
        with pytest.raises(NotFoundError):
            await workbench.trash.restore("skill", gone.id)
        assert [each.id for each in (await workbench.trash.list("skill")).items] == [gone.id]


async def test_nobody_gives_skills_to_agents_that_are_not_his(open_bench: Any) -> None:
    async with open_bench() as bench:
        ann = await user(bench, "ann")
        await agent(bench.workbench, "clerk")
        for name, error in (("clerk", NotFoundError), ("general", ForbiddenError), ("../x", NotFoundError)):
            for refused in (
                ann.skills.upload(text(), agent=name),
                ann.skills.remove("minutes", agent=name),
                ann.skills.save("minutes", text().decode(), agent=name),
            ):
                with pytest.raises(error):
                    await refused
        with pytest.raises(InvalidError):
            await bench.workbench.skills.upload(text(), agent="clerk", shared=True)
        assert await bench.workbench.skills.list(agent="clerk") == ()


async def test_a_copy_at_an_agent_stays_when_the_first_changes(open_bench: Any, tmp_path: Path) -> None:
    async with open_bench() as bench:
        workbench = bench.workbench
        folder = tmp_path / "minutes"
        (folder / "forms").mkdir(parents=True)
        (folder / "SKILL.md").write_bytes(text())
        (folder / "forms" / "short.md").write_text("Present:")
        await workbench.skills.install(str(folder))
        await agent(workbench, "clerk", "skills: [minutes]\n")
        copied = await workbench.skills.copy("minutes", "clerk")
        assert copied.digest == (await workbench.skills.get("minutes")).digest
        await workbench.skills.save("minutes", text(description="Other.").decode())
        (given,) = await workbench.skills.list(agent="clerk")
        assert (given.scope, given.description) == (SkillScope.AGENT, "Writes minutes.")
        files = (await workbench.skills.get("minutes", agent="clerk")).files
        assert [each.path for each in files] == ["forms/short.md"]
        with pytest.raises(HoldfastError) as taken:
            await workbench.skills.copy("minutes", "clerk")
        assert taken.value.code == "skill_exists"
        again = await workbench.skills.copy("minutes", "clerk", replace=True)
        assert again.description == "Other."
        with pytest.raises(NotFoundError):
            await workbench.skills.copy("nothing", "clerk")


async def test_an_agent_gets_the_skills_that_its_file_names_as_they_are_now(open_bench: Any) -> None:
    async with open_bench() as bench:
        workbench = bench.workbench
        skills = workbench.skills
        await skills.upload(text("own"))
        await skills.upload(text("everybodys"), shared=True)
        await skills.upload(text("other"))
        await agent(workbench, "clerk", "skills: [own, everybodys]\n")
        await skills.upload(text("left"), agent="clerk")
        assert (await skills.sync("clerk")).copied == ("everybodys", "own")
        await skills.save("own", text("own", "Changed.").decode())
        again = await skills.sync("clerk", purge=True)
        assert (again.copied, again.removed) == (("own",), ("left",))
        named = await skills.sync("clerk", ("other",))
        assert (named.copied, named.removed) == (("other",), ())
        assert names(await skills.list(agent="clerk", scope=SkillScope.AGENT)) == [
            "everybodys",
            "other",
            "own",
        ]
        with pytest.raises(NotFoundError):
            await skills.sync("clerk", ("nothing",))
        await skills.remove("own")
        without = await skills.sync("clerk", purge=True)
        assert (without.copied, without.removed) == ((), ("other",))


async def test_a_scope_is_listed_with_what_others_hide(open_bench: Any) -> None:
    async with open_bench() as bench:
        skills = bench.workbench.skills
        await skills.upload(text(description="Everybody's."), shared=True)
        await skills.upload(text(description="Mine."))
        (shared,) = await skills.list(scope=SkillScope.SHARED)
        (own,) = await skills.list(scope=SkillScope.USER)
        assert (shared.description, own.description) == ("Everybody's.", "Mine.")
        assert await skills.list(scope=SkillScope.PROJECT) == await skills.list(scope=SkillScope.AGENT) == ()


async def test_runs_have_shared_skills_that_their_agent_names(open_bench: Any) -> None:
    async with open_bench() as bench:
        ann = await user(bench, "ann")
        await bench.workbench.skills.upload(text(), shared=True)
        await agent(ann, "clerk", "skills: ['*']\n")
        assert names(await ann.skills.list(agent="clerk")) == ["minutes"]
