"""Runs programs and scripts of real clients, with nothing of the environment of the tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RUN_S = 60.0


async def run_script(python: Path, script: Path, *args: str, cwd: Path) -> Any:
    """Runs a script in a client's environment; returns the JSON that it prints."""
    return json.loads(await run_program(python, "-I", script, *args, cwd=cwd))


async def run_program(*command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """Runs a program that must succeed; returns what it prints."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        env=environment or {"PATH": f"{Path(command[0]).parent}:/usr/bin:/bin", "LANG": "C.UTF-8"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(), RUN_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{out.decode()}{errors.decode()}"
    return out.decode()
