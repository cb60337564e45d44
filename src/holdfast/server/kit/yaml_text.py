"""YAML that clients send, read within the limits of our own files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from holdfast.core.config.nodes import Document, compose
from holdfast.core.domain.errors import Diagnostic


@dataclass(frozen=True, slots=True)
class YamlText:
    """A text as plain data whose places are known."""

    value: Any
    problem: Diagnostic | None
    """The first mistake in it as YAML; there is no value then."""
    document: Document | None = None

    def place(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Returns line and column, from 1, of what stands at `path`, or of what it would stand in."""
        if self.document is None:
            return 1, 1
        found = self.document.position(tuple(path))
        return found.line, found.column


def read_yaml(text: str) -> YamlText:
    """Returns what a text holds."""
    document, problems = compose(text, "")
    if document is None or problems:
        return YamlText(None, problems[0] if problems else None)
    return YamlText(document.root.value, None, document)


def yaml_text(value: Any) -> str:
    """Returns plain data as YAML, in its own order."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
