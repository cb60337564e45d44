"""What the page on clients of other systems shows with `requests` does what it says, offline."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

import examples
import pytest

from holdfast.assembly import open_workbench
from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.status import ListenOptions
from holdfast.server.connections import Patience
from holdfast.server.tcp import Behind, OpenListener

PAGE = "docs/how-to/dialects.md"
ADDRESS = "http://127.0.0.1:8700"
"""The page's; here, that of a free port."""


@pytest.mark.thorough
async def test_what_the_page_shows_runs(
    _own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOLDFAST_MODELS__DEFAULT", "offline")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    where = Paths.resolve(os.environ)
    where.make()
    host = await open_workbench(where, os.environ)

    async def opened() -> Any:
        return host

    behind = Behind(opened, logging.getLogger("holdfast.tests"), ServerSettings(), Patience(), where.logs)
    listener = await OpenListener.open(ListenOptions(port=0), behind)
    names = {"key": (await host.keys.create("notebook", Scope.ADMIN)).secret}
    blocks = [block for block in examples.blocks_of(PAGE, "python") if "requests" in block]
    try:
        assert len(blocks) == 5
        ends = []
        for block in blocks:
            code = block.replace(ADDRESS, listener.state.url)
            await asyncio.to_thread(exec, code, names)
            ends.append(dict(names))
        first, second = ends[0]["event"], ends[1]["reply"]
        dexto, genlabs = ends[2]["event"], ends[3]["answer"].json()
        sage = ends[4]["lines"]
    finally:
        listener.close()
        await listener.task
        await host.close()
    assert (first["event"], first["status"]) == ("complete", "completed")
    assert [each["tool_name"] for each in first["tool_calls"]] == ["write_file"]
    assert [note.read_text().strip() for note in where.workspaces.glob("*/note.md")] == ["hello"] * 2
    assert (second["status"], second["retrieved_items"], second["is_new_session"]) == ("completed", 1, True)
    assert (dexto["name"], dexto["finishReason"]) == ("run:complete", "stop")
    assert genlabs["status"] == "success"
    assert (sage[-1]["type"], sage[-1]["session_id"]) == ("stream_end", "harbour")
    printed = capsys.readouterr().out
    assert f"{genlabs['data']['response']}\n" in printed
    assert printed.endswith("True\n"), "all lines but the first are told again"
