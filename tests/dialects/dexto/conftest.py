"""What tests of Dexto's API have beside what all dialects have."""

from __future__ import annotations

from tests.hooks.conftest import receiver

__all__ = ["receiver"]
