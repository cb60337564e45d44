"""Every error that a person or a program can meet.

    HoldfastError
    ├── InvalidError          the input is wrong; the message says where and what was expected
    │   ├── AgentFileError    one agent file, with a diagnostic for each mistake
    │   └── ScriptFailed      an agent's script, with its line
    ├── UnauthenticatedError
    ├── ForbiddenError        policy or permissions refuse it
    │   └── OutsideWorkspace  a path leads out of the workspace
    ├── NotFoundError
    ├── ConflictError         it exists already, is busy, or has changed meanwhile
    ├── TooLargeError
    ├── RateLimitedError      too many requests; it says how long to wait
    │   └── BudgetSpent       a budget is used up; it says which, and when there is more
    ├── UnsupportedError
    ├── UnavailableError      not reachable now; trying again may help
    │   ├── KnowledgeUnavailable  the index of documents, or Chroma
    │   └── SandboxRequired   programs may run confined only, and cannot be
    ├── DeadlineError         a time limit ran out
    ├── StoreError            the database or the disk
    │   └── StoreTooNew       the database was written by a newer version
    ├── ToolError             what a tool tells the model instead of a result
    ├── UpstreamError         a server that people sign in at has not said who somebody is
    └── ModelError            what a model provider answered, in our words
        ├── ModelAuthError
        ├── ModelRateLimited
        ├── ModelNotFound
        ├── ModelRequestRefused
        ├── ContextTooLong
        ├── ModelUnavailable
        └── ModelStreamCut

`kind` maps to an HTTP status in one table, `STATUS`; `code` is stable and may be relied on; the message
says what went wrong and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from holdfast.core.domain.values import Value


class ErrorKind(StrEnum):
    """What sort of error it is; decides the HTTP status and whether asking again can help."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    INTERNAL = "internal"
    UNSUPPORTED = "unsupported"
    UPSTREAM = "upstream"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"


STATUS: dict[ErrorKind, int] = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.INTERNAL: 500,
    ErrorKind.UNSUPPORTED: 501,
    ErrorKind.UPSTREAM: 502,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.TIMEOUT: 504,
}


class ErrorInfo(Value):
    """An error as data: in events, in HTTP bodies and across processes."""

    kind: ErrorKind
    code: str
    message: str
    details: dict[str, Any] = Field(default_factory=dict)
    retryable: bool = False


class HoldfastError(Exception):
    """The root. A subclass sets `kind` and a default `code`; the message is for a person."""

    kind: ClassVar[ErrorKind] = ErrorKind.INTERNAL
    default_code: ClassVar[str] = "internal"
    default_retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: dict[str, Any] | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.details = details or {}
        self.retryable = self.default_retryable if retryable is None else retryable

    @property
    def info(self) -> ErrorInfo:
        """The error as data."""
        return ErrorInfo(
            kind=self.kind,
            code=self.code,
            message=self.message,
            details=self.details,
            retryable=self.retryable,
        )


class InvalidError(HoldfastError):
    """The input is wrong; the message says where and what was expected."""

    kind = ErrorKind.INVALID
    default_code = "invalid"


class Diagnostic(Value):
    """One mistake in a YAML file: where it is, what was expected, and the nearest valid key."""

    file: str
    line: int
    """From 1."""
    column: int
    """From 1."""
    key_path: str
    """Dotted, with indexes, for example `approvals.allow[2]`; empty for the whole file."""
    message: str
    expected: str = ""
    hint: str = ""
    warning: bool = False
    """Whether the file is valid all the same: what stands there has no effect."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        path = f" {self.key_path}:" if self.key_path else ""
        expected = f" (expected {self.expected})" if self.expected else ""
        apart = " " if expected or self.message.endswith((".", "?", "!")) else "; "
        hint = f"{apart}{self.hint}" if self.hint else ""
        path += " warning:" if self.warning else ""
        return f"{where}:{path} {self.message}{expected}{hint}"


class AgentFileError(InvalidError):
    """An agent file has mistakes; each is a diagnostic with its place."""

    default_code = "invalid_agent"

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__(
            "\n".join(str(d) for d in diagnostics),
            details={"diagnostics": [d.model_dump() for d in diagnostics]},
        )
        self.diagnostics = diagnostics


def file_mistakes(problems: Iterable[Diagnostic], *, code: str) -> InvalidError:
    """Returns the error of a file with mistakes, each told with its place."""
    told = tuple(problems)
    return InvalidError(
        "\n".join(map(str, told)),
        code=code,
        details={"diagnostics": [problem.model_dump() for problem in told]},
    )


class ScriptFailed(InvalidError):
    """An agent's script failed; `details.line` says where, where that is known, and `details.query` whether
    by a query that it did not handle."""

    default_code = "script_failed"


class UnauthenticatedError(HoldfastError):
    """Nobody has said who is asking."""

    kind = ErrorKind.UNAUTHENTICATED
    default_code = "unauthenticated"


class ForbiddenError(HoldfastError):
    """Policy or permissions refuse it."""

    kind = ErrorKind.FORBIDDEN
    default_code = "forbidden"


class OutsideWorkspace(ForbiddenError):
    """A path leads out of the workspace."""

    default_code = "outside_workspace"


class NotFoundError(HoldfastError):
    """What was named does not exist."""

    kind = ErrorKind.NOT_FOUND
    default_code = "not_found"


class ConflictError(HoldfastError):
    """It exists already, is busy, or has changed meanwhile."""

    kind = ErrorKind.CONFLICT
    default_code = "conflict"


class TooLargeError(HoldfastError):
    """More bytes than are taken."""

    kind = ErrorKind.TOO_LARGE
    default_code = "too_large"


class RateLimitedError(HoldfastError):
    """Too many requests; `details.retry_after_s` says for how many seconds to wait."""

    kind = ErrorKind.RATE_LIMITED
    default_code = "rate_limited"
    default_retryable = True


class BudgetSpent(RateLimitedError):
    """Nothing is left of a budget; `details` says which, and `retryable` whether there is more by and by."""

    default_code = "budget_spent"
    default_retryable = False


class InsufficientCredits(BudgetSpent):
    """A user has no credits left for a model that costs some."""

    default_code = "insufficient_credits"


class UnsupportedError(HoldfastError):
    """It cannot be done here, whoever asks."""

    kind = ErrorKind.UNSUPPORTED
    default_code = "unsupported"


class UnavailableError(HoldfastError):
    """It cannot be reached now; trying again may help."""

    kind = ErrorKind.UNAVAILABLE
    default_code = "unavailable"
    default_retryable = True


class KnowledgeUnavailable(UnavailableError):
    """The index of documents cannot be reached or read: its process, its folder, Chroma's server."""

    default_code = "knowledge_unavailable"


