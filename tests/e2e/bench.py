"""A fresh machine: an installed Holdfast, an empty home, a project folder, nothing else of the tester's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.terminal import Terminal
from tests.e2e.wheel import CHECKOUT, Installed

from holdfast.core.config.paths import Paths
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.server.lock import is_held, read_address
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.spawn import EngineAddress, wait_engine

RUN_S = 30.0
"""Longest time that one command may take."""
NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there: the tester's own Ollama must not answer."""


class Bench:
    """Runs commands and terminals on one home; `close` ends its engine."""

    def __init__(self, installed: Installed, root: Path) -> None:
        self.installed = installed
        self.root = root
        self.home = root / "home"
        self.project = root / "project"
        self.paths = Paths.resolve({"HOLDFAST_HOME": str(self.home)})
        self._engines: list[subprocess.Popen[bytes]] = []
        (root / "user").mkdir()
        shutil.copytree(CHECKOUT / "docs" / "tutorial", self.project)
        self.environment = {
            "HOLDFAST_HOME": str(self.home),
            "HOLDFAST_MODELS__OLLAMA_URL": NOWHERE,
            "HOME": str(root / "user"),
            "PATH": f"{installed.folder / 'bin'}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "EDITOR": "true",
        }

    # --- commands

    def command(self, *args: str) -> list[str]:
        return [str(self.installed.holdfast), *args]

    def run(
        self, *args: str, stdin: str | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs `holdfast ARGS` in the project, without a terminal."""
        return subprocess.run(
            self.command(*args),
            cwd=self.project,
            env={**self.environment, **(environment or {})},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            encoding="utf-8",
            timeout=RUN_S,
            start_new_session=True,
            check=False,
        )

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Starts `holdfast ARGS` in the project, without a terminal; the caller waits for it."""
        return subprocess.Popen(
            self.command(*args),
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def done(self, *args: str, stdin: str | None = None) -> str:
        """Runs a command that must succeed; returns its stdout."""
        result = self.run(*args, stdin=stdin)
        assert result.returncode == 0, f"{args}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result.stdout

    def json(self, *args: str) -> Any:
        """Runs a command with `--json` and returns what it printed."""
        return json.loads(self.done(*args, "--json"))

    def open(self, *args: str, columns: int = 120, rows: int = 40) -> Terminal:
        """Runs `holdfast ARGS` in a terminal."""
        return Terminal(self.command(*args), self.environment, self.project, columns=columns, rows=rows)

    # --- the engine

    @property
    def engine(self) -> EngineAddress | None:
        """The engine that runs on the home."""
        return read_address(self.paths.lock) if is_held(self.paths.lock) else None

    def spawn_engine(self) -> subprocess.Popen[bytes]:
        """Starts an engine process as the app does; does not wait for it."""
        engine = subprocess.Popen(
            [str(self.installed.python), "-m", "holdfast.bootstrap"],
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._engines.append(engine)
        return engine

    def start_engine(self) -> RemoteWorkbench:
        """Starts an engine and returns a client of it, which the caller closes."""
        engine = self.spawn_engine()
        return RemoteWorkbench(wait_engine(self.paths, started=engine).socket)

    def kill_engine(self) -> int:
        """Ends the engine by SIGKILL; returns the pid that it had."""
        address = self.engine
        assert address is not None, "no engine runs"
        os.kill(address.pid, signal.SIGKILL)
        until(lambda: not is_held(self.paths.lock), "the lock is let go of")
        return address.pid

    def close(self) -> None:
        """Ends what still runs on the home."""
        address = self.engine
        if address is not None:
            os.kill(address.pid, signal.SIGTERM)
            try:
                until(lambda: not is_held(self.paths.lock), "the engine ends", timeout=10)
            except AssertionError:
                os.kill(address.pid, signal.SIGKILL)
                raise
        for engine in self._engines:
            engine.wait(10)

    # --- files

    def agent(self, name: str, text: str) -> None:
        """Writes an agent of the user."""
        self.paths.make()
        self.paths.agents.mkdir(mode=0o700, exist_ok=True)
        (self.paths.agents / f"{name}.yaml").write_text(f"version: 1\nname: {name}\n{text}", encoding="utf-8")

    def script(self, name: str, *steps: list[dict[str, Any]], **more: Any) -> str:
        """Writes a script for the scripted model and allows it; returns the model's name."""
        self.environment["HOLDFAST_SCRIPTED"] = "1"
        path = self.root / f"{name}.json"
        path.write_text(json.dumps({"steps": steps, **more}), encoding="utf-8")
        return f"scripted/{path}"


async def all_events(workbench: RemoteWorkbench, **filter: Any) -> list[LoggedEvent]:
    """Returns every event of the log, oldest first."""
    found: list[LoggedEvent] = []
    wanted = EventFilter(**filter)
    while page := (await workbench.events.read(wanted, after=found[-1].id if found else 0)).items:
        found += page
    return found


def until(condition: Callable[[], object], what: str, timeout: float = 20) -> None:
    """Waits, bounded, until `condition()` holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout:g} s until {what}"
        time.sleep(0.01)
