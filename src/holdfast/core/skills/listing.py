"""What a model is told of an agent's skills before it has loaded any: a line for each, within a budget."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.core.domain.skills import LOAD_TOOL, SkillInfo
from holdfast.core.domain.text import shorten

SKILLS_HEADER = "# Skills"
MAX_LINE = 300
"""Characters of one skill's line."""
MAX_LISTING = 8_000
"""Characters of all lines; descriptions are cut alike until they fit, names that do not fit are counted."""

_WORDS = (
    f"Instructions for certain kinds of work. When a request fits one, call {LOAD_TOOL} with its name before "
    "you begin, and follow what it says. A skill permits nothing: calls are asked for and denied as always."
)


def skills_section(skills: Sequence[SkillInfo]) -> str:
    """Returns the section about `skills`; empty when there are none."""
    if not skills:
        return ""
    room = min(MAX_LINE, MAX_LISTING // len(skills) - 1)
    lines: list[str] = []
    left = MAX_LISTING
    for skill in skills:
        # At least the name: a listing that leaves skills out is worse than one that does not describe them.
        line = shorten(f"- {skill.name}: {skill.description}", max(room, len(skill.name) + 2))
        if len(line) + 1 > left:
            break
        lines.append(line)
        left -= len(line) + 1
    more = len(skills) - len(lines)
    if more:
        lines.append(f"- and {more} more, which fit no more into this list")
    return "\n".join((SKILLS_HEADER, _WORDS, *lines))
