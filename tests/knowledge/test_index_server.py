"""Vectors on a real Chroma server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fakes.plain_index import Library

from holdfast.core.domain.errors import KnowledgeUnavailable
from holdfast.core.knowledge.index.vectors import VectorStore

CHROMA = Path(sys.executable).with_name("chroma")


class Server:
    """`chroma run` on loopback."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [CHROMA, "run", "--host", "127.0.0.1", "--port", str(self.port), "--path", str(self._folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
            cwd=self._folder,
        )
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < until
                assert self._process.poll() is None
                time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    made = Server(folder)
    made.start()
    yield made
    made.stop()


def names_on(url: str) -> set[str]:
    """Returns the names of the collections on a server."""
    vectors = VectorStore(Path("unused"), url)
    try:
        return vectors.names()
    finally:
        vectors.close()


@pytest.mark.thorough
def test_a_server_keeps_the_vectors_and_may_go_away(
    server: Server, libraries: Callable[..., Library]
) -> None:
    library = libraries(chroma_url=server.url)
    library.add("owl.md", "an owl flies")
    library.add("fox.md", "a fox runs")
    library.index.deliver()
    assert not (library.folder / "index" / "chroma").exists()
    assert library.names("an owl flies", method="vector") == ["owl.md", "fox.md"]
    assert library.names("owl", use={"where": {"$name": "fox.md"}}) == ["fox.md"]
    assert names_on(server.url) == {library.id}

    server.stop()
    with pytest.raises(KnowledgeUnavailable, match="chroma_url") as caught:
        library.find("owl")
    assert caught.value.code == "chroma_unreachable"
    assert caught.value.retryable
    assert library.names("owl", method="lexical") == ["owl.md"]
    with pytest.raises(KnowledgeUnavailable):
        library.index.check()
    library.add("hen.md", "a hen sits")  # waits here
    library.index.remove(library.index.documents(library.id, "fox").items[0].id)
    library.index.deliver()

    server.start()
    assert library.index.check() == ()
    assert library.names("a hen sits", method="vector") == ["hen.md", "owl.md"]

    server.stop()
    shutil.rmtree(server._folder)
    server._folder.mkdir()
    server.start()
    with pytest.raises(KnowledgeUnavailable) as gone:
        library.find("owl")
    assert gone.value.code == "chroma_missing"
    assert [p.problem for p in library.index.check(repair=True)] == ["its vectors are gone"]
    assert library.names("an owl flies", method="vector")[0] == "owl.md"
    library.index.delete(library.id)
    library.index.deliver()
    assert names_on(server.url) == set()


def test_a_server_that_says_nothing_is_not_waited_for(libraries: Callable[..., Library]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        library = libraries(vectors=VectorStore(Path("unused"), url, timeout_s=0.2))
        with pytest.raises(KnowledgeUnavailable) as caught:
            library.add("owl.md", "an owl")
    assert caught.value.code == "chroma_unreachable"
    assert library.index.documents(library.id).items == ()
