"""Errors of runs that several of their owners' methods speak of."""

from __future__ import annotations

from holdfast.core.domain.errors import BudgetSpent, ConflictError, ErrorInfo, ErrorKind, HoldfastError
from holdfast.core.domain.runs import Session


def busy_session(message: str) -> ConflictError:
    """Returns the error of a session in which something else goes on."""
    return ConflictError(message, code="busy", retryable=True)


def refuse_child(session: Session) -> None:
    """Raises `ConflictError` (`child_session`) for the session of a sub-agent: it goes on with the one that
    it belongs to, and by nothing else."""
    if session.child_of is not None:
        raise ConflictError(
            "A sub-agent has worked in this session for another one, and it takes nothing else. Go on in "
            f"that one: {session.child_of.root_id}.",
            code="child_session",
            details={"session_id": session.child_of.root_id},
        )


def engine_stopping() -> ConflictError:
    """Returns the error of what would begin while the engine ends."""
    return ConflictError(
        "The engine is stopping and starts nothing more; try again in a moment.",
        code="engine_stopping",
        retryable=True,
    )


def unpaid(error: HoldfastError) -> bool:
    """Says whether it is about who pays: the budget of another one may have room."""
    return isinstance(error, BudgetSpent) or error.code in ("unpriced_model", "cost_unknown")


def bug(reference: str) -> ErrorInfo:
    """Returns what people see of a run that a mistake of Holdfast's own has ended."""
    return ErrorInfo(
        kind=ErrorKind.INTERNAL,
        code="internal",
        message=f"Holdfast has a bug here. The engine's log has the details under {reference}.",
        details={"reference": reference},
    )
