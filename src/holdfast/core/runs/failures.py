"""Errors of runs that several of their owners' methods speak of."""

from __future__ import annotations

from holdfast.core.domain.errors import ConflictError, ErrorInfo, ErrorKind


def busy_session(message: str) -> ConflictError:
    """Returns the error of a session in which something else goes on."""
    return ConflictError(message, code="busy", retryable=True)


def engine_stopping() -> ConflictError:
    """Returns the error of what would begin while the engine ends."""
    return ConflictError(
        "The engine is stopping and starts nothing more; try again in a moment.",
        code="engine_stopping",
        retryable=True,
    )


def bug(reference: str) -> ErrorInfo:
    """Returns what people see of a run that a mistake of Holdfast's own has ended."""
    return ErrorInfo(
        kind=ErrorKind.INTERNAL,
        code="internal",
        message=f"Holdfast has a bug here. The engine's log has the details under {reference}.",
        details={"reference": reference},
    )
