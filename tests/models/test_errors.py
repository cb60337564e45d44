"""The translation of errors that the fake server cannot make, and the texts that never show a key."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from holdfast.core.domain.errors import (
    ContextTooLong,
    ModelAuthError,
    ModelRateLimited,
    ModelRequestRefused,
    ModelStreamCut,
    ModelUnavailable,
    from_info,
)
from holdfast.core.domain.models import MOST_TOKENS, UsageReport
from holdfast.core.domain.values import utc_now
from holdfast.core.models.errors import MAX_QUOTE, retry_after, scrub, translate


class StatusError(Exception):
    def __init__(self, message: str, status_code: int | None = None, headers=None) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.litellm_response_headers = headers


class MidStreamFallbackError(StatusError):
    original_exception = None
    generated_content = ""


class Timeout(StatusError):
    pass


def ours(error: Exception):
    return translate(error, model="openai/x", provider="openai", secrets=("secret-value",))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (StatusError("prompt is too long: 210000 tokens > 200000 maximum", 400), ContextTooLong),
        (StatusError("The input exceeds the maximum number of tokens allowed", 400), ContextTooLong),
        (StatusError("Request too large: context limit", 413), ContextTooLong),
        (StatusError("tool schema is invalid", 400), ModelRequestRefused),
        (StatusError("payment needed", 402), ModelRequestRefused),
        (StatusError("no", 403), ModelAuthError),
        (StatusError("slow down", 429), ModelRateLimited),
        (StatusError("overloaded", 529), ModelUnavailable),
        (StatusError("Connection error.", 500), ModelUnavailable),
        (Timeout("too slow", 408), ModelUnavailable),
        (MidStreamFallbackError("peer closed", 503), ModelStreamCut),
        (ConnectionResetError("reset by peer"), ModelUnavailable),
        (ValueError("not JSON"), ModelUnavailable),
        (StatusError("No module named 'mcp'", 500), ModelRequestRefused),
    ],
)
def test_an_exception_becomes_the_error_that_says_what_it_means(error, expected):
    assert type(ours(error)) is expected


def test_a_rate_limit_inside_a_stream_stays_a_rate_limit():
    error = MidStreamFallbackError("limited", 429)
    error.original_exception = StatusError("limited", 429, {"Retry-After": "3"})
    found = ours(error)
    assert isinstance(found, ModelRateLimited)
    assert found.retry_after_s == 3.0


def test_a_rate_limit_keeps_its_wait_as_data():
    found = ours(StatusError("slow down", 429, {"retry-after-ms": "1500"}))
    again = from_info(found.info)
    assert isinstance(again, ModelRateLimited)
    assert again.retry_after_s == 1.5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"Retry-After": "999999"}, 3600.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers, seconds):
    assert retry_after(headers) == seconds


def test_retry_after_may_be_a_date():
    when = format_datetime(utc_now() + timedelta(seconds=30), usegmt=True)
    assert retry_after({"Retry-After": when}) == pytest.approx(30, abs=3)
    assert retry_after({"Retry-After": format_datetime(utc_now() - timedelta(days=1), usegmt=True)}) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "the key secret-value is wrong",
        "Authorization: Bearer abcdef0123456789",
        "Incorrect API key provided: sk-proj-abcdefghijkl",
        "sk-ant-api03-abcdefghijklmnop is invalid",
        "AIzaSyA1234567890abcdefghijklmnopqrstu refused",
        "gsk_abcdefghijklmnop",
        "proxy http://user:hunter2@proxy:3128 failed",
    ],
)
def test_scrubbed_text_holds_no_key(text):
    found = scrub(text, ("secret-value",))
    for part in ("secret-value", "abcdef0123456789", "abcdefghijkl", "1234567890", "hunter2"):
        assert part not in found


def test_scrubbed_text_is_one_short_line_without_escapes():
    found = scrub("a\x1b[31mred\nline " + "x" * 1000)
    assert "\x1b" not in found and "\n" not in found
    assert len(found) <= MAX_QUOTE


def test_what_a_server_says_of_tokens_stays_in_bounds() -> None:
    said = {"input_tokens": 2**70, "output_tokens": -5, "cached_tokens": 7}
    found = UsageReport.model_validate(said)
    assert (found.input_tokens, found.output_tokens, found.cached_tokens) == (MOST_TOKENS, 0, 7)
