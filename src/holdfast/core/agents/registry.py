"""All agents that a user can see from a folder: the project's, the user's own, the shipped ones.

Files are read again whenever they have changed, so an edit counts from the next call on; a broken edit is
listed with its mistakes, never replaced by what the file said before or by a lower layer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from holdfast.core.agents.loader import AgentFile, parse_agent, read_agent
from holdfast.core.agents.narrow import machine_mistakes, narrow, narrow_shared, without_machine
from holdfast.core.agents.resolve import Found, in_folder, resolve
from holdfast.core.agents.trust import TrustStore
from holdfast.core.config.kept import Kept
from holdfast.core.config.mistakes import did_you_mean
from holdfast.core.config.paths import Paths, shipped
from holdfast.core.config.yaml import in_order
from holdfast.core.domain.agents import AgentInfo, Layer, SharedAgent
from holdfast.core.domain.errors import Diagnostic, InvalidError, NotFoundError
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.paths import real_path
from holdfast.core.domain.text import shorten
from holdfast.core.domain.values import made_at

_DRAFT = Path("agent.yaml")
"""What a text is called in its mistakes while it is in no file."""


class AgentRegistry:
    """Finds agents by name or id. `owner` is the id of the user who looks."""

    def __init__(
        self,
        paths: Paths,
        known_tools: Collection[str] | None,
        trust: TrustStore | None = None,
        shipped_agents: Path | None = None,
        own_tools: Callable[[str], Collection[str]] = lambda owner: (),
        shared: Callable[[str], Collection[SharedAgent]] = lambda owner: (),
    ) -> None:
        """`known_tools` are the names that an agent may list; None checks none. `own_tools` says which a user
        has beside them, `shared` which agents others share with him."""
        self._paths = paths
        self._shipped = shipped_agents or shipped("agents")
        self._known_tools = known_tools
        self._own_tools = own_tools
        self._shared = shared
        self._trust = trust or TrustStore(paths.trust)
        self._files: Kept[tuple[Path, tuple[str, ...]], AgentFile] = Kept()
        self._beside: dict[Path, tuple[Path, ...]] = {}
        """By an agent's file, those that it was last made of as well."""

    def list(self, project: Path | None = None, owner: str = LOCAL) -> tuple[AgentInfo, ...]:
        """Returns the agents that can be seen from `project`, by name; invalid files are among them."""
        visible = self._visible(project, owner)
        trusted, problems = self._word_on(project)
        shown = [*_counting(visible), *(found for found in visible if found.twin is not None)]
        infos = [self._info(found, visible, project, trusted, problems, owner) for found in shown]
        taken = {info.id for info in infos} | {info.name for info in infos}
        for info in self.shared(owner):
            if not taken & {info.id, info.name}:
                infos.append(info)
                taken |= {info.id, info.name}
        return tuple(sorted(infos, key=lambda info: (info.name, info.path)))

    def get(self, name: str, project: Path | None = None, owner: str = LOCAL) -> AgentInfo:
        """Returns the agent of a name or an id; `spec` is None when its file is invalid.

        Raises `NotFoundError`.
        """
        visible = self._visible(project, owner)
        found = find(visible, name)
        if found is not None:
            return self._info(found, visible, project, *self._word_on(project), owner)
        shared = self._shared_as(name, owner)
        if shared is None:
            raise not_found(name, visible)
        return shared

    def shared(self, owner: str) -> tuple[AgentInfo, ...]:
        """Returns the agents that others share with a user, as they are for him."""
        return tuple(self._infos_of_shared(self._shared(owner)))

    def _shared_as(self, name: str, owner: str) -> AgentInfo | None:
        """Returns the agent of this name or id that another shares with a user."""
        shares = (each for each in self._shared(owner) if name in (each.name, each.agent_id))
        return next(self._infos_of_shared(shares), None)

    def _infos_of_shared(self, shares: Iterable[SharedAgent]) -> Iterator[AgentInfo]:
        """Yields agents as they are for whom they are shared with, without those that their owners have no
        more."""
        # What they extend is what their owner sees, whose folder is read once for all of them.
        seen: dict[str, tuple[Found, ...]] = {}
        for share in shares:
            if share.owner not in seen:
                seen[share.owner] = self._visible(None, share.owner)
            visible = seen[share.owner]
            own = (one for one in _counting(visible) if one.layer is Layer.USER)
            found = next((one for one in own if one.id == share.agent_id), None)
            if found is not None:
                yield self._info_of_shared(share, found, visible)

    def _info_of_shared(self, share: SharedAgent, found: Found, visible: tuple[Found, ...]) -> AgentInfo:
        spec, problems = resolve(found, visible)
        if spec is not None:
            title = spec.display_name or spec.name
            named = {"name": share.name, "display_name": title, "extends": None}
            spec = narrow_shared(spec).model_copy(update=named)
        return AgentInfo(
            id=found.id,
            name=share.name,
            display_name=spec.display_name if spec else found.name,
            description=spec.description if spec else "",
            author=spec.author if spec else "",
            tags=spec.tags if spec else (),
            layer=Layer.SHARED,
            owner=share.owner,
            owner_name=share.owner_name,
            path="",
            spec=spec,
            trusted=False,
            problems=(_mistaken(share),) if problems else (),
            **_times(found),
        )

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
            one
            for one in self._visible(None, LOCAL)
            if one.file.path.parent.resolve() != path.parent.resolve()
        )
        _, problems = resolve(here, (here, *(one for one in siblings if one is not here), *lower))
        return problems

    def known_tools(self, owner: str) -> tuple[str, ...]:
        """Returns the names that an agent of a user may list, in order; none where none are checked."""
        return tuple(sorted(self._tools_of(owner) or ()))

    def check(
        self,
        text: str,
        owner: str = LOCAL,
        replaces: Found | None = None,
        project: Path | None = None,
        beside: Path | None = None,
    ) -> AgentFile:
        """Returns what `text` says, with every mistake that it would have as a file of `owner`.

        `replaces` is the agent whose file it is meant for, if there is one; of a project's, `project` is the
        folder. `beside` is where a new one's script is, where it is not in `text`.
        """
        path = replaces.file.path if replaces else None
        file = parse_agent(text, path or _DRAFT, self._tools_of(owner), path.parent if path else beside)
        foreign = machine_mistakes(file.document) if file.document and owner != LOCAL else []
        problems = [*file.problems, *foreign]
        if not problems:
            layer, scope = (replaces.layer, replaces.scope) if replaces else (Layer.USER, owner)
            here = Found(layer, file, scope)
            # Of the files of its folder, the one that this will be says nothing any more.
            others = (
                one
                for one in self._visible(project if layer is Layer.PROJECT else None, owner)
                if one.layer is not layer or (one.file.path != path and one.file.name != file.name)
            )
            problems = list(resolve(here, (here, *others))[1])
        return replace(file, problems=tuple(in_order(problems)))

    def visible(self, project: Path | None, owner: str) -> tuple[Found, ...]:
        """Returns the agents that can be seen from `project`, in the order in which they are looked for."""
        return self._visible(project, owner)

    def own(self, owner: str) -> tuple[Found, ...]:
        """Returns the agents of a user's own folder."""
        return self._folder(self.folder(owner), Layer.USER, owner, owner)

    def folder(self, owner: str) -> Path:
        """Returns where a user's own agents are; it may not be there yet."""
        return self._paths.user_agents(owner)

    def shipped(self) -> tuple[Found, ...]:
        """Returns the agents that come with Holdfast."""
        return self._folder(self._shipped, Layer.SHIPPED)

    def list_shipped(self) -> tuple[AgentInfo, ...]:
        """Returns the agents that come with Holdfast, by name, whatever is before them."""
        found = self.shipped()
        infos = (self._info(one, found, None, True, (), LOCAL) for one in _counting(found))
        return tuple(sorted(infos, key=lambda info: info.name))

    def _layer_of(self, path: Path) -> Layer:
        folder = path.resolve().parent
        if folder == self._shipped.resolve():
            return Layer.SHIPPED
        return Layer.USER if folder == self._paths.agents.resolve() else Layer.PROJECT

    def _visible(self, project: Path | None, owner: str) -> tuple[Found, ...]:
        lower = (*self.own(owner), *self.shipped())
        if project is None:
            return lower
        mine = (project / ".holdfast" / "agents", project / "agents")
        known = {real_path(self.folder(owner)), real_path(self._shipped)}
        scope = str(project.resolve())
        folders = [at for at in mine if real_path(at) not in known]
        found = (found for at in folders for found in self._folder(at, Layer.PROJECT, scope, owner))
        return (*found, *lower)

    def _folder(self, folder: Path, layer: Layer, scope: str = "", owner: str = LOCAL) -> tuple[Found, ...]:
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
            return (Found(layer, AgentFile(folder, None, (problem,)), scope),)
        files = [file for name in names if (file := self._read_if_there(folder / name, owner)) is not None]
        return in_folder(files, layer, scope)

    def _read_if_there(self, path: Path, owner: str) -> AgentFile | None:
        try:
            return self._read(path, owner)
        except FileNotFoundError:  # removed between listing and reading, or a link to nothing
            return None

    def _read(self, path: Path, owner: str = LOCAL) -> AgentFile:
        own = () if self._known_tools is None else tuple(self._own_tools(owner))
        kept = self._beside.get(path, ())

        def read() -> AgentFile:
            file = read_agent(path, self._tools_of(owner))
            self._beside[path] = file.beside
            return file

        return self._files.get((path, own), (path, *kept), read)

    def _tools_of(self, owner: str) -> Collection[str] | None:
        """Returns the names that an agent of a user may list; None: any."""
        return None if self._known_tools is None else (*self._known_tools, *self._own_tools(owner))

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
        owner: str,
    ) -> AgentInfo:
        foreign = found.layer is Layer.PROJECT
        spec, problems = resolve(found, visible)
        if spec is not None and foreign and not trusted and project is not None:
            spec = narrow(spec, project)
        if spec is not None and owner != LOCAL and found.layer is not Layer.SHIPPED:
            spec = without_machine(spec, project)
        return AgentInfo(
            id=found.id,
            name=found.name,
            display_name=spec.display_name if spec else _text(found.file, "display_name"),
            description=spec.description if spec else _text(found.file, "description"),
            author=spec.author if spec else _text(found.file, "author"),
            tags=spec.tags if spec else (),
            layer=found.layer,
            owner=owner if found.layer is Layer.USER else "",
            path=str(found.file.path),
            spec=spec,
            trusted=trusted or not foreign,
            problems=(*problems, *(trust_problems if foreign else ())),
            **_times(found),
        )


