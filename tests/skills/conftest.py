"""Skills as texts, folders and zips, good and hostile."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.skills.editor import SkillEditor
from holdfast.core.skills.registry import SkillFolder, SkillRegistry


def skill_text(name: str = "minutes", description: str = "Writes minutes.", more: str = "") -> str:
    return f"---\nname: {name}\ndescription: {description}\n{more}---\n# {name}\nSay who came.\n"


def packed(
    files: Mapping[str, str | bytes], *, modes: Mapping[str, int] | None = None, method: int = 8
) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system = 3
            entry.compress_type = method
            entry.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
    return stream.getvalue()


@pytest.fixture
def text() -> Callable[..., str]:
    """Makes a `SKILL.md`."""
    return skill_text


@pytest.fixture
def pack() -> Callable[..., bytes]:
    """Makes a zip of files by their names, with `modes` of some of them."""
    return packed


class Home:
    """A home, a project folder, and what reads and writes skills there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths = Paths.resolve({"HOLDFAST_HOME": str(root / "home")})
        self.project = root / "project"
        self.project.mkdir()
        self.trusted = True
        self.registry = SkillRegistry(
            self.paths, lambda folder: self.trusted, lambda folder: closing(WorkspaceJail(folder))
        )
        self.editor = SkillEditor(self.registry, self.paths.removed_skills)

    def write(self, folder: Path, name: str, text: str | None = None, **files: Any) -> Path:
        """Writes a skill into a folder of skills, and files beside its text."""
        skill = folder / name
        skill.mkdir(parents=True)
        (skill / "SKILL.md").write_text(skill_text(name) if text is None else text)
        for file, content in files.items():
            (skill / file).write_text(content)
        return skill

    @property
    def folder(self) -> SkillFolder:
        return self.registry.folder()

    @property
    def own(self) -> Path:
        return self.paths.user_skills("local")

    @property
    def of_project(self) -> Path:
        return self.project / ".holdfast" / "skills"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)
