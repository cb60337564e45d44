"""Opens the person's editor, and reads the arguments of a call that a person has edited."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.cli.output import warn
from holdfast.core.domain.errors import HoldfastError, InvalidError, NotFoundError


def editor() -> list[str] | None:
    """Returns the command of the person's editor: $VISUAL, $EDITOR, or one that is installed."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if named and named.strip():
        return shlex.split(named)
    found = next((path for name in ("nano", "vi") if (path := shutil.which(name))), None)
    return [found] if found else None


def edit_file(path: Path) -> None:
    """Opens `path` in the editor and returns when it was closed. Raises `NotFoundError` without an editor."""
    command = editor()
    if command is None:
        raise NotFoundError(f"no editor was found: set EDITOR, or open {path} yourself")
    try:
        ended = subprocess.run([*command, str(path)], check=False)
    except FileNotFoundError as missing:
        raise NotFoundError(f"the editor {command[0]!r} was not found: set EDITOR") from missing
    if ended.returncode != 0:
        raise HoldfastError(f"the editor ended with status {ended.returncode}", code="editor_failed")


@contextmanager
def draft(text: str, name: str, ending: str) -> Iterator[Path]:
    """Opens a text in the person's editor; the file is for the block, which keeps what they made of it. Where
    that fails, or the editor does, the file stays, and a line on stderr says where. Raises as `edit_file`."""
    with tempfile.NamedTemporaryFile(
        "w", prefix=f"{Path(name).name}-", suffix=ending, delete=False, encoding="utf-8"
    ) as stream:
        stream.write(text)
    path = Path(stream.name)
    try:
        edit_file(path)
        yield path
    except (HoldfastError, OSError):
        warn(f"Nothing was kept; what you wrote is in {path}")
        raise
    path.unlink()


def parse_arguments(text: str) -> dict[str, Any]:
    """Returns the JSON object that `text` is. Raises `InvalidError` when it is none."""
    try:
        value = json.loads(text)
    except ValueError as wrong:
        raise InvalidError(f"the arguments are not JSON: {wrong}") from wrong
    if not isinstance(value, dict):
        raise InvalidError('the arguments must be a JSON object, for example {"path": "report.md"}')
    return value
