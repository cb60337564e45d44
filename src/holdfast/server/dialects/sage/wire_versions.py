"""Sage's JSON of versions of its desktop program, and what that program's updater reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from holdfast.core.domain.releases import MOST_ARTIFACTS, Version, WebUrl
from holdfast.server.dialects.sage.wire import Said, Sent

Platform = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class ArtifactBody(Sent):
    platform: Platform
    installer_url: WebUrl | None = None
    updater_url: WebUrl | None = None
    updater_signature: Annotated[str, Field(max_length=10_000)] | None = None


class VersionBody(Sent):
    """A version that is to be told of."""

    version: Version
    release_notes: Annotated[str, Field(max_length=100_000)]
    artifacts: Annotated[tuple[ArtifactBody, ...], Field(max_length=MOST_ARTIFACTS)]


class ArtifactRecord(Said):
    platform: str
    installer_url: str | None
    updater_url: str | None
    updater_signature: str | None


class VersionRecord(Said):
    """A version."""

    version: str
    release_notes: str
    pub_date: str
    artifacts: list[ArtifactRecord]


class Deleted(Said):
    success: bool


class Update(BaseModel):
    """What Tauri's updater is told of one platform."""

    model_config = ConfigDict(extra="forbid")

    url: str
    signature: str


class Updates(BaseModel):
    """What Tauri's updater is told: no envelope is around it."""

    model_config = ConfigDict(extra="forbid")

    version: str
    notes: str
    pub_date: str
    platforms: dict[str, Update]
