"""The fixtures of whole-program tests, shared with the tests of faults."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.bench import Bench
from tests.e2e.wheel import Installed, install
from tests.fakes.openai_server import FakeOpenAI


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of this checkout in an environment of its own; one for all test processes of a run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return install(shared / "installed")


@pytest.fixture
def bench(installed: Installed) -> Iterator[Bench]:
    """A fresh home and a project folder, under a short path as people have them."""
    root = Path(tempfile.mkdtemp(prefix="holdfast-"))
    made = Bench(installed, root)
    try:
        yield made
    finally:
        try:
            made.close()
        finally:
            shutil.rmtree(root)


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    """A fake OpenAI-compatible server."""
    with FakeOpenAI() as serving:
        yield serving


@pytest.fixture
def openai_bench(bench: Bench, server: FakeOpenAI) -> Bench:
    """A fresh machine with an OpenAI key in its environment; the address is the fake server's."""
    server.key = "sk-e2e-0123456789abcdef0123"
    bench.environment |= {"OPENAI_API_KEY": server.key, "OPENAI_BASE_URL": server.url}
    return bench
