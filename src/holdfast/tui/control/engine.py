"""The engine itself: who is let in there, whether its version fits, and bringing it to this one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import InvalidError, UnsupportedError
from holdfast.core.domain.events import RUN_ENDS, LoggedEvent
from holdfast.core.domain.identity import Scope
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.skew import skew_of, skew_of_remote

if TYPE_CHECKING:
    from holdfast.core.domain.status import EngineStatus

_CHANGES = ("run.started", "run.paused", "run.resumed", "approval.requested", "approval.resolved", *RUN_ENDS)
"""Events after which another number of runs executes."""


class EngineControl:
    """Knows the engine that is attached."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._put_off = ""
        """The engine's version about which the person wants to hear nothing now."""
        self._whose = ""
        """The id of the user for whom the app holds what it holds."""

    async def meet(self, status: EngineStatus) -> None:
        """Notes what engine this is and what the person may do there; each time that it is reached."""
        me = await self._context.workbench.users.me()
        if self._whose not in ("", me.user_id):
            self._context.over = True
            self._context.app.left_to = me.name  # whatever this app holds is not for them to see
            self._context.app.exit(0)
            return
        self._whose = me.user_id
        model = self._context.model
        own = self._context.app.start.version
        model.header = replace(
            model.header,
            version=status.version if own and status.version != own else "",
            may_send=me.scope.includes(Scope.CHAT),
            who=me.name if model.header.place else "",
            role=me.role.value,
        )
        model.me = me.name
        model.may_always = me.scope.includes(Scope.ADMIN)
        model.may_trust = me.is_admin and me.scope.includes(Scope.ADMIN)
        self._compare(status)

    def take(self, logged: LoggedEvent) -> None:
        """Takes an event of any session: the engine may have become idle, or busy."""
        if self._context.model.skew is not None and logged.event.type in _CHANGES:
            self._context.app.work(self._look_again, "skew")

    async def _look_again(self) -> None:
        self._compare(await self._context.workbench.engine.status())

    def _compare(self, status: EngineStatus) -> None:
        model, start = self._context.model, self._context.app.start
        listening = status.listeners[0].url if status.listeners else ""
        skew = skew_of(status.version, start.version, status.active_runs, listening)
        if skew is not None and skew.engine == self._put_off:
            skew = None
        if self._context.remote is None:
            model.skew = skew
            self._context.view.mark("skew")
        elif notice := skew_of_remote(skew, start.place):
            self._put_off = status.version  # once is enough
            self._context.view.say(notice)

    async def later(self, _: str = "") -> None:
        """Puts the notice away; the next start of the app shows it again."""
        model = self._context.model
        if model.skew is not None:
            self._put_off = model.skew.engine
        model.skew = None
        self._context.view.mark("skew")

    async def restart(self, _: str = "") -> None:
        """Stops an idle engine; the app then starts one of its own version. Never stops a busy one."""
        if self._context.remote is not None:
            raise UnsupportedError(f"The engine at {self._context.app.start.place} is restarted there.")
        try:
            await self._context.workbench.engine.stop(idle_only=True)
        except InvalidError as error:
            raise UnsupportedError(
                "This engine is too old to be restarted from here: `holdfast engine restart` does it.",
                code="engine_too_old",
            ) from error
        self._context.model.skew = None
        self._context.view.mark("skew")
        self._context.view.say("The engine restarts.")
