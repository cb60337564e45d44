"""A fake OpenAI-compatible server on loopback: scripted answers, recorded requests.

As a fixture (a thread of its own, so that it answers whatever the test's event loop does)::

    with FakeOpenAI([{"text": "Hello."}]) as server:
        ... server.url ...            # http://127.0.0.1:PORT/v1
        server.requests[0].body       # what was asked, headers lower-cased

As a program, for engines in processes of their own::

    python tests/fakes/openai_server.py --port 0 --script FILE

It prints one line, `listening http://127.0.0.1:PORT/v1`, and stops when its standard input closes or it
is ended. `GET /requests` (outside `/v1`) returns the recorded requests as JSON.

Endpoints: `POST /v1/chat/completions` (streamed or not), `POST /v1/responses` (streamed: text, reasoning
summary, usage), `GET /v1/models`, and `GET /api/tags` and `GET /api/version` as Ollama has them when `ollama`
is given.

The script is a JSON object, or only its list of answers::

    {"answers": [ANSWER, ...], "default": ANSWER, "key": "sk-...", "ollama": ["llama3"]}

Each request takes the first answer whose `when` fits; that answer is then used up, unless `keep` is true.
When none is left, `default` answers (without one: a reply that quotes the last user message). With `key`,
a request whose bearer token differs gets a 401. An ANSWER has any of::

    when        {"contains": TEXT,      the last user message holds TEXT
                 "model": TEXT,         the model is TEXT
                 "tool_result": TEXT,   the last message is a tool result that holds TEXT ("" for any)
                 "messages": N}         there are N messages
    keep        true: not used up
    text        the reply, sent in pieces of `piece` characters (16)
    reasoning   sent before the text as `reasoning_content`
    tools       [{"name": N, "arguments": OBJECT or TEXT, "id": ID}]: parallel calls, arguments in pieces of
                `piece`, interleaved
    chunks      instead of text/reasoning/tools, exactly these, in order:
                  {"text": T, "repeat": N}        N times (1)
                  {"reasoning": T}
                  {"tool": {"index": I, "id": ID, "name": N, "arguments": FRAGMENT}}
                  {"raw": LINE}                   this line as it is, for broken JSON
                  {"error": {...}}                an error object inside the stream
                  {"wait_s": S}                   a pause
                  {"stall": true}                 nothing more until the client goes away
                  {"drop": true}                  the connection is cut here
    finish      `finish_reason`; "stop", or "tool_calls" with tools. null: the stream ends cleanly without one
                and without `[DONE]`
    usage       true (counted from the texts, the default), false (none), or an object sent as it is
    pace_s      pause before each chunk (0)
    piece       characters in a piece (16)
    status      an HTTP error instead of a stream
    error       its body's error object; a fitting one is made up when missing
    headers     more response headers, such as {"Retry-After": "2"}
    delay_s     pause before the first byte
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

JSON = dict[str, Any]

_ROUTES = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/images/generations")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_OLLAMA_ROW = {"size": 4_661_224_676, "digest": "365c0bd3c000", "modified_at": "2026-11-01T10:00:00.5+02:00"}
_ERRORS: dict[int, JSON] = {
    400: {"message": "Bad request", "type": "invalid_request_error", "code": None},
    401: {
        "message": "Incorrect API key provided",
        "type": "invalid_request_error",
        "code": "invalid_api_key",
    },
    403: {"message": "Not allowed", "type": "permission_error", "code": None},
    404: {"message": "The model does not exist", "type": "invalid_request_error", "code": "model_not_found"},
    429: {"message": "Rate limit reached", "type": "rate_limit_error", "code": "rate_limit_exceeded"},
}
_SERVER_ERROR: JSON = {"message": "The server had an error", "type": "server_error", "code": None}
CONTEXT_ERROR: JSON = {
    "message": "This model's maximum context length is 1000 tokens. Your messages resulted in 1300.",
    "type": "invalid_request_error",
    "code": "context_length_exceeded",
}
"""The error object of a 400 for a conversation that is too long."""


@dataclass
class Recorded:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: JSON

    def as_json(self) -> JSON:
        return {"method": self.method, "path": self.path, "headers": self.headers, "body": self.body}


@dataclass
class FakeOpenAI:
    """The server; a context manager that serves from a thread. `answers` may grow while it runs."""

    answers: list[JSON] = field(default_factory=list)
    default: JSON | None = None
    key: str | None = None
    ollama: list[str] | None = None
    port: int = 0
    requests: list[Recorded] = field(default_factory=list)
    closed_early: int = 0
    """Streams whose client went away before the end."""

    def __post_init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._lock = threading.Lock()
        self._closed = threading.Condition()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address that an OpenAI client is given."""
        return f"{self.root}/v1"

    def __enter__(self) -> FakeOpenAI:
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve(started.set)), daemon=True)
        self._thread.start()
        if not started.wait(10):
            raise RuntimeError("the fake server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(10)

    def reset(self, *answers: JSON) -> None:
        """Forgets requests and answers, and takes these answers."""
        with self._lock:
            self.answers[:] = answers
            self.requests.clear()
            self.closed_early = 0

    def wait_for_early_close(self, timeout_s: float = 5) -> bool:
        """Waits until a client has gone away in the middle of a stream."""
        with self._closed:
            return self._closed.wait_for(lambda: self.closed_early > 0, timeout_s)

    async def serve(self, on_ready: Any = None) -> None:
        """Serves until stopped."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        if on_ready is not None:
            on_ready()
        await self._stop.wait()
        server.close()
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader)) is not None:
                if not await self._answer(request, writer, reader):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self._note_close()
        except asyncio.CancelledError:
            return  # the server stops
        finally:
            writer.close()

    def _note_close(self) -> None:
        with self._closed:
            self.closed_early += 1
            self._closed.notify_all()

    async def _answer(
        self, request: Recorded, writer: asyncio.StreamWriter, reader: asyncio.StreamReader
    ) -> bool:
        """Answers one request; returns whether the connection may be used again."""
        if request.path == "/requests":
            return await _send_json(writer, 200, [r.as_json() for r in self.requests])
        if request.path == "/api/tags" and self.ollama is not None:
            rows = [{"name": n, "model": n, **_OLLAMA_ROW} for n in self.ollama]
            return await _send_json(writer, 200, {"models": rows})
        if request.path == "/api/version" and self.ollama is not None:
            return await _send_json(writer, 200, {"version": "0.12.9"})
        with self._lock:
            self.requests.append(request)
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            return await _send_json(writer, 401, {"error": _ERRORS[401]})
        if request.method == "GET" and request.path == "/v1/models":
            return await _send_json(writer, 200, {"object": "list", "data": [_model("fake-model")]})
        if request.path not in _ROUTES:
            return await _send_json(writer, 404, {"error": {"message": f"no route {request.path}"}})
        answer = self._take(request.body)
        await asyncio.sleep(answer.get("delay_s", 0))
        if "status" in answer:
            error = answer.get("error") or _ERRORS.get(
                answer["status"], {"message": "The server had an error"}
            )
            return await _send_json(writer, answer["status"], {"error": error}, answer.get("headers"))
        if request.path == "/v1/embeddings":
            return await _send_json(writer, 200, _embeddings(answer, request.body))
        if request.path == "/v1/images/generations":
            return await _send_json(writer, 200, _image(answer))
        if request.path == "/v1/responses":
            await _send_responses(writer, answer, request.body)
            return False
        if not request.body.get("stream"):
            return await _send_json(writer, 200, _completion(answer, request.body))
        await self._stream(writer, reader, answer, request.body)
        return False

    def _take(self, body: JSON) -> JSON:
        with self._lock:
            for index, answer in enumerate(self.answers):
                if _fits(answer.get("when", {}), body):
                    return answer if answer.get("keep") else self.answers.pop(index)
        return self.default if self.default is not None else {"text": f"You said: {_last_user(body)}"}

    async def _stream(
        self, writer: asyncio.StreamWriter, reader: asyncio.StreamReader, answer: JSON, body: JSON
    ) -> None:
        _write_head(writer, 200, "text/event-stream", answer.get("headers"), chunked=True)
        _event(writer, _chunk(body, {"role": "assistant", "content": ""}))
        for step in _steps(answer):
            if answer.get("pace_s"):
                await asyncio.sleep(answer["pace_s"])
            if not await self._step(writer, reader, body, step):
                return
        finish = answer.get("finish", "tool_calls" if _has_tools(answer) else "stop")
        if finish is not None:
            _event(writer, _chunk(body, {}, finish))
        usage = answer.get("usage", True)
        wants = (body.get("stream_options") or {}).get("include_usage")
        if usage and wants:
            counted = _usage(answer, body) if usage is True else usage
            _event(writer, {**_chunk(body, {}), "choices": [], "usage": counted})
        if finish is not None:
            _raw(writer, "data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _step(
        self, writer: asyncio.StreamWriter, reader: asyncio.StreamReader, body: JSON, step: JSON
    ) -> bool:
        """Sends one scripted chunk; returns False when the connection is to end here."""
        if "wait_s" in step:
            await writer.drain()
            await asyncio.sleep(step["wait_s"])
        elif "stall" in step:
            await writer.drain()
            await reader.read()  # ends when the client goes away
            self._note_close()
            return False
        elif "drop" in step:
            await writer.drain()
            writer.transport.abort()
            return False
        elif "raw" in step:
            _raw(writer, f"{step['raw']}\n\n")
        elif "error" in step:
            _event(writer, {"error": step["error"]})
        elif "reasoning" in step:
            _event(writer, _chunk(body, {"reasoning_content": step["reasoning"]}))
        elif "tool" in step:
            _event(writer, _chunk(body, {"tool_calls": [_tool_delta(step["tool"])]}))
        else:
            for _ in range(step.get("repeat", 1)):
                _event(writer, _chunk(body, {"content": step["text"]}))
                await writer.drain()
        await writer.drain()
        return True


# --- requests


async def _read_request(reader: asyncio.StreamReader) -> Recorded | None:
    line = await reader.readline()
    if not line.strip():
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (raw := await reader.readline()).strip():
        name, _, value = raw.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    data = await reader.readexactly(int(headers.get("content-length", "0")))
    return Recorded(method, target.partition("?")[0], headers, json.loads(data) if data else {})


def _fits(when: JSON, body: JSON) -> bool:
    messages = body.get("messages", [])
    last = messages[-1] if messages else {}
    return all(
        (
            when.get("contains", "") in _last_user(body),
            when.get("model", body.get("model")) == body.get("model"),
            "tool_result" not in when
            or (last.get("role") == "tool" and when["tool_result"] in _text(last.get("content"))),
            when.get("messages", len(messages)) == len(messages),
        )
    )


def _last_user(body: JSON) -> str:
    users = [m for m in body.get("messages", []) if m.get("role") == "user"]
    return _text(users[-1].get("content")) if users else ""


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(p.get("text", "") for p in content if isinstance(p, dict))
    return content or ""


# --- answers


def _pieces(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def _has_tools(answer: JSON) -> bool:
    return bool(answer.get("tools")) or any("tool" in c for c in answer.get("chunks", []))


def _steps(answer: JSON) -> list[JSON]:
    if "chunks" in answer:
        return list(answer["chunks"])
    size = answer.get("piece", 16)
    steps: list[JSON] = [{"reasoning": p} for p in _pieces(answer.get("reasoning", ""), size)]
    steps += [{"text": p} for p in _pieces(answer.get("text", ""), size)]
    fragments: list[list[str]] = []
    for index, tool in enumerate(answer.get("tools", [])):
        arguments = tool.get("arguments", {})
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        fragments.append(_pieces(text, size))
        first = {"index": index, "id": tool.get("id", f"call_{index}"), "name": tool["name"], "arguments": ""}
        steps.append({"tool": first})
    for turn in range(max((len(f) for f in fragments), default=0)):
        for index, parts in enumerate(fragments):
            if turn < len(parts):
                steps.append({"tool": {"index": index, "arguments": parts[turn]}})
    return steps


def _tool_delta(tool: JSON) -> JSON:
    function = {k: tool[k] for k in ("name", "arguments") if k in tool}
    delta: JSON = {"index": tool.get("index", 0), "function": function}
    return {**delta, "id": tool["id"], "type": "function"} if "id" in tool else delta


def _chunk(body: JSON, delta: JSON, finish: str | None = None) -> JSON:
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": body.get("model", "fake-model"),
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def _usage(answer: JSON, body: JSON) -> JSON:
    asked = sum(len(_text(m.get("content"))) for m in body.get("messages", [])) // 4 + 1
    said = "".join(str(s.get("text", "")) * s.get("repeat", 1) for s in _steps(answer))
    given = len(said) // 4 + 1
    return {"prompt_tokens": asked, "completion_tokens": given, "total_tokens": asked + given}


def _model(name: str) -> JSON:
    return {"id": name, "object": "model", "created": 1, "owned_by": "fake"}


def _image(answer: JSON) -> JSON:
    """Returns the answer's `image` and `usage`; without one a PNG of one pixel."""
    told = {"usage": answer["usage"]} if "usage" in answer else {}
    return {"created": 1, "data": [answer.get("image") or {"b64_json": PIXEL}], **told}


def _embeddings(answer: JSON, body: JSON) -> JSON:
    """Returns the answer's `vectors`; without them one for each text, which begins with its length. The last
    comes first, for only the index counts."""
    vectors = answer.get("vectors") or [[float(len(text)), 1.0, 0.5] for text in body["input"]]
    rows = [{"object": "embedding", "index": i, "embedding": each} for i, each in enumerate(vectors)]
    usage = {"prompt_tokens": len(vectors), "total_tokens": len(vectors)}
    return {"object": "list", "data": rows[::-1], "model": body["model"], "usage": usage}


def _completion(answer: JSON, body: JSON) -> JSON:
    steps = _steps(answer)
    calls: dict[int, JSON] = {}
    for tool in (s["tool"] for s in steps if "tool" in s):
        call = calls.setdefault(
            tool.get("index", 0), {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        )
        call["id"] = tool.get("id") or call["id"]
        call["function"]["name"] += tool.get("name", "")
        call["function"]["arguments"] += tool.get("arguments", "")
    message: JSON = {
        "role": "assistant",
        "content": "".join(s["text"] * s.get("repeat", 1) for s in steps if "text" in s),
    }
    if calls:
        message["tool_calls"] = [calls[i] for i in sorted(calls)]
    finish = answer.get("finish", "tool_calls" if calls else "stop")
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 1,
        "model": body.get("model", "fake-model"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": _usage(answer, body),
    }


async def _send_responses(writer: asyncio.StreamWriter, answer: JSON, body: JSON) -> None:
    """Streams an answer in the form of the Responses API."""
    _write_head(writer, 200, "text/event-stream", answer.get("headers"), chunked=True)
    response: JSON = {
        "id": "resp_fake",
        "object": "response",
        "created_at": 1,
        "model": body.get("model", "fake-model"),
        "output": [],
        "status": "in_progress",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
    }
    events: list[JSON] = [{"type": "response.created", "response": response}]
    size = answer.get("piece", 16)
    for piece in _pieces(answer.get("reasoning", ""), size):
        events.append(
            {
                "type": "response.reasoning_summary_text.delta",
                "item_id": "rs_1",
                "output_index": 0,
                "summary_index": 0,
                "delta": piece,
            }
        )
    for piece in _pieces(answer.get("text", ""), size):
        events.append(
            {
                "type": "response.output_text.delta",
                "item_id": "msg_1",
                "output_index": 1,
                "content_index": 0,
                "delta": piece,
            }
        )
    content = [{"type": "output_text", "text": answer.get("text", ""), "annotations": []}]
    message = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": content,
    }
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 15,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 2},
    }
    done = {**response, "status": "completed", "output": [message], "usage": usage}
    events.append({"type": "response.completed", "response": done})
    for number, event in enumerate(events):
        _raw(writer, f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


# --- HTTP


def _write_head(
    writer: asyncio.StreamWriter,
    status: int,
    media_type: str,
    headers: dict[str, str] | None,
    *,
    chunked: bool = False,
    length: int = 0,
) -> None:
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Type: {media_type}"]
    lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}")
    if chunked:
        lines.append("Connection: close")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


def _raw(writer: asyncio.StreamWriter, text: str) -> None:
    data = text.encode()
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _event(writer: asyncio.StreamWriter, value: JSON) -> None:
    _raw(writer, f"data: {json.dumps(value)}\n\n")


async def _send_json(
    writer: asyncio.StreamWriter, status: int, value: Any, headers: dict[str, str] | None = None
) -> bool:
    data = json.dumps(value).encode()
    _write_head(writer, status, "application/json", headers, length=len(data))
    writer.write(data)
    await writer.drain()
    return True


# --- as a program


def load_script(path: Path) -> JSON:
    """Returns the keyword arguments of `FakeOpenAI` that the script file at `path` says."""
    script = json.loads(path.read_text(encoding="utf-8"))
    return {"answers": script} if isinstance(script, list) else script


def main() -> None:
    """Serves a script until standard input closes."""
    parser = argparse.ArgumentParser(description="A fake OpenAI-compatible server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path)
    options = parser.parse_args()
    server = FakeOpenAI(port=options.port, **(load_script(options.script) if options.script else {}))
    with server:
        print(f"listening {server.url}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
