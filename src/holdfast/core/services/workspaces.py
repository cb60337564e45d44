"""Where each session's files are, and what is watched there."""

from __future__ import annotations

import asyncio
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from holdfast.core.config.paths import Paths
from holdfast.core.domain.agents import AgentInfo, Layer
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.events import FileChanged, LoggedEvent
from holdfast.core.domain.files import FileChange, Workspace
from holdfast.core.domain.runs import Session
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.tools import BlobStore
from holdfast.core.files.complete import PathIndex
from holdfast.core.files.fork import copy_tree
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.files.undo import undo
from holdfast.core.files.versions import WorkspaceWatch

T = TypeVar("T")

_KEPT = 32
"""Folders of each kind that stay open though nobody uses them."""


class _Recent(Generic[T]):
    """Things by the names of folders. While somebody uses one it is the only one of its name; of the others
    the last ones stay. Each holds an open file: without a limit, some thousand sessions would take all."""

    def __init__(self) -> None:
        self._alive: WeakValueDictionary[str, T] = WeakValueDictionary()
        self._recent: OrderedDict[str, T] = OrderedDict()

    def get(self, name: str, make: Callable[[], T]) -> T:
        """Returns the thing of a name; one that `make` makes where there is none."""
        found = self._alive.get(name)
        if found is None:
            found = self._alive[name] = make()
        self._recent[name] = found
        self._recent.move_to_end(name)
        if len(self._recent) > _KEPT:
            self._recent.popitem(last=False)
        return found

    def forget(self, name: str) -> None:
        """Makes the next one of a name a new one."""
        self._alive.pop(name, None)
        self._recent.pop(name, None)


