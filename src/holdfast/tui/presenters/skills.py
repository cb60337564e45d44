"""Skills as a list: where each is from, what is wrong with it, and its text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import counted, size
from holdfast.tui.presenters.spans import BLANK, Line, fit, line, space
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from holdfast.core.domain.errors import Diagnostic
    from holdfast.core.domain.skills import Skill, SkillInfo

Scope = Literal["agent", "project", "user", "shared"]
SCOPES: dict[Scope, str] = {
    "agent": "beside the agent's file",
    "project": "of this project folder",
    "user": "your own",
    "shared": "for all users",
}
"""Where a skill is from, in words; of one name the first that has it counts."""
CHANGED_HERE: tuple[Scope, ...] = ("user", "shared")
"""The scopes whose skills are changed in the app; others in their files. Only administrators change shared
ones, which the engine sees to."""
MOST_FILES = 100


@dataclass(frozen=True, slots=True)
class SkillView:
    """One skill, sanitised."""

    name: str
    description: str
    scope: Scope
    agent: str
    path: str
    trusted: bool
    given: bool
    """Whether the runs of the open session's agent have it."""
    problems: tuple[str, ...]
    more: tuple[tuple[str, str], ...]
    """What else its front matter says."""

    @property
    def id(self) -> str:
        """Its row: one name may be there in several scopes."""
        return f"{self.scope}/{self.name}"


@dataclass(frozen=True, slots=True)
class SkillText:
    """What was read of one skill."""

    raw: str
    """As it is in the file."""
    text: str
    """The same, sanitised."""
    digest: str
    files: tuple[tuple[str, int], ...]
    """Names and bytes of the other files of its folder."""


@dataclass(slots=True)
class SkillsState:
    """What the screen of skills shows."""

    skills: list[SkillView] | None = None
    """None: not read yet."""
    texts: dict[str, SkillText] = field(default_factory=dict)
    """By ids of rows."""
    agent: str = ""
    error: str = ""
    wanted: str = ""
    """Where the cursor is to go when it is drawn next."""

    def skill(self, row_id: str | None) -> SkillView | None:
        return next((one for one in self.skills or [] if one.id == row_id), None)


def skill_views(seen: Iterable[SkillInfo], given: Iterable[SkillInfo]) -> list[SkillView]:
    """Returns the skills that can be `seen`, and those that the agent is `given`, by scope and name."""
    having = {(one.scope, one.name): one for one in given}
    known = {(one.scope, one.name): one for one in seen} | having
    order = list(SCOPES)
    views = [_view(one, key in having) for key, one in known.items()]
    return sorted(views, key=lambda one: (order.index(one.scope), one.name))


def _view(one: SkillInfo, given: bool) -> SkillView:
    return SkillView(
        name=sanitize_line(one.name),
        description=sanitize_line(one.description),
        scope=one.scope.value,
        agent=sanitize_line(one.agent),
        path=sanitize_line(one.path),
        trusted=one.trusted,
        given=given and one.trusted and not one.problems,
        problems=tuple(map(_problem, one.problems)),
        more=tuple((sanitize_line(key), _said(value)) for key, value in one.more.items()),
    )


def _problem(one: Diagnostic) -> str:
    """Returns a mistake without the folder, which is said anyway."""
    near = one.model_copy(update={"file": one.file.rpartition("/")[2]})
    return sanitize_line(str(near))


