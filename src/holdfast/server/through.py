"""Which runs were started through one door, so that its end can wait for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import Principal
from holdfast.core.domain.runs import RunStatus, Submitted
from holdfast.core.services.protocols.runs import Runs
from holdfast.core.services.workbench import Host, Workbench
from holdfast.server.native.routes import HostSource

_REMEMBERED = 10_000

Note = Callable[[str], None]
"""Takes the id of a session in which a run was started."""


class RunsThrough:
    """Gives a host like that of `source`, and notes the sessions in which runs are started by it."""

    def __init__(self, source: HostSource) -> None:
        self._source = source
        self._sessions: dict[str, Principal] = {}

    async def host(self) -> Host:
        """Is a `HostSource`."""
        return cast(Host, _Host(await self._source(), self._note))

    async def executing(self) -> bool:
        """Says whether a run executes in one of the sessions; one that waits for a person does not."""
        host = await self._source()
        for session_id, principal in list(self._sessions.items()):
            try:
                session = await host.as_principal(principal).sessions.get(session_id)
            except NotFoundError:
                session = None
            if session is not None and session.status is RunStatus.RUNNING:
                return True
            self._sessions.pop(session_id, None)
        return False

    def _note(self, session_id: str, principal: Principal) -> None:
        self._sessions.pop(session_id, None)
        self._sessions[session_id] = principal
        if len(self._sessions) > _REMEMBERED:  # the oldest are over, most likely
            del self._sessions[next(iter(self._sessions))]


class _Host:
    """A host whose views note what they start."""

    def __init__(self, host: Host, note: Callable[[str, Principal], None]) -> None:
        self._host = host
        self._note = note

    def as_principal(self, principal: Principal) -> Workbench:
        view = self._host.as_principal(principal)
        return cast(Workbench, _View(view, lambda session_id: self._note(session_id, principal)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)


class _View:
    """A workbench whose runs are noted."""

    def __init__(self, view: Workbench, note: Note) -> None:
        self._view = view
        self._note = note

    @property
    def runs(self) -> Runs:
        return cast(Runs, _Runs(self._view.runs, self._note))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)


class _Runs:
    def __init__(self, runs: Runs, note: Note) -> None:
        self._runs = runs
        self._note = note

    async def send(self, *args: Any, **kwargs: Any) -> Submitted:
        return self._noted(await self._runs.send(*args, **kwargs))

    async def go_on(self, *args: Any, **kwargs: Any) -> Submitted:
        return self._noted(await self._runs.go_on(*args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runs, name)

    def _noted(self, submitted: Submitted) -> Submitted:
        self._note(submitted.session_id)
        return submitted
