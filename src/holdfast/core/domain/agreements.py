"""What users agree to before they use certain things."""

from __future__ import annotations

from pydantic import AwareDatetime

from holdfast.core.domain.values import Value

DECENTRALIZED = "decentralized-inference"
"""The agreement on models that others' machines run: asked for where an agent of that plan is made."""


class Agreement(Value):
    """An agreement as a user stands to it."""

    name: str
    title: str
    """What people are shown."""
    text: str
    """All of it: what was accepted, else what there is to accept. Markdown."""
    accepted_at: AwareDatetime | None = None
    """When the user has accepted it; None: not yet."""