def _said(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return shorten(sanitize_line(text), 200)


def text_of(skill: Skill) -> SkillText:
    """Returns the text of a skill as it is shown and edited."""
    files = tuple((sanitize_line(one.path), one.size) for one in skill.files)
    return SkillText(skill.text, sanitize(skill.text), skill.digest, files)


def body_of(text: str) -> str:
    """Returns the instructions of a `SKILL.md`, without what stands between the two lines of `---`."""
    lines = text.split("\n")
    if lines and lines[0].strip() == "---" and "---" in (rest := [one.strip() for one in lines[1:]]):
        return "\n".join(lines[rest.index("---") + 2 :]).strip("\n")
    return text


# --- the list


def headline(state: SkillsState, waiting: int, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    given = sum(one.given for one in state.skills or [])
    about = "  folders of instructions that agents load when they need them"
    said = f"  {state.agent} has {counted(given, 'skill')}" if state.skills and state.agent else about
    return line(
        ("Skills", "brand"),
        engine_note(engine),
        (said, "muted"),
        (f"  ⚠ {waiting}" if waiting else "", "warning"),
    )


def skill_rows(state: SkillsState, words: list[str], width: int) -> list[tuple[str, tuple[Line, ...]]]:
    """Returns the skills that fit the words, two lines each."""
    found = [
        one
        for one in state.skills or []
        if all(word in f"{one.name} {one.description} {one.scope}".casefold() for word in words)
    ]
    return [(one.id, _row(one, width)) for one in found]


def _row(one: SkillView, width: int) -> tuple[Line, Line]:
    sign = ("✗ ", "error") if one.problems else ("● ", "success") if one.given else ("○ ", "muted")
    if not one.trusted:
        sign = ("⊘ ", "warning")
    room = max(4, width - len(one.scope) - 3)
    name = fit(one.name, room)
    said = one.problems[0] if one.problems else one.description
    if not one.trusted:
        said = f"not trusted, so no agent gets it · {said}"
    return (
        line(sign, (name, "strong"), (f"{space(name, room)}{one.scope}", "muted")),
        line("  ", (fit(said, max(4, width - 2)), "error" if one.problems else "muted")),
    )


def note_lines(state: SkillsState, *, some: bool) -> list[Line]:
    """Returns what stands below the list: loading, nothing there, what went wrong."""
    if state.error:
        return [line((state.error, "error"))]
    if state.skills is None:
        return [line(("Reading the skills …", "muted"))]
    if some:
        return []
    if state.skills:
        return [line(("No skill fits.", "muted"))]
    return [
        line("No skill yet."),
        BLANK,
        line(
            (shown("skills.new"), "key"),
            (" installs one: a folder, a zip, a git repository, a SKILL.md of the web.", "muted"),
        ),
    ]


def skill_detail(state: SkillsState, row_id: str | None) -> list[Line]:
    """Returns all that is known of a skill."""
    one = state.skill(row_id)
    if one is None:
        return []
    lines = [line((one.name, "heading"), (f"  {SCOPES[one.scope]}", "muted")), line((one.path, "muted"))]
    if one.given:
        lines.append(line((f"● {state.agent} has it", "success")))
    elif not one.trusted:
        lines.append(line(("⊘ This folder is not trusted, so no agent gets it. ", "warning"),
                          (shown("skills.trust"), "key"), (" trusts it", "muted")))  # fmt: skip
    elif not one.problems and state.agent:
        lines.append(line((f"○ {state.agent} does not have it: ", "muted"), (f"skills: [{one.name}]", "code"),
                          (" in its file gives it", "muted")))  # fmt: skip
    lines += [line((f"✗ {problem}", "error")) for problem in one.problems]
    if one.description:
        lines += [BLANK, line(one.description)]
    lines += [line((f"{key}: ", "muted"), value) for key, value in one.more]
    known = state.texts.get(one.id)
    if known is None:
        return lines
    if known.files:
        lines += [BLANK, line((counted(len(known.files), "file"), "heading"))]
        shown_files = known.files[:MOST_FILES]
        lines += [line(name, (f"  {size(length)}", "muted")) for name, length in shown_files]
    body = body_of(known.text)
    return [*lines, BLANK, *(_markdown(each) for each in body.split("\n"))]


def _markdown(text: str) -> Line:
    heading = text.startswith("#")
    return line((text.expandtabs(4), "strong" if heading else ""))


def footer(one: SkillView | None, *, typing: bool = False) -> list[tuple[str, str, str]]:
    """Returns the keys for what is under the cursor."""
    back, last = foot("skills.back"), foot("skills.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    if one is None:
        return [back, foot("skills.new"), last]
    own = [foot("skills.edit"), foot("skills.remove")] if one.scope in CHANGED_HERE else []
    trust = [foot("skills.trust")] if not one.trusted else []
    return [back, foot("skills.read"), *trust, foot("skills.new"), *own, foot("skills.words"), last]
