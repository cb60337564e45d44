import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.presence import bubblewrap

from holdfast.core.config.settings import SandboxSettings
from holdfast.core.domain.confinement import Guard
from holdfast.core.domain.processes import ProcessSpec
from holdfast.core.sandbox.landlock import version
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.sandbox.sandbox import LEAST_LANDLOCK, Sandbox
from holdfast.core.sandbox.view import Places


@pytest.fixture
def processes() -> ChildProcesses:
    return ChildProcesses(grace_s=0.3)


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., ProcessSpec]:
    """Makes the specification of a shell command in the test's folder."""

    def make(script: str, **more: Any) -> ProcessSpec:
        given: dict[str, Any] = {
            "cwd": tmp_path,
            "environment": {"PATH": "/usr/bin:/bin"},
            "timeout_s": 20,
            **more,
        }
        return ProcessSpec(command=("/bin/sh", "-c", script), **given)

    return make


@pytest.fixture
def landlock_version() -> int:
    return version()


@pytest.fixture
def confine(landlock_version: int) -> Callable[..., ChildProcesses]:
    """Makes a runner that confines by one guard; the test is skipped where the machine has it not."""

    def make(guard: Guard, settings: dict[str, Any] | None = None, **places: Any) -> ChildProcesses:
        if guard is Guard.BUBBLEWRAP:
            bubblewrap()
        if guard is Guard.LANDLOCK and landlock_version < LEAST_LANDLOCK:
            pytest.skip("the kernel has no Landlock, or an old one")
        given = SandboxSettings.model_validate(settings or {})
        find = partial(shutil.which, "bwrap") if guard is Guard.BUBBLEWRAP else lambda: None
        return ChildProcesses(Sandbox(lambda: given, Places(**places), find=find), grace_s=0.3)

    return make
