"""Runs the terminal app on the fake workbench, to look at: python tests/tui/demo.py [--small]."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fake_workbench import FakeRun, FakeWorkbench, new_file, spec

from holdfast.core.domain.agents import Layer
from holdfast.core.domain.tools import CommandBlock, PlanBlock, PlanItem, Risk
from holdfast.tui.app import run
from holdfast.tui.start import Start

REPORT = """# Third quarter

Revenue **rose in every region** [1], most of all in the north:

| region | Q2 | Q3 |
|---|---:|---:|
| north | 1,200 | 1,710 |
| south | 980 | 1,004 |

```python
growth = q3 / q2 - 1
```

1. The north grew by 42 %.
2. The south hardly moved.
"""


async def report(job: FakeRun) -> None:
    """A run that thinks, plans, writes a file and asks."""
    plan = PlanBlock(
        items=(
            PlanItem(text="Read the figures", status="completed"),
            PlanItem(text="Write report.md", status="in_progress"),
            PlanItem(text="Check it"),
        )
    )
    await job.call("update_plan", {}, ask=False, display=(plan,), risk=Risk.READ)
    await job.say("I read the figures and write the report.\n\n")
    arguments, preview = new_file("report.md", REPORT)
    await job.call("write_file", arguments, "report.md", preview)
    for word in REPORT.split(" "):
        await job.say(word + " ") if False else None
    await job.say(REPORT)
    command = CommandBlock(command="pytest -q", cwd="/work/project")
    await job.call("run_command", {"command": "pytest -q"}, "pytest -q", (command,), risk=Risk.EXECUTE)
    choice = await job.ask("Shall I send it?", ("yes", "no, not yet"))
    await job.say(f"You chose *{choice}*. Done.")


async def hold(job: FakeRun) -> None:
    await job.say("This takes a while…")
    await job.hold()


async def connect() -> FakeWorkbench:
    await asyncio.sleep(1)
    bench = FakeWorkbench([report, hold], now=datetime.now(UTC) - timedelta(minutes=2))
    bench.agent_infos.append(spec("local", layer=Layer.PROJECT, trusted=False))
    old = bench.add_session("Old notes")
    await bench.play(old.id, "What is a holdfast?")
    other = bench.add_session("refactor the parser", "coder")
    bench._spawn(bench.play(other.id, "go", refactor))
    return bench


async def refactor(job: FakeRun) -> None:
    command = CommandBlock(command="rm -rf build && make", cwd="/work/project")
    expires = datetime.now(UTC) + timedelta(minutes=5)
    await job.call(
        "run_command",
        {"command": "rm -rf build && make"},
        "rm -rf build && make",
        (command,),
        risk=Risk.EXECUTE,
        expires_at=expires,
    )


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    themes = [Path(__file__).parents[2] / "themes"]
    raise SystemExit(run(Start(connect, folder, folder / "tui.json", themes, version="0.1.0")))
