"""Hooks that are switched off and on."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.hooks import HookSpec
from holdfast.core.hooks.hooks_file import HooksFile


def test_a_hook_is_switched_off_and_on_and_is_otherwise_as_it_was(tmp_path: Path) -> None:
    file = HooksFile(tmp_path / "hooks.yaml")
    headers = {"Authorization": "Bearer x"}
    first = file.add(HookSpec(point="before_run", type="webhook", url="https://x.test", headers=headers))
    second = file.add(HookSpec(point="before_tool", type="python", file="guard.py"))
    off = file.enable(second.id or "", False)
    assert off == second.model_copy(update={"enabled": False})
    assert file.read() == (first, off)
    assert "file: guard.py\n" in file.path.read_text()
    assert file.enable(second.id or "", True) == second
    with pytest.raises(NotFoundError):
        file.enable("nothing", True)
