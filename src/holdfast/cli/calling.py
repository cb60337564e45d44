"""The way from a command to the engine: opens the workbench, awaits one action, closes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from holdfast.cli.doors import doors

if TYPE_CHECKING:
    from holdfast.core.services.workbench import Workbench

T = TypeVar("T")


def call(action: Callable[[Workbench], Awaitable[T]]) -> T:
    """Returns what `action` gives with an open workbench. Raises the `HoldfastError` of the services."""

    async def opened() -> T:
        async with doors().workbench() as workbench:
            return await action(workbench)

    return asyncio.run(opened())
