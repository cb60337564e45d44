"""YAML files: read within limits, validated against a model, every mistake with its place.

    value, problems = parse(Settings, text, "settings.yaml")

`value` is None exactly when there are problems; `problems` holds the first `MAX_MISTAKES` of them, in
the order of the file.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from holdfast.core.config.mistakes import MAX_MISTAKES, mistakes
from holdfast.core.config.nodes import Document, compose
from holdfast.core.domain.errors import Diagnostic

MAX_BYTES = 1024 * 1024
"""Largest file that is read."""

Model = TypeVar("Model", bound=BaseModel)


def read_file(path: Path) -> tuple[str | None, list[Diagnostic]]:
    """Returns the text of a file, or None and what is wrong with it as bytes.

    Only a regular file of at most `MAX_BYTES` in UTF-8 is read; a pipe or a device in a project cannot
    block the reader. Raises `FileNotFoundError` when there is none.
    """
    file = str(path)
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None, [_whole_file(file, "this is not a regular file")]
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        return None, [_whole_file(file, f"cannot be read: {error.strerror}")]
    if len(data) > MAX_BYTES:
        return None, [_whole_file(file, "the file is larger than 1 MiB", hint="it was not read")]
    return decode(data, file)


def decode(data: bytes, file: str) -> tuple[str | None, list[Diagnostic]]:
    """Returns `data` as text, or None and where it stops being UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, [_whole_file(file, "the file is UTF-16", hint="save it as UTF-8")]
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line_start = before.rfind(b"\n") + 1
        problem = Diagnostic(
            file=file,
            line=before.count(b"\n") + 1,
            column=len(before[line_start:].decode("utf-8", "replace")) + 1,
            key_path="",
            message=f"the byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8",
            hint="save the file as UTF-8",
        )
        return None, [problem]


def parse(model: type[Model], text: str, file: str) -> tuple[Model | None, list[Diagnostic]]:
    """Returns the value that `text` holds, or None, and every mistake in it."""
    document, problems = compose(text, file)
    if document is None:
        return None, problems
    value, more = validate(model, document)
    problems = in_order([*problems, *more])
    return (None if problems else value), problems


def parse_file(model: type[Model], path: Path) -> tuple[Model | None, list[Diagnostic]]:
    """Does as `parse` for a file. Raises `FileNotFoundError` when there is none."""
    text, problems = read_file(path)
    return (None, problems) if text is None else parse(model, text, str(path))


def validate(model: type[Model], document: Document) -> tuple[Model | None, list[Diagnostic]]:
    """Returns the value of a document that was composed already, or None, and what is wrong with it."""
    try:
        return model.model_validate(document.root.value), []
    except ValidationError as error:
        return None, in_order(mistakes(model, document, error))


def in_order(problems: list[Diagnostic]) -> list[Diagnostic]:
    """Returns the problems in the order of the file, without the ones that are too many to read."""
    return sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column))[:MAX_MISTAKES]


def _whole_file(file: str, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(file=file, line=1, column=1, key_path="", message=message, hint=hint)
