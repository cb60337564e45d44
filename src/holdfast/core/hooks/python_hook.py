"""Hooks that are functions in Python: each decision runs the function in a process of its own."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from holdfast.core.domain.errors import ForbiddenError, InvalidError, ToolError
from holdfast.core.domain.hooks import HookCall, HookPlace, HookSpec, HookVerdict, hook_file
from holdfast.core.domain.printed import plain
from holdfast.core.domain.processes import Ending, ProcessRunner, ProcessSpec, Reach
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.hooks.wire import MAX_ANSWER, read_answer, told

MAX_CODE = 100_000
"""Bytes of a file."""
_STARTER = str(Path(__file__).with_name("python_hook_main.py"))
_LONGEST_ERROR = 300


class PythonHooks:
    """Runs functions. They read the run's workspace, change nothing, and have no network, as far as programs
    are confined."""

    def __init__(self, processes: ProcessRunner, environment: Mapping[str, str]) -> None:
        self._processes = processes
        self._environment = environment

    async def decide(self, hook: HookSpec, call: HookCall, place: HookPlace, timeout_s: float) -> HookVerdict:
        """Returns what the function answers. Raises `HoldfastError`, `OSError` when it gives no answer."""
        if not place.programs:
            raise ForbiddenError(
                "Programs have the rights of the engine's owner, so only administrators have hooks in Python."
            )
        assert hook.file is not None
        code = await asyncio.to_thread(read_code, hook_file(place.folder, hook.file))
        asked = {"code": code, "function": function_of(code), "event": told(hook, call)}
        with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
            said = await self._run(json.dumps(asked), Path(folder), place, timeout_s)
        return read_answer(said, call)

    async def _run(self, asked: str, folder: Path, place: HookPlace, timeout_s: float) -> str:
        question, answer = folder / "event.json", folder / "answer.json"
        await asyncio.to_thread(question.write_text, asked, encoding="utf-8")
        spec = ProcessSpec(
            # Isolated: no module of the workspace or of the environment stands in for one of the library.
            command=(sys.executable, "-I", "-X", "utf8", _STARTER, str(question), str(answer)),
            cwd=place.folder,
            environment=self._environment,
            timeout_s=timeout_s,
            keep_chars=4_000,
            reach=Reach(writable=(folder,)),
        )
        result = await self._processes.run(spec)
        if result.ending is Ending.TIMED_OUT:
            raise ToolError(f"The function was not done within {timeout_s:g} s.", code="tool_timeout")
        if result.ending is not Ending.EXITED or result.exit_code != 0:
            lines = plain(result.head + result.tail).strip().splitlines()
            last = shorten(sanitize_line(lines[-1] if lines else ""), _LONGEST_ERROR)
            raise ToolError(f"The function ended with status {result.exit_code}: {last}")
        return await asyncio.to_thread(_read, answer, MAX_ANSWER, os.O_NOFOLLOW)


def read_code(path: Path) -> str:
    """Returns the code of a hook. Raises `InvalidError` for what is none, `OSError`."""
    return _read(path, MAX_CODE)


def function_of(code: str) -> str:
    """Returns the name of the one function of a file whose name does not begin with `_`. It takes the event,
    and both it and what the function returns have types. Raises `InvalidError`."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidError(f"The file of the hook is no Python: {error}.", code="invalid_hook") from error
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [each for each in tree.body if isinstance(each, kinds) and not each.name.startswith("_")]
    if len(found) != 1:
        raise InvalidError(
            f"The file of the hook has {len(found)} functions; one is the hook, the others begin with `_`.",
            code="invalid_hook",
        )
    given = found[0].args
    plain_arguments = not (given.vararg or given.kwarg or given.kwonlyargs or given.defaults)
    arguments = [*given.posonlyargs, *given.args]
    typed = all(each.annotation is not None for each in arguments) and found[0].returns is not None
    if not plain_arguments or len(arguments) != 1 or not typed:
        raise InvalidError(
            f"Write the hook as `def {found[0].name}(event: dict) -> dict | None`.", code="invalid_hook"
        )
    return found[0].name


def _read(path: Path, most: int, flags: int = 0) -> str:
    """Returns the text of an ordinary file; a pipe in its place blocks nobody."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise InvalidError(f"{path} is no ordinary file.", code="invalid_hook")
        data = stream.read(most + 1)
    if len(data) > most:
        raise InvalidError(f"{path} is longer than {most} bytes.", code="invalid_hook")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidError(f"{path} is not UTF-8.", code="invalid_hook") from error
