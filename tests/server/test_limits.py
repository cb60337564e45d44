"""Buckets of tokens, and what counts as one client."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain import token_buckets as buckets_module
from holdfast.core.domain.token_buckets import TokenBuckets
from holdfast.server.kit.limits import network_of


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_taken_at_once_and_then_one_has_to_wait() -> None:
    clock = Clock()
    buckets = TokenBuckets(2, 3, clock=clock)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b") == 0
    clock.now += 0.5
    assert [buckets.take("a"), buckets.take("a")] == [0, 0.5]
    clock.now += 1000
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_looking_takes_nothing() -> None:
    buckets = TokenBuckets(1, 1, clock=Clock())
    assert [buckets.wait("a"), buckets.wait("a"), buckets.take("a")] == [0, 0, 0]
    assert buckets.wait("a") == 1


def test_without_a_rate_there_is_no_limit() -> None:
    buckets = TokenBuckets(0, 1, clock=Clock())
    assert not any(buckets.take("a") for _ in range(1000))


def test_buckets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets_module, "_REMEMBERED", 3)
    buckets = TokenBuckets(1, 1, clock=Clock())
    for name in "abcd":
        buckets.take(name)
    assert [bool(buckets.wait(name)) for name in "abcd"] == [False, True, True, True]


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.1, 20), st.integers(1, 5))
def test_never_more_than_burst_and_rate_allow(pauses: list[float], per_s: float, burst: int) -> None:
    clock = Clock()
    buckets = TokenBuckets(per_s, burst, clock=clock)
    begun, taken = clock.now, 0
    for pause in pauses:
        clock.now += pause
        wait = buckets.take("a")
        taken += not wait
        if wait:
            clock.now += wait + 1e-6
            assert buckets.take("a") == 0, "the wait that was told is enough"
            taken += 1
        assert taken <= burst + per_s * (clock.now - begun) + 1e-3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_a_client_is_an_address_or_a_network_it_can_choose_from(address: str, network: str) -> None:
    assert network_of(address) == network
