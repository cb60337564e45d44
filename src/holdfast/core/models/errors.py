"""What goes wrong at a model provider, in our words: the only place that translates its exceptions.

Exceptions are told apart by status and class name, so that this module needs neither `litellm` nor
`openai`. Two traps of LiteLLM decide the order: everything that breaks inside a stream is a subclass of
its 503, and a refused connection is a 500 with the text "Connection error.".
No key is ever part of a message: the one in use is removed by value, others by their look.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from holdfast.core.domain.errors import (
    ContextTooLong,
    ModelAuthError,
    ModelError,
    ModelNotFound,
    ModelRateLimited,
    ModelRequestRefused,
    ModelStreamCut,
    ModelUnavailable,
)
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import utc_now
from holdfast.core.models.providers import key_hint

MAX_QUOTE = 400
"""Most characters of a provider's own words that a message quotes."""
MAX_RETRY_AFTER_S = 3600.0

_KEY_LIKE = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|key|hf|r8|AIza|tgp|fw|nvapi|csk|pplx)[-_][\w*.-]{6,}|AIza[\w-]{20,}"
    r"|(?i:bearer)\s+[\w.~+/=-]{6,}"
)
_URL_LOGIN = re.compile(r"(://)[^/\s@]+@")
_PREFIX = re.compile(r"\A(?:(?:litellm\.)?[A-Za-z]+(?:Error|Exception|Timeout):\s*|\w+Exception\s*-\s*)+")
_CONTEXT = re.compile(
    r"context.{0,12}(?:length|window|limit|size)|maximum context|(?:prompt|input) is too long"
    r"|too many (?:input )?tokens|exceeds? the (?:maximum|max) (?:number of )?(?:input )?tokens",
    re.IGNORECASE,
)
_MODULE = re.compile(r"No module named '([\w-]+)")
_AUTH_STATUS = frozenset({401, 403})
_REFUSED_NAMES = frozenset({"ContentPolicyViolationError", "RejectedRequestError", "UnsupportedParamsError"})
_TIMEOUT_NAMES = frozenset({"Timeout", "APITimeoutError", "TimeoutError", "ReadTimeout", "ConnectTimeout"})


def translate(
    error: BaseException, *, model: str, provider: str, secrets: tuple[str, ...] = ()
) -> ModelError:
    """Returns the `ModelError` for an exception of LiteLLM, openai or the transport beneath.

    `secrets` are the keys in use; they are removed from every text.
    """
    if isinstance(error, ModelError):
        return error
    names = {cls.__name__ for cls in type(error).__mro__}
    status = _status(error)
    words = _words(error, secrets)
    details: dict[str, object] = {"model": model, "provider": provider}
    if status is not None:
        details["status"] = status
    if "MidStreamFallbackError" in names:
        return _cut(error, model, words, details)
    if "ContextWindowExceededError" in names or (status in (400, 413) and _CONTEXT.search(words)):
        return ContextTooLong(f"The conversation is too long for {model}: {words}", details=details)
    if status in _AUTH_STATUS:
        # The provider's own words are left out: many quote a part of the key.
        return ModelAuthError(
            f"{provider or 'The provider'} refused the key for {model} ({status}): {key_hint(provider)}",
            details=details,
        )
    if status == 404:
        return ModelNotFound(f"{provider or 'The provider'} has no model {model}: {words}", details=details)
    if status == 429:
        return _rate_limited(error, model, words, details)
    if names & _TIMEOUT_NAMES or status == 408:
        return ModelUnavailable(f"{model} did not answer in time", details=details)
    if missing := _MODULE.search(words):
        return ModelRequestRefused(
            f"{model} needs a Python package that is not installed: `pip install {missing[1]}`",
            code="model_package_missing",
            details=details,
        )
    if names & _REFUSED_NAMES or (status is not None and 400 <= status < 500):
        return ModelRequestRefused(f"{model} refused the request: {words}", details=details)
    return _unavailable(error, model, words, details)


def scrub(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Returns `text` as one line, without keys and control characters, shortened."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[key]")
    text = _URL_LOGIN.sub(r"\1[login]@", _KEY_LIKE.sub("[key]", text))
    return shorten(" ".join(sanitize_line(text).split()), MAX_QUOTE)


def retry_after(headers: Mapping[str, str] | None) -> float | None:
    """Returns the seconds that `Retry-After` (seconds, milliseconds or a date) asks for, or None."""
    lower = {str(k).lower(): str(v) for k, v in (headers or {}).items()}
    milliseconds = lower.get("retry-after-ms")
    text = lower.get("retry-after")
    try:
        if milliseconds is not None:
            seconds = float(milliseconds) / 1000
        elif text is None:
            return None
        elif text.strip().replace(".", "", 1).isdigit():
            seconds = float(text)
        else:
            seconds = (parsedate_to_datetime(text) - utc_now()).total_seconds()
    except (ValueError, TypeError):  # not a number and not a date with a zone: as if it were not there
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _cut(error: BaseException, model: str, words: str, details: dict[str, object]) -> ModelError:
    original = getattr(error, "original_exception", None)
    status = _status(original) if original is not None else None
    if status == 429:
        return _rate_limited(original, model, words, details)
    details.pop("status", None)  # LiteLLM's own invention: the answer began with a 200
    details["received_chars"] = len(getattr(error, "generated_content", "") or "")
    return ModelStreamCut(f"The reply of {model} was cut off: {words}", details=details)


def _rate_limited(
    error: BaseException | None, model: str, words: str, details: dict[str, object]
) -> ModelRateLimited:
    headers = getattr(error, "litellm_response_headers", None)
    if headers is None:
        headers = getattr(getattr(error, "response", None), "headers", None)
    wait = retry_after(headers)
    if wait is not None:
        details["retry_after_s"] = wait
    return ModelRateLimited(
        f"{model} takes no more requests at the moment: {words}", retry_after_s=wait, details=details
    )


def _unavailable(
    error: BaseException, model: str, words: str, details: dict[str, object]
) -> ModelUnavailable:
    if (
        "Connection error" in words
        or isinstance(error, OSError)
        or "APIConnectionError" in type(error).__name__
    ):
        return ModelUnavailable(f"{model} cannot be reached: {words}", details=details)
    return ModelUnavailable(f"{model} failed at its provider: {words}", details=details)


def _status(error: BaseException | None) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _words(error: BaseException, secrets: tuple[str, ...]) -> str:
    original = getattr(error, "original_exception", None)
    text = str(getattr(original if original is not None else error, "message", "") or original or error)
    return _PREFIX.sub("", scrub(text, secrets)) or type(error).__name__
