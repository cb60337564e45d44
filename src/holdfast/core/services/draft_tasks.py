"""Drafts that somebody comes back for: kept for half an hour, each for who has asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Literal

from holdfast.core.domain.drafts import AgentDraft, DraftTask, PromptDraft
from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.values import new_id

KEPT = timedelta(minutes=30)
MOST_AT_ONCE = 5
"""Drafts of one user that are being written."""
MOST_KEPT = 50
"""Drafts of one user that are kept; the oldest gives way to one more."""

_OVER = ("completed", "failed", "cancelled")


class DraftTasks:
    """Those of one engine; none outlives it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._kept: dict[tuple[str, str], DraftTask] = {}
        self._working: dict[tuple[str, str], asyncio.Task[None]] = {}

    def begin(
        self,
        owner: str,
        kind: Literal["agent", "prompt"],
        work: Callable[[], Awaitable[AgentDraft | PromptDraft]],
    ) -> DraftTask:
        """Begins a draft. Raises `ConflictError` (`too_many_drafts`)."""
        self._forget_old()
        if sum(user == owner for user, _ in self._working) >= MOST_AT_ONCE:
            raise ConflictError(
                f"{MOST_AT_ONCE} drafts of yours are being written; wait for one of them.",
                code="too_many_drafts",
                retryable=True,
            )
        over = [place for place in self._kept if place[0] == owner and place not in self._working]
        for place in over[: max(0, len(over) + 1 - MOST_KEPT)]:
            del self._kept[place]
        at = self._now()
        task = DraftTask(id=new_id(), kind=kind, status="pending", created_at=at, updated_at=at)
        place = (owner, task.id)
        self._kept[place] = task
        working = asyncio.create_task(self._work(place, work))
        self._working[place] = working
        working.add_done_callback(lambda _: self._working.pop(place, None))
        return task

    async def _work(
        self, place: tuple[str, str], work: Callable[[], Awaitable[AgentDraft | PromptDraft]]
    ) -> None:
        self._change(place, status="running")
        try:
            made = await work()
        except HoldfastError as error:
            self._change(place, status="failed", error=error.info)
        else:
            self._change(place, status="completed", **{self._kept[place].kind: made})

    def get(self, owner: str, id: str) -> DraftTask:
        """Returns how a draft stands. Raises `NotFoundError`."""
        self._forget_old()
        found = self._kept.get((owner, id))
        if found is None:
            raise NotFoundError(
                f"There is no draft {id[:80]!r}; drafts are kept for half an hour.", code="draft_not_found"
            )
        return found

    async def cancel(self, owner: str, id: str) -> DraftTask:
        """Stops a draft; one that has ended is returned as it is. Raises `NotFoundError`."""
        found, place = self.get(owner, id), (owner, id)
        if found.status in _OVER:
            return found
        await self._stop(place)
        if self._kept[place].status not in _OVER:
            self._change(place, status="cancelled")
        return self._kept[place]

    async def forget_user(self, owner: str) -> None:
        """Stops and forgets the drafts of a user who is gone."""
        for place in [each for each in self._kept if each[0] == owner]:
            await self._stop(place)
            self._kept.pop(place, None)

    async def close(self) -> None:
        """Stops all of them."""
        for place in list(self._working):
            await self._stop(place)

    async def _stop(self, place: tuple[str, str]) -> None:
        working = self._working.get(place)
        if working is not None:
            working.cancel()
            await asyncio.wait([working])

    def _change(self, place: tuple[str, str], **changes: Any) -> None:
        self._kept[place] = self._kept[place].model_copy(update={**changes, "updated_at": self._now()})

    def _forget_old(self) -> None:
        oldest = self._now() - KEPT
        for place, task in list(self._kept.items()):
            if task.created_at < oldest and place not in self._working:
                del self._kept[place]
