"""All agents that can be seen from a folder: the project's, the user's, the shipped ones.

Files are read again whenever they have changed, so an edit counts from the next call on; a broken edit is
listed with its mistakes, never replaced by what the file said before or by a lower layer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path

from holdfast.core.agents.loader import AgentFile, read_agent
from holdfast.core.agents.narrow import narrow
from holdfast.core.agents.resolve import Found, resolve
from holdfast.core.agents.trust import TrustStore
from holdfast.core.config.mistakes import did_you_mean
from holdfast.core.config.paths import Paths, shipped
from holdfast.core.domain.agents import AgentInfo, Layer
from holdfast.core.domain.errors import Diagnostic, InvalidError, NotFoundError

_SETTLED_NS = 1_000_000_000
"""A file that was changed less than this ago is read again: a second change may have the same time."""


class AgentRegistry:
    """Finds agents by name."""

    def __init__(
        self,
        paths: Paths,
        known_tools: Collection[str] | None,
        trust: TrustStore | None = None,
        shipped_agents: Path | None = None,
    ) -> None:
        """`known_tools` are the names that an agent may list; None checks none."""
        self._user = paths.agents
        self._shipped = shipped_agents or shipped("agents")
        self._known_tools = known_tools
        self._trust = trust or TrustStore(paths.trust)
        self._cache: dict[Path, tuple[tuple[int, ...], AgentFile]] = {}

    def list(self, project: Path | None = None) -> tuple[AgentInfo, ...]:
        """Returns the agents that can be seen from `project`, by name; invalid files are among them."""
        visible = self._visible(project)
        trusted, problems = self._word_on(project)
        first: dict[str, Found] = {}
        for found in visible:
            if found.twin is None:
                first.setdefault(found.file.name, found)
        shown = [*first.values(), *(found for found in visible if found.twin is not None)]
        infos = [self._info(found, visible, project, trusted, problems) for found in shown]
        return tuple(sorted(infos, key=lambda info: (info.name, info.path)))

    def get(self, name: str, project: Path | None = None) -> AgentInfo:
        """Returns one agent; `spec` is None when its file is invalid. Raises `NotFoundError`."""
        visible = self._visible(project)
        found = next((one for one in visible if one.twin is None and one.file.name == name), None)
        if found is None:
            names = sorted({one.file.name for one in visible})
            hint = did_you_mean(name, names)
            raise NotFoundError(
                f"there is no agent {name!r}; {hint or 'there are: ' + ', '.join(names)}",
                code="agent_not_found",
                details={"nearest": hint},
            )
        return self._info(found, visible, project, *self._word_on(project))

    def validate(self, path: Path) -> tuple[Diagnostic, ...]:
        """Returns every mistake in one file, wherever it is. Raises `NotFoundError` when there is none."""
        try:
            file = self._read(path)
        except FileNotFoundError:
            raise NotFoundError(f"there is no file {path}", code="agent_not_found") from None
        layer = self._layer_of(path)
        siblings = self._folder(path.parent, layer)
        here = next((one for one in siblings if one.file.path == path), Found(layer, file))
        lower = (
            one for one in self._visible(None) if one.file.path.parent.resolve() != path.parent.resolve()
        )
        _, problems = resolve(here, (here, *(one for one in siblings if one is not here), *lower))
        return problems

    def _layer_of(self, path: Path) -> Layer:
        folder = path.resolve().parent
        if folder == self._shipped.resolve():
            return Layer.SHIPPED
        return Layer.USER if folder == self._user.resolve() else Layer.PROJECT

    def _visible(self, project: Path | None) -> tuple[Found, ...]:
        folders = [(self._user, Layer.USER), (self._shipped, Layer.SHIPPED)]
        if project is not None:
            mine = (project / ".holdfast" / "agents", project / "agents")
            known = {self._user.resolve(), self._shipped.resolve()}
            folders = [*((at, Layer.PROJECT) for at in mine if at.resolve() not in known), *folders]
        return tuple(found for folder, layer in folders for found in self._folder(folder, layer))

    def _folder(self, folder: Path, layer: Layer) -> tuple[Found, ...]:
        try:
            names = sorted(
                entry.name for entry in os.scandir(folder) if entry.name.endswith((".yaml", ".yml"))
            )
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            problem = Diagnostic(
                file=str(folder),
                line=1,
                column=1,
                key_path="",
                message=f"the folder cannot be read: {error.strerror}",
            )
            return (Found(layer, AgentFile(folder, None, (problem,))),)
        files = [file for name in names if (file := self._read_if_there(folder / name)) is not None]
        # A file that is called like its agent counts before a copy of it under another name.
        files.sort(key=lambda file: (file.path.stem != file.name, file.path.name))
        first: dict[str, Path] = {}
        for file in files:
            first.setdefault(file.name, file.path)
        return tuple(
            Found(layer, file, None if first[file.name] == file.path else first[file.name]) for file in files
        )

    def _read_if_there(self, path: Path) -> AgentFile | None:
        try:
            return self._read(path)
        except FileNotFoundError:  # removed between listing and reading, or a link to nothing
            return None

    def _read(self, path: Path) -> AgentFile:
        try:
            status = path.stat()
        except FileNotFoundError:
            raise
        except OSError:  # a link to itself, a folder that cannot be entered: one mistake, not the end of all
            return read_agent(path, self._known_tools)
        stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size)
        cached = self._cache.get(path)
        if cached is not None and cached[0] == stamp:
            return cached[1]
        file = read_agent(path, self._known_tools)
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS:
            self._cache[path] = (stamp, file)
        return file

    def _word_on(self, project: Path | None) -> tuple[bool, tuple[Diagnostic, ...]]:
        if project is None:
            return True, ()
        try:
            word = self._trust.get(project)
        except InvalidError as error:
            found = error.details.get("diagnostics", [])
            return False, tuple(Diagnostic.model_validate(one) for one in found)
        return word is not None and word.trusted, ()

    def _info(
        self,
        found: Found,
        visible: tuple[Found, ...],
        project: Path | None,
        trusted: bool,
        trust_problems: tuple[Diagnostic, ...],
    ) -> AgentInfo:
        foreign = found.layer is Layer.PROJECT
        spec, problems = resolve(found, visible)
        if spec is not None and foreign and not trusted and project is not None:
            spec = narrow(spec, project)
        description = spec.description if spec else found.file.values.get("description")
        return AgentInfo(
            name=found.file.name if found.twin is None else found.file.path.stem,
            description=description if isinstance(description, str) else "",
            layer=found.layer,
            path=str(found.file.path),
            spec=spec,
            trusted=trusted or not foreign,
            problems=(*problems, *(trust_problems if foreign else ())),
        )