def find(visible: tuple[Found, ...], wanted: str) -> Found | None:
    """Returns the agent that a name or an id means; of a name, the first that has it counts.

    An agent behind another one of its name is not found by its id either: whoever names it by the id would
    get the other one as soon as the name is used.
    """
    counting = _counting(visible)
    by_name = next((one for one in counting if one.file.name == wanted), None)
    twins = [one for one in visible if one.twin is not None]
    by_id = (one for one in (*counting, *twins) if one.id == wanted)
    return by_name or next(by_id, None) or next((one for one in twins if one.name == wanted), None)


def not_found(name: str, visible: tuple[Found, ...]) -> NotFoundError:
    """Returns the error for an agent that is not among `visible`; it names the nearest."""
    names = sorted({one.file.name for one in visible})
    hint = did_you_mean(name, names)
    return NotFoundError(
        f"there is no agent {shorten(name, 100)!r}; {hint or 'there are: ' + ', '.join(names)}",
        code="agent_not_found",
        details={"nearest": hint},
    )


def _counting(visible: tuple[Found, ...]) -> tuple[Found, ...]:
    """Returns the first agent of each name."""
    first: dict[str, Found] = {}
    for found in visible:
        if found.twin is None:
            first.setdefault(found.file.name, found)
    return tuple(first.values())


def _times(found: Found) -> dict[str, datetime]:
    """Returns when an agent was made and last changed; nothing where its file cannot be looked at."""
    try:
        status = found.file.path.stat()
    except OSError:  # gone meanwhile
        return {}
    updated = datetime.fromtimestamp(status.st_mtime, UTC)
    # Each change makes a new file, so what the system says of a file's birth does not help.
    made = made_at(found.id)
    return {"created_at": min(made, updated) if made else updated, "updated_at": updated}


def _mistaken(share: SharedAgent) -> Diagnostic:
    """Returns what is said of an agent with mistakes to others: its file is nothing to them."""
    message = f"the file of this agent has mistakes, which only its owner, {share.owner_name}, can mend"
    return Diagnostic(file=share.name, line=1, column=1, key_path="", message=message)


def _text(file: AgentFile, key: str) -> str:
    value = file.values.get(key)
    return value if isinstance(value, str) else ""
