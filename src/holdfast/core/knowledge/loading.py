"""Imports that are heavy, without the collector's stops."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_one = threading.RLock()


@contextmanager
def loading() -> Iterator[None]:
    """Imports inside run with the collector off, which is most of what they cost; one thread at a time."""
    with _one:
        gc.disable()
        try:
            yield
        finally:
            gc.freeze()
            gc.enable()
