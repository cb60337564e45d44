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


def test_of_two_hooks_with_one_id_in_the_file_each_can_be_switched_and_removed(tmp_path: Path) -> None:
    file = HooksFile(tmp_path / "hooks.yaml")
    id = "7f0c1c1e-0000-4000-8000-000000000001"
    one = f"  - {{id: {id}, point: before_run, type: python, file: "
    file.path.write_text(f"hooks:\n{one}a.py}}\n{one}b.py}}\n")
    first, second = file.read()
    assert first.id == id != second.id
    assert not file.enable(second.id or "", False).enabled
    file.remove(id)
    assert [(each.id, each.enabled) for each in file.read()] == [(second.id, False)]
