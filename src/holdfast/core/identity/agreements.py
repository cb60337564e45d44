"""The agreements that there are, with their texts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from holdfast.core.domain.agreements import DECENTRALIZED, Agreement

_TITLES = {DECENTRALIZED: "Decentralized Inference Agreement"}


@cache
def known_agreements() -> tuple[Agreement, ...]:
    """Returns every agreement as nobody has accepted it yet."""
    return tuple(Agreement(name=name, title=title, text=_text(name)) for name, title in _TITLES.items())


def _text(name: str) -> str:
    return Path(__file__).with_name(f"{name.replace('-', '_')}.md").read_text(encoding="utf-8")
