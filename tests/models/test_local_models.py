"""Models in files: what their worker says, and, where llama.cpp is installed, a real one."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.gguf_file import write_model

from holdfast.core.domain.errors import ContextTooLong, ModelNotFound, ModelRequestRefused, ModelUnavailable
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import (
    Finished,
    ModelDelta,
    ModelRequest,
    ModelSettings,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolSchema,
    UsageReport,
)
from holdfast.core.domain.own_models import OwnModel
from holdfast.core.models.credentials import Addresses
from holdfast.core.models.local import worker
from holdfast.core.models.local.client import LocalClient
from holdfast.core.models.local.pieces import TaggedText
from holdfast.core.models.own import OwnModels
from holdfast.core.models.protocol import encode, encode_call

WAIT_S = 120

# The worker itself, with a runner that needs no package: what is asked decides what it does.
STAND_IN = """
import sys, os, asyncio, time
from holdfast.core.domain.errors import ContextTooLong
from holdfast.core.domain.models import Finished, TextDelta, UsageReport
from holdfast.core.models.local import worker
worker.CANCEL_S = 0.5
class Runner:
    def deltas(self, request, file, window, read_blob, stopped):
        text = request.messages[-1].text
        if text == "long": raise ContextTooLong("too long")
        if text == "bug": raise KeyError("oh")
        if text == "for ever":
            while not stopped():
                yield TextDelta(text="x")
                time.sleep(0.005)
            return
        if text == "stuck":
            yield TextDelta(text="x")
            time.sleep(600)
        yield TextDelta(text=f"{os.getpid()} {os.path.basename(file)} {window}")
        yield UsageReport(input_tokens=1, output_tokens=1, cost_usd=0.0)
        yield Finished(reason="stop")
asyncio.run(worker.serve(Runner(), sys.stdin.buffer, sys.stdout.buffer))
"""


class Blobs:
    def get(self, digest: str) -> bytes:
        return b""


def request(text: str = "hi", model: str = "local/tiny", **more: Any) -> ModelRequest:
    settings = ModelSettings(temperature=0.0, max_output_tokens=more.pop("most", None))
    messages = (Message(role="user", parts=(TextPart(text=text),)),)
    return ModelRequest(model=model, messages=messages, settings=settings, **more)


async def read(stream: AsyncIterator[ModelDelta]) -> list[ModelDelta]:
    async with asyncio.timeout(WAIT_S):
        return [delta async for delta in stream]


def text_of(deltas: list[ModelDelta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


class Says:
    """A runner that says one thing."""

    def deltas(self, request: ModelRequest, *_: object) -> Iterator[ModelDelta]:
        yield TextDelta(text="Hello")
        yield Finished(reason="stop")


async def test_the_worker_ends_some_time_after_its_last_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "IDLE_S", 0.01)
    source, out = asyncio.StreamReader(), Mock(spec=asyncio.StreamWriter)
    more = {"file": "/tiny.gguf", "window": 300}
    for number in (1, 2):
        source.feed_data(encode_call(number, request(), None, {}, more))
    async with asyncio.timeout(WAIT_S):
        await worker.Worker(Says(), source, out).run()
    written = [json.loads(call.args[0]) for call in out.write.call_args_list]
    assert [line["id"] for line in written if "end" in line] == [1, 2]


class Waits(Says):
    """A runner whose first call ends when it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def deltas(self, request: ModelRequest, *_: object) -> Iterator[ModelDelta]:
        self.go.wait(WAIT_S)
        yield from super().deltas(request)


async def test_a_cancelled_call_that_waits_for_its_turn_does_not_end_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends: list[int] = []
    monkeypatch.setattr("holdfast.core.models.local.worker.os._exit", ends.append)
    monkeypatch.setattr(worker, "CANCEL_S", 0.0)
    source, out, runner = asyncio.StreamReader(), Mock(spec=asyncio.StreamWriter), Waits()
    more = {"file": "/tiny.gguf", "window": 300}
    for number in (1, 2):
        source.feed_data(encode_call(number, request(), None, {}, more))
    source.feed_data(encode({"op": "cancel", "id": 2}))
    ended = asyncio.Event()
    out.write.side_effect = lambda line: ended.set() if b'"end"' in line else None
    run = asyncio.create_task(worker.Worker(runner, source, out).run())
    async with asyncio.timeout(WAIT_S):
        for _ in range(20):  # turns of the loop: all lines are there, and what they begin has begun
            await asyncio.sleep(0)
        runner.go.set()
        await ended.wait()
        assert ends == []
        source.feed_eof()
        await run
    written = [json.loads(call.args[0]) for call in out.write.call_args_list]
    assert [line["id"] for line in written if "end" in line] == [1]


