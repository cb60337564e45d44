"""Stopping an engine only when nothing would be interrupted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.events import RUN_ENDS


async def test_an_engine_that_works_is_not_stopped_when_it_is_to_be_idle(
    open_bench: Any, say: Any, call: Any
) -> None:
    slow = call(("run_command", json.dumps({"command": "sleep 30"})))
    stopped: list[bool] = []
    async with open_bench([slow, say("Done")], stop=lambda: stopped.append(True)) as bench:
        run_id = await bench.send(await bench.session(), approve="all")
        await bench.until("tool_call.started", run_id=run_id)
        with pytest.raises(ConflictError, match="busy with 1 run") as caught:
            await bench.workbench.engine.stop(idle_only=True)
        assert caught.value.code == "engine_busy"
        assert stopped == []
        await bench.workbench.runs.cancel(run_id)
        await bench.until(RUN_ENDS, run_id=run_id)
        await bench.workbench.engine.stop(idle_only=True)
        assert stopped == [True]


async def test_what_waits_for_a_decision_does_not_keep_an_engine(
    open_bench: Any, say: Any, call: Any
) -> None:
    write = call(("write_file", json.dumps({"path": "a.md", "content": "x"})))
    stopped: list[bool] = []
    async with open_bench([write, say("Done")], stop=lambda: stopped.append(True)) as bench:
        await bench.send(await bench.session())
        await bench.approval()
        await bench.workbench.engine.stop(idle_only=True)
        assert stopped == [True]
