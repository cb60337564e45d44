"""What programs see of a home, before anything confines them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from holdfast.core.config.settings import SandboxSettings
from holdfast.core.domain.processes import ProcessSpec
from holdfast.core.sandbox.view import Places, view_of


@pytest.mark.parametrize(
    "name", [".1password/agent.sock", ".bitwarden-ssh-agent.sock", ".colima/docker.sock", ".rd/docker.sock"]
)
def test_sockets_that_hand_out_keys_or_the_machine_are_hidden(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, workspace = tmp_path / "home", tmp_path / "workspace"
    workspace.mkdir()
    (home / name).parent.mkdir(parents=True)
    monkeypatch.chdir(home)  # a socket's address has room for a short path only
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(name)
        spec = ProcessSpec(command=("true",), cwd=workspace, environment={}, timeout_s=1)
        hidden = view_of(spec, SandboxSettings(), Places(home=home)).hidden
    assert any((home / name).is_relative_to(each) for each in hidden)
