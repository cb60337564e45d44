"""What one principal may see and name: every service asks here before it touches an object by its id."""

from __future__ import annotations

from pathlib import Path

from holdfast.core.config.paths import Paths
from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.errors import ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.identity import Principal
from holdfast.core.domain.runs import Run, Session
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.runs.failures import refuse_child
from holdfast.core.store.reader import Reader


class Access:
    """The view of one principal. An object of somebody else is answered like one that does not exist."""

    def __init__(self, principal: Principal, reader: Reader, paths: Paths) -> None:
        self.principal = principal
        self._reader = reader
        self._paths = paths

    @property
    def owner(self) -> str:
        """Id of the user: the owner of what he makes."""
        return self.principal.user_id

    async def session(self, session_id: str, *, in_trash: bool = False) -> Session:
        """Returns a session; with `in_trash` also one in the trash. Raises `NotFoundError`."""
        session = await self._reader.session(session_id, self.owner, in_trash=in_trash)
        if session is None:
            raise NotFoundError(f"There is no session {session_id}.", code="session_not_found")
        return session

    async def own_session(self, session_id: str, *, in_trash: bool = False) -> Session:
        """Returns a session that is not a sub-agent's. Raises `NotFoundError`, `ConflictError`
        (`child_session`)."""
        session = await self.session(session_id, in_trash=in_trash)
        refuse_child(session)
        return session

    async def root(self, session_id: str) -> str:
        """Returns the id of the session whose mode and grants hold in this one: its own, or for a sub-agent's
        the one that it belongs to. Raises `NotFoundError`."""
        session = await self.session(session_id)
        return session.id if session.child_of is None else session.child_of.root_id

    async def run(self, run_id: str) -> Run:
        """Returns a run. Raises `NotFoundError`."""
        run = await self._reader.run(run_id, self.owner)
        if run is None:
            raise NotFoundError(f"There is no run {run_id}.", code="run_not_found")
        return run

    async def approval(self, approval_id: str) -> Approval:
        """Returns an approval. Raises `NotFoundError`."""
        approval = await self._reader.approval(approval_id, self.owner)
        if approval is None:
            raise NotFoundError(f"There is no approval {approval_id}.", code="approval_not_found")
        return approval

    async def question(self, question_id: str) -> None:
        """Raises `NotFoundError` when there is no such question."""
        if not await self._reader.question_exists(question_id, self.owner):
            raise NotFoundError(f"There is no question {question_id}.", code="question_not_found")

    def project(self, named: str) -> Path:
        """Returns the project folder that is meant by `named`; empty: the user's own one, which is made.

        Raises `InvalidError` for what is no absolute folder, `ForbiddenError` for one that is not the
        user's to name: without the role `admin` all are but his own.
        """
        own = self._paths.user_project(self.owner)
        if not named:
            own.mkdir(mode=0o700, parents=True, exist_ok=True)
            return own
        folder = Path(named)
        try:
            real = folder.resolve()
            found = folder.is_absolute() and folder.is_dir()
        except (OSError, RuntimeError, ValueError):  # a name that is too long, a loop of links, a NUL
            found = False
        if not self.principal.is_admin and (not found or not real.is_relative_to(own.resolve())):
            raise ForbiddenError(
                "Only an administrator can name a folder of the engine's machine; leave the project out to "
                "work in your own.",
                code="project_forbidden",
            )
        if not found:
            raise InvalidError(
                f"{shorten(named, 200)!r} is not a folder, named by its whole path.", code="no_such_folder"
            )
        return folder

    def folder(self, named: str | None) -> Path | None:
        """Returns the folder that is looked into for agents and settings; None when none is named.

        Raises `ForbiddenError` for one that is not the user's to name.
        """
        if not named:
            return None
        return Path(named) if self.principal.is_admin else self.project(named)

    def source(self, named: str) -> Path:
        """Returns the real path of a file or a folder that is to be taken in.

        Raises `InvalidError` for a path that is not whole, `NotFoundError` for one that leads nowhere,
        `ForbiddenError` for one that is not the user's to name (without the role `admin` all are but those
        in his own project folder) and for Holdfast's own folders, where the keys and the log are.
        """
        own = self._paths.user_project(self.owner)
        try:
            whole = Path(named).is_absolute()
            real = Path(named).resolve()
            found = real.exists()
        except (OSError, RuntimeError, ValueError):  # a name that is too long, a loop of links, a NUL
            whole = found = False
        if not self.principal.is_admin and not (whole and real.is_relative_to(own.resolve())):
            raise ForbiddenError(
                "Only an administrator can name files of the engine's machine; upload the document instead.",
                code="path_forbidden",
            )
        shown = shorten(sanitize_line(named), 200)
        if not whole:
            raise InvalidError(f"{shown!r} is not a whole path.", code="invalid_path")
        if not found:
            raise NotFoundError(f"There is no file or folder {shown}.", code="file_not_found")
        if _is_own(real, self._paths):
            raise ForbiddenError(
                f"{shown} is in a folder of Holdfast's own, with its keys, rules or log: not taken in.",
                code="path_forbidden",
            )
        return real

    def not_own(self, named: str) -> None:
        """Raises `ForbiddenError` for a path in a folder of Holdfast's own, with its keys and its log."""
        try:
            own = _is_own(Path(named).resolve(), self._paths)
        except (OSError, RuntimeError, ValueError):  # no path at all: who reads it says so
            return
        if own:
            shown = shorten(sanitize_line(named), 200)
            raise ForbiddenError(f"{shown} is in a folder of Holdfast's own.", code="path_forbidden")

    def machine(self, what: str) -> None:
        """Raises `ForbiddenError` unless the principal may reach files anywhere on the engine's machine."""
        if not self.principal.is_admin:
            raise ForbiddenError(f"{what} needs the role `admin`.", code="admin_only")


def _is_own(real: Path, paths: Paths) -> bool:
    """Says whether a path is in a folder of Holdfast's own; those in which users and agents work are not."""
    own = (paths.config, paths.data, paths.cache, paths.logs)
    worked_in = (paths.data / "projects", paths.data / "agents", paths.workspaces)
    return any(real.is_relative_to(folder.resolve()) for folder in own) and not any(
        real.is_relative_to(folder.resolve()) for folder in worked_in
    )
