"""Fixtures of the server's tests."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from server_fakes import FakeWorkbench
from server_running import Served, running_server

from holdfast.core.config.paths import Paths


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="hf") as folder:
        yield Path(folder)


@pytest.fixture
def paths(short_folder: Path) -> Paths:
    """A home of its own."""
    found = Paths.resolve({"HOLDFAST_HOME": str(short_folder)})
    found.make()
    return found


@pytest.fixture
async def served(short_folder: Path) -> AsyncIterator[Served]:
    """A server with a small limit on bodies and frequent pings."""
    fake = FakeWorkbench()
    socket = short_folder / "s.sock"
    async with running_server(fake, socket, max_body=6 * 1024 * 1024, ping_s=0.05):
        served = Served(fake, socket)
        yield served
        await served.close()


@pytest.fixture(scope="session")
def certificate_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what `make_certificate` writes."""
    from certificates import make_certificate  # only a few tests pay for it

    folder = tmp_path_factory.mktemp("certificate")
    make_certificate(folder)
    return folder
