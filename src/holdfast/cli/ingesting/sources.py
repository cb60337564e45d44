"""What was named on the command line to be taken in: folders, files and addresses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.cli.doors import doors
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.knowledge import IngestResult
from holdfast.core.domain.paths import path_of
from holdfast.core.services.sources import folder_walk

_SCHEMES = ("http://", "https://")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?")
"""What is text (a version, a postcode that begins with 0) stays text."""


@dataclass(frozen=True, slots=True)
class Named:
    """What was named, told apart."""

    paths: tuple[Path, ...]
    """Whole paths of this machine."""
    urls: tuple[str, ...]


def read_sources(words: Sequence[str]) -> Named:
    """Returns the files, folders and addresses that were named, each once. Raises `InvalidError` for a path
    that leads nowhere."""
    urls = [word for word in words if word.lower().startswith(_SCHEMES)]
    paths = [path_of(word) for word in words if word not in urls]
    for path in paths:
        if not path.exists():
            raise InvalidError(f"there is no file or folder {path}")
    return Named(tuple(dict.fromkeys(path.resolve() for path in paths)), tuple(dict.fromkeys(urls)))


def read_metadata(pairs: Sequence[str]) -> dict[str, Any] | None:
    """Returns `key=value` pairs; values that are JSON numbers or booleans are such. Raises `InvalidError`."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise InvalidError(f"{pair!r} is no metadata; write it as KEY=VALUE, for example year=2026")
        found[key.strip()] = _value(text)
    return found or None


@dataclass(frozen=True, slots=True)
class Uploads:
    """Files of this machine that go to an engine elsewhere."""

    files: tuple[tuple[str, Path], ...]
    """The document's name of each, and where it is. A file of a folder is named by the folder's name and its
    path below it."""
    failures: tuple[IngestResult, ...]
    """Folders that cannot be read, and names that cannot be told."""


def uploads(paths: Sequence[Path]) -> Uploads:
    """Returns the files below the paths, those of folders as the engine would find them. Raises
    `TooLargeError` for a folder with too many."""
    walk = folder_walk(doors().paths())
    files: list[tuple[str, Path]] = []
    failures: list[IngestResult] = []
    for path in paths:
        if not path.is_dir():
            files.append((path.name, path))
            continue
        walked = walk()(str(path))
        files += [(f"{path.name}/{file.name}", Path(file.path)) for file in walked.files]
        failures += walked.failures
    return Uploads(tuple(files), tuple(failures))


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.fullmatch(text) is None:
        return text
    return float(text) if "." in text else int(text)
