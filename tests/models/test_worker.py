"""The model worker as a process: its environment, its end, its new start, and what it merges."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.core.domain.errors import ModelAuthError, ModelUnavailable
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import Finished, ModelRequest, ReasoningDelta, TextDelta
from holdfast.core.models.worker_client import COMMAND, WorkerClient
from holdfast.core.workers.process import worker_environment

pytestmark = [pytest.mark.thorough, pytest.mark.asyncio(loop_scope="module")]

REQUEST = ModelRequest(
    model="openai/gpt-4o", messages=(Message(role="user", parts=(TextPart(text="hello"),)),)
)

# Speaks the worker's side of the protocol without LiteLLM, so that these tests cost milliseconds.
STAND_IN = """
import json, os, sys
def say(**message): print(json.dumps(message), flush=True)
say(ready=True)
for line in sys.stdin:
    message = json.loads(line)
    if message["op"] != "call": continue
    text = message["request"]["messages"][0]["parts"][0]["text"]
    call = message["id"]
    def reply(text): say(id=call, deltas=[{"type": "text", "text": text}])
    if text == "environment": reply(json.dumps(dict(os.environ)))
    elif text == "arguments": reply(json.dumps([sys.argv, os.getcwd()]))
    elif text == "die": reply("half"); os._exit(3)
    elif text == "half a line": sys.stdout.write('{"id":'); sys.stdout.flush(); os._exit(4)
    elif text == "wait": continue
    else: reply(str(os.getpid()))
    say(id=call, deltas=[{"type": "finished", "reason": "stop"}])
    say(id=call, end=True)
