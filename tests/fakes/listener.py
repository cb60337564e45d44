"""A listener on TCP for a workbench of tests: uvicorn, real keys, and no limit that tests could meet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.status import ListenOptions
from holdfast.server.connections import Patience
from holdfast.server.tcp import Behind, OpenListener


@asynccontextmanager
async def listening(
    workbench: Any, folder: Path, *, root: tuple[str, ...] = ("holdfast",)
) -> AsyncIterator[OpenListener]:
    """Gives an open listener of `workbench`; its log goes into `folder`. `root`: APIs without prefixes."""

    async def host() -> Any:
        return workbench

    settings = ServerSettings(requests_per_s=1_000, burst=1_000)
    behind = Behind(host, logging.getLogger("holdfast.tests"), settings, Patience(), folder)
    opened = await OpenListener.open(ListenOptions(port=0, root=root), behind)
    try:
        yield opened
    finally:
        opened.close()
        async with asyncio.timeout(20):
            await opened.task
