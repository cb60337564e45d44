"""The wheel: it holds what it needs, and it is the copy that runs."""

from __future__ import annotations

import subprocess

from tests.e2e.bench import Bench
from tests.e2e.wheel import CHECKOUT, Installed


def test_the_wheels_own_copy_runs_not_the_checkout(installed: Installed) -> None:
    code = "import sys, textual, holdfast, holdfast.bootstrap as b; print(holdfast.__file__, b.__file__)"
    code += "; print(*sys.path)"
    done = subprocess.run(
        [installed.python, "-I", "-c", code], capture_output=True, text=True, timeout=60, check=True, cwd="/"
    )
    package, module, *path = done.stdout.split()
    assert package.startswith(f"{installed.folder}/lib/")
    assert module.startswith(f"{installed.folder}/lib/")
    assert str(CHECKOUT / "src") not in path


def test_an_empty_home_answers_doctor_agents_and_version(bench: Bench) -> None:
    assert bench.done("--version").startswith("holdfast ")
    names = {agent["name"] for agent in bench.json("agents", "list")}
    assert {"general", "coder", "analyst", "librarian", "writer", "researcher", "guide"} <= names
    assert bench.run("doctor").returncode == 0
