"""What tests of Dexto's API have beside what all dialects have."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.dialects.dexto.dexto_talk import Talk
from tests.hooks.conftest import receiver
from tests.runs.conftest import usage

__all__ = ["receiver", "usage"]


@pytest.fixture
def talk(serve: Any) -> Callable[..., Any]:
    """Serves Dexto's API with the agent `tester` active, and gives a client."""

    @asynccontextmanager
    async def talking(steps: Any = (), **options: Any) -> AsyncIterator[Talk]:
        async with serve(steps, **options) as served:
            await served.bench.workbench.users.annotate({"dexto": {"agent": "tester"}})
            yield Talk(served)

    return talking
