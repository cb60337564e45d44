"""The formats of webhooks that there are. Each is loaded when there is a webhook of it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from holdfast.core.domain.webhook_formats import WebhookFormat

_PLACES: Mapping[str, str] = {
    "a2a": "holdfast.server.a2a.push_format",
    "dexto": "holdfast.server.dialects.dexto.webhook_format",
}
"""By their names, the modules that have them as `FORMAT`."""


def format_of(name: str) -> WebhookFormat | None:
    """Returns the format of a name; None where there is none."""
    if name not in _PLACES:
        return None
    found: WebhookFormat = importlib.import_module(_PLACES[name]).FORMAT
    return found
