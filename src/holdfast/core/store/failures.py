"""Runs that failed, by the provider of their model."""

from __future__ import annotations

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.health import ModelFailure
from holdfast.core.store.reader import Reader

LOOKED_AT = 200
"""So many of the latest failures are looked through."""


async def last_failures(reader: Reader, owner: str) -> tuple[ModelFailure, ...]:
    """Returns the last failed run of a user with each provider's models, the newest first."""
    rows = await reader.rows(
        "SELECT r.model, r.ended_at, r.error FROM runs r JOIN sessions s ON s.id = r.session_id"
        " WHERE s.owner = ? AND r.status = 'failed' AND r.model <> '' AND r.error IS NOT NULL"
        " ORDER BY r.last_event_id DESC LIMIT ?",
        (owner, LOOKED_AT),
    )
    found: dict[str, ModelFailure] = {}
    for row in rows:
        provider = row["model"].partition("/")[0]
        if provider not in found:
            message = ErrorInfo.model_validate_json(row["error"]).message
            found[provider] = ModelFailure(
                provider=provider, model=row["model"], at=row["ended_at"], message=message
            )
    return tuple(found.values())
