"""What is typed to find sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.search import FILTERS, MAX_WORDS, parsed

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_filters_are_taken_out_of_the_words() -> None:
    query = parsed('sales agent:coder "last quarter" project:work is:starred role:you oslo', now=NOON)
    assert (query.words, query.phrases) == (("sales", "oslo"), ("last quarter",))
    assert (query.agents, query.projects, query.starred, query.role) == (("coder",), ("work",), True, "user")
    assert query.archived == "no"


def test_times_are_said_as_spans_days_and_dates() -> None:
    assert parsed("since:7d", now=NOON).since == NOON - timedelta(days=7)
    assert parsed("until:12h", now=NOON).until == NOON - timedelta(hours=12)
    here = NOON.astimezone()
    today = here.replace(hour=0)
    assert parsed("since:today", now=NOON).since == today
    assert parsed("since:yesterday", now=NOON).since == today - timedelta(days=1)
    assert parsed("since:9999y", now=NOON).since == datetime(1970, 1, 1, tzinfo=UTC)
    assert parsed("since:0001-01-01 until:9999-12-31", now=NOON.astimezone()).since is not None
    date = parsed("since:2026-11-01", now=NOON).since
    assert date is not None
    assert date.astimezone().date().isoformat() == "2026-11-01"


@pytest.mark.parametrize(
    "text", ["since:banana", "is:red", "archived:perhaps", "role:judge", "until:2026-13-01"]
)
def test_what_a_filter_does_not_know_is_told_with_what_it_knows(text: str) -> None:
    with pytest.raises(InvalidError, match="is not understood; write") as caught:
        parsed(text)
    assert caught.value.code == "invalid_search"


def test_an_unknown_name_before_a_colon_is_a_word() -> None:
    assert parsed("https://example.org foo:bar").words == ("https://example.org", "foo:bar")


def test_an_empty_filter_and_open_quotes_hurt_nobody() -> None:
    query = parsed('agent: "open quot')
    assert (query.agents, query.words, query.phrases) == ((), (), ("open quot",))
    assert parsed('agent:"my agent"').agents == ("my agent",)


@given(st.text(max_size=3_000))
def test_every_text_is_a_query_or_a_mistake_that_is_told(text: str) -> None:
    try:
        query = parsed(text, now=NOON)
    except InvalidError as error:
        assert any(f"{name}:" in error.message for name in FILTERS)
        return
    assert len(query.texts) <= MAX_WORDS
    assert not any('"' in phrase or "\0" in phrase for phrase in query.phrases)
