"""Runs an agent's script. A program: nothing imports it.

Its argument is the number of a socket to the engine. On it go frames: four bytes that say how many follow,
then JSON. The first frame from the engine has `code`, `conversation`, `modules`, `memory` in bytes, `cpu_s`
in seconds, and `unconfined`: whether the script runs where the kernel takes no filter. Where it does not,
the answer is `unfiltered`. The script asks with `query`, a model, and `messages`, and is answered `reply`
or `error`. It tells what it prints (`printed`) and says (`said`), and at the end that it has `ended`, with
its result if that was not said already, or has `failed`, with the `line`.

What holds a script is the sandbox around this process, its limits, and the filter of system calls. That it
finds few names here only makes the mistakes clear.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import io
import json
import os
import resource
import sys
import time
import types
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from typing import Any

_NAME = "script"
_RESULTS = ("final_response", "response", "result")
"""The names of a script's result; the first that it gives a value counts."""
_ROLES = ("system", "user", "assistant")
_MOST_PRINTED = 64 * 1024
_TOGETHER_S, _MOST_TOGETHER = 0.1, 1_000
"""Seconds and pieces for which words wait for those that follow."""
_NO_BUILTINS = ("breakpoint", "compile", "eval", "exec", "globals", "input", "locals", "open")


class QueryError(Exception):
    """A model did not answer, or was not asked."""


class _NoResult(Exception):
    """The script has ended without one."""


class _Engine:
    """The line to the engine."""

    def __init__(self, line: int) -> None:
        # As files: the calls that only sockets have are refused later.
        self._from = os.fdopen(line, "rb", closefd=False)
        self._to = os.fdopen(line, "wb", closefd=False)

    def tell(self, frame: dict[str, Any]) -> None:
        data = json.dumps(frame).encode()
        self._to.write(len(data).to_bytes(4, "big") + data)
        self._to.flush()

    def hear(self) -> dict[str, Any]:
        size = int.from_bytes(self._from.read(4), "big")
        frame: dict[str, Any] = json.loads(self._from.read(size))
        return frame


class _Words:
    """What the script prints and says on its way to the engine: at once, then what has come together, of each
    kind in one frame."""

    def __init__(self, engine: _Engine) -> None:
        self._engine = engine
        self._texts: dict[str, list[str]] = {}
        self._count = 0
        self._told_at = float("-inf")

    def add(self, kind: str, text: str) -> None:
        """Takes text that was `printed` or `said`."""
        self._texts.setdefault(kind, []).append(text)
        self._count += 1
        if time.monotonic() - self._told_at >= _TOGETHER_S or self._count >= _MOST_TOGETHER:
            self.flush()

    def flush(self) -> None:
        waiting, self._texts, self._count = self._texts, {}, 0
        for kind, texts in waiting.items():
            if text := "".join(texts):
                self._engine.tell({kind: text})
                self._told_at = time.monotonic()


class _Printed(io.TextIOBase):
    """What the script prints, which is kept too."""

    def __init__(self, words: _Words) -> None:
        self._words = words
        self._left = _MOST_PRINTED
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        taken = text[: self._left]
        self._left -= len(taken)
        self.text += taken
        self._words.add("printed", taken)
        return len(text)


class _Script:
    """The functions that a script has, and what they have brought about."""

    def __init__(self, engine: _Engine, words: _Words) -> None:
        self._engine = engine
        self._words = words
        self.reply: str | None = None
        self.streamed = False
        """Whether the last reply was asked for as the result."""

    def query(self, model: str, conversation: list[dict[str, Any]], *, _result: bool = False) -> str:
        """Asks a model with the conversation, appends its reply, and returns it. Raises `QueryError`."""
        messages = [_message(each) for each in _list(conversation)]
        if not isinstance(model, str):
            raise TypeError("query: the model is a text")
        self._words.flush()
        self._engine.tell({"query": model, "messages": messages, "result": _result})
        answer = self._engine.hear()
        if "error" in answer:
            raise QueryError(answer["error"])
        self.reply, self.streamed = answer["reply"], _result
        conversation.append({"role": "assistant", "content": self.reply})
        return self.reply

    @staticmethod
    def add(role: str, content: Any, conversation: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Appends a message and returns the conversation."""
        if role not in _ROLES:
            raise ValueError(f"add: there is no role {role!r}; it is one of {', '.join(_ROLES)}")
        _list(conversation).append({"role": role, "content": _text(content)})
        return conversation

    @staticmethod
    def attach(
        content: Any, conversation: list[dict[str, Any]], location: str = "end"
    ) -> list[dict[str, Any]]:
        """Puts text at the end or the beginning of the last message and returns the conversation."""
        if location not in ("end", "start", "beginning"):
            raise ValueError(f"attach: there is no location {location!r}; it is 'end' or 'beginning'")
        if not _list(conversation):
            conversation.append({"role": "user", "content": _text(content)})
            return conversation
        last = conversation[-1]
        pieces = [last["content"], _text(content)]
        last["content"] = "\n".join(pieces if location == "end" else reversed(pieces))
        return conversation


def _list(conversation: Any) -> list[dict[str, Any]]:
    if not isinstance(conversation, list):
        raise TypeError("the conversation is a list of messages")
    return conversation


def _message(message: Any) -> dict[str, Any]:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise ValueError(f"query: a message has a role, one of {', '.join(_ROLES)}, and a content")
    return {**message, "content": _text(message.get("content"))}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _marked(tree: ast.Module) -> ast.Module:
    """Marks each query whose reply is certain to be the script's result, so that it can be streamed as such:
    it is the last thing that the script does, and no other name counts before the one that it goes to."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = list(ast.walk(tree))
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    stored |= {node.name for node in nodes if isinstance(node, kinds)}
    stored |= {node.asname or node.name for node in nodes if isinstance(node, ast.alias)}
    if "query" in stored or "*" in stored:
        return tree
    for name, call in _last(tree.body):
        before = _RESULTS[: _RESULTS.index(name)] if name else _RESULTS
        if stored.isdisjoint(before):
            call.keywords.append(ast.keyword(arg="_result", value=ast.Constant(value=True)))
    return ast.fix_missing_locations(tree)


def _last(body: list[ast.stmt]) -> Iterator[tuple[str, ast.Call]]:
    match body[-1:]:
        case [ast.If(body=then, orelse=other)]:
            yield from _last(then)
            yield from _last(other)
        case [ast.Expr(value=ast.Call(func=ast.Name(id="query")) as call)]:
            yield "", call
        case [ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="query")) as call)]:
            if name in _RESULTS:
                yield name, call