"""


@pytest.fixture
def stand_in(blobs, tmp_path):
    def make(**environment: str) -> WorkerClient:
        return WorkerClient(
            lambda provider: "sk-canary-7f3d9a1b5c2e4860",
            blobs,
            tmp_path / "logs" / "worker.log",
            {"PATH": os.environ["PATH"], **environment},
            command=(sys.executable, "-c", STAND_IN),
        )

    return make


def saying(text: str) -> ModelRequest:
    return REQUEST.model_copy(update={"messages": (Message(role="user", parts=(TextPart(text=text),)),)})


async def text_of(client: WorkerClient, text: str) -> str:
    async with asyncio.timeout(20):
        return "".join([d.text async for d in client.stream(saying(text)) if isinstance(d, TextDelta)])


async def test_the_worker_gets_no_key_in_its_environment_or_arguments(stand_in):
    client = stand_in(
        OPENAI_API_KEY="sk-canary-7f3d9a1b5c2e4860",
        HOLDFAST_HOME="/tmp/x",
        AWS_SECRET_ACCESS_KEY="canary",
        HOME="/home/someone",
        LC_ALL="C.UTF-8",
        SSL_CERT_FILE="/etc/ca.pem",
    )
    seen = json.loads(await text_of(client, "environment"))
    arguments = await text_of(client, "arguments")
    await client.close()
    assert {k for k in seen if k != "LC_CTYPE"} == {"PATH", "HOME", "LC_ALL", "SSL_CERT_FILE"}
    assert "canary" not in json.dumps(seen) + arguments
    assert json.loads(arguments)[1] == "/"


async def test_loopback_is_never_behind_a_proxy():
    kept = worker_environment({"HTTPS_PROXY": "http://proxy:3128", "no_proxy": "intranet"})
    assert kept["HTTPS_PROXY"] == "http://proxy:3128"
    assert kept["NO_PROXY"] == kept["no_proxy"] == "intranet,127.0.0.1,localhost,::1"


async def test_a_call_under_way_when_the_worker_dies_is_unavailable_and_the_next_one_works(stand_in):
    client = stand_in()
    first = await text_of(client, "who")
    got = []
    with pytest.raises(ModelUnavailable) as caught:
        async with asyncio.timeout(20):
            async for delta in client.stream(saying("die")):
                got.append(delta)
    assert caught.value.code == "model_worker_ended"
    assert caught.value.details["exit_code"] == 3
    assert got == [TextDelta(text="half")]
    assert await text_of(client, "who") != first
    await client.close()


async def test_half_a_line_from_a_dying_worker_ends_the_call(stand_in):
    client = stand_in()
    with pytest.raises(ModelUnavailable):
        await text_of(client, "half a line")
    await client.close()


async def test_closing_ends_calls_and_lets_none_begin(stand_in):
    client = stand_in()
    waiting = asyncio.create_task(text_of(client, "wait"))
    await text_of(client, "who")  # by then the waiting call is with the worker, or is refused after the close
    await client.close()
    with pytest.raises(ModelUnavailable):
        await waiting
    with pytest.raises(ModelUnavailable):
        await text_of(client, "who")
    assert client.pid is None


async def test_a_worker_that_cannot_be_started_is_unavailable(blobs, tmp_path):
    client = WorkerClient(lambda _: "key", blobs, tmp_path / "log", {}, command=("/nonexistent/python",))
    with pytest.raises(ModelUnavailable, match="cannot be started"):
        await text_of(client, "who")


async def test_a_missing_key_is_told_before_a_worker_is_started(blobs, tmp_path):
    client = WorkerClient(lambda _: None, blobs, tmp_path / "log", {})
    with pytest.raises(ModelAuthError, match=r"holdfast keys provider set openai") as caught:
        await text_of(client, "who")
    assert caught.value.code == "model_key_missing"
    assert client.pid is None


async def test_a_burst_arrives_first_at_once_and_then_merged(worker, server, ask):
    server.reset({"chunks": [{"text": "0123456789", "repeat": 500}]})
    deltas = [d async for d in worker.stream(ask())]
    texts = [d.text for d in deltas if isinstance(d, TextDelta)]
    assert "".join(texts) == "0123456789" * 500
    assert texts[0] == "0123456789"
    assert len(texts) < 50
    assert deltas[-1] == Finished(reason="stop")


async def test_a_killed_worker_is_replaced_and_its_log_has_no_key(worker, server, ask, canary):
    server.reset({"chunks": [{"text": "abc"}, {"stall": True}]}, {"text": "again"})
    stream = worker.stream(ask())
    assert await anext(stream) == TextDelta(text="abc")
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(ModelUnavailable):
        await anext(stream)
    assert "".join([d.text async for d in worker.stream(ask()) if isinstance(d, TextDelta)]) == "again"
    assert canary not in worker._log_file.read_text()


async def test_the_worker_ends_when_its_input_closes():
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", env={}
    )
    assert process.stdin is not None and process.stdout is not None
    async with asyncio.timeout(30):
        assert json.loads(await process.stdout.readline()) == {"ready": True}
        process.stdin.close()
        assert await process.wait() == 0
        assert await process.stdout.read() == b""


async def test_a_dotenv_file_in_the_current_folder_is_not_read(tmp_path: Path):
    (tmp_path / ".env").write_text("OPENAI_BASE_URL=http://stranger.example/v1\n")
    code = (
        "import os; from holdfast.core.models.loading import load; load(); "
        "print(os.environ.get('OPENAI_BASE_URL'))"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-P", "-W", "ignore", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "None\n"


async def test_reasoning_of_the_responses_api_arrives_as_summary(worker, server, ask):
    pytest.importorskip("mcp", reason="LiteLLM's bridge to the Responses API needs it")
    server.reset({"reasoning": "a summary of thoughts", "text": "the answer"})
    request = ask(model="openai/responses/gpt-5-mini", reasoning_effort="medium")
    deltas = [d async for d in worker.stream(request)]
    assert "".join(d.text for d in deltas if isinstance(d, ReasoningDelta) and d.summary) == (
        "a summary of thoughts"
    )
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == "the answer"
    assert server.requests[0].body["reasoning"] == {"effort": "medium", "summary": "auto"}


_TAKES_MEMORY = """
import asyncio
from holdfast.core.models import worker
worker.MOST_MEMORY = 400 * 2**20
async def main():
    loop = asyncio.get_running_loop()
    worker._limit_memory(loop)
    loop.call_soon(lambda: bytearray(2**30))
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep to such a limit")
async def test_a_worker_that_takes_too_much_memory_ends():
    command = [sys.executable, "-c", _TAKES_MEMORY]
    ended = await asyncio.to_thread(subprocess.run, command, timeout=30, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (1, "")
