"""The port to models that make images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from holdfast.core.domain.models import UsageReport


@dataclass(frozen=True, slots=True)
class MadeImage:
    """An image as a model made it."""

    data: bytes
    """A PNG, JPEG, GIF or WebP file."""
    usage: UsageReport
    """What it took; `cost_usd` is None where no price is known."""


class ImageMaker(Protocol):
    """Models of providers that make images."""

    async def make_image(self, model: str, prompt: str, *, size: str | None = None) -> MadeImage:
        """Returns one image; `size` is WIDTHxHEIGHT in pixels, None: as the model likes. Raises
        `ModelError`."""
        ...
