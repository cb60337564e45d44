"""One server: started when it is needed, by a task that owns it from its start to its end.

The task enters and leaves the session: the library's scopes must be left where they were entered. Whoever
calls waits for the call, for the end of the task and for the time limit, whichever is first, so that nothing
a server does or leaves undone can hold up a run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, TypeVar

from holdfast.core.domain.asking import CallDesk
from holdfast.core.domain.errors import HoldfastError, ToolError, UnavailableError
from holdfast.core.domain.mcp import McpServerSpec, McpState
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import utc_now
from holdfast.core.tools.mcp.asking import CallClock, CallRequests
from holdfast.core.tools.mcp.kept import KeptTools
from holdfast.core.tools.mcp.limits import MAX_PROMPTS, MAX_REASON, OFFER_S
from holdfast.core.tools.mcp.listing import Listing, listing_of
from holdfast.core.tools.mcp.port import McpSession, Opener, RawOffer, RawResult, Requests, Target

T = TypeVar("T")
logger = logging.getLogger(__name__)

IDLE_S = 900.0
"""A server that nobody has called for so long is stopped."""
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_STEADY_S = 30.0
"""A server that ran so long before it died is started again at once."""
_END_S = 10.0
"""Longest time that the end of a server may take."""


class Connection:
    """A server, whether it runs or not. `target` finds what is needed to reach it, at each start."""

    def __init__(
        self,
        spec: McpServerSpec,
        target: Callable[[], Awaitable[Target]],
        opener: Opener,
        *,
        kept: KeptTools | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        self.spec = spec
        self.state = McpState.STOPPED
        self.reason = ""
        self.failures = 0
        self.started_at: datetime | None = None
        self.known: Listing | None = None
        """The tools that it offered when it was last asked; None: it never was."""
        self.offer = RawOffer()
        """What else it offered then."""
        self.retired = False
        """Whether it never starts again."""
        self._target = target
        self._opener = opener
        self._kept = kept
        self._idle_s = idle_s
        self._owner: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[McpSession] | None = None
        self._stop = asyncio.Event()
        self._again_at = 0.0
        self._began = 0.0
        self._used = 0.0
        self._busy = 0

    async def listing(self) -> Listing:
        """Returns the tools of the server: those of its last run while it does not run, also of one before
        the engine started. It is started when none are known, and only then.

        Raises `UnavailableError` with the reason when it cannot be.
        """
        if self.state is McpState.READY:
            session = await self._session()
            if session.stale:
                self.known = await self._within(self._listed(session), CallClock(self.spec.start_timeout_s))
        elif self.known is None and not await self._remembered():
            await self._session()
        assert self.known is not None  # a session that is ready has been asked
        return self.known

    async def remembered(self) -> bool:
        """Says whether it is known what the server offers, without starting it."""
        return self.known is not None or await self._remembered()

    async def check(self) -> Listing:
        """Starts the server, anew where it runs, without waiting after failures. Raises as `listing`."""
        await self.stop()
        self._again_at = 0.0
        await self._session()
        return await self.listing()

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any],
        progress: Callable[[str], None],
        desk: CallDesk | None = None,
    ) -> RawResult:
        """Calls a tool by the server's own name; what the server asks meanwhile goes to `desk`, and the time
        of the call stands still for it.

        Raises `UnavailableError` when the server is gone, `ToolError` for what it answers instead of a
        result, with the code `tool_timeout` when it does not answer in time.
        """
        return await self.use(lambda session, asked: session.call(tool, arguments, progress, asked), desk)

    async def use(
        self, work: Callable[[McpSession, Requests], Coroutine[Any, Any, T]], desk: CallDesk | None = None
    ) -> T:
        """Returns what `work` has of the running server, within the time of a call. Raises as `call`."""
        session = await self._session()
        self._busy += 1
        try:
            clock = CallClock(self.spec.timeout_s)
            result = await self._within(
                work(session, CallRequests(self.spec.name, desk, clock, self.spec.sampling)), clock
            )
            self.failures = 0
            return result
        finally:
            self._busy -= 1
            self._used = asyncio.get_running_loop().time()

    async def stop(self) -> None:
        """Ends the server; it starts again when it is needed."""
        owner = self._owner
        if owner is None:
            return
        self._stop.set()
        if self.state is McpState.READY:
            await asyncio.wait({owner}, timeout=_END_S)
        if not owner.done():  # it is starting, or does not end
            owner.cancel()
            await asyncio.wait({owner}, timeout=_END_S)

    async def retire(self) -> None:
        """Ends the server for good: it was removed or changed, and a run may still have its tools."""
        self.retired = True
        await self.stop()

    async def _session(self) -> McpSession:
        """Returns the running session; starts the server if need be."""
        if self.retired:
            raise self._unavailable()
        now = asyncio.get_running_loop().time()
        if self._owner is None:
            if now < self._again_at:
                raise self._unavailable(f"{self.reason}; it is tried again in {self._again_at - now:.0f} s")
            self._start()
        assert self._ready is not None and self._owner is not None
        ready, owner = self._ready, self._owner
        # Not the future alone: a caller who is cancelled must not take it from the others.
        waited: set[asyncio.Future[Any]] = {ready, owner}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done() or ready.cancelled():
            raise self._unavailable(self.reason or "it was stopped")
        return ready.result()

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._ready = loop.create_future()
        self._began = self._used = loop.time()
        self.state, self.reason, self.started_at = McpState.STARTING, "", utc_now()
        self._owner = asyncio.create_task(self._own(self._ready), name=f"mcp {self.spec.name}")
        self._owner.add_done_callback(self._ended)

    async def _own(self, ready: asyncio.Future[McpSession]) -> None:
        """The life of the server. Raises `ToolError` with the reason when it ends by itself."""
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self.spec.start_timeout_s):
                    session = await stack.enter_async_context(self._opener(await self._target()))
                    self.known = await self._listed(session)
            except TimeoutError:
                raise ToolError(f"it did not start within {self.spec.start_timeout_s:g} s") from None
            self.state = McpState.READY
            ready.set_result(session)
            await self._until_end(session)

    async def _listed(self, session: McpSession) -> Listing:
        offered = await session.tools()
        self.offer = await self._offered(session)
        # Schemas of a stranger: reading them may take a while, and must not hold up the engine.
        listing = await asyncio.to_thread(listing_of, self.spec.name, offered)
        if self._kept is not None:
            await asyncio.to_thread(self._kept.write, offered, self.offer)
        return listing

    async def _offered(self, session: McpSession) -> RawOffer:
        """Returns what the server has beside tools; what it does not tell in time it has not."""
        until = asyncio.get_running_loop().time() + min(OFFER_S, self.spec.start_timeout_s / 3)
        prompts = await self._told(session.prompts, until)
        resources = await self._told(session.resources, until)
        return RawOffer(prompts=tuple(prompts[:MAX_PROMPTS]), resources=bool(resources))

    async def _told(self, ask: Callable[[], Awaitable[Sequence[T]]], until: float) -> Sequence[T]:
        try:
            async with asyncio.timeout_at(until):
                return await ask()
        except (TimeoutError, ToolError) as error:
            logger.info("the MCP server %s does not tell all that it offers: %s", self.spec.name, error)
            return ()

    async def _remembered(self) -> bool:
        """Takes the tools of the last run for known, and says whether there are any."""
        if self._kept is None or self._owner is not None:
            return False
        kept = await asyncio.to_thread(self._kept.read)
        if kept is None:
            return False
        listing = await asyncio.to_thread(listing_of, self.spec.name, kept.tools)
        if self.known is None:
            self.known, self.offer = listing, kept.offer
        return True

    async def _until_end(self, session: McpSession) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.create_task(self._stop.wait())
        ends: set[asyncio.Future[Any]] = {stopping, session.lost}
        try:
            while True:
                done, _ = await asyncio.wait(ends, timeout=self._idle_s, return_when=asyncio.FIRST_COMPLETED)
                if session.lost in done:
                    raise ToolError(session.lost.result())
                idle = self._busy == 0 and loop.time() - self._used >= self._idle_s
                if stopping in done or idle:
                    return
        finally:
            stopping.cancel()

    def _ended(self, owner: asyncio.Task[None]) -> None:
        """Notes how the server has ended. Unknown errors are told too: a stranger's program caused them."""
        ready, self._owner, self._ready = self._ready, None, None
        if ready is not None and not ready.done():
            ready.cancel()
        error = None if owner.cancelled() else owner.exception()
        if error is None:
            self.state, self.failures = McpState.STOPPED, 0
            return
        now = asyncio.get_running_loop().time()
        steady = self.state is McpState.READY and now - self._began >= _STEADY_S
        self.failures = 1 if steady else self.failures + 1
        wait = 0.0 if steady else min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(self.failures - 1, 10))
        self._again_at = now + wait
        self.state, self.reason = McpState.FAILED, _reason(error)
        if not isinstance(error, HoldfastError):
            logger.error("the MCP server %s ended in an unknown way", self.spec.name, exc_info=error)
        else:
            logger.warning("the MCP server %s failed: %s", self.spec.name, self.reason)

    async def _within(self, work: Coroutine[Any, Any, T], clock: CallClock) -> T:
        """Returns what `work` returns; given up when the time is over or the server is gone."""
        owner = self._owner
        if owner is None:
            work.close()
            raise self._unavailable(self.reason or "it was stopped")
        task = asyncio.create_task(work)
        try:
            await clock.wait(task, owner)
        finally:
            late = not task.done()
            if late:
                task.cancel()
                await asyncio.wait({task}, timeout=_END_S)
                if task.done() and not task.cancelled():
                    task.exception()  # looked at: what comes too late interests nobody
        if late and not owner.done():
            raise ToolError(
                f"The MCP server {self.spec.name} did not answer within {clock.seconds:g} s.",
                code="tool_timeout",
            )
        if late:
            raise self._unavailable(self.reason or "it was stopped")
        return task.result()

    def _unavailable(self, why: str = "it was stopped") -> UnavailableError:
        why = "the server was removed or changed" if self.retired else why
        return UnavailableError(
            f"The MCP server {self.spec.name} is not available: {why}.", code="mcp_unavailable"
        )


def _reason(error: BaseException) -> str:
    text = error.message if isinstance(error, HoldfastError) else f"{type(error).__name__}: {error}"
    return shorten(sanitize_line(text), MAX_REASON).rstrip(".")
