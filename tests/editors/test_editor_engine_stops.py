"""An editor stays open for days, and an engine that nobody uses stops: what it has open goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from acp.helpers import text_block
from tests.editors.conftest import connected
from tests.runs.conftest import served

from holdfast.core.domain.errors import UnavailableError
from holdfast.core.services.local import LocalWorkbench
from holdfast.core.services.workbench import Workbench
from holdfast.server.native.client import RemoteWorkbench


class Engine:
    """An engine that runs from when somebody attaches until it is stopped."""

    def __init__(self, workbench: LocalWorkbench, address: Path) -> None:
        self._workbench = workbench
        self._address = address
        self._running: AsyncExitStack | None = None
        self.starts = 0

    @asynccontextmanager
    async def attach(self) -> AsyncIterator[Workbench]:
        if self._running is None:
            self.starts += 1
            self._running = AsyncExitStack()
            await self._running.enter_async_context(served(self._workbench, self._address))
        remote = RemoteWorkbench(self._address)
        yield remote
        await remote.close()

    async def stop(self) -> None:
        if self._running is not None:
            await self._running.aclose()
            self._running = None


async def test_a_session_goes_on_when_the_engine_has_stopped_between_requests(
    open_bench: Any, say: Any, tmp_path: Path
) -> None:
    async with open_bench([say("one. "), say("two.")]) as bench:
        engine = Engine(bench.workbench, tmp_path / "engine.sock")
        async with (
            engine.attach() as remote,
            connected(replace(bench, workbench=remote), attach=engine.attach) as desk,
        ):
            session_id = await desk.session()
            await desk.agent.prompt(session_id=session_id, prompt=[text_block("Hello")])
            await engine.stop()
            with pytest.raises(UnavailableError):
                await remote.sessions.get(session_id)
            done = await desk.agent.prompt(session_id=session_id, prompt=[text_block("And now?")])
            assert (done.stop_reason, desk.editor.said()) == ("end_turn", "one. two.")
            await engine.stop()
            assert (await desk.agent.list_sessions()).sessions[0].session_id == session_id
        assert engine.starts == 3
        await engine.stop()
