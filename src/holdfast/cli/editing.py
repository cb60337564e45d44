"""Opens the person's editor, and reads the arguments of a call that a person has edited."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

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


def parse_arguments(text: str) -> dict[str, Any]:
    """Returns the JSON object that `text` is. Raises `InvalidError` when it is none."""
    try:
        value = json.loads(text)
    except ValueError as wrong:
        raise InvalidError(f"the arguments are not JSON: {wrong}") from wrong
    if not isinstance(value, dict):
        raise InvalidError('the arguments must be a JSON object, for example {"path": "report.md"}')
    return value