class Tiny:
    """Tiny models, kept and run."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self._folder = folder
        secrets: Any = None
        self._own = OwnModels(folder / "own.json", secrets, Addresses(None))
        blobs: Any = Blobs()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.client = LocalClient(self._own, blobs, folder / "log" / "worker.log", environment, **options)

    def add(self, name: str, *says: str, window: int | None = None, ends: bool = True) -> Path:
        file = self._folder / f"{name}.gguf"
        write_model(file, says, ends=ends)
        self._own.keep(OwnModel(name=name, kind="file", path=str(file), context_window=window), None)
        return file


@pytest.fixture
async def stand_in(tmp_path: Path) -> AsyncIterator[Tiny]:
    tiny = Tiny(tmp_path, command=(sys.executable, "-c", STAND_IN), package="json")
    tiny.add("tiny", "Hello", window=300)
    yield tiny
    await tiny.client.close()


@pytest.mark.thorough
async def test_the_worker_answers_fails_and_is_stopped(stand_in: Tiny) -> None:
    client = stand_in.client
    pid, *place = text_of(await read(client.stream(request()))).split()
    assert place == ["tiny.gguf", "300"]
    with pytest.raises(ContextTooLong):
        await read(client.stream(request("long")))
    with pytest.raises(Exception, match="KeyError"):
        await read(client.stream(request("bug")))
    endless: Any = client.stream(request("for ever"))
    assert isinstance(await anext(endless), TextDelta)
    await endless.aclose()
    assert text_of(await read(client.stream(request()))).split()[0] == pid


@pytest.mark.thorough
async def test_a_call_that_cannot_be_stopped_ends_with_the_worker_and_the_next_one_has_another(
    stand_in: Tiny,
) -> None:
    client = stand_in.client
    pid = text_of(await read(client.stream(request()))).split()[0]
    stuck: Any = client.stream(request("stuck"))
    await anext(stuck)
    behind = asyncio.create_task(read(client.stream(request())))
    await stuck.aclose()
    with pytest.raises(ModelUnavailable):
        await behind
    assert text_of(await read(client.stream(request()))).split()[0] != pid


@pytest.mark.thorough
async def test_a_worker_whose_engine_is_gone_ends_though_a_call_does_not_stop(tmp_path: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STAND_IN, stdin=pipe, stdout=pipe, env=environment
    )
    assert process.stdin is not None and process.stdout is not None
    more = {"file": "/tiny.gguf", "window": 300}
    process.stdin.write(encode_call(1, request("stuck"), None, {}, more))
    async with asyncio.timeout(WAIT_S):
        while b"deltas" not in await process.stdout.readline():
            pass
        process.stdin.close()
        assert await process.wait() == 1


def taken_apart(pieces: list[str], *, tools: bool = True) -> list[ModelDelta]:
    text = TaggedText(tools=tools)
    return [*(delta for piece in pieces for delta in text.read(piece)), *text.end()]


def said(deltas: list[ModelDelta]) -> tuple[str, str, list[tuple[str, str]]]:
    thought = "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta))
    calls = [(delta.name, delta.arguments) for delta in deltas if isinstance(delta, ToolCallDelta)]
    return text_of(deltas), thought, calls


CALL = '<tool_call>\n{"name": "read", "arguments": {"path": "a"}}\n</tool_call>'


@given(cuts=st.lists(st.integers(0, 200), max_size=12))
def test_a_reply_means_the_same_however_it_is_cut(cuts: list[int]) -> None:
    whole = f"<think>so < that</think>It is a <tool. {CALL} {CALL}and 1 < 2 <"
    places = sorted({min(cut, len(whole)) for cut in cuts} | {0, len(whole)})
    pieces = [whole[a:b] for a, b in pairwise(places)]
    call = ("read", '{"path": "a"}')
    assert said(taken_apart(pieces)) == ("It is a <tool.  and 1 < 2 <", "so < that", [call, call])


def test_what_is_no_call_is_text() -> None:
    assert said(taken_apart(["<tool_call>[1]</tool_call>"])) == ("[1]", "", [])
    assert said(taken_apart(['<tool_call>{"name": 1}</tool_call>'])) == ('{"name": 1}', "", [])
    assert said(taken_apart([CALL], tools=False)) == (CALL, "", [])
    unclosed = '<tool_call>{"name": "read", "parameters": "{}"}'
    assert said(taken_apart([unclosed])) == ("", "", [("read", "{}")])


# --- with llama.cpp itself

real = [
    pytest.mark.thorough,
    pytest.mark.skipif(
        find_spec("llama_cpp") is None and not os.environ.get("HOLDFAST_TEST_LLAMA"),
        reason="needs the extra `local`",
    ),
]


@pytest.fixture
async def tiny(tmp_path: Path) -> AsyncIterator[Tiny]:
    made = Tiny(tmp_path)
    yield made
    await made.client.close()


class TestLlama:
    pytestmark = real

    async def test_a_model_in_a_file_answers(self, tiny: Tiny) -> None:
        tiny.add("tiny", "Hello", " from", " a", " file")
        for _ in range(2):
            deltas = await read(tiny.client.stream(request()))
            assert text_of(deltas).strip() == "Hello from a file"
            usage = next(delta for delta in deltas if isinstance(delta, UsageReport))
            assert usage.input_tokens > 10 and usage.output_tokens >= 4 and usage.cost_usd == 0
            assert deltas[-1] == Finished(reason="stop")

    async def test_a_reply_is_cut_at_its_limit(self, tiny: Tiny) -> None:
        tiny.add("tiny", "again ", "and ", ends=False)
        deltas = await read(tiny.client.stream(request(most=6)))
        assert text_of(deltas).split() == ["again", "and"] * 3
        assert deltas[-1] == Finished(reason="length")

    async def test_a_call_that_is_cancelled_stops_and_another_model_takes_its_place(self, tiny: Tiny) -> None:
        tiny.add("tiny", "on ", ends=False)
        tiny.add("other", "Done")
        endless: Any = tiny.client.stream(request())
        async with asyncio.timeout(WAIT_S):
            for _ in range(3):
                assert isinstance(await anext(endless), TextDelta)
            await endless.aclose()
        deltas = await read(tiny.client.stream(request(model="local/other")))
        assert text_of(deltas).strip() == "Done"

    async def test_tools_are_called(self, tiny: Tiny) -> None:
        call = '<tool_call>{"name": "read_file", "arguments": {"path": "a"}}</tool_call>'
        pieces = [call[at : at + 16] for at in range(0, len(call), 16)]  # as long as tokens can be
        tiny.add("tiny", *pieces)
        tool = ToolSchema(name="read_file", description="Reads", parameters={"type": "object"})
        deltas = await read(tiny.client.stream(request(tools=(tool,))))
        assert said(deltas)[2] == [("read_file", '{"path": "a"}')]
        assert deltas[-1] == Finished(reason="tool_calls")

    async def test_what_is_too_long_or_broken_is_said(self, tiny: Tiny) -> None:
        tiny.add("tiny", "Hello", window=64)
        with pytest.raises(ContextTooLong):
            await read(tiny.client.stream(request("a " * 200)))
        file = tiny.add("broken", "Hello")
        file.write_bytes(file.read_bytes()[:100_000])
        with pytest.raises(ModelRequestRefused) as caught:
            await read(tiny.client.stream(request(model="local/broken")))
        assert caught.value.code == "model_file_refused"
        file.unlink()
        with pytest.raises(ModelNotFound):
            await read(tiny.client.stream(request(model="local/broken")))
        assert text_of(await read(tiny.client.stream(request()))).strip() == "Hello"
