"""Unified diffs of one file."""

from __future__ import annotations

import difflib
import hashlib
import io

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.files import Workspace
from holdfast.core.domain.media import is_text
from holdfast.core.domain.tools import DiffBlock

ABSENT = "absent"
"""The fingerprint of a file that does not exist."""
_MAX_LINES = 20_000
"""Lines up to which a diff is made: beyond it takes too long."""


def present_content(workspace: Workspace, path: str) -> tuple[bytes | None, str]:
    """Returns a file's content, None when there is none, and its fingerprint."""
    try:
        data = workspace.read(path)
    except NotFoundError:
        return None, ABSENT
    return data, hashlib.sha256(data).hexdigest()


def text_lines(text: str) -> list[str]:
    """Returns the lines with their ends. Only a newline ends one, as in every editor and in `grep -n`."""
    return list(io.StringIO(text, newline="\n"))


def diff_block(path: str, before: bytes | None, after: str) -> DiffBlock:
    """Returns what changes in the file from `before` to `after`. What is no text is described."""
    if before is not None and not is_text(before):
        return DiffBlock(path=path, diff=f"(replaces {len(before)} bytes that are no text)\n")
    old = text_lines((before or b"").decode(errors="replace"))
    new = text_lines(after)
    if len(old) + len(new) > _MAX_LINES:
        diff = _all_new(new) if not old else f"(replaces {len(old)} lines with {len(new)} lines)\n"
        return DiffBlock(path=path, diff=diff, created=before is None)
    lines = difflib.unified_diff(old, new, "/dev/null" if before is None else f"a/{path}", f"b/{path}", n=3)
    diff = "".join(_ended(line) for line in lines)
    return DiffBlock(path=path, diff=diff, created=before is None)


def _all_new(lines: list[str]) -> str:
    return f"@@ -0,0 +1,{len(lines)} @@\n" + "".join(_ended(f"+{line}") for line in lines)


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
