"""A workbench that cannot be opened leaves nothing behind that keeps its process alive."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from contract_engine import ENVIRONMENT, CallingModel, OneModel

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import InvalidError
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.services.local import LocalWorkbench, Parts
from holdfast.core.tools.builtin.catalog import builtin_tools
from holdfast.core.tools.registry import ToolRegistry


def unreadable(project: Path | None) -> Settings:
    raise InvalidError("settings.yaml: is no mapping", code="invalid_settings")


async def test_its_database_is_closed_again(paths: Paths) -> None:
    before = set(threading.enumerate())
    parts = Parts(
        paths=paths,
        settings=unreadable,
        blobs=FileBlobs(paths.blobs),
        client=CallingModel(),
        catalog=OneModel(),
        tools=ToolRegistry(builtin_tools(ChildProcesses())),
        keys=ProviderKeys(paths, ENVIRONMENT, {}),
        environment=ENVIRONMENT,
    )
    with pytest.raises(InvalidError):
        await LocalWorkbench.open(parts)
    left = [thread for thread in set(threading.enumerate()) - before if "asyncio_" not in thread.name]
    for thread in left:
        await asyncio.to_thread(thread.join, 10)
    assert not [thread.name for thread in left if thread.is_alive()]
