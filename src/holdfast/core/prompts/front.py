"""A prompt's file: Markdown, with front matter in YAML where it says more than the text.

    ---
    description: Reviews a file.
    arguments:
      - { name: file, description: Which file, required: true }
    ---
    Review @{{file}}. $ARGUMENTS

Its name without `.md` is the prompt's. Mistakes name the line and the column of the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml
from pydantic import BaseModel, ConfigDict, Field

from holdfast.core.config.front import split_front
from holdfast.core.config.nodes import compose
from holdfast.core.config.yaml import decode, in_order, validate
from holdfast.core.domain.errors import Diagnostic, InvalidError, file_mistakes
from holdfast.core.domain.prompts import MAX_TEXT_CHARS, PROMPT_PATTERN, PromptArguments, PromptTemplate
from holdfast.core.domain.text import sanitize_line, shorten

MAX_FILE_BYTES = 512 * 1024
"""Largest file of a prompt."""
MAX_FRONT_BYTES = 16 * 1024
"""Longest front matter: that of every file is parsed whenever prompts are listed."""


class _Front(BaseModel):
    """What the front matter may say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=1_000)
    arguments: PromptArguments = ()


@dataclass(frozen=True, slots=True)
class PromptFile:
    """What one file says."""

    template: PromptTemplate
    problems: tuple[Diagnostic, ...] = ()


def parse_prompt(data: bytes, file: str, name: str) -> PromptFile:
    """Returns what the bytes of a file say, with every mistake. `file` is its path in mistakes, `name` what
    the prompt is called."""
    if len(data) > MAX_FILE_BYTES:
        return _wrong(_at(file, f"the file is larger than {MAX_FILE_BYTES // 1024} KiB"))
    text, undecoded = decode(data, file)
    if text is None:
        return _wrong(*undecoded)
    front, missing, body = split_front(text, file, "`description`")
    if front is None and not body:
        return _wrong(missing if text.strip() else _at(file, "the file is empty"))
    said, problems = _said(front, file) if front is not None else (_Front(), [])
    if not re.fullmatch(PROMPT_PATTERN, name):
        problems.append(
            _at(
                file,
                f"{shorten(sanitize_line(name), 80)!r} cannot be a prompt's name",
                hint="call the file by small letters, digits, - and _, at most 64 of them",
            )
        )
    if not body.strip():
        problems.append(_at(file, "there is no text below the front matter"))
    elif len(body) > MAX_TEXT_CHARS:
        problems.append(_at(file, f"the text has more than {MAX_TEXT_CHARS} characters"))
    if problems:
        return PromptFile(PromptTemplate(description=said.description, text=""), tuple(in_order(problems)))
    fields = {name: getattr(said, name) for name in _Front.model_fields}
    return PromptFile(PromptTemplate(**fields, text=body.strip()))


def mistakes_error(problems: tuple[Diagnostic, ...]) -> InvalidError:
    """Returns the error of a file with mistakes."""
    return file_mistakes(problems, code="invalid_prompt")


def written(template: PromptTemplate) -> str:
    """Returns the Markdown that says what a template says."""
    said = template.model_dump(mode="json", include=set(_Front.model_fields), exclude_defaults=True)
    text = template.text.strip() + "\n"
    if not said and not text.startswith("---"):
        return text
    # Wide lines: a folded text would be read with other line ends than it has.
    front = yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=MAX_FRONT_BYTES) if said else ""
    return f"---\n{front}---\n{text}"


def _said(front: str, file: str) -> tuple[_Front, list[Diagnostic]]:
    if len(front.encode()) > MAX_FRONT_BYTES:
        return _Front(), [_at(file, f"the front matter is larger than {MAX_FRONT_BYTES // 1024} KiB")]
    if not front.strip():
        return _Front(), []
    document, problems = compose(front, file)
    if document is None:
        return _Front(), list(problems)
    value, more = validate(_Front, document)
    return value or _Front(), [*problems, *more]


def _wrong(*problems: Diagnostic) -> PromptFile:
    return PromptFile(PromptTemplate(text=""), problems)


def _at(file: str, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(file=file, line=1, column=1, key_path="", message=message, hint=hint)
