"""Hands what was committed to those who follow it, at a cost that does not grow with those who do not."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator

from holdfast.core.domain.events import AnyEvent, EventFilter, LoggedEvent, SessionCreated, SessionDeleted
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.user_events import job_of, owner_of

QUEUE = 2_000
"""Events that may wait for a follower before it has to read them from the database again."""


class Follower:
    """One reader's place in the broadcast: events that wait, or the mark that some were dropped."""

    def __init__(self, filter: EventFilter, owner: str | None = None) -> None:
        self.filter = filter
        self.owner = owner
        """Whose sessions alone it sees; None: all."""
        self.waiting: list[LoggedEvent] = []
        self.lagging = False
        self.wake = asyncio.Event()

    @property
    def subject(self) -> str | None:
        """The run, the session or the job that it follows; None: everything."""
        return self.filter.run_id or self.filter.session_id or self.filter.job_id

    def offer(self, logged: LoggedEvent) -> None:
        """Takes an event that it admits, if there is room for it."""
        if self.lagging or len(self.waiting) == QUEUE:
            self.waiting.clear()
            self.lagging = True
        else:
            self.waiting.append(logged)
        self.wake.set()


class Broadcast:
    """The followers, found by what they follow."""

    def __init__(self) -> None:
        self._followers: defaultdict[str | None, set[Follower]] = defaultdict(set)
        self._owners: dict[str, str] = {}

    def know(self, owners: dict[str, str]) -> None:
        """Takes in the owners of sessions that are not the local user's."""
        self._owners.update(owners)

    def owner_of(self, event: AnyEvent) -> str:
        """Returns the id of the user whose session an event is of."""
        if isinstance(event, SessionDeleted):
            return event.owner
        return owner_of(event) or self._owners.get(event.session_id, LOCAL)

    def add(self, follower: Follower) -> None:
        self._followers[follower.subject].add(follower)

    def discard(self, follower: Follower) -> None:
        followers = self._followers[follower.subject]
        followers.discard(follower)
        if not followers:
            del self._followers[follower.subject]

    def __iter__(self) -> Iterator[Follower]:
        return iter([each for followers in self._followers.values() for each in followers])

    def publish(self, batch: list[LoggedEvent]) -> None:
        """Offers committed events to the followers that admit them."""
        followers = self._followers
        for logged in batch:
            event = logged.event
            self._learn(event)
            for subject in {event.run_id, event.session_id, job_of(event), None} & followers.keys():
                for follower in followers[subject]:
                    if self._admits(follower, logged):
                        follower.offer(logged)

    def _learn(self, event: AnyEvent) -> None:
        # The id of a deleted session is free again, for another user too.
        if isinstance(event, SessionDeleted):
            self._owners.pop(event.session_id, None)
        elif isinstance(event, SessionCreated) and event.owner != LOCAL:
            self._owners[event.session_id] = event.owner

    def _admits(self, follower: Follower, logged: LoggedEvent) -> bool:
        event = logged.event
        if not follower.filter.admits(event):
            return False
        return follower.owner is None or self.owner_of(event) == follower.owner
