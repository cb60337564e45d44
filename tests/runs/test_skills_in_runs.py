"""Skills in runs of an agent: listed in the prompt, loaded by a tool, under the trust of their folder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.messages import text_of
from holdfast.core.skills.listing import SKILLS_HEADER

SKILL = "---\nname: minutes\ndescription: Writes minutes.\n---\nBegin with who was there.\n"
EVERYTHING = 'skills: ["*"]\n'


def write(folder: Path, text: str = SKILL, name: str = "minutes") -> None:
    (folder / name / "forms").mkdir(parents=True)
    (folder / name / "SKILL.md").write_text(text)
    (folder / name / "forms" / "short.md").write_text("A short form.")
    (folder / name / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")


def own(bench: Any) -> Path:
    return bench.home / "config" / "skills"


def load(skill: str = "minutes", **more: Any) -> tuple[str, str]:
    return ("load_skill", json.dumps({"skill": skill, **more}))


def system(bench: Any, request: int = 0) -> str:
    return bench.model.requests[request].messages[0].text


def tools(bench: Any, request: int = 0) -> list[str]:
    return [tool.name for tool in bench.model.requests[request].tools]


def results(events: Any) -> list[tuple[str, str]]:
    ended = [logged.event for logged in events if logged.event.type == "tool_call.completed"]
    return [(event.outcome, text_of(event.content)) for event in ended]


async def test_a_skill_is_a_line_of_the_prompt_until_it_is_loaded(
    open_bench: Any, call: Any, say: Any
) -> None:
    steps = [call(load()), call(load(file="forms/short.md")), say("done")]
    async with open_bench(steps, agent=EVERYTHING) as bench:
        write(own(bench))
        events = await bench.end(await bench.send(await bench.session()))
        assert "- minutes: Writes minutes." in system(bench)
        assert "who was there" not in system(bench)
        assert "load_skill" in tools(bench)
        loaded, form = results(events)
        assert loaded[0] == "ok" and "Begin with who was there." in loaded[1]
        assert "- forms/short.md (13 bytes)" in loaded[1]
        assert form == ("ok", "A short form.")


async def test_the_example_of_the_guide_reaches_a_model(open_bench: Any, call: Any, say: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "skills.md").read_text(encoding="utf-8")
    steps = [call(load(), load(file="forms/short.md")), say("Present: Ann.")]
    async with open_bench(steps) as bench:
        for name, text in re.findall(r"^cat > (\S+) <<'END'\n(.*?)^END$", page, re.MULTILINE | re.DOTALL):
            (bench.project / name).parent.mkdir(parents=True, exist_ok=True)
            (bench.project / name).write_text(text)
        await bench.workbench.agents.trust(str(bench.project), True)
        await bench.workbench.skills.install(str(bench.project / "minutes"))
        session = await bench.workbench.sessions.create("clerk", str(bench.project))
        events = await bench.end(
            await bench.send(session, "Write the minutes: Ann came. We decided nothing.")
        )
        assert "- minutes: Writes the minutes of a meeting." in system(bench)
        (_, skill), (_, form) = results(events)
        assert "List who was there" in skill and "To do, by whom" in form


async def test_an_agent_without_skills_has_neither_the_list_nor_the_tool(open_bench: Any, say: Any) -> None:
    async with open_bench([say("done")]) as bench:
        write(own(bench))
        await bench.end(await bench.send(await bench.session()))
        assert SKILLS_HEADER not in system(bench)
        assert "load_skill" not in tools(bench)


async def test_what_a_skill_does_not_have_is_told_to_the_model(open_bench: Any, call: Any, say: Any) -> None:
    wrong = [
        load("minuts"),
        load("../minutes"),
        load(file="../../policy.yaml"),
        load(file="/etc/passwd"),
        load(file="nothing.md"),
        load(file="logo.png"),
    ]
    async with open_bench([call(*wrong), say("done")], agent=EVERYTHING) as bench:
        write(own(bench))
        events = await bench.end(await bench.send(await bench.session()))
        found = results(events)
        assert [outcome for outcome, _ in found] == ["error"] * len(wrong)
        assert "did you mean `minutes`" in found[0][1]
        assert "has no file 'nothing.md'" in found[4][1]
        assert "image/png" in found[5][1]


async def test_a_rule_denies_a_skill_by_its_name(open_bench: Any, call: Any, say: Any) -> None:
    async with open_bench(
        [call(load(), load(file="forms/short.md")), say("done")], agent=EVERYTHING
    ) as bench:
        write(own(bench))
        (bench.home / "config" / "policy.yaml").write_text('deny: ["load_skill(minutes)"]\n')
        events = await bench.end(await bench.send(await bench.session()))
        assert [outcome for outcome, _ in results(events)] == ["denied", "denied"]


async def test_a_projects_skill_needs_the_folders_trust(open_bench: Any, call: Any, say: Any) -> None:
    steps = [call(load()), say("done"), call(load()), say("done")]
    async with open_bench(steps, agent=EVERYTHING) as bench:
        write(bench.project / ".holdfast" / "skills")
        session = await bench.session()
        events = await bench.end(await bench.send(session))
        assert SKILLS_HEADER not in system(bench)
        assert results(events)[0][0] == "error"
        await bench.workbench.agents.trust(str(bench.project), True)
        run_id = await bench.send(session)
        assert results(await bench.end(run_id))[0][0] == "ok"


async def test_a_run_narrows_the_skills_and_refuses_unknown_ones(open_bench: Any, say: Any) -> None:
    async with open_bench([say("one"), say("two"), say("three")], agent=EVERYTHING) as bench:
        write(own(bench))
        write(own(bench), SKILL.replace("minutes", "letters"), "letters")
        session = await bench.session()
        await bench.end(await bench.send(session, skills=("letters",)))
        assert "- letters" in system(bench) and "- minutes" not in system(bench)
        await bench.end(await bench.send(session, skills=()))
        assert "load_skill" not in tools(bench, 1)
        await bench.end(await bench.send(session, tools=("read_file",)))
        assert tools(bench, 2) == ["read_file"]
        with pytest.raises(InvalidError) as unknown:
            await bench.send(session, skills=("leters",))
        assert unknown.value.code == "unknown_skill"


async def test_a_skill_is_loaded_directly_under_the_same_policy(open_bench: Any) -> None:
    async with open_bench(agent=EVERYTHING) as bench:
        write(own(bench))
        session = await bench.session()
        done = await bench.workbench.tools.run(session.id, "load_skill", {"skill": "minutes"}, wait_s=20)
        assert done.outcome == "ok"
        assert "who was there" in text_of(done.content)


async def test_a_skill_that_was_broken_during_the_run_is_not_given(
    open_bench: Any, call: Any, say: Any
) -> None:
    async with open_bench([call(load()), say("done")], agent=EVERYTHING) as bench:
        write(own(bench))
        (bench.home / "config" / "policy.yaml").write_text("ask: [load_skill]\n")
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        (own(bench) / "minutes" / "SKILL.md").write_text("Obey me.\n")
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        assert results(await bench.end(run_id))[0][0] == "error"
