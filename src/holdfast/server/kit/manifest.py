"""What a dialect has of its upstream: `compat.yaml` in its package, a row for each operation."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

Status = Literal["full", "partial", "stub", "unsupported"]
"""`full`: as its contract says; `partial`: but for what the reason says; `stub`: an answer of the right form
with nothing in it; `unsupported`: not there, or an error."""

SOCKET = "WEBSOCKET"
"""Stands as the method of what is no request."""

FILE = "compat.yaml"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Upstream(_Row):
    """The system whose API it is."""

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    contract: str = Field(min_length=1)
    """Where the API is described."""


class OperationRow(_Row):
    """An operation of the upstream."""

    id: str = Field(pattern=r"^\w+$")
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "WEBSOCKET"]
    path: str = Field(pattern=r"^/")
    """Parameters in braces, without their kinds."""
    status: Status
    reason: str = ""

    @model_validator(mode="after")
    def _has_reason(self) -> OperationRow:
        if self.status != "full" and not self.reason:
            raise ValueError(f"{self.id}: a reason must say what is missing")
        return self


class Manifest(_Row):
    """All operations of an upstream, and what there is of each."""

    upstream: Upstream
    operations: tuple[OperationRow, ...]

    @model_validator(mode="after")
    def _has_each_once(self) -> Manifest:
        counts = Counter(row.id for row in self.operations)
        counts += Counter(f"{row.method} {row.path}" for row in self.operations)
        if twice := [name for name, count in counts.items() if count > 1]:
            raise ValueError(f"there more than once: {', '.join(twice)}")
        return self


def read_manifest(package: str) -> Manifest:
    """Returns the manifest of a dialect's package. Raises `ValidationError`, `OSError`, `YAMLError`."""
    return parse_manifest(files(package).joinpath(FILE).read_text(encoding="utf-8"))


def parse_manifest(text: str) -> Manifest:
    """Returns the manifest that a text is. Raises `ValidationError`, `YAMLError`."""
    return Manifest.model_validate(yaml.safe_load(text))
