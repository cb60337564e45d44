"""Which protection is in force is tried and not guessed."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.config.settings import SandboxSettings
from holdfast.core.domain.confinement import Guard
from holdfast.core.domain.errors import SandboxRequired
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.sandbox.sandbox import Sandbox
from holdfast.core.sandbox.view import Places

BROKEN = "echo 'bwrap: No permissions to create a new namespace' >&2; exit 1"
PRETENDS = """while [ "$1" != -- ]; do shift; done; shift; exec "$@" """


class Machine:
    """Makes runners on a machine whose bubblewrap is a script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.settings = SandboxSettings()
        (folder / "temporary").mkdir()

    def install(self, script: str) -> None:
        program = self.folder / "bwrap"
        program.write_text(f"#!/bin/sh\necho called >> {self.calls}\n{script}\n")
        program.chmod(0o755)

    def processes(self, *, landlock: int = 0) -> ChildProcesses:
        program = self.folder / "bwrap"
        places = Places(home=self.folder, temporary=(self.folder / "temporary",))
        sandbox = Sandbox(
            lambda: self.settings,
            places,
            find=lambda: str(program) if program.exists() else None,
            version=lambda: landlock,
        )
        return ChildProcesses(sandbox, grace_s=0.3)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


async def test_without_anything_there_are_limits_only_and_it_says_what_to_install(machine: Machine) -> None:
    found = await machine.processes().protection()
    assert (found.guard, found.mode) == (Guard.LIMITS, "auto")
    assert found.reason == "bubblewrap is not installed. The kernel has no Landlock; 4 is needed."
    assert "apt install bubblewrap" in found.hint
    found = await machine.processes(landlock=3).protection()
    assert "has version 3 of Landlock; 4 is needed" in found.reason


async def test_a_bubblewrap_that_cannot_work_is_not_used_and_its_words_are_told(machine: Machine) -> None:
    machine.install(BROKEN)
    found = await machine.processes().protection()
    assert found.guard is Guard.LIMITS
    assert "does not work: bwrap: No permissions to create a new namespace." in found.reason
    assert "namespaces" in found.hint


async def test_a_bubblewrap_that_confines_nothing_is_found_out(machine: Machine) -> None:
    machine.install(PRETENDS)
    found = await machine.processes().protection()
    assert found.guard is Guard.LIMITS
    assert "does not keep from writing elsewhere" in found.reason


async def test_landlock_takes_the_place_of_a_bubblewrap_that_does_not_work(
    machine: Machine, landlock_version: int, shell: Callable[..., Any]
) -> None:
    if landlock_version < 4:
        pytest.skip("the kernel has no Landlock, or an old one")
    machine.install(BROKEN)
    processes = machine.processes(landlock=landlock_version)
    found = await processes.protection()
    assert (found.guard, "No permissions" in found.reason) == (Guard.LANDLOCK, True)
    assert (await processes.run(shell("echo in > file && cat file"))).head == "in\n"


async def test_it_is_tried_once_before_the_first_program_and_again_when_it_is_asked_for(
    machine: Machine, shell: Callable[..., Any]
) -> None:
    machine.install(BROKEN)
    processes = machine.processes()
    assert processes.known_protection is None
    assert not machine.calls.exists()
    results = await asyncio.gather(*(processes.run(shell("echo ran")) for _ in range(3)))
    assert [result.head for result in results] == ["ran\n"] * 3
    assert machine.calls.read_text() == "called\n"
    assert processes.known_protection == await processes.protection()
    await processes.protection(anew=True)
    assert machine.calls.read_text() == "called\n" * 2


async def test_required_and_not_there_nothing_is_run(machine: Machine, shell: Callable[..., Any]) -> None:
    machine.settings = SandboxSettings(mode="require")
    processes = machine.processes()
    assert (await processes.protection()).refuses
    with pytest.raises(SandboxRequired) as raised:
        await processes.run(shell("touch ran"))
    assert raised.value.code == "sandbox_required"
    assert "apt install bubblewrap" in raised.value.message
    assert not Path(shell("").cwd, "ran").exists()


async def test_switched_off_nothing_is_tried(machine: Machine, shell: Callable[..., Any]) -> None:
    machine.install(BROKEN)
    machine.settings = SandboxSettings(mode="off")
    processes = machine.processes()
    assert (await processes.run(shell("echo ran"))).head == "ran\n"
    known = processes.known_protection
    assert known is not None
    assert (known.guard, known.mode, known.reason) == (
        Guard.LIMITS,
        "off",
        "The setting `sandbox.mode` is `off`.",
    )
    assert not machine.calls.exists()


async def test_a_change_of_the_settings_holds_from_the_next_program_on(
    machine: Machine, shell: Callable[..., Any]
) -> None:
    processes = machine.processes()
    assert (await processes.run(shell("echo ran"))).head == "ran\n"
    machine.settings = SandboxSettings(mode="require")
    with pytest.raises(SandboxRequired):
        await processes.run(shell("echo ran"))


@pytest.mark.parametrize("path", ["relative", "", "/", "~", "~other/x", "/a\0b"])
def test_a_path_that_is_not_whole_is_no_setting(path: str) -> None:
    with pytest.raises(ValueError, match="no whole path"):
        SandboxSettings(writable=(path,))
