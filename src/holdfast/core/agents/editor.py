"""A user's own agents: made, changed and deleted as files of his folder, each checked before it is kept."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.core.agents.files import (
    create_file,
    create_script,
    keep_before,
    rename_file,
    taken,
    text_at,
    text_of,
    write_shared,
    writing,
)
from holdfast.core.agents.loader import AgentFile
from holdfast.core.agents.registry import AgentRegistry, find, not_found
from holdfast.core.agents.resolve import Found
from holdfast.core.agents.rewrite import composed, free_name, with_changes, with_id
from holdfast.core.config.nodes import compose
from holdfast.core.config.private import write_private
from holdfast.core.config.yaml import in_order
from holdfast.core.domain.agents import AgentInfo, AgentSource, AvailableAgent, Layer
from holdfast.core.domain.errors import (
    AgentFileError,
    ConflictError,
    Diagnostic,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooLargeError,
)
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.values import new_dated_id, new_id

MAX_BYTES = 256 * 1024
"""Longest text that is taken."""
MAX_AGENTS = 1_000
"""Most agents that one user can have: a listing looks at each of them."""


@dataclass(frozen=True, slots=True)
class RemovedAgent:
    """All that is left of an agent that was deleted: enough to bring it back."""

    id: str
    name: str
    file: str
    """The name of its file."""
    content: bytes
    """As it was written, valid or not."""

    def kept(self) -> dict[str, str]:
        """Returns its file as JSON."""
        return {"file": self.file, "content": base64.b64encode(self.content).decode()}

    @classmethod
    def of(cls, id: str, name: str, kept: Mapping[str, str]) -> RemovedAgent:
        """Returns what `kept` was made of."""
        return cls(id, name, kept["file"], base64.b64decode(kept["content"]))


class AgentEditor:
    """Writes what `AgentRegistry` reads. `owner` is the id of the user whose agents they are."""

    def __init__(self, registry: AgentRegistry) -> None:
        self._registry = registry
        self._lock = threading.Lock()

    def create(self, text: str, owner: str = LOCAL) -> AgentInfo:
        """Keeps a new agent and returns it; one without an `id` gets one, written below its name.

        Raises `AgentFileError`, `TooLargeError`, `ConflictError` when its name or its id is taken, and
        `StoreError`.
        """
        with self._lock:
            return self._make(text, owner)

    def compose(
        self, values: Mapping[str, Any], owner: str = LOCAL, taken: Collection[str] = ()
    ) -> AgentInfo:
        """Does as `create` for values in the place of a text. Without a `name` it gets one that is free, and
        not in `taken`, made of its `display_name`. Raises what `create` raises, and `InvalidError` for values
        without either."""
        with self._lock:
            name = values.get("name") or self._free_name(values.get("display_name"), owner, taken)
            return self._make(composed({**values, "name": name}), owner)

    def _free_name(self, title: Any, owner: str, taken: Collection[str]) -> str:
        if not isinstance(title, str) or not title.strip():
            raise InvalidError("An agent needs a `name` or a `display_name`.", code="agent_without_name")
        # A name of a shipped agent is free, but that one could not be seen any more.
        seen = self._registry.visible(None, owner)
        return free_name(
            title, {*taken, *(one.file.name for one in seen), *(one.file.path.stem for one in seen)}
        )

    def _make(self, text: str, owner: str, beside: Path | None = None) -> AgentInfo:
        """Does as `create`, under the lock; `beside` is the folder with its script, which is copied where
        that is a file."""
        check_size(text)
        file = self._accepted(text, owner, beside=beside)
        if file.id is None:
            text = _identified(text, file, new_dated_id())
        own = self._registry.own(owner)
        if len(own) >= MAX_AGENTS:
            raise ConflictError(
                f"There are {len(own)} agents already; delete one first.", code="too_many_agents"
            )
        self._check_free(file, owner)
        path = self._registry.folder(owner) / f"{file.name}.yaml"
        with writing(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            script = create_script(file, path.parent)
            made = create_file(path, text)
            if not made and script is not None:
                script.unlink()
        if not made:
            raise taken(f"There is a file {path.name} already")
        return self._registry.get(file.name, None, owner)

    def check(
        self, text: str, name: str | None = None, project: Path | None = None, owner: str = LOCAL
    ) -> tuple[Diagnostic, ...]:
        """Returns every mistake that `text` would have as a new agent, or in the place of the agent `name`.

        Raises `TooLargeError`, and `NotFoundError` for a name that nothing has.
        """
        check_size(text)
        if name is None:
            return self._registry.check(text, owner).problems
        found = self._seen(name, project, owner)
        if found.layer is Layer.SHIPPED:  # what is written of it becomes one of the user's own
            return self._registry.check(text, owner).problems
        return tuple(in_order(self._mistakes(text, owner, found, project)[1]))

    def update(
        self,
        name: str,
        text: str,
        owner: str = LOCAL,
        expected: str | None = None,
        project: Path | None = None,
    ) -> AgentInfo:
        """Replaces the text of an agent and returns it; it may have another name, its id stays. The text
        before is kept beside the file.

        `expected` is the digest of the text that is meant to be replaced; of an agent that stands in a
        project, `project` is the folder. Raises `ConflictError` when that is not what is there,
        `ForbiddenError` for an agent that comes with Holdfast, or whose file leads out of the project,
        `NotFoundError`, and what `create` raises.
        """
        check_size(text)
        with self._lock:
            found = self._changeable(name, project, owner)
            if expected is not None:
                _check_unchanged(found, text_of(found.file.path), expected)
            return self._replace(found, text, owner, project)

    def edit(
        self,
        name: str,
        changes: Mapping[str, Any],
        owner: str = LOCAL,
        expected: str | None = None,
        project: Path | None = None,
    ) -> AgentInfo:
        """Changes values in the text of an agent and returns it; the rest of the text stays as it is. Dots in
        a key lead into mappings; None takes a key out. Of two at once, one acts on what the other has made.

        Raises what `update` raises, and `InvalidError` for a key that cannot be changed in such a text.
        """
        with self._lock:
            found = self._changeable(name, project, owner)
            text = text_of(found.file.path)
            if expected is not None:
                _check_unchanged(found, text, expected)
            return self._replace(found, with_changes(text, changes), owner, project)

    def _replace(self, found: Found, text: str, owner: str, project: Path | None) -> AgentInfo:
        check_size(text)
        path = found.file.path
        file = self._accepted(text, owner, found, project)
        own = found.layer is Layer.USER
        # What is in a project is shared: no line comes into it that nobody has written.
        if file.id is None and own:
            text = _identified(text, file, new_id() if _clashes(found) else found.id)
        self._check_free(file, owner, found, project)
        with writing(path):
            keep_before(path, text)
            (write_private if own else write_shared)(path, text)
            if path.stem == found.file.name and not path.is_symlink():
                rename_file(path, path.with_name(f"{file.name}.yaml"))
        return self._registry.get(file.name, project, owner)

    def removed(self, name: str, owner: str = LOCAL) -> RemovedAgent:
        """Returns what has to be kept of an agent of the user's own, so that it can be brought back after
        `delete`. Raises what `delete` raises, and `StoreError`."""
        with self._lock:  # else another deletion is between the two
            found = self.own(name, owner)
            with writing(found.file.path):
                return RemovedAgent(found.id, found.name, found.file.path.name, found.file.path.read_bytes())

    def restore(self, removed: RemovedAgent, owner: str = LOCAL) -> None:
        """Writes the file of a deleted agent again. Raises `ConflictError` when another has its name, its id
        or its file's name now, and `StoreError`."""
        with self._lock:
            others = self._registry.own(owner)
            if len(others) >= MAX_AGENTS:
                raise ConflictError(
                    f"There are {len(others)} agents already; delete one first.", code="too_many_agents"
                )
            if any(removed.name == one.name or removed.id == one.id for one in others):
                raise taken(f"There is an agent {removed.name!r} already")
            path = self._registry.folder(owner) / Path(removed.file).name
            with writing(path):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                made = create_file(path, removed.content)
            if not made:
                raise taken(f"There is a file {path.name} already")

    def delete(self, name: str, owner: str = LOCAL) -> None:
        """Deletes an agent. Raises `ForbiddenError` for one that is not the user's own, `NotFoundError`."""
        with self._lock:
            path = self.own(name, owner).file.path
            with writing(path):
                path.unlink(missing_ok=True)

    def source(self, name: str, project: Path | None = None, owner: str = LOCAL) -> AgentSource:
        """Returns the text of any agent that can be seen. Raises `NotFoundError`, and `AgentFileError` for
        a file that is no text."""
        info = self._registry.get(name, project, owner)
        if info.layer is Layer.SHARED:
            raise not_yours(info)
        path = Path(info.path)
        if info.layer is Layer.PROJECT and project:
            _check_inside(path, project)
        text = text_of(path)
        document, _ = compose(text, info.path)
        said = document.root.value if document is not None else None
        values = said if isinstance(said, dict) else {}
        return AgentSource(text=text, digest=digest_of(text), path=info.path, values=values)

    def available(self, owner: str = LOCAL) -> tuple[AvailableAgent, ...]:
        """Returns the agents that come with Holdfast, by name."""
        installed = {found.file.name for found in self._registry.own(owner)}
        return tuple(
            AvailableAgent(
                name=info.name,
                display_name=info.display_name,
                description=info.description,
                author=info.author,
                tags=info.tags,
                installed=info.name in installed,
            )
            for info in self._registry.list_shipped()
        )

    def install(self, source: str, owner: str = LOCAL) -> AgentInfo:
        """Copies an agent into the user's folder: the file at a path, or a shipped one by its name; and its
        script, where that is a file beside it.

        Raises `NotFoundError` when there is none, `InvalidError` for a path that is not a whole one, and
        what `create` raises.
        """
        if names_a_path(source):
            text = text_at(source)
            with self._lock:
                return self._make(text, owner, Path(source).parent)
        shipped = self._registry.shipped()
        found = next((one for one in shipped if one.twin is None and one.file.name == source), None)
        if found is None:
            raise not_found(source, shipped)
        with self._lock:
            return self._make(text_of(found.file.path), owner, found.file.path.parent)

    def check_installed(self, name: str, owner: str = LOCAL) -> None:
        """Raises `NotFoundError` for an agent that is only available."""
        if find(self._registry.own(owner), name) is None and find(self._registry.shipped(), name) is not None:
            raise NotFoundError(
                f"The agent {name!r} comes with Holdfast and is not installed; there is nothing to remove.",
                code="agent_not_installed",
            )

    def uninstall(self, name: str, owner: str = LOCAL) -> None:
        """Removes an installed agent. Raises `NotFoundError`, also for one that is only available."""
        self.check_installed(name, owner)
        self.delete(name, owner)

    def _seen(self, name: str, project: Path | None, owner: str) -> Found:
        visible = self._registry.visible(project, owner)
        found = find(visible, name)
        if found is None:
            raise not_found(name, visible)
        return found

    def _changeable(self, name: str, project: Path | None, owner: str) -> Found:
        if project is not None and (found := self._seen(name, project, owner)).layer is Layer.PROJECT:
            _check_inside(found.file.path, project)
            return found
        return self.own(name, owner)

    def _beside(self, found: Found, project: Path | None, owner: str) -> tuple[Found, ...]:
        """Returns the agents of the same folder."""
        folder = found.file.path.parent
        return tuple(one for one in self._registry.visible(project, owner) if one.file.path.parent == folder)

    def own(self, name: str, owner: str = LOCAL) -> Found:
        """Returns an agent of the user's own, by its name or id. Raises `ForbiddenError` for one that comes
        with Holdfast, `NotFoundError`."""
        own, shipped = self._registry.own(owner), self._registry.shipped()
        found = find(own, name)
        if found is not None:
            return found
        theirs = find(shipped, name)
        if theirs is None:
            others = self._registry.shared(owner)
            shared = next((each for each in others if name in (each.name, each.id)), None)
            raise not_found(name, (*own, *shipped)) if shared is None else not_yours(shared)
        raise ForbiddenError(
            f"The agent {theirs.name!r} comes with Holdfast and cannot be changed; install a copy of it "
            f"(`holdfast agents install {theirs.name}`), and change that.",
            code="agent_readonly",
        )

    def _accepted(
        self,
        text: str,
        owner: str,
        replaced: Found | None = None,
        project: Path | None = None,
        beside: Path | None = None,
    ) -> AgentFile:
        """Returns what `text` says. Raises `AgentFileError` when it has a mistake."""
        file, problems = self._mistakes(text, owner, replaced, project, beside)
        if problems:
            raise AgentFileError(problems)
        return file

    def _mistakes(
        self,
        text: str,
        owner: str,
        replaced: Found | None,
        project: Path | None,
        beside: Path | None = None,
    ) -> tuple[AgentFile, list[Diagnostic]]:
        """Returns what `text` says, and what is wrong with it where it is to stand."""
        file = self._registry.check(text, owner, replaced, project, beside)
        problems = list(file.problems)
        if (
            replaced is not None
            and file.document is not None
            and not (_clashes(replaced) or replaced.file.problems)
            and file.id not in (None, replaced.id)
        ):
            hint = "remove the line, and the id stays"
            message = "this is not the agent's id, and an id does not change"
            problems.append(file.document.mistake(("id",), message, expected=replaced.id, hint=hint))
        return file, problems

    def _check_free(
        self, file: AgentFile, owner: str, replaces: Found | None = None, project: Path | None = None
    ) -> None:
        path = replaces.file.path if replaces else None
        foreign = replaces is not None and replaces.layer is Layer.PROJECT
        beside = self._beside(replaces, project, owner) if replaces and foreign else self._registry.own(owner)
        own = [one for one in beside if one.file.path != path]
        if any(one.file.name == file.name for one in own):
            raise taken(f"There is an agent {file.name!r} already")
        other = next((one for one in (*own, *self._registry.shipped()) if one.id == file.id), None)
        if other is not None:
            raise taken(f"The agent {other.name!r} has the id {file.id} already")


