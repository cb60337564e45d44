"""The base of every domain type, and the two facts each of them needs: an id and a time."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value that refuses keys it does not know. Everything in the domain is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def new_id() -> str:
    """Returns a new UUID as text; the id of every object is one of these."""
    return str(uuid.uuid4())


def utc_now() -> datetime:
    """Returns the present as an aware datetime in UTC."""
    return datetime.now(UTC)
