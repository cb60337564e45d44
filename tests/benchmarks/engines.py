"""Homes and engine processes for benchmarks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOLDFAST = [sys.executable, "-c", "import sys; from holdfast.cli.main import main; sys.exit(main())"]
ENGINE = [sys.executable, "-m", "holdfast.bootstrap"]


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """Yields the environment of an empty home; stops its engine and removes it at the end."""
    folder = tempfile.mkdtemp(prefix="hf-bench-")
    keep = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "PYTHONPATH")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    environment |= {"HOLDFAST_HOME": folder, "HOLDFAST_SCRIPTED": "1", "LANG": "C.UTF-8"}
    try:
        yield environment
    finally:
        stop_engine(environment)
        shutil.rmtree(folder, ignore_errors=True)


def start_engine(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Starts an engine and returns when it takes connections."""
    engine = subprocess.Popen(ENGINE, env=environment, stderr=subprocess.DEVNULL)
    socket = Path(environment["HOLDFAST_HOME"], "engine.sock")
    deadline = time.monotonic() + 20
    while not socket.exists():
        if time.monotonic() > deadline:
            raise TimeoutError("the engine did not start")
        time.sleep(0.001)
    return engine


def stop_engine(environment: dict[str, str]) -> None:
    """Kills the home's engine, if one runs."""
    lock = Path(environment["HOLDFAST_HOME"], "data", "engine.lock")
    try:
        os.kill(int(json.loads(lock.read_text())["pid"]), signal.SIGKILL)
    except (OSError, ValueError, KeyError):
        return  # there is none


def script(environment: dict[str, str], steps: list[list[dict[str, object]]], delay_s: float = 0) -> str:
    """Writes a model script into the home and returns the model's name."""
    path = Path(environment["HOLDFAST_HOME"], f"script-{time.monotonic_ns()}.json")
    path.write_text(json.dumps({"steps": steps, "delay_s": delay_s}))
    return f"scripted/{path}"
