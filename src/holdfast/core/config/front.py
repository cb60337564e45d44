"""Front matter: YAML between two lines of `---` at the beginning of a Markdown file."""

from __future__ import annotations

import re

from holdfast.core.domain.errors import Diagnostic

_FENCE = re.compile(r"---[ \t]*")


def split_front(text: str, file: str, keys: str) -> tuple[str | None, Diagnostic, str]:
    """Returns the YAML, as many lines down as it stands in the file, or None; what is missing then; and the
    text below: all of it where no front matter begins, nothing where one has no end.

    `keys` says in the hint what has to stand there.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    nothing = _at_start(
        file,
        "the front matter is missing",
        hint=f"begin with a line `---`, {keys}, and another line `---`",
    )
    if not _FENCE.fullmatch(lines[0]):
        return None, nothing, "\n".join(lines)
    end = next((at for at, line in enumerate(lines[1:], 1) if _FENCE.fullmatch(line)), None)
    if end is None:
        return None, _at_start(file, "the front matter has no end", hint="close it with a line `---`"), ""
    # An empty line stands for the first `---`, so that the lines of mistakes are those of the file.
    return "\n".join(["", *lines[1:end], ""]), nothing, "\n".join(lines[end + 1 :])


def _at_start(file: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(file=file, line=1, column=1, key_path="", message=message, hint=hint)
