"""`SKILL.md`: front matter in YAML between two lines of `---`, and below it the instructions.

    ---
    name: minutes
    description: Writes the minutes of a meeting. Use it for notes and transcripts of meetings.
    ---
    # Minutes …

Mistakes name the line and the column of the file, as those of agents do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from holdfast.core.config.front import split_front
from holdfast.core.config.nodes import Document, Plain, compose
from holdfast.core.config.yaml import decode, in_order, validate
from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.skills import SkillName
from holdfast.core.domain.text import sanitize_line, without_unseen

SKILL_FILE = "SKILL.md"
MAX_TEXT_BYTES = 256 * 1024
"""Longest `SKILL.md`: it is given to a model as a whole."""
MAX_FRONT_BYTES = 16 * 1024
"""Longest front matter: that of every skill is parsed whenever a run begins."""


class _Front(BaseModel):
    """What the front matter must say; other keys are somebody else's, and stay."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: SkillName
    description: str = Field(min_length=1, max_length=1024)
    license: str | None = None
    compatibility: str | None = Field(default=None, max_length=500)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SkillText:
    """What one `SKILL.md` says."""

    name: str
    """Empty when the file gives none."""
    description: str
    """On one line."""
    more: dict[str, Any]
    problems: tuple[Diagnostic, ...]


def parse_skill(data: bytes, file: str, folder: str | None = None) -> SkillText:
    """Returns what the bytes of a `SKILL.md` say, with every mistake. `file` is its name in mistakes;
    `folder`, where it stands in one, is what the skill must be called."""
    if len(data) > MAX_TEXT_BYTES:
        return _wrong(_at(file, 1, f"the file is larger than {MAX_TEXT_BYTES // 1024} KiB"))
    text, undecoded = decode(data, file)
    if text is None:
        return _wrong(*undecoded)
    front, missing, _ = split_front(text, file, "`name` and `description`")
    if front is None:
        return _wrong(missing)
    if len(front.encode()) > MAX_FRONT_BYTES:
        return _wrong(_at(file, 1, f"the front matter is larger than {MAX_FRONT_BYTES // 1024} KiB"))
    document, problems = compose(front, file)
    if document is None:
        return _wrong(*problems)
    _, more = validate(_Front, document)
    found = in_order([*problems, *more, *_meaning(document, folder)])
    values = document.root.value if isinstance(document.root.value, dict) else {}
    return SkillText(
        name=_text(values.get("name")),
        description=sanitize_line(without_unseen(_text(values.get("description")))).strip(),
        more={key: _json(each) for key, each in values.items() if key not in ("name", "description")},
        problems=tuple(found),
    )


def _meaning(document: Document, folder: str | None) -> list[Diagnostic]:
    if not isinstance(document.root.value, dict):
        return []
    found = []
    description = document.root.value.get("description")
    if isinstance(description, str) and description and not description.strip():
        found.append(document.mistake(("description",), "the description is empty"))
    name = document.root.value.get("name")
    if folder is not None and isinstance(name, str) and name != folder:
        found.append(
            document.mistake(
                ("name",),
                "the skill is not called as its folder is",
                expected=sanitize_line(folder)[:100],
                hint="rename the folder, or change the name",
            )
        )
    return found


def _json(value: Plain) -> Plain:
    """Returns `value` as JSON has it, which knows no endless numbers."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case list():
            return [_json(each) for each in value]
        case dict():
            return {key: _json(each) for key, each in value.items()}
        case _:
            return value


def _text(value: Plain) -> str:
    return value if isinstance(value, str) else ""


def _wrong(*problems: Diagnostic) -> SkillText:
    return SkillText("", "", {}, problems)


def _at(file: str, line: int, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(file=file, line=line, column=1, key_path="", message=message, hint=hint)