def check_size(text: str) -> None:
    """Raises `TooLargeError` for a text that is longer than an agent can be."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise TooLargeError(f"An agent has at most {MAX_BYTES // 1024} KiB of text.", code="agent_too_large")


def digest_of(text: str) -> str:
    """Returns the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def names_a_path(source: str) -> bool:
    """Says whether what is to be installed is a path, not a name."""
    return "/" in source or "\\" in source or source.endswith((".yaml", ".yml"))


def _check_unchanged(found: Found, text: str, expected: str) -> None:
    if expected != digest_of(text):
        raise ConflictError(
            f"The agent {found.name!r} has changed since; read it again, and change that.",
            code="agent_changed",
        )


def not_yours(info: AgentInfo) -> ForbiddenError:
    """Returns the error for what only the owner of a shared agent can do."""
    return ForbiddenError(
        f"The agent {info.display_name or info.name!r} is {info.owner_name}'s, who shares it with you: only "
        "its owner can do this.",
        code="agent_not_yours",
    )


def _clashes(found: Found) -> bool:
    return found.twin is not None or found.same_id is not None


def _identified(text: str, file: AgentFile, id: str) -> str:
    written = with_id(text, id)
    if written is not None:
        return written
    assert file.document is not None
    message, hint = "no id can be put into a file that is written like this", f"write `id: {id}` yourself"
    raise AgentFileError([file.document.mistake(("id",), message, hint=hint, of_key=True)])


def _check_inside(path: Path, project: Path) -> None:
    if not path.resolve().is_relative_to(project.resolve()):
        raise ForbiddenError(f"{path} leads out of the project.", code="outside_workspace")
