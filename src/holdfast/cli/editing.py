"""Opens the person's editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from holdfast.core.domain.errors import HoldfastError, NotFoundError


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
