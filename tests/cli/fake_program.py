"""`holdfast` with doors in memory, as a process: `python fake_program.py HOME SCRIPT ARGUMENT...`."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import cli_fakes
from cli_fakes import FakeDoors, FakeRun, FakeWorkbench

from holdfast.cli import doors
from holdfast.cli.main import main
from holdfast.core.domain import events as ev


def on_signal() -> asyncio.Event:
    """Returns an event that SIGUSR1 sets."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
    return told


async def tell_decision(run: FakeRun) -> None:
    """Says as the reply what was decided."""
    run.request(path="report.md")
    decision = await run.approval("approval-1")
    run.complete_call(outcome="ok" if decision.outcome == "approve" else "denied")
    run.text(f"decided: {decision.outcome} {decision.scope} {decision.reason} {decision.arguments}")
    run.emit(ev.RunCompleted)


async def decided_elsewhere(run: FakeRun) -> None:
    """Two approvals: the first is decided by another client, on a signal, while it is asked."""
    told = on_signal()
    run.request(path="report.md")
    first = asyncio.ensure_future(run.approval("approval-1"))
    await told.wait()
    await run.workbench._decide("approval-1", cli_fakes.Decision(outcome="deny"))
    await first
    second = await run.approval("approval-2", rule="write_file(*.csv)")
    run.complete_call()
    run.text(f"second: {second.outcome}")
    run.emit(ev.RunCompleted)


async def asked_later(run: FakeRun) -> None:
    """Asks on a signal, and says as the reply what was decided."""
    told = on_signal()
    run.text("ready")
    await told.wait()
    await tell_decision(run)


async def tell_answer(run: FakeRun) -> None:
    """Says as the reply what was answered."""
    run.text(f"answer: {await run.question('Which colour?', 'red', 'blue', free_text=False)}")
    run.emit(ev.RunCompleted)


async def bug(run: FakeRun) -> None:
    """Never played: the workbench is broken."""


def start() -> int:
    """Puts the fakes in place and runs the command line."""
    home, name, *arguments = sys.argv[1:]
    script = globals().get(name) or getattr(cli_fakes, name)

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench(script)
        workbench.known["session-1"] = cli_fakes.session_of("session-1")
        return workbench

    replacement = FakeDoors(Path(home), build)
    if script is bug:
        replacement.fail = ZeroDivisionError("a canary")
    doors.use(replacement)
    return main(arguments)


if __name__ == "__main__":
    sys.exit(start())