class Workspaces:
    """Opens the workspaces of sessions; each folder has one jail and one watch in this process."""

    def __init__(self, paths: Paths, blobs: BlobStore) -> None:
        self._paths = paths
        self._blobs = blobs
        self._jails: _Recent[WorkspaceJail] = _Recent()
        self._watches: _Recent[WorkspaceWatch] = _Recent()
        self._indexes: _Recent[PathIndex] = _Recent()
        self._deleting: set[str] = set()
        self.counting = asyncio.Lock()
        """Held while workspaces are counted, which takes a thread for seconds."""

    def of_agent(self, owner: str, agent: AgentInfo) -> Path:
        """Returns the folder that all sessions of a user with an agent have together; it may not be there
        yet."""
        # The id of an agent of somebody else's is his to choose; its name here is not.
        key = agent.name if agent.layer is Layer.SHARED else agent.id
        return self._of_agents(owner) / key

    def _of_agents(self, owner: str) -> Path:
        return self._paths.data / "agents" / self._paths.user_folder(owner).name

    def place(self, session_id: str, kind: str, project: str, of_agent: Path, *, trusted: bool) -> Path:
        """Returns the folder for a new session: one of its own, the project, the agent's, or a path that the
        agent names."""
        match kind:
            case "agent":
                return _made(of_agent)
            case "session":
                folder = self._paths.workspaces / session_id
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                return folder
            case "project":
                return Path(project)
            case _:
                try:
                    folder = Path(project, Path(kind).expanduser())
                    return self._named(folder, Path(project), trusted=trusted)
                except (OSError, RuntimeError, ValueError) as error:  # too long, `~nobody`, a NUL
                    shown = sanitize_line(shorten(kind, 200))
                    raise InvalidError(
                        f"The agent's workspace {shown} cannot be used.", code="no_such_folder"
                    ) from error

    def _named(self, folder: Path, project: Path, *, trusted: bool) -> Path:
        if not trusted and not folder.resolve().is_relative_to(project.resolve()):
            raise InvalidError(
                f"The agent wants to work in {folder}, outside of a project you have not trusted.",
                code="untrusted_workspace",
            )
        if not folder.is_dir():
            raise InvalidError(f"The agent's workspace {folder} is not a folder.", code="no_such_folder")
        return folder

    def open(self, session: Session) -> WorkspaceJail:
        """Returns the jail of the session's folder. Raises `NotFoundError` when it is gone."""
        folder = Path(session.workspace)
        if not folder.is_dir() and folder.parent == self._of_agents(session.owner):
            self._forget_open(folder)  # emptied, while there are sessions that work there
            _made(folder)
        if not folder.is_dir():
            self._jails.forget(session.workspace)
            raise NotFoundError(f"The session's folder {folder} is gone.", code="workspace_not_found")
        return self._jails.get(session.workspace, lambda: self._jail(folder))

    def is_managed(self, session: Session) -> bool:
        """Says whether a session works in a folder that was made for sessions, and not in a project."""
        parent = Path(session.workspace).parent
        return parent in (self._paths.workspaces, self._of_agents(session.owner))

    def open_of_agent(self, owner: str, agent: AgentInfo) -> WorkspaceJail | None:
        """Returns the jail of the folder that a user's sessions with an agent have together; None while there
        is none."""
        folder = self.of_agent(owner, agent)
        if not folder.is_dir():
            return None
        return self._jails.get(str(folder), lambda: self._jail(folder))

    def make_of_agent(self, owner: str, agent: AgentInfo) -> WorkspaceJail:
        """Does as `open_of_agent`; the folder is made where there is none."""
        folder = _made(self.of_agent(owner, agent))
        return self._jails.get(str(folder), lambda: self._jail(folder))

    def remove_of_agent(self, owner: str, agent: AgentInfo) -> None:
        """Removes that folder with all that is in it."""
        folder = self.of_agent(owner, agent)
        self._forget_open(folder)
        shutil.rmtree(folder, ignore_errors=True)

    def forget_user(self, owner: str) -> None:
        """Removes the folders of a user who is gone."""
        folder = self._of_agents(owner)
        for each in folder.iterdir() if folder.is_dir() else ():
            self._forget_open(each)
        shutil.rmtree(folder, ignore_errors=True)

    def _forget_open(self, folder: Path) -> None:
        for known in (self._jails, self._watches, self._indexes):
            known.forget(str(folder))

    def _jail(self, folder: Path) -> WorkspaceJail:
        """Returns the jail of a folder. Holdfast's own ones may be below it, as below a user's home: the
        keys, the rules and the log in them are nothing for agents."""
        paths = self._paths
        return WorkspaceJail(folder, closed=(paths.config, paths.data, paths.cache, paths.logs))

    def read(self, session: Session, path: str, limit: int) -> bytes:
        """Returns the first `limit` bytes of a file in the session's folder, or else in the one that it was
        started in; nothing leads out of them. Raises `NotFoundError`, `OutsideWorkspace`."""
        jails = [self.open(session)]
        if session.project != session.workspace and Path(session.project).is_dir():
            jails.append(self._jail(Path(session.project)))
        for jail in jails:
            try:
                return jail.read(path, limit)
            except NotFoundError:
                continue
        raise NotFoundError(
            f"There is no file {shorten(sanitize_line(Path(path).name), 200)} in the session's folder or in "
            f"{session.project}.",
            code="file_not_found",
        )

    def watch(self, workspace: Workspace) -> WorkspaceWatch:
        """Returns the watch on a workspace."""
        return self._watches.get(str(workspace.root), lambda: WorkspaceWatch(workspace, self._blobs))

    def index(self, session: Session) -> PathIndex:
        """Returns the paths of the session's folder for completion."""
        return self._indexes.get(session.workspace, lambda: PathIndex(self.open(session)))

    def project_index(self, session: Session) -> PathIndex:
        """Returns the paths of the folder that the session was started in."""
        return self._indexes.get(session.project, lambda: PathIndex(self._jail(Path(session.project))))

    def copy(self, source: Session, session_id: str) -> Path:
        """Returns the folder for a fork: a copy of a session's own folder, the same folder otherwise."""
        folder = Path(source.workspace)
        if folder != self._paths.workspaces / source.id:
            return folder
        target = self._paths.workspaces / session_id
        target.mkdir(mode=0o700, parents=True)
        if folder.is_dir():
            copy_tree(WorkspaceJail(folder), WorkspaceJail(target))
        return target

    async def rewind(self, session_id: str, later: Sequence[LoggedEvent]) -> None:
        """Takes back in a fork's own folder what happened to the files after the fork's point."""
        target = self._paths.workspaces / session_id
        if not target.is_dir():
            return
        changes = [
            FileChange(
                path=logged.event.path,
                change=logged.event.change,
                before=logged.event.before,
                after=logged.event.after,
                size=logged.event.size,
            )
            for logged in later
            if isinstance(logged.event, FileChanged)
        ]
        try:
            await asyncio.to_thread(undo, WorkspaceJail(target), self._blobs, changes)
        except ConflictError:
            # Something was changed by hand since, or is not kept: then the files stay as they are now,
            # which is what a person finds in the session's folder anyway.
            return

    @contextmanager
    def deleting(self, session_id: str) -> Iterator[None]:
        """Surrounds the deletion of the files of a session. Raises `ConflictError` while there is one."""
        if session_id in self._deleting:
            raise ConflictError(
                "The files of this session are being deleted already.", code="deleting", retryable=True
            )
        self._deleting.add(session_id)
        try:
            yield
        finally:
            self._deleting.discard(session_id)

    def forget(self, session_id: str) -> None:
        """Removes a deleted session's own folder."""
        folder = self._paths.workspaces / session_id
        self._forget_open(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
