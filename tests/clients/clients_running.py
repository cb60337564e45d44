"""Runs scripts in the environments of real clients."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

RUN_S = 60.0


async def run_script(python: Path, script: Path, *args: str, cwd: Path) -> Any:
    """Runs a script in a client's environment, with nothing of this one; returns the JSON that it prints."""
    process = await asyncio.create_subprocess_exec(
        *(str(python), "-I", str(script), *args),
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
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
    assert process.returncode == 0, errors.decode()
    return json.loads(out)
