"""Skills that may be changed: installed, changed and removed as folders, each whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast.core.config.private import write_private
from holdfast.core.domain.errors import ConflictError, ForbiddenError, NotFoundError, StoreError
from holdfast.core.domain.skills import SkillInfo
from holdfast.core.domain.values import new_id
from holdfast.core.skills.contents import Contents, skill_in
from holdfast.core.skills.folders import written
from holdfast.core.skills.front import SKILL_FILE, parse_skill
from holdfast.core.skills.limits import MAX_SKILLS
from holdfast.core.skills.registry import SkillFolder, SkillRegistry, find, mistakes_error

_HALF = ".new-"
"""Begins the names of folders that are being written; nobody lists what begins with a dot."""


@dataclass(frozen=True, slots=True)
class RemovedSkill:
    """A skill whose folder was put aside."""

    id: str
    name: str


class SkillEditor:
    """Writes what `SkillRegistry` reads. `trash` is where folders are put aside."""

    def __init__(self, registry: SkillRegistry, trash: Path) -> None:
        self._registry = registry
        self._trash = trash
        self._lock = threading.Lock()

    def check(self, contents: Contents, folder: str = "") -> tuple[str, Contents]:
        """Returns the name and the files of the one skill in `contents`, as `skill_in` finds it.

        Raises `InvalidError`: `no_skill`, `several_skills`, and `invalid_skill` with every mistake.
        """
        _, files = skill_in(contents, folder)
        said = parse_skill(files[SKILL_FILE], SKILL_FILE)
        if said.problems:
            raise mistakes_error(said.problems)
        return said.name, files

    def taken(self, name: str, folder: SkillFolder) -> bool:
        """Says whether there is something of this name in a folder."""
        path = folder.path / name
        return path.exists() or path.is_symlink()

    def install(self, name: str, files: Contents, folder: SkillFolder) -> SkillInfo:
        """Keeps a skill that was checked, and returns it. Raises `ConflictError`: `skill_exists`,
        `too_many_skills`; and `StoreError`."""
        with self._lock, _writing():
            target = folder.path / name
            if self.taken(name, folder):
                raise _exists(name)
            if len(self._registry.inside(folder)) >= MAX_SKILLS:
                raise ConflictError(
                    f"There are {MAX_SKILLS} skills already; remove one first.", code="too_many_skills"
                )
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in target.parent.glob(f"{_HALF}*"):  # of an engine that was killed
                shutil.rmtree(left, ignore_errors=True)
            temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=_HALF))
            try:
                written(files, temporary)
                # Fails where somebody was quicker: no folder that holds something is replaced.
                temporary.rename(target)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        return find(self._registry.inside(folder), name)

    def save(self, name: str, text: str, folder: SkillFolder, expected: str | None = None) -> SkillInfo:
        """Replaces the `SKILL.md` of a skill, and returns it.

        `expected` is the digest of the text that is meant to be replaced. Raises `ConflictError` when it has
        changed since, `NotFoundError`, `InvalidError` (`invalid_skill`) with every mistake, a changed name
        among them, and `StoreError`.
        """
        with self._lock, _writing():
            info = find(self._registry.inside(folder), name)
            path = Path(info.path) / SKILL_FILE
            if path.is_symlink():
                raise ForbiddenError(f"{path} is a link; edit it where it leads.", code="skill_readonly")
            if expected is not None and expected != _digest(path):
                raise ConflictError(
                    f"The skill {name!r} has changed since; read it again, and change that.",
                    code="skill_changed",
                )
            said = parse_skill(text.encode("utf-8", "replace"), SKILL_FILE, name)
            if said.problems:
                raise mistakes_error(said.problems)
            write_private(path, text)
        return find(self._registry.inside(folder), name)

    def find(self, name: str, folder: SkillFolder) -> RemovedSkill:
        """Returns what a skill of a folder will be in the trash. Raises `NotFoundError`."""
        return RemovedSkill(new_id(), find(self._registry.inside(folder), name).name)

    def put_aside(self, removed: RemovedSkill, folder: SkillFolder) -> None:
        """Moves the folder of a skill to the trash; of a link to a folder, the link. Raises `StoreError`."""
        with self._lock, _writing():
            self._trash.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                # The data may be on another disk than the configuration.
                shutil.move(folder.path / removed.name, self._trash / removed.id)
            except FileNotFoundError:
                raise NotFoundError(
                    f"There is no skill {removed.name!r} any more.", code="skill_not_found"
                ) from None

    def restore(self, removed: RemovedSkill, folder: SkillFolder) -> None:
        """Brings a skill back. Raises `ConflictError` when its name is taken now, `NotFoundError` when it
        is gone, `StoreError`."""
        with self._lock, _writing():
            if self.taken(removed.name, folder):
                raise _exists(removed.name)
            folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                shutil.move(self._trash / removed.id, folder.path / removed.name)
            except FileNotFoundError:
                raise NotFoundError(
                    f"The folder of the skill {removed.name!r} is gone.", code="skill_not_found"
                ) from None

    def forget(self, id: str) -> None:
        """Deletes what was put aside, for good; what is gone already is no mistake. Raises `StoreError`."""
        path = self._trash / id
        with _writing():
            if path.is_symlink():
                path.unlink()
            elif path.exists():
                shutil.rmtree(path)


def _exists(name: str) -> ConflictError:
    return ConflictError(
        f"There is a skill {name!r} already; replace it (`--replace`: the former one goes to the trash), or "
        "give this one another name.",
        code="skill_exists",
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _writing() -> Iterator[None]:
    """Tells a failure of the disk as a `StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"The skill cannot be written: {error.strerror}.", code="skill_not_written"
        ) from error
