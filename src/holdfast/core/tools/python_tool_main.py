"""Calls the function of a Python tool. A program: nothing imports it.

Its argument is a file of JSON with `code`, `function` and `arguments`. What the function returns is printed:
a text as it is, anything else as JSON; None is not.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import linecache
import sys
import types
from pathlib import Path
from typing import Any

_NAME = "tool.py"


def _call(asked: dict[str, Any]) -> None:
    source = asked["code"]
    main = types.ModuleType("__main__")
    main.__file__ = _NAME
    sys.modules["__main__"] = main
    linecache.cache[_NAME] = (len(source), None, source.splitlines(keepends=True), _NAME)
    exec(compile(source, _NAME, "exec"), main.__dict__)
    result = getattr(main, asked["function"])(**asked["arguments"])
    if inspect.iscoroutine(result):
        result = asyncio.run(result)
    if result is not None:
        print(result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str))


if __name__ == "__main__":
    _call(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