def _importer(modules: frozenset[str]) -> Callable[..., types.ModuleType]:
    def load(name: str, *rest: Any) -> types.ModuleType:
        if name.partition(".")[0] not in modules or (len(rest) > 3 and rest[3]):
            raise ImportError(f"a script cannot import {name}")
        return importlib.__import__(name, *rest)

    return load


def _names(script: _Script, modules: frozenset[str], conversation: list[dict[str, Any]]) -> dict[str, Any]:
    known = {name: value for name, value in vars(builtins).items() if name not in _NO_BUILTINS}
    known["__import__"] = _importer(modules | {"_strptime"})
    functions = {"query": script.query, "add": script.add, "attach": script.attach, "QueryError": QueryError}
    return {"__name__": _NAME, "__builtins__": known, "conversation": conversation, **functions}


def _run(engine: _Engine, start: dict[str, Any], tree: ast.Module) -> dict[str, Any]:
    """Runs the script and returns its last frame."""
    words = _Words(engine)
    script, printed = _Script(engine, words), _Printed(words)
    conversation = start["conversation"]
    given = len(conversation)
    names = _names(script, frozenset(start["modules"]), conversation)
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(_marked(tree), _NAME, "exec", dont_inherit=True), names)
            result = next((names[name] for name in _RESULTS if names.get(name) is not None), script.reply)
            if isinstance(result, types.GeneratorType):
                for piece in result:
                    words.add("said", _text(piece))
                return {"ended": None}
        if result is None:
            later = [each for each in conversation[given:] if each["role"] == "assistant"]
            result = later[-1]["content"] if later else printed.text.strip() or None
        if result is None:
            raise _NoResult("it gave no result: set `response`, or query a model")
        return {"ended": None if script.streamed and result == script.reply else _text(result)}
    except BaseException as error:  # noqa: BLE001 (a script may raise anything, and it is told)
        return {"failed": _told(error), "line": _line(error), "query": isinstance(error, QueryError)}
    finally:
        words.flush()


def _told(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 (of a class of the script's own)
        text = ""
    if isinstance(error, _NoResult):
        return text
    return f"{type(error).__name__}: {text}"[:2_000] if text else type(error).__name__[:200]


def _line(error: BaseException) -> int:
    """Returns the line of the script where it failed; 0 where that is not known."""
    line = (error.lineno or 0) if isinstance(error, SyntaxError) else 0
    at = error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == _NAME:
            line = at.tb_lineno
        at = at.tb_next
    return line


def _prepare(tree: ast.Module, modules: frozenset[str]) -> None:
    """Loads what the script will import: no file can be opened when it runs."""
    wanted = {"_strptime", "encodings.ascii", "encodings.latin_1", "encodings.unicode_escape"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            wanted |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            wanted.add(node.module)
    for name in wanted:
        if name.partition(".")[0] in modules or name.startswith(("_strptime", "encodings.")):
            with contextlib.suppress(ImportError):  # the script is told in its own line
                importlib.import_module(name)


def _confine(memory: int, cpu_s: int) -> bool:
    """Says whether the kernel has taken the filter."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    module = types.ModuleType("syscalls")
    path = f"{__file__.removesuffix('script_main.py')}syscalls.py"
    SourceFileLoader("syscalls", path).exec_module(module)
    return bool(module.compute_only())


def _main() -> None:
    engine = _Engine(int(sys.argv[1]))
    start = engine.hear()
    try:
        tree = ast.parse(start["code"], _NAME)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        engine.tell({"failed": _told(error), "line": _line(error), "query": False})
        return
    _prepare(tree, frozenset(start["modules"]))
    if not _confine(start["memory"], start["cpu_s"]) and not start["unconfined"]:
        engine.tell({"unfiltered": True})
        return
    engine.tell(_run(engine, start, tree))


if __name__ == "__main__":
    _main()
