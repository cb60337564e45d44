import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdfast.tui.collecting import Collecting

pytestmark = pytest.mark.thorough


class Ring:
    """Something that only the collector takes away."""

    def __init__(self) -> None:
        self.itself = self


class FakeApp:
    def set_interval(self, seconds: float, tick: Callable[[], None]) -> None:
        self.tick = tick


@pytest.fixture
def collecting() -> Iterator[Collecting]:
    made = Collecting()
    yield made
    made.end()


def churn(until: Callable[[], bool]) -> bool:
    """Makes objects that stay, as a person who scrolls does; says whether `until` came true meanwhile."""
    kept: list[list[None]] = []
    while len(kept) < 200_000 and not until():
        kept.append([])
    return until()


def test_old_garbage_goes_soon_and_what_survives_is_not_walked_again(collecting: Collecting) -> None:
    collecting.begin(FakeApp())  # type: ignore[arg-type]
    gone = weakref.ref(ring := Ring())
    gc.collect(1)
    del ring
    frozen = gc.get_freeze_count()
    assert churn(lambda: gone() is None)
    assert gc.get_freeze_count() > frozen


def test_what_was_put_aside_is_looked_at_when_asked_for(collecting: Collecting) -> None:
    ring = Ring()
    gone = weakref.ref(ring)
    collecting.begin(FakeApp())  # type: ignore[arg-type]
    del ring
    gc.collect()
    assert gone() is not None
    collecting.renew()
    gc.collect()
    assert gone() is None


def test_after_many_times_a_quiet_app_looks_at_everything(
    collecting: Collecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.tui.collecting.RENEWED", 5)
    app: Any = FakeApp()
    ring = Ring()
    gone = weakref.ref(ring)
    collecting.begin(app)
    del ring
    for _ in range(4):
        gc.collect()
    app.tick()
    assert gone() is not None
    gc.collect()
    app.tick()
    assert gone() is None


def test_the_end_leaves_it_as_it_was(collecting: Collecting) -> None:
    before, frozen = (gc.get_threshold(), list(gc.callbacks)), gc.get_freeze_count()
    collecting.begin(FakeApp())  # type: ignore[arg-type]
    assert gc.get_threshold() != before[0]
    assert gc.get_freeze_count() > frozen
    collecting.end()
    assert (gc.get_threshold(), gc.callbacks) == before
    assert gc.get_freeze_count() == 0
