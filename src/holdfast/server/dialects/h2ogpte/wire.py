"""What h2oGPTe's API looks like on the wire, by its guide and its OpenAPI document: what all parts share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """A message: fields that are not known are ignored when it is read."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class PageQuery(Wire):
    """Which part of a list is wanted."""

    offset: int = Field(0, ge=0)
    limit: int = Field(100, ge=0)


class Count(Wire):
    count: int


class UploadedFile(Wire):
    """A file that waits to be taken in."""

    id: str
    filename: str
