import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdfast.tui.collecting import Collecting


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


def garbage() -> Callable[[], Any]:
    """Returns what says whether garbage that has grown old is there still."""
    gone = weakref.ref(ring := Ring())
    gc.collect(1)
    del ring
    return gone


def test_old_garbage_goes_when_the_app_is_quiet(collecting: Collecting) -> None:
    app: Any = FakeApp()
    collecting.begin(app)
    gone = garbage()
    gc.collect(1)
    assert gone() is not None
    app.tick()
    assert gone() is None


def test_what_was_in_use_is_looked_at_again_only_when_asked_for(collecting: Collecting) -> None:
    app: Any = FakeApp()
    ring = Ring()
    gone = weakref.ref(ring)
    collecting.begin(app)
    del ring
    gc.collect(1)
    app.tick()
    assert gone() is not None
    collecting.renew()
    gc.collect(1)
    app.tick()
    assert gone() is None


def test_the_end_leaves_it_as_it_was(collecting: Collecting) -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    app: Any = FakeApp()
    collecting.begin(app)
    assert gc.get_threshold() != before
    assert gc.get_freeze_count() > frozen
    collecting.end()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
