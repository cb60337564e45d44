"""The files of agents: read as text, made, replaced with what was there kept, renamed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.core.agents.loader import AgentFile
from holdfast.core.agents.scripts import script_file
from holdfast.core.config.private import create_private, write_private
from holdfast.core.config.yaml import read_file
from holdfast.core.domain.errors import (
    AgentFileError,
    ConflictError,
    Diagnostic,
    InvalidError,
    NotFoundError,
    StoreError,
)
from holdfast.core.domain.skills import skills_beside
from holdfast.core.domain.text import shorten


def taken(message: str) -> ConflictError:
    """Returns the error for a name, an id or a file that is another agent's."""
    return ConflictError(f"{message}; change that one, or give this one another name.", code="agent_exists")


def text_at(source: str) -> str:
    """Returns the text of a file by its whole path. Raises `InvalidError` for a path that is none, and what
    `text_of` raises."""
    path = Path(source)
    if not path.is_absolute():
        raise InvalidError(f"{shorten(source, 200)!r} is not a whole path.", code="no_such_file")
    return text_of(path)


def text_of(path: Path) -> str:
    """Returns the text of an agent's file. Raises `NotFoundError`, `AgentFileError` for one that is no
    text."""
    try:
        text, problems = read_file(path)
    except (FileNotFoundError, ValueError):  # gone meanwhile; a NUL in the path
        raise NotFoundError(f"There is no file {shorten(str(path), 200)}.", code="agent_not_found") from None
    if text is None:
        raise AgentFileError(list[Diagnostic](problems))
    return text


def keep_before(path: Path, text: str) -> None:
    """Keeps what a file says, in `FILE.bak` beside it, before it says something else."""
    before = path.read_bytes()
    if before != text.encode():
        backup = path.with_name(f"{path.name}.bak")
        if backup.is_symlink():
            backup.unlink()
        write_private(backup, before)


def write_shared(path: Path, text: str) -> None:
    """Writes a file of a project, which stays readable for who could read it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    write_private(path, text)
    path.chmod(mode)


def create_file(path: Path, text: str | bytes) -> bool:
    """Makes a file; says whether there was none."""
    try:
        create_private(path, text)
    except FileExistsError:
        return False
    return True


def create_script(file: AgentFile, folder: Path) -> Path | None:
    """Writes the script of an agent beside it, and returns its path; None where nothing was to be written.
    Raises `ConflictError` where another file is in its place."""
    if file.script is None or file.document is None:
        return None
    path = folder / (script_file(file.document) or "")
    if create_file(path, file.script):
        return path
    if path.is_symlink() or not path.is_file() or path.read_bytes() != file.script.encode():
        raise taken(f"There is another file {path.name} beside your agents already")
    return None


def rename_file(path: Path, target: Path) -> None:
    """Gives a file the name of its agent, unless another file has it: then it stays where it is.

    The folder of its skills goes along.
    """
    if path == target:
        return
    try:
        target.hardlink_to(path)
    except FileExistsError:
        return
    path.unlink()
    former, skills = skills_beside(path), skills_beside(target)
    if former.is_dir() and not skills.exists():
        former.rename(skills)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tells a failure of the disk as a `StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", code="agent_not_written") from error
