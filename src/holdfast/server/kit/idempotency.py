"""`Idempotency-Key`: a request that is sent again, because its answer was lost, is not done again."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.domain.errors import ErrorKind, HoldfastError, InvalidError
from holdfast.core.domain.idempotency import KeptAnswer, KeptAnswers, KeyedRequest
from holdfast.server.kit.errors import Render, error_response

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
"""Stands, with the value `true`, in an answer that was given before."""

LONGEST_KEY = 255

_NOT_KEPT = (
    ErrorKind.UNAUTHENTICATED,
    ErrorKind.FORBIDDEN,
    ErrorKind.RATE_LIMITED,
    ErrorKind.INTERNAL,
    ErrorKind.UNSUPPORTED,
    ErrorKind.UPSTREAM,
    ErrorKind.UNAVAILABLE,
    ErrorKind.TIMEOUT,
)
"""They say something of the moment, or of the caller's rights, and not of what was asked."""


def idempotency_key(request: Request) -> str | None:
    """Returns the key that a request was sent with. Raises `InvalidError` for what is none."""
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    key = given[0]
    visible = all("!" <= character <= "~" for character in key)
    if len(given) > 1 or not 1 <= len(key) <= LONGEST_KEY or not visible:
        raise InvalidError(
            f"{HEADER}: must be one key of 1 to {LONGEST_KEY} visible ASCII characters",
            code="invalid_idempotency_key",
        )
    return key


def refuse_key(request: Request) -> None:
    """Raises `InvalidError` when a request has a key whose answer cannot be kept, for it has a secret."""
    if HEADER in request.headers:
        raise InvalidError(
            f"{HEADER}: is not taken here, for the answer has a secret and so is not kept; when it was lost, "
            "revoke what was made and ask again.",
            code="idempotency_not_possible",
        )


def digest(parts: Iterable[tuple[str, str]], body: bytes) -> str:
    """Returns the digest of all that a request says: parameters of its path and query, and its body."""
    found = hashlib.sha256()
    for part in parts:
        for text in part:
            found.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    found.update(hashlib.sha256(body).digest())
    return found.hexdigest()


async def answer_once(
    answers: KeptAnswers,
    request: KeyedRequest,
    request_id: str,
    answer: Callable[[], Awaitable[Response]],
    render: Render = error_response,
) -> Response:
    """Returns the answer that was given before, or that of `answer`, which is called if there is none.

    Kept are successes and what the request itself has made fail, which `render` says. Raises `ConflictError`
    as `KeptAnswers.claim` does.
    """
    before = await answers.claim(request)
    if before is not None:
        kind = "application/json" if before.body else None
        return Response(before.body, before.status, {REPLAYED: "true"}, media_type=kind)
    async with _Claim(answers, request) as claim:
        try:
            response = await answer()
        except HoldfastError as error:
            response = render(error.info, request_id)
            if not error.retryable and error.kind not in _NOT_KEPT:
                claim.answer = KeptAnswer(response.status_code, bytes(response.body))
        else:
            claim.answer = KeptAnswer(response.status_code, bytes(response.body))
    return response


class _Claim:
    """A key in use. At its end the answer is kept, or the key is free again.

    When the request is cancelled, nobody knows what became of it: the key stays in use.
    """

    def __init__(self, answers: KeptAnswers, request: KeyedRequest) -> None:
        self._answers = answers
        self._request = request
        self.answer: KeptAnswer | None = None

    async def __aenter__(self) -> _Claim:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not issubclass(kind, Exception):
            return
        if self.answer is not None:
            await self._answers.keep(self._request, self.answer)
        else:
            await self._answers.release(self._request)
