"""`skills` of an agent file: names, mistakes at their places, what extends and trust make of it."""

from __future__ import annotations

import pytest
from agent_folders import Agents

from holdfast.core.agents.narrow import narrow


def places(agents: Agents, text: str) -> list[tuple[int, int, str]]:
    problems = agents.registry.validate(agents.write("user", "clerk", text))
    return [(each.line, each.column, each.key_path) for each in problems]


def test_names_and_a_star_are_taken(agents: Agents) -> None:
    assert places(agents, 'skills: [minutes, "*"]\n') == []
    assert agents.spec("clerk").skills == ("minutes", "*")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("skills: [minutes, ../x]\n", (3, 19, "skills[1]")),
        ("skills: [minutes, minutes]\n", (3, 19, "skills[1]")),
        ("skills: [7]\n", (3, 10, "skills[0]")),
        ("skills: minutes\n", (3, 9, "skills")),
    ],
)
def test_a_mistake_has_its_place(agents: Agents, text: str, place: tuple[int, int, str]) -> None:
    assert places(agents, text) == [place]


def test_an_agent_has_the_skills_of_what_it_extends_unless_it_names_its_own(agents: Agents) -> None:
    agents.write("user", "base", "skills: [minutes]\n")
    agents.write("user", "like", "extends: base\n")
    agents.write("user", "other", "extends: base\nskills: [letters]\n")
    assert agents.spec("like").skills == ("minutes",)
    assert agents.spec("other").skills == ("letters",)


def test_an_agent_that_is_not_trusted_names_no_skills(agents: Agents) -> None:
    agents.write("user", "clerk", 'skills: ["*"]\n')
    assert narrow(agents.spec("clerk"), agents.project).skills == ()
