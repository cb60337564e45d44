"""All skills that can be seen: beside an agent's file, in a project folder, a user's own, all users'.

Files are read whenever they are asked for, so an edit counts from the next call on. In a skill's folder no
link is followed, and a folder of a project that leads out of the project is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from holdfast.core.config.mistakes import did_you_mean
from holdfast.core.config.paths import Paths
from holdfast.core.domain.agents import AgentInfo, Layer
from holdfast.core.domain.errors import (
    Diagnostic,
    HoldfastError,
    InvalidError,
    NotFoundError,
    TooLargeError,
    file_mistakes,
)
from holdfast.core.domain.files import Workspace
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.paths import real_path
from holdfast.core.domain.skills import ALL_SKILLS, Skill, SkillFile, SkillInfo, SkillScope, skills_beside
from holdfast.core.domain.text import is_utf8, sanitize_line, shorten
from holdfast.core.skills.front import MAX_TEXT_BYTES, SKILL_FILE, parse_skill
from holdfast.core.skills.limits import MAX_FILES, MAX_SKILLS

Jail = Callable[[Path], AbstractContextManager[Workspace]]
"""Opens a folder that nothing leads out of. Raises `NotFoundError` when there is none."""

PROJECT_SKILLS = Path(".holdfast", "skills")
"""In a project folder."""


@dataclass(frozen=True, slots=True)
class SkillFolder:
    """A folder of skills."""

    scope: SkillScope
    path: Path
    agent: str = ""
    """The agent that they are of, of the scope `agent`."""
    agent_id: str = ""
    """Its id, where the folder was looked for by that."""
    trusted: bool = True
    inside: Path | None = None
    """The project folder that its skills may not lead out of."""


class SkillRegistry:
    """Finds skills by name. `owner` is the id of the user who looks."""

    def __init__(self, paths: Paths, trusted: Callable[[Path], bool], jail: Jail) -> None:
        """`trusted` gives the user's word on a project folder."""
        self._paths = paths
        self._trusted = trusted
        self._jail = jail

    def folder(self, owner: str = LOCAL) -> SkillFolder:
        """Returns where a user's own skills are; it may not be there yet."""
        return SkillFolder(SkillScope.USER, self._paths.user_skills(owner))

    def shared(self) -> SkillFolder:
        """Returns where the skills of all users are; it may not be there yet."""
        return SkillFolder(SkillScope.SHARED, self._paths.shared_skills)

    def list(
        self, project: Path | None = None, owner: str = LOCAL, agent: AgentInfo | None = None
    ) -> tuple[SkillInfo, ...]:
        """Returns the skills that can be seen from `project`, by name, those with mistakes among them; with
        `agent` also those beside its file."""
        return self._found(self._places(project, owner, agent))

    def _found(self, places: Iterable[SkillFolder]) -> tuple[SkillInfo, ...]:
        found: dict[str, SkillInfo] = {}
        for place in places:
            for info in self._in(place):
                known = found.get(info.name)
                # What nobody may load does not hide what can be.
                if known is None or (info.trusted and not known.trusted):
                    found[info.name] = info
        return tuple(found[name] for name in sorted(found))

    def of_agent(
        self, agent: AgentInfo, project: Path | None = None, owner: str = LOCAL
    ) -> tuple[SkillInfo, ...]:
        """Returns the skills that `agent` has: those beside its file, and those that `skills` names.

        What has a mistake, or is of a folder that is not trusted, is left out.
        """
        if not agent.path:
            return ()
        wanted = agent.spec.skills if agent.spec is not None else ()
        # Most agents name none: then nothing but what stands beside the file is looked at.
        places = self._places(project, owner, agent) if wanted else (beside(agent, project),)
        # What is not trusted is not even read.
        seen = self._found(place for place in places if place.trusted)
        return tuple(
            info
            for info in seen
            if not info.problems
            and (info.scope is SkillScope.AGENT or ALL_SKILLS in wanted or info.name in wanted)
        )

    def get(
        self, name: str, project: Path | None = None, owner: str = LOCAL, agent: AgentInfo | None = None
    ) -> Skill:
        """Returns a skill with its text and the names of its files. Raises `NotFoundError` with the nearest
        name, and what `load` raises."""
        return self.load(find(self.list(project, owner, agent), name))

    def inside(self, folder: SkillFolder) -> tuple[SkillInfo, ...]:
        """Returns the skills of one folder, by name."""
        return tuple(self._in(folder))

    def of_scope(
        self,
        scope: SkillScope,
        project: Path | None = None,
        owner: str = LOCAL,
        agent: AgentInfo | None = None,
    ) -> tuple[SkillInfo, ...]:
        """Returns the skills of one scope, whatever hides them; see `list`."""
        places = self._places(project, owner, agent)
        return tuple(info for place in places if place.scope is scope for info in self._in(place))

    def load(self, info: SkillInfo) -> Skill:
        """Returns a skill that was listed as it is now. Raises `NotFoundError`, and `InvalidError` when its
        file is no text."""
        with self._jail(Path(info.path)) as jail:
            now, data = _read(jail, info)
            try:
                text = data.decode()
            except UnicodeDecodeError:
                raise mistakes_error(now.problems) from None
            return Skill(info=now, text=text, digest=now.digest, files=tuple(_files(jail)))

    def read(self, info: SkillInfo, path: str, max_bytes: int) -> bytes:
        """Returns a file of a skill's folder. Raises what `SkillDesk.read` raises."""
        with self._jail(Path(info.path)) as jail:
            data = jail.read(path, max_bytes + 1)
        if len(data) > max_bytes:
            raise TooLargeError(
                f"{path} of the skill {info.name} is larger than {max_bytes // 1024} KiB.",
                code="skill_too_large",
            )
        return data

    def _places(self, project: Path | None, owner: str, agent: AgentInfo | None) -> Iterator[SkillFolder]:
        """Yields the folders of skills in the order in which they count."""
        if agent is not None and agent.path:  # that of another user who shares it brings none
            yield beside(agent, project)
        own = self.folder(owner)
        if project is not None and real_path(project / PROJECT_SKILLS) != real_path(own.path):
            trusted = self._trusted(project)
            yield SkillFolder(SkillScope.PROJECT, project / PROJECT_SKILLS, trusted=trusted, inside=project)
        yield own
        yield self.shared()

    def _in(self, place: SkillFolder) -> Iterator[SkillInfo]:
        for folder in _folders(place):
            info = SkillInfo(
                name=folder.name,
                scope=place.scope,
                agent=place.agent,
                path=str(folder),
                trusted=place.trusted,
            )
            try:
                with self._jail(folder) as jail:
                    yield _read(jail, info)[0]
            except NotFoundError:  # a folder without the file, or removed meanwhile
                continue
            except HoldfastError as error:
                file = str(folder / SKILL_FILE)
                problem = Diagnostic(file=file, line=1, column=1, key_path="", message=error.message)
                yield info.model_copy(update={"problems": (problem,)})


