"""The machine on which a page's blocks of shell are executed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shells import Shell, open_shell


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """A shell on an empty home: one for all tests of a page."""
    with open_shell() as opened:
        yield opened
