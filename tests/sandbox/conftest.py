from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.processes import ProcessSpec
from holdfast.core.sandbox.process import ChildProcesses


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
