"""The parser as a process: its limits, its deaths, its new starts. Everything else is tested in process."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.knowledge import Chunking
from holdfast.core.knowledge.parsing import process
from holdfast.core.knowledge.parsing.model import Parsed
from holdfast.core.knowledge.parsing.process import ParserProcess, parser_environment
from holdfast.core.knowledge.parsing.wire import Order, encode_order

PROBE = """
import os, sys, time
from pathlib import Path
from holdfast.core.knowledge.parsing import documents, main
real = main.read_document
def probe(path, name, **more):
    word = path.read_text(errors="replace").partition(" ")[0]
    if word == "die":
        os.abort()
    if word == "leave":
        import tempfile
        left = tempfile.mkdtemp()
        (path.parent / "left").write_text(left)
        Path(left, "copy.doc").write_text("secret")
        os.abort()
    if word == "raise":
        raise RuntimeError("a fault of ours")
    if word == "sleep":
        os.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", f"exec sleep 60 > '{path.parent}/held'")
        time.sleep(60)
    if word == "swallow":
        documents.extract = lambda *_: bytearray(1 << 30)
    if word == "call":
        import socket
        socket.create_connection(("127.0.0.1", 9))
    if word == "write":
        (path.parent / "written").write_bytes(bytes(64 << 20))
    return real(path, name, **more)
main.read_document = probe
sys.argv[1:] = [str(700 << 20)]
main.main()
"""


@pytest.fixture
def parser(tmp_path: Path) -> Iterator[ParserProcess]:
    """A parser that does what the first word of a document says."""
    parser = ParserProcess(
        command=(sys.executable, "-P", "-c", PROBE), temporary=tmp_path / "home" / "parsing"
    )
    yield parser
    parser.close()


@pytest.fixture
def parse(parser: ParserProcess, tmp_path: Path):  # type: ignore[no-untyped-def]
    def _parse(text: str | bytes, name: str = "a.md", timeout_s: float = 30.0) -> Parsed:
        path = tmp_path / "na\udcffme\n.md"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return parser.parse(path, name, max_bytes=10**7, timeout_s=timeout_s, chunking=Chunking())

    return _parse


def _code(call) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(HoldfastError) as caught:
        call()
    return caught.value.code


def test_what_a_document_does_to_the_parser_it_does_to_no_other(  # type: ignore[no-untyped-def]
    parser: ParserProcess, parse, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = parse("# Häding\n\nText 👍\n")
    assert whole.text == "# Häding\n\nText 👍\n"
    assert whole.chunks[0].place.headings == ("Häding",)
    assert whole.chunks[0].text == whole.text.strip()
    first = parser.pid
    assert _code(lambda: parse(b"")) == "document_empty"
    assert parser.pid == first, "an error of a document costs no process"

    assert _code(lambda: parse("die")) == "document_unreadable"
    assert parser.pid is None
    assert _code(lambda: parse("raise")) == "document_unreadable"
    assert "a fault of ours" in capfd.readouterr().err, "a bug can be found in the worker's log"
    assert parse("fine again").text == "fine again"

    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    started = time.monotonic()
    assert _code(lambda: parse("sleep", timeout_s=1)) == "document_timeout"
    assert time.monotonic() - started < 20
    closed = select.poll()
    closed.register(held, 0)
    assert closed.poll(20_000), "what it had started is gone with it"
    os.close(held)

    assert _code(lambda: parse("swallow")) == "document_too_complex"
    assert _code(lambda: parse("call")) == "document_unreadable"
    assert "without the network" in capfd.readouterr().err
    assert _code(lambda: parse("write")) == "document_unreadable"
    assert "File too large" in capfd.readouterr().err

    parse("fine")
    assert parser.pid is not None
    os.kill(parser.pid, signal.SIGKILL)
    assert parse("fine once more").text == "fine once more", "a death between documents is nobody's error"


def test_a_reading_can_be_interrupted_and_the_parser_closed(parser: ParserProcess, parse) -> None:  # type: ignore[no-untyped-def]
    codes: list[str] = []
    for end in (parser.interrupt, parser.close):
        reading = threading.Thread(target=lambda: codes.append(_code(lambda: parse("sleep"))))
        reading.start()
        deadline = time.monotonic() + 10
        while parser.pid is None and time.monotonic() < deadline:
            time.sleep(0.01)
        end()
        reading.join(10)
        assert not reading.is_alive()
    assert codes == ["parsing_interrupted", "knowledge_unavailable"]
    assert _code(lambda: parse("fine")) == "knowledge_unavailable"
    assert parser.pid is None


def test_a_parser_is_renewed_after_many_heavy_documents(
    make: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "HEAVY_DOCUMENTS", 2)
    (tmp_path / "a.pdf").write_bytes(make.pdf([["Words"]]))
    parser = ParserProcess()
    pids = []
    for _ in range(2):
        parser.parse(tmp_path / "a.pdf", "a.pdf", max_bytes=10**6, timeout_s=30, chunking=Chunking())
        pids.append(parser.pid)
    parser.close()
    assert pids[0] is not None
    assert pids[1] is None


def test_cheap_formats_import_no_large_library(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from holdfast.core.domain.knowledge import Chunking\n"
        "from holdfast.core.knowledge.parsing.main import read_document\n"
        "read_document(Path(sys.argv[1]), 'a.md', max_bytes=99, chunking=Chunking())\n"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    (tmp_path / "a.md").write_text("# Words")
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", program, str(tmp_path / "a.md")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    heavy = {
        "markitdown",
        "magika",
        "onnxruntime",
        "numpy",
        "pandas",
        "bs4",
        "lxml",
        "pptx",
        "openpyxl",
        "pypdfium2",
    }
    assert "semantic_text_splitter" in loaded
    assert not heavy & set(loaded)


def test_a_parser_ends_with_its_worker_even_in_the_middle_of_a_document(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("sleep")
    order = Order(tmp_path / "a.md", "a.md", 100, 60, Chunking())
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", PROBE],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert child.stdin is not None
    with child.stdin as pipe:
        pipe.write(encode_order(order))
    # The pipe is closed now, as a killed worker leaves it.
    assert child.wait(20) == -signal.SIGKILL


def test_a_parser_sees_no_key_and_no_proxy() -> None:
    given = {
        "PATH": "/bin",
        "OPENAI_API_KEY": "sk-1",
        "HTTPS_PROXY": "http://u:p@h",
        "HOME": "/home/x",
        "TMPDIR": "/t",
    }
    seen = parser_environment(given)
    assert seen["PATH"] == "/bin" and seen["TMPDIR"] == "/t"
    assert not {"OPENAI_API_KEY", "HTTPS_PROXY"} & set(seen)
    assert "/home/x" not in seen.values()


def test_a_parser_that_dies_leaves_no_copy_of_its_document(
    parse, parser: ParserProcess, tmp_path: Path
) -> None:
    assert _code(lambda: parse("leave this")) == "document_unreadable"
    left = Path((tmp_path / "left").read_text())
    assert left.parent == tmp_path / "home" / "parsing"
    assert not left.exists()
    assert parse("fine").text == "fine"


@pytest.mark.parametrize("command", [("/nonexistent/python",), ("/bin/sh", "-c", "exit 3")])
def test_a_parser_that_cannot_be_started_makes_knowledge_unavailable(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    parser = ParserProcess(command=command)
    code = _code(lambda: parser.parse(tmp_path, "a", max_bytes=1, timeout_s=1, chunking=Chunking()))
    assert code == "knowledge_unavailable"
    parser.close()
