"""Errors in the protocol's words: a JSON-RPC error whose message says what went wrong and what to do."""

from __future__ import annotations

from acp import RequestError

from holdfast.core.domain.errors import ErrorInfo, ErrorKind, HoldfastError

INTERNAL = -32603
_CODES = {
    ErrorKind.INVALID: -32602,
    ErrorKind.UNSUPPORTED: -32602,
    ErrorKind.TOO_LARGE: -32602,
    ErrorKind.NOT_FOUND: -32002,
    ErrorKind.UNAUTHENTICATED: -32000,
}


def request_error(error: HoldfastError | ErrorInfo) -> RequestError:
    """Returns the error for the editor, with our own stable code in its data."""
    info = error.info if isinstance(error, HoldfastError) else error
    data = {"code": info.code, "kind": str(info.kind), "details": info.details, "retryable": info.retryable}
    return RequestError(_CODES.get(info.kind, INTERNAL), info.message, data)
