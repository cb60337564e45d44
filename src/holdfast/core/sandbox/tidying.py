"""Waiting for what tidies up, whatever happens to who waits."""

from __future__ import annotations

import asyncio
from typing import Any


async def to_its_end(work: asyncio.Future[Any]) -> None:
    """Returns when `work` has ended, well or not, and is not kept from it by being cancelled: that is
    raised behind it."""
    cancelled = False
    while not work.done():
        try:
            await asyncio.wait((work,))
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
