"""The way from a command to the engine: opens the workbench, awaits one action, closes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from holdfast import __version__
from holdfast.cli.doors import doors
from holdfast.cli.output import advise

if TYPE_CHECKING:
    from holdfast.core.services.workbench import Workbench

T = TypeVar("T")


def call(action: Callable[[Workbench], Awaitable[T]], *, own: bool = False) -> T:
    """Returns what `action` gives with an open workbench; with `own` it is that of the home's own engine.

    Raises the `HoldfastError` of the services.
    """

    async def opened() -> T:
        async with open_workbench(own=own) as workbench:
            return await action(workbench)

    return asyncio.run(opened())


@asynccontextmanager
async def open_workbench(*, own: bool = False) -> AsyncIterator[Workbench]:
    """Opens the workbench, and closes it; says on stderr when its engine is of another version."""
    async with doors().workbench(own=own) as workbench:
        try:
            yield workbench
        finally:
            version = doors().engine_version(workbench)
            if version not in ("", __version__):
                advise(f"holdfast: {_skew(version, own=own)}")


def _skew(version: str, *, own: bool) -> str:
    from holdfast.core.domain.versions import is_newer  # only where it is needed

    engine = None if own else doors().elsewhere()
    at = f" at {engine.place}" if engine is not None else ""
    said = f"the engine{at} is version {version}, this is {__version__}"
    if is_newer(version, __version__):
        return f"{said}: update Holdfast"
    return said if engine is not None else f"{said}; `holdfast engine restart` brings it to this version"
