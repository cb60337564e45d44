"""An engine as it is assembled: its tools run programs confined, and it says so."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.e2e.presence import bubblewrap

from holdfast.assembly import open_workbench
from holdfast.core.config.paths import Paths
from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.confinement import Guard, Protection
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions
from holdfast.core.services.checks import check_sandbox
from holdfast.core.services.local import LocalWorkbench

CANARY = "canary-of-a-key"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    found.make()
    found.policy.write_text(f"# {CANARY}\n")
    return found


@pytest.fixture
async def host(paths: Paths) -> AsyncIterator[LocalWorkbench]:
    opened = await open_workbench(paths, {"PATH": os.environ["PATH"]})
    yield opened
    await opened.close()


async def run(host: LocalWorkbench, project: Path, tool: str, **arguments: str) -> str:
    session = await host.sessions.create("coder", model="offline", project=str(project))
    options = RunOptions(approve=ApproveMode.ALL)
    ran = await host.tools.run(session.id, tool, arguments, options, wait_s=30)
    return "".join(part.text for part in ran.content if isinstance(part, TextPart))


async def test_programs_of_tools_work_in_the_project_and_do_not_see_holdfast(
    host: LocalWorkbench, paths: Paths, tmp_path: Path
) -> None:
    bubblewrap()
    assert (await host.engine.status()).sandbox is None, "a start tries nothing"
    project = tmp_path / "project"
    project.mkdir()
    said = await run(host, project, "run_command", command=f"echo in > made; cat {paths.policy}; pwd")
    assert CANARY not in said
    assert str(project) in said
    said = await run(host, project, "run_python", code=f"print(open('made').read()); open('{paths.policy}')")
    assert "in\n" in said
    assert "FileNotFoundError" in said
    assert (project / "made").read_text() == "in\n"
    known = (await host.engine.status()).sandbox
    assert known is not None
    assert known.guard is Guard.BUBBLEWRAP
    (check,) = [each for each in await host.engine.check() if each.name == "sandbox"]
    assert (check.state, check.message) == ("ok", "Programs of agents are confined by bubblewrap.")


def test_a_check_warns_where_programs_are_not_confined_and_fails_where_they_have_to_be() -> None:
    auto = check_sandbox(Protection(guard=Guard.LIMITS, reason="No bwrap.", hint="Install it"))
    assert (auto.state, auto.hint) == ("warning", "Install it.")
    assert "can do what you can. No bwrap." in auto.message
    required = check_sandbox(Protection(guard=Guard.LIMITS, mode="require", reason="No bwrap."))
    assert required.state == "error"
    assert "none is run" in required.message
    landlock = check_sandbox(Protection(guard=Guard.LANDLOCK, network="deny", reason="No bwrap."))
    assert landlock.state == "ok"
    assert "Landlock, without the network. No bwrap." in landlock.message
