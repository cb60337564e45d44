"""The formats of webhooks, by their names."""

from __future__ import annotations

import pytest

from holdfast.server.formats import format_of


@pytest.mark.parametrize("name", ["a2a", "dexto"])
def test_a_format_is_found_by_its_name(name: str) -> None:
    format = format_of(name)
    assert format is not None
    assert format.retries.attempts > 1


def test_what_is_no_format_is_none() -> None:
    assert format_of("") is None
    assert format_of("os") is None
