"""What Powabase's Agents API looks like on the wire, by its documentation (docs.powabase.ai)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Wire(BaseModel):
    """A message: fields that are not known are ignored when it is read."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Health(Wire):
    status: str
