"""Calls the function of a Python hook. A program: nothing imports it.

Its arguments are a file of JSON with `code`, `function` and `event`, and the file that the answer goes to.
What the function returns is written there as JSON; what it prints is seen by nobody.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import types
from pathlib import Path
from typing import Any

_NAME = "hook.py"


def _answer(asked: dict[str, Any]) -> Any:
    main = types.ModuleType("__main__")
    main.__file__ = _NAME
    sys.modules["__main__"] = main
    exec(compile(asked["code"], _NAME, "exec"), main.__dict__)
    result = getattr(main, asked["function"])(asked["event"])
    return asyncio.run(result) if inspect.iscoroutine(result) else result


if __name__ == "__main__":
    answer = _answer(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    Path(sys.argv[2]).write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