class SandboxRequired(UnavailableError):
    """Programs may run confined only, and nothing on this machine confines them."""

    default_code = "sandbox_required"
    default_retryable = False


class DeadlineError(HoldfastError):
    """A time limit ran out."""

    kind = ErrorKind.TIMEOUT
    default_code = "timeout"


class StoreError(HoldfastError):
    """The database or the disk failed."""

    kind = ErrorKind.UNAVAILABLE
    default_code = "store_unavailable"


class StoreTooNew(StoreError):
    """The database was written by a newer version."""

    kind = ErrorKind.CONFLICT
    default_code = "store_too_new"


class ToolError(HoldfastError):
    """Raised by a tool when it cannot do its work; the model sees the message as the result."""

    kind = ErrorKind.INVALID
    default_code = "tool_failed"


class UpstreamError(HoldfastError):
    """A server that people sign in at has not said who somebody is, or not so that it can be believed."""

    kind = ErrorKind.UPSTREAM
    default_code = "upstream_failed"


class ModelError(HoldfastError):
    """A model's provider failed; the subclasses say how."""

    kind = ErrorKind.UPSTREAM
    default_code = "model_failed"


class ModelAuthError(ModelError):
    """The provider's key is missing or was refused."""

    default_code = "model_auth"


class ModelRateLimited(ModelError):
    """The provider wants fewer calls; `retry_after_s` is its own word on when, in seconds."""

    kind = ErrorKind.RATE_LIMITED
    default_code = "model_rate_limited"
    default_retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after_s = retry_after_s


class ModelNotFound(ModelError):
    """There is no such model, or no such provider."""

    kind = ErrorKind.NOT_FOUND
    default_code = "model_not_found"


class ModelRequestRefused(ModelError):
    """The provider refused the request itself (400, content policy); trying again does not help."""

    kind = ErrorKind.INVALID
    default_code = "model_request_refused"


class ContextTooLong(ModelError):
    """The conversation does not fit into the model's window."""

    kind = ErrorKind.TOO_LARGE
    default_code = "context_too_long"


class ModelUnavailable(ModelError):
    """No connection, a 5xx, or a time-out."""

    kind = ErrorKind.UNAVAILABLE
    default_code = "model_unavailable"
    default_retryable = True


class ModelStreamCut(ModelError):
    """The stream ended without a finish reason: what came before is kept."""

    default_code = "model_stream_cut"
    default_retryable = True


def from_info(info: ErrorInfo) -> HoldfastError:
    """Returns the exception that `info` describes; the most specific class with the same code."""
    by_code = {cls.default_code: cls for cls in _all_errors()}
    cls = by_code.get(info.code) or next(
        (c for c in HoldfastError.__subclasses__() if c.kind == info.kind), HoldfastError
    )
    error = cls.__new__(cls)
    HoldfastError.__init__(
        error, info.message, code=info.code, details=info.details, retryable=info.retryable
    )
    if isinstance(error, AgentFileError):
        error.diagnostics = [Diagnostic.model_validate(d) for d in info.details.get("diagnostics", [])]
    if isinstance(error, ModelRateLimited):
        error.retry_after_s = info.details.get("retry_after_s")
    return error


def _all_errors() -> list[type[HoldfastError]]:
    found: list[type[HoldfastError]] = []
    pending = [HoldfastError]
    while pending:
        cls = pending.pop()
        found.append(cls)
        pending.extend(cls.__subclasses__())
    return found
