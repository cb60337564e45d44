"""What the page on clients of other systems shows for Powabase does what it says, offline."""

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
async def test_what_the_page_shows_of_powabase_runs(
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
        assert len(blocks) == 2
        for block in blocks:
            code = block.replace(ADDRESS, listener.state.url)
            await asyncio.to_thread(exec, code, names)
        first, second = names["event"], names["reply"]
    finally:
        listener.close()
        await listener.task
        await host.close()
    assert (first["event"], first["status"]) == ("complete", "completed")
    assert [each["tool_name"] for each in first["tool_calls"]] == ["write_file"]
    assert next(where.workspaces.glob("*/note.md")).read_text().strip() == "hello"
    assert (second["status"], second["retrieved_items"], second["is_new_session"]) == ("completed", 1, True)
    assert capsys.readouterr().out.splitlines()[-1] == "completed"
