"""Secrets never leave, in whatever pieces a text comes."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.core.identity.redaction import MASK, Redactor, StreamRedactor

KEY = "sk-proj-0123456789abcdef"

# Few letters, so that secrets overlap, repeat and begin inside one another.
LETTERS = st.text(alphabet="ab", min_size=8, max_size=14)
SECRETS = st.lists(LETTERS | st.just(KEY) | st.text(max_size=12), max_size=4)
TEXT = st.lists(st.text(alphabet="ab ", max_size=12) | st.just(KEY) | st.text(max_size=6), max_size=8).map(
    "".join
)


def redactor(*secrets: str) -> Redactor:
    return Redactor(lambda: secrets)


def streamed(secrets: tuple[str, ...], pieces: list[str]) -> str:
    stream = StreamRedactor(redactor(*secrets))
    return "".join([*(stream.feed(piece) for piece in pieces), stream.flush()])


def test_a_secret_is_masked_wherever_it_stands() -> None:
    assert redactor(KEY).redact(f"a{KEY}{KEY}b") == f"a{MASK}{MASK}b"


def test_the_longer_of_two_that_begin_alike_is_masked_whole() -> None:
    assert redactor(KEY, KEY + "-more").redact(f"x {KEY}-more y") == f"x {MASK} y"


def test_short_secrets_are_left_alone() -> None:
    assert redactor("1234567", "").redact("1234567") == "1234567"
    assert redactor("12345678").redact("12345678") == MASK


def test_characters_of_regular_expressions_are_only_characters() -> None:
    assert redactor("a.c*e(g)[").redact("aXc*e(g)[ a.c*e(g)[") == f"aXc*e(g)[ {MASK}"


def test_a_secret_inside_json_or_an_address_is_masked_too() -> None:
    secret = 'päss"wörd/1\\2'
    both = redactor(secret)
    assert both.redact(json.dumps({"k": secret})) == f'{{"k": "{MASK}"}}'
    assert both.redact(json.dumps({"k": secret}, ensure_ascii=False)) == f'{{"k": "{MASK}"}}'
    assert both.redact(f"https://x/?k={quote(secret, safe='')}&z") == f"https://x/?k={MASK}&z"


def test_a_new_secret_counts_at_once() -> None:
    secrets: list[str] = []
    live = Redactor(lambda: secrets)
    assert live.redact(KEY) == KEY
    secrets.append(KEY)
    assert live.redact(KEY) == MASK


def test_a_stream_holds_back_only_what_may_begin_a_secret() -> None:
    stream = StreamRedactor(redactor(KEY))
    assert stream.feed("hello ") == "hello "
    assert stream.feed("it is sk-pr") == "it is "
    assert stream.feed("oblem") == "sk-problem"
    assert stream.feed(KEY[:10]) == ""
    assert stream.feed(KEY[10:] + "!") == f"{MASK}!"
    assert stream.feed("sk-") == ""
    assert stream.flush() == "sk-"
    assert stream.flush() == ""


def test_a_secret_that_begins_a_longer_one_waits_for_it() -> None:
    longer = KEY + "-more"
    assert streamed((KEY, longer), list(f"{longer}!")) == f"{MASK}!"
    assert streamed((KEY, longer), [KEY, "-mo", "on"]) == f"{MASK}-moon"


def test_a_secret_in_single_characters_is_masked() -> None:
    assert streamed((KEY,), list(f"<{KEY}>")) == f"<{MASK}>"


@given(SECRETS.map(tuple), TEXT, st.lists(st.integers(0, 100), max_size=12))
@example(("abababab", "babababaab"), "ababababababaab", [3, 9])
def test_any_split_of_a_text_gives_the_text_redacted(
    secrets: tuple[str, ...], text: str, cuts: list[int]
) -> None:
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    assert streamed(secrets, pieces) == redactor(*secrets).redact(text)


@given(SECRETS.map(tuple), TEXT)
def test_no_secret_is_left_in_a_redacted_text(secrets: tuple[str, ...], text: str) -> None:
    rest = redactor(*secrets).redact(text).split(MASK)
    for secret in secrets:
        if len(secret) >= 8:
            assert all(secret not in part for part in rest)


@given(SECRETS.map(tuple), TEXT)
def test_what_a_stream_shows_early_holds_no_secret(secrets: tuple[str, ...], text: str) -> None:
    stream = StreamRedactor(redactor(*secrets))
    shown = ""
    for character in text:
        shown += stream.feed(character)
        assert redactor(*secrets).redact(text).startswith(shown)


@given(TEXT)
def test_without_secrets_a_text_stays_as_it_is(text: str) -> None:
    assert redactor().redact(text) == text
    assert streamed((), list(text)) == text


@pytest.mark.thorough
def test_a_secret_of_a_hundred_thousand_characters_takes_no_more_room_than_it_is_long() -> None:
    secret = "".join(str(n) for n in range(25_000))
    tracemalloc.start()
    try:
        stream = StreamRedactor(Redactor(lambda: [secret]))
        shown = stream.feed(f"a {secret[:50_000]}") + stream.feed(f"{secret[50_000:]} b") + stream.flush()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert shown == f"a {MASK} b"
    assert most < 200 * len(secret)