def beside(agent: AgentInfo, project: Path | None = None) -> SkillFolder:
    """Returns where the skills of an agent alone are; it may not be there."""
    inside = project if agent.layer is Layer.PROJECT else None
    folder = skills_beside(Path(agent.path))
    return SkillFolder(SkillScope.AGENT, folder, agent.name, trusted=agent.trusted, inside=inside)


def find(seen: tuple[SkillInfo, ...], name: str) -> SkillInfo:
    """Returns the skill of a name among `seen`. Raises `NotFoundError` with the nearest name."""
    known: Mapping[str, SkillInfo] = {info.name: info for info in seen}
    if name in known:
        return known[name]
    hint = did_you_mean(name, known)
    others = f"there are: {', '.join(islice(known, 20))}" if known else "there are none"
    raise NotFoundError(
        f"There is no skill {shorten(sanitize_line(name), 100)!r}; {hint or others}.",
        code="skill_not_found",
        details={"nearest": hint},
    )


def mistakes_error(problems: tuple[Diagnostic, ...]) -> InvalidError:
    """Returns the error of a `SKILL.md` with mistakes."""
    return file_mistakes(problems, code="invalid_skill")


def _folders(place: SkillFolder) -> Iterator[Path]:
    """Yields the folders of a place that may be skills, by name."""
    try:
        names = sorted(path.name for path in place.path.iterdir() if path.is_dir())
    except OSError:  # none there, or none that may be looked into
        return
    within = real_path(place.inside) if place.inside is not None else None
    for name in names[:MAX_SKILLS]:
        folder = place.path / name
        led_out = within is not None and not real_path(folder).is_relative_to(within)
        if not (name.startswith(".") or led_out or sanitize_line(name) != name or not is_utf8(name)):
            yield folder


def _read(jail: Workspace, info: SkillInfo) -> tuple[SkillInfo, bytes]:
    data = jail.read(SKILL_FILE, MAX_TEXT_BYTES + 1)
    text = parse_skill(data, str(Path(info.path) / SKILL_FILE), info.name)
    said = {
        "description": shorten(text.description, 1024),
        "more": text.more,
        "digest": hashlib.sha256(data).hexdigest(),
        "problems": text.problems,
    }
    return info.model_copy(update=said), data


def _files(jail: Workspace) -> Iterator[SkillFile]:
    files = (stat for stat in jail.walk(hidden=True) if not stat.is_dir and stat.path != SKILL_FILE)
    for stat in islice(files, MAX_FILES):
        yield SkillFile(path=stat.path, size=stat.size)
