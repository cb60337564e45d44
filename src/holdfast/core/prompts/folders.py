"""Folders of prompts: a project's and a user's. Files are read whenever they are asked for.

No link is followed below a folder, and a folder of a project that leads out of the project is none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import Diagnostic, HoldfastError, NotFoundError
from holdfast.core.domain.files import Workspace
from holdfast.core.domain.paths import real_path
from holdfast.core.domain.prompts import FoundPrompt, PromptInfo, PromptOrigin, PromptTemplate
from holdfast.core.domain.text import is_utf8, sanitize_line
from holdfast.core.prompts.asked import described
from holdfast.core.prompts.front import MAX_FILE_BYTES, PromptFile, parse_prompt, written

Jail = Callable[[Path], AbstractContextManager[Workspace]]
"""Opens a folder that nothing leads out of. Raises `NotFoundError` when there is none."""

PROJECT_PROMPTS = Path(".holdfast", "prompts")
"""In a project folder."""
MAX_PROMPTS = 500
"""Files of one folder that are looked at."""


@dataclass(frozen=True, slots=True)
class _Place:
    origin: PromptOrigin
    folder: Path
    trusted: bool = True
    inside: Path | None = None
    """The project folder that it may not lead out of."""


class PromptFolders:
    """Finds the prompts that stand in files. `owner` is the id of the user who looks. Blocks."""

    def __init__(self, paths: Paths, trusted: Callable[[Path], bool], jail: Jail) -> None:
        """`trusted` gives the user's word on a project folder."""
        self._paths = paths
        self._trusted = trusted
        self._jail = jail

    def list(self, project: Path | None, owner: str) -> tuple[FoundPrompt, ...]:
        """Returns the prompts of the project's folder and of the user's, those with mistakes among them."""
        return tuple(found for place in self._places(project, owner) for found in self._in(place))

    def _places(self, project: Path | None, owner: str) -> Iterator[_Place]:
        own = self._paths.user_prompts(owner)
        if project is not None and real_path(project / PROJECT_PROMPTS) != real_path(own):
            trusted = self._trusted(project)
            yield _Place(PromptOrigin.PROJECT, project / PROJECT_PROMPTS, trusted, inside=project)
        yield _Place(PromptOrigin.FILE, own)

    def _in(self, place: _Place) -> Iterator[FoundPrompt]:
        if place.inside is not None and not real_path(place.folder).is_relative_to(real_path(place.inside)):
            return
        try:
            with self._jail(place.folder) as jail:
                for name in _files(place.folder):
                    yield self._read(jail, name, place)
        except NotFoundError:  # no such folder
            return

    def _read(self, jail: Workspace, file: str, place: _Place) -> FoundPrompt:
        path, name = str(place.folder / file), file.removesuffix(".md")
        try:
            said = parse_prompt(jail.read(file, MAX_FILE_BYTES + 1), path, name)
        except HoldfastError as error:  # a link, a pipe, or one that was removed meanwhile
            problem = Diagnostic(file=path, line=1, column=1, key_path="", message=error.message)
            said = PromptFile(PromptTemplate(text=""), (problem,))
        info = described(
            said.template,
            PromptInfo(
                key=f"{place.origin.value}:{name}",
                name=name,
                origin=place.origin,
                path=path,
                trusted=place.trusted,
                problems=said.problems,
            ),
        )
        source = "" if said.problems else written(said.template)
        return FoundPrompt(info=info, text=said.template.text, source=source)


def _files(folder: Path) -> list[str]:
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError:  # none that may be looked into
        return []
    shown = [
        name
        for name in names
        if name.endswith(".md") and not name.startswith(".") and name == sanitize_line(name) and is_utf8(name)
    ]
    return shown[:MAX_PROMPTS]
