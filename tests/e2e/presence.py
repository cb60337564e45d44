"""Programs of others that tests use: without one they skip, unless all of them have to be there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

REQUIRE_ALL = "HOLDFAST_TEST_REQUIRE_ALL"
"""Set: a test that would skip for want of a program fails."""
CLIENTS = "HOLDFAST_TEST_CLIENTS"
"""The folder that `.ci/clients` has filled: one virtual environment for each real client."""


def program(name: str) -> Path:
    """Returns the path of a program of this machine."""
    found = shutil.which(name)
    if found is None:
        missing(f"{name} is not installed")
    return Path(found)


def postgres_program(name: str) -> Path:
    """Returns the path of a program of PostgreSQL's server; Debian keeps them out of the way."""
    found = [Path(path, name) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    return found[-1] if found else program(name)


def bubblewrap() -> Path:
    """Returns the path of bubblewrap. Skips where the machine's kernel lets nobody use it: nothing can be
    installed against that."""
    found = program("bwrap")
    trial = (str(found), "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true")
    ended = subprocess.run(trial, capture_output=True, text=True, timeout=20)
    if ended.returncode:
        pytest.skip(f"bubblewrap does not work on this machine: {ended.stderr.strip()}")
    return found


def client_python(name: str) -> Path:
    """Returns the Python of a real client's environment."""
    return client_folder(name, "bin/python") / "bin" / "python"


def client_folder(name: str, inside: str) -> Path:
    """Returns the folder in which a real client is installed; `inside` is there then."""
    folder = os.environ.get(CLIENTS, "")
    if not folder or not Path(folder, name, inside).exists():
        missing(
            f"the client {name!r} is not installed: .ci/clients FOLDER does it, {CLIENTS} names the FOLDER"
        )
    return Path(folder, name)


def missing(what: str) -> NoReturn:
    """Skips the test, or fails it where everything has to be there."""
    if os.environ.get(REQUIRE_ALL):
        pytest.fail(what)
    pytest.skip(what)
