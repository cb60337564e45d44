"""What a model is told of skills before it loads one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.skills import SkillInfo, SkillScope
from holdfast.core.skills.listing import MAX_LINE, MAX_LISTING, SKILLS_HEADER, skills_section

_ROOM = MAX_LISTING + 500
"""The lines, and what is said around them."""


def skill(name: str, description: str = "Does it.") -> SkillInfo:
    return SkillInfo(name=name, description=description, scope=SkillScope.USER, path="/s")


def test_each_skill_has_a_line() -> None:
    section = skills_section([skill("minutes", "Writes minutes."), skill("letters")])
    assert section.startswith(SKILLS_HEADER)
    assert section.endswith("- minutes: Writes minutes.\n- letters: Does it.")


def test_without_skills_nothing_is_said() -> None:
    assert skills_section([]) == ""


def test_a_long_description_is_cut() -> None:
    assert len(skills_section([skill("a", "x" * 1000)]).splitlines()[-1]) == MAX_LINE


def test_all_names_stand_before_any_is_left_out() -> None:
    section = skills_section([skill(f"skill-{n}", "x" * 1000) for n in range(200)])
    assert all(f"- skill-{n}: " in section for n in range(200))
    assert "more" not in section.splitlines()[-1]


def test_what_fits_no_more_is_counted() -> None:
    section = skills_section([skill(f"{'n' * 55}-{n}") for n in range(500)])
    shown = section.count("\n- n")
    assert section.endswith(f"and {500 - shown} more, which fit no more into this list")


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True), st.text(max_size=1024)),
        max_size=500,
    )
)
def test_the_listing_stays_within_its_budget(skills: list[tuple[str, str]]) -> None:
    assert len(skills_section([skill(name, said) for name, said in skills])) <= _ROOM
