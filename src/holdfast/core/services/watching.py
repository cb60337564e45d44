"""Folders that collections follow as they change, while the engine runs."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.services.sources import is_below, is_folder

logger = logging.getLogger(__name__)

DEBOUNCE_MS = 1_600
"""Changes that come within this time of each other are one."""
_STEP_MS, _TICK_MS = 200, 3_000

Changes = Callable[[Sequence[str]], AsyncGenerator[frozenset[str], None]]
"""Yields the paths that have changed below folders; nothing, from time to time, when none have. It ends when
they cannot be watched any more."""
React = Callable[[str, str], Awaitable[object]]
"""Is told the id of a collection and the folder that may have changed."""


class Watches:
    """Watches all folders in one place, for each watcher costs a thread. `close` ends it."""

    def __init__(self, react: React, changes: Changes | None = None, again_s: float = 5.0) -> None:
        """`again_s` is how long it waits, in seconds, when no folder can be watched."""
        self._react = react
        self._changes = changes or folder_changes
        self._again_s = again_s
        self._wanted: dict[str, frozenset[str]] = {}
        self._task: asyncio.Task[None] | None = None

    def set(self, collection_id: str, folders: frozenset[str]) -> None:
        """Watches exactly these folders for a collection."""
        if self._wanted.get(collection_id, frozenset()) == folders:
            return
        self._wanted = {**self._wanted, collection_id: folders}
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.create_task(self._watch(), name="watch folders") if self._all() else None

    async def close(self) -> None:
        """Watches nothing any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _all(self) -> list[str]:
        return sorted(set().union(*self._wanted.values()))

    async def _watch(self) -> None:
        """Watches the folders that are there; begins anew when one comes or goes."""
        while True:
            there = await self._there()
            await self._tell(there)
            if there:
                await self._follow(there)
            await asyncio.sleep(self._again_s if not there else 0)

    async def _follow(self, folders: list[str]) -> None:
        first = True
        async with aclosing(self._changes(folders)) as changes:
            async for paths in changes:
                # What changed before the watch began is seen by looking at all of them once more.
                hit = folders if first else _around(paths, folders)
                first = False
                await self._tell(hit)
                if await self._there() != folders:
                    return
        await asyncio.sleep(self._again_s)

    async def _there(self) -> list[str]:
        wanted = self._all()
        return await asyncio.to_thread(lambda: [folder for folder in wanted if is_folder(folder)])

    async def _tell(self, folders: Sequence[str]) -> None:
        for collection_id, own in self._wanted.items():
            for folder in own.intersection(folders):
                try:
                    await self._react(collection_id, folder)
                except HoldfastError as error:
                    logger.warning("the folder %r could not be brought in step: %s", folder, error.message)


def _around(paths: frozenset[str], folders: Sequence[str]) -> list[str]:
    return [folder for folder in folders if any(path == folder or is_below(path, folder) for path in paths)]


async def folder_changes(folders: Sequence[str]) -> AsyncGenerator[frozenset[str], None]:
    """Yields changes below folders, as the system tells them."""
    loop = asyncio.get_running_loop()
    found: asyncio.Queue[frozenset[str] | None] = asyncio.Queue()
    stop = threading.Event()

    def tell(paths: frozenset[str] | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(found.put_nowait, paths)

    # In a thread of its own: to begin, it looks at every folder below, and then it waits for good.
    thread = threading.Thread(target=_watch, args=(folders, stop, tell), name="watch folders", daemon=True)
    thread.start()
    try:
        while (paths := await found.get()) is not None:
            yield paths
    finally:
        stop.set()


def _watch(
    folders: Sequence[str], stop: threading.Event, tell: Callable[[frozenset[str] | None], None]
) -> None:
    import watchfiles  # only who watches something needs it

    try:
        for changes in watchfiles.watch(
            *folders,
            debounce=DEBOUNCE_MS,
            step=_STEP_MS,
            rust_timeout=_TICK_MS,
            stop_event=stop,
            yield_on_timeout=True,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            tell(frozenset(path for _, path in changes))
    except (OSError, RuntimeError) as error:  # one is gone, or the system watches no more folders
        logger.warning("folders cannot be watched: %s", error)
    tell(None)
