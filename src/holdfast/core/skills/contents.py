"""The files of a skill before they are anywhere: names that are safe, and what of them is a skill."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from holdfast.core.domain.errors import InvalidError, TooLargeError
from holdfast.core.domain.text import is_utf8, sanitize_line, shorten
from holdfast.core.skills.front import SKILL_FILE
from holdfast.core.skills.limits import MAX_DEPTH, MAX_PATH

Contents = dict[str, bytes]
"""Files by their paths, with forward slashes."""

_DRIVE = re.compile(r"[A-Za-z]:")
IGNORED = frozenset({"__MACOSX", ".DS_Store", ".git", "__pycache__"})
"""What systems and programs leave in folders; no part of a skill."""


class Names:
    """The names of one archive or folder; each is checked against all before it."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, bool]] = {}

    def add(self, name: str, *, is_folder: bool = False) -> None:
        """Raises `InvalidError` (`unsafe_archive`) for a name that leads out, or is there already: on some
        systems names that differ in their case alone, or in how an accent is written, are one."""
        parts = checked(name)
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            folder = is_folder or depth < len(parts)
            key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
            known = self._seen.get(key)
            if known is not None and not (folder and known == (path, True)):
                raise unsafe(name, f"it clashes with {shorten(sanitize_line(known[0]), 100)!r}")
            self._seen[key] = (path, folder)


def checked(name: str) -> list[str]:
    """Returns the parts of a path. Raises `InvalidError` (`unsafe_archive`) unless it is a plain relative
    one."""
    if name.startswith("/") or _DRIVE.match(name):
        raise unsafe(name, "the name is absolute")
    if len(name) > MAX_PATH:
        raise unsafe(name, f"the name is longer than {MAX_PATH} characters")
    parts = name.split("/")
    if len(parts) > MAX_DEPTH:
        raise unsafe(name, f"it is more than {MAX_DEPTH} folders deep")
    for part in parts:
        if part in ("", ".", ".."):
            raise unsafe(name, "the name leads elsewhere")
        if "\\" in part or sanitize_line(part) != part or not is_utf8(part):
            raise unsafe(name, "the name has characters that a file's name must not have")
        if len(part.encode()) > 255 or part.endswith((" ", ".")):
            raise unsafe(name, "no file can be called so everywhere")
    return parts


def skill_in(contents: Contents, folder: str = "") -> tuple[str, Contents]:
    """Returns the folder's name that the one skill in `contents` has there (empty at the top), and its files.

    `folder` says which one where there are several; else `SKILL.md` is at the top or one folder down.
    Raises `InvalidError` (`no_skill`, `several_skills`).
    """
    kept = {path: data for path, data in contents.items() if IGNORED.isdisjoint(path.split("/"))}
    if folder:
        root = "/".join(checked(folder.strip("/")))
        if f"{root}/{SKILL_FILE}" not in kept:
            raise InvalidError(
                f"There is no {SKILL_FILE} in {shorten(root, 100)!r}.{_where(kept)}", code="no_skill"
            )
        return _below(kept, root)
    if SKILL_FILE in kept:
        return "", kept
    roots = _roots(kept)
    near = [root for root in roots if "/" not in root]
    if len(near) == 1:
        return _below(kept, near[0])
    if near:
        names = ", ".join(near[:20])
        raise InvalidError(
            f"There are several skills: {names}. Say which one, by its folder.", code="several_skills"
        )
    raise InvalidError(
        f"There is no {SKILL_FILE}, neither at the top nor one folder down.{_where(kept)}", code="no_skill"
    )


def too_large(message: str) -> TooLargeError:
    """Returns the error of a skill that is too large, or of an archive."""
    return TooLargeError(message, code="skill_too_large")


def unsafe(name: str, why: str) -> InvalidError:
    """Returns the error of a name that is not written anywhere."""
    shown = shorten(sanitize_line(name.encode("utf-8", "replace").decode()), 100)
    return InvalidError(f"{shown!r} is refused: {why}. Nothing was installed.", code="unsafe_archive")


def _roots(contents: Contents) -> list[str]:
    return sorted(path[: -len(SKILL_FILE) - 1] for path in contents if path.endswith(f"/{SKILL_FILE}"))


def _where(contents: Contents) -> str:
    roots = _roots(contents)
    return f" There are skills in: {', '.join(roots[:20])}." if roots else ""


def _below(contents: Contents, root: str) -> tuple[str, Contents]:
    prefix = f"{root}/"
    inside = {path[len(prefix) :]: data for path, data in contents.items() if path.startswith(prefix)}
    return PurePosixPath(root).name, inside
