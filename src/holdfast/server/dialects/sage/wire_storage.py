"""Sage's JSON of stored files."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from holdfast.server.dialects.sage.wire import Said, Sent


class UrlBody(Sent):
    url: Annotated[str, Field(min_length=1, max_length=2_000)]


class WorkspaceFile(Sent):
    """A file of an agent's."""

    agent_id: Annotated[str, Field(min_length=1, max_length=200)]
    filename: Annotated[str, Field(min_length=1, max_length=1_000)]


class Stored(Said):
    """Where a file is fetched from, without a login."""

    url: str


class StoredFile(Stored):
    filename: str
