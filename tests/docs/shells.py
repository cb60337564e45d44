"""A shell for what pages show: bash on a machine that has nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

TIMEOUT_S = 300
"""Longest time of one script, also on a slow machine."""
_TOLD = "trap 'echo \"this failed: $BASH_COMMAND\" >&2' ERR\n"


class Said(NamedTuple):
    """What a script has printed."""

    out: str
    errors: str


class Shell:
    """Executes scripts in one folder, on a home of its own: without keys, without a model elsewhere."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "project"
        self.folder.mkdir()
        self._root = root
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(root),
            "LANG": "C.UTF-8",
            "COLUMNS": "200",  # a table cuts off what has no room
            "HOLDFAST_HOME": str(root / "home"),
            "HOLDFAST_MODELS__OLLAMA_URL": "http://127.0.0.1:9",
        }

    def run(self, script: str) -> Said:
        """Runs a script, which must succeed; what it leaves running goes on."""
        with (self._root / "out").open("w+b") as out, (self._root / "errors").open("w+b") as errors:
            # Files, not pipes: what the page leaves running in the background holds them open.
            shell = subprocess.Popen(
                ["bash", "-Eeuo", "pipefail", "-c", _TOLD + script],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                start_new_session=True,
            )
            try:
                status = shell.wait(TIMEOUT_S)
            finally:
                _end_group(shell)
            said = Said(*(Path(file.name).read_text(encoding="utf-8") for file in (out, errors)))
        assert status == 0, f"{script}\n{said.out[-2000:]}\n{said.errors[-2000:]}"
        return said


@contextmanager
def open_shell() -> Iterator[Shell]:
    """Opens a shell on an empty home under a short path; its engine is ended."""
    with tempfile.TemporaryDirectory(prefix="hf") as folder:
        shell = Shell(Path(folder))
        try:
            yield shell
        finally:
            shell.run("holdfast engine stop")


def _end_group(shell: subprocess.Popen[bytes]) -> None:
    """Ends what a script has left, if anything."""
    try:
        os.killpg(shell.pid, 9)
    except ProcessLookupError:
        return
    shell.wait(10)
