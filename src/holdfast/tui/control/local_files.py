"""Files of this machine, for an engine on another one: found, completed, sent there, and edited as copies."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import ForbiddenError
from holdfast.core.domain.text import sanitize_line

if TYPE_CHECKING:
    from holdfast.core.domain.messages import UserPart
    from holdfast.core.domain.transfer import Download
    from holdfast.core.services.protocols.files import Files

_ROOTS = ("/", "~/", "./", "../")


def is_rooted(named: str) -> bool:
    """Says whether a path can only be meant from here, not from a workspace."""
    return named.startswith(_ROOTS)


def local_file(named: str, folder: Path) -> Path | None:
    """Returns the file of this machine that `named` says, seen from `folder`; None when there is none."""
    path = _place(named, folder)
    try:
        return path if path.is_file() else None
    except (OSError, ValueError):
        return None


def is_local_folder(named: str, folder: Path) -> bool:
    """Says whether `named` is a folder of this machine, seen from `folder`."""
    try:
        return _place(named, folder).is_dir()
    except (OSError, ValueError):
        return False


def complete(prefix: str, folder: Path, limit: int = 20) -> tuple[str, ...]:
    """Returns the files whose paths begin with `prefix`, written as it is."""
    head, slash, start = prefix.rpartition("/")
    try:
        names = sorted(p.name for p in _place(head + slash, folder).iterdir() if p.is_file())
    except (OSError, ValueError):
        return ()
    hidden = start.startswith(".")
    found = [n for n in names if n.startswith(start) and (hidden or not n.startswith("."))]
    return tuple(head + slash + name for name in found[:limit])


def _place(named: str, folder: Path) -> Path:
    try:
        return folder / Path(named).expanduser()
    except RuntimeError:  # nobody's home
        return folder / named


async def send_along(files: Files, session_id: str, path: Path) -> UserPart:
    """Sends a file of this machine for a message. Raises `ForbiddenError` for one that cannot be read."""
    try:
        with path.open("rb") as data:
            return await files.attach_data(session_id, path.name, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ForbiddenError(f"{sanitize_line(str(path))} cannot be read: {reason}.") from error


@dataclass(frozen=True, slots=True)
class Copy:
    """A file of an engine elsewhere, in a private folder of this machine."""

    path: Path
    digest: str
    """SHA-256 of what was fetched."""

    @classmethod
    async def fetch(cls, download: Download) -> Copy:
        """Fetches the content. Raises `UnavailableError` when it is cut, and `OSError`."""
        folder = Path(tempfile.mkdtemp(prefix="holdfast-"))  # for this user alone
        path = folder / (Path(download.name).name or "file")
        digest = hashlib.sha256()
        try:
            with path.open("xb") as file:
                async for chunk in download.chunks():
                    digest.update(chunk)
                    file.write(chunk)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(path, digest.hexdigest())

    def changed(self) -> bytes | None:
        """Returns the content when it is another one now. Raises `OSError`."""
        content = self.path.read_bytes()
        return content if hashlib.sha256(content).hexdigest() != self.digest else None

    def remove(self) -> None:
        """Deletes the copy and its folder."""
        shutil.rmtree(self.path.parent, ignore_errors=True)
