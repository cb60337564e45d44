"""YAML files that are one list, rewritten whole by commands and open to an editor."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from holdfast.core.config.nodes import Plain
from holdfast.core.config.private import write_private
from holdfast.core.config.rewrite import written
from holdfast.core.config.yaml import MAX_BYTES, parse
from holdfast.core.domain.errors import InvalidError


def write_list(path: Path, head: str, key: str, entries: Iterable[dict[str, Plain]], said: BaseModel) -> None:
    """Writes `entries` as the list `key` of a file that begins with the comment `head`, each value in a line.

    Raises `InvalidError` where the file would not read as `said`, and leaves it as it is; `OSError`.
    """
    lines: list[str] = []
    for entry in entries:
        lines += [
            f"  {' ' if number else '-'} {name}: {written(value)}\n"
            for number, (name, value) in enumerate(entry.items())
        ]
    text = "".join([head, f"{key}:\n", *lines] if lines else [head, f"{key}: []\n"])
    value, problems = parse(type(said), text, str(path))
    if value != said or len(text.encode(errors="replace")) > MAX_BYTES:
        why = problems[0].message if problems else "it would not read as it was given"
        raise InvalidError(f"This cannot be kept in {path.name}: {why}.")
    write_private(path, text)
