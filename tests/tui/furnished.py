"""A workbench with something of everything on it: what the pictures of the screens show."""

from __future__ import annotations

import asyncio
import base64
import difflib
import io
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from fake_knowledge import CITED, block, document, entry, look_up
from fake_knowledge import job as a_job
from fake_workbench import NOON, FakeRun, FakeWorkbench, new_file, settings

from holdfast.core.domain.approvals import Rules
from holdfast.core.domain.files import FileContent, FileEntry
from holdfast.core.domain.jobs import JobStatus
from holdfast.core.domain.limits import Allowance, LimitState
from holdfast.core.domain.logs import LogLine
from holdfast.core.domain.models import ModelInfo
from holdfast.core.domain.runs import Usage
from holdfast.core.domain.status import CheckResult
from holdfast.core.domain.tools import CommandBlock, DiffBlock, PlanBlock, PlanItem, Risk
from holdfast.core.domain.usage import UsageCounts, UsageGroup, UsageSummary

REPORT = """# Third quarter

Revenue **rose in every region**, most of all in the north:

| region | Q2 | Q3 |
|---|---:|---:|
| north | 1,200 | 1,710 |
| south | 980 | 1,004 |
| west | 1,410 | 1,522 |

```python
growth = q3 / q2 - 1
```

1. The north grew by 42 %.
2. The south hardly moved.
"""
SALES = "region,Q2,Q3\nnorth,1200,1710\nsouth,980,1004\nwest,1410,1522\neast,760,811\n"
BEFORE = '''"""How much a region has grown."""


def growth(q2, q3):
    return q3 / q2 - 1


def best(regions):
    return max(regions, key=lambda one: growth(*one))
'''
AFTER = BEFORE.replace("(q2, q3)", "(q2: float, q3: float) -> float").replace(
    "    return q3 / q2 - 1\n",
    "    if not q2:\n        return 0.0\n    return round(q3 / q2 - 1, 3)\n",
)
CHANGE = "".join(
    difflib.unified_diff(
        BEFORE.splitlines(True), AFTER.splitlines(True), "a/src/growth.py", "b/src/growth.py"
    )
)


async def report(job: FakeRun) -> None:
    """Plans, says what it found, and wants to write a file."""
    plan = (
        PlanItem(text="Read the figures", status="completed"),
        PlanItem(text="Write the report", status="in_progress"),
        PlanItem(text="Check it"),
    )
    await job.call("update_plan", {}, ask=False, display=(PlanBlock(items=plan),), risk=Risk.READ)
    command = CommandBlock(
        command="python growth.py", cwd="/work/project", exit_code=0, output="north 0.425\nsouth 0.024\n"
    )
    await job.call(
        "run_command", {"command": "python growth.py"}, ask=False, display=(command,), risk=Risk.EXECUTE
    )
    await job.say(REPORT)
    arguments, preview = new_file("report.md", REPORT)
    await job.call("write_file", arguments, "report.md", preview)
    await job.say("It is written: see `report.md`.")


async def change(job: FakeRun) -> None:
    """Wants to change a file in the middle."""
    await job.say("The growth of a region that had nothing before cannot be told; I mend that.")
    diff = DiffBlock(path="src/growth.py", diff=CHANGE)
    arguments = {"path": "src/growth.py", "old": "return q3 / q2 - 1", "new": "return round(q3 / q2 - 1, 3)"}
    await job.call("edit_file", arguments, "src/growth.py", (diff,))


async def several(job: FakeRun) -> None:
    """Wants three files at once."""
    calls = [
        new_file(f"docs/{name}.md", f"# {name.capitalize()}\n\nWhat it is.")
        for name in ("north", "south", "west")
    ]
    asked = [job.call("write_file", arguments, arguments["path"], preview) for arguments, preview in calls]
    await asyncio.gather(*asked)


async def question(job: FakeRun) -> None:
    await job.ask("Which quarter is the report about?", ("the second", "the third", "both"))


async def cite(job: FakeRun) -> None:
    """Answers from documents."""
    look_up(job, "how it is set up")
    await job.say("Part three **says so** [1], and part twenty, too [2].", citations=CITED)


async def build(job: FakeRun) -> None:
    command = CommandBlock(command="make all", cwd="/work/project")
    await job.call("run_command", {"command": "make all"}, "make all", (command,), risk=Risk.EXECUTE)


async def hold(job: FakeRun) -> None:
    await job.say("This takes a while: I read the first of forty files.")
    await job.hold()


MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


class FakeUsage:
    """A week of work."""

    async def report(self, by: Any = "day", **_: Any) -> UsageSummary:
        days = [
            UsageGroup(
                key=f"2026-11-{15 + n}",
                runs=2 + n % 3,
                steps=9 + n,
                input_tokens=amount * 1000,
                output_tokens=amount * 120,
                cost_usd=amount * 0.0125,
            )
            for n, amount in enumerate((42, 18, 0, 77, 64, 91, 35))
        ]
        total = UsageCounts(
            runs=sum(day.runs for day in days),
            steps=sum(day.steps for day in days),
            **Usage(input_tokens=327_000, output_tokens=39_240, cost_usd=4.09).model_dump(),
        )
        return UsageSummary(by=by, since=None, until=None, total=total, groups=tuple(days))

    async def limits(self, all_users: bool = False) -> tuple[LimitState, ...]:
        def day(unit: Literal["requests", "usd"], limit: float, used: float) -> Allowance:
            left = limit - used
            return Allowance(period="day", unit=unit, limit=limit, used=used, left=left, resets_at=MIDNIGHT)

        dear = LimitState(kind="agent", subject="analyst", owner="local", allowances=(day("usd", 5.0, 3.4),))
        often = LimitState(
            kind="user",
            subject="local",
            label="local",
            owner="local",
            tier="free",
            allowances=(day("requests", 500, 20), day("usd", 20.0, 4.09)),
        )
        return (dear, often)


def picture() -> str:
    """Returns a small image in base64: a sun over a field."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (120, 80), "#2d5f9a")
    draw = ImageDraw.Draw(image)
    draw.ellipse((70, 10, 104, 44), fill="#f2c14e")
    draw.rectangle((0, 52, 120, 80), fill="#3f7d46")
    data = io.BytesIO()
    image.save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


def put_files(bench: FakeWorkbench, session_id: str) -> None:
    """Files of all kinds into a session."""
    texts = {"data/sales.csv": SALES, "notes.md": "# Notes\n\n- Ask **ann** for the figures of the east.\n"}
    texts["src/growth.py"] = "def growth(q2, q3):\n    return q3 / q2 - 1\n"
    for path, text in texts.items():
        bench.put_file(session_id, path, text)
    data = picture()
    bench.files_by_session[session_id]["sun.png"] = FileEntry(path="sun.png", size=640, modified_at=NOON)
    bench.contents[session_id, "sun.png"] = FileContent(
        path="sun.png", kind="image", media_type="image/png", size=640, data=data
    )


def log_lines() -> tuple[LogLine, ...]:
    texts = (
        ("info", "engine", "Listening on the socket of this home."),
        ("info", "runs", "run-1 of session-1 began with offline."),
        ("debug", "store", "Wrote 14 events in 3 ms."),
        ("warning", "models", "openai answered 429; the next try is in 2 s."),
        ("error", "knowledge", "guide/broken.pdf: it has no text.\nThe other 11 documents were taken in."),
        ("info", "runs", "run-1 of session-1 was completed after 1.4 s."),
    )
    return tuple(
        LogLine(at=f"2026-11-21 12:00:{n:02}", level=level, source=source, text=text)  # type: ignore[arg-type]
        for n, (level, source, text) in enumerate(texts)
    )


def about_the_engine(bench: FakeWorkbench) -> None:
    """Logs, health, usage, models, rules."""
    bench.settings = settings()
    bench.settings_file.given["tui.theme"] = "fjord"
    bench.log_lines = log_lines()
    bench.usage = FakeUsage()
    bench.checks = (
        CheckResult(name="database", state="ok", message="it is whole"),
        CheckResult(
            name="index", state="warning", message="two messages are not in it", hint="R puts them in"
        ),
    )
    bench.model_infos = (
        *bench.model_infos,
        ModelInfo(
            name="ollama/qwen3:8b",
            provider="ollama",
            context_window=32_000,
            input_usd_per_million=0,
            output_usd_per_million=0,
            available=True,
        ),
    )
    bench.policy = Rules(
        allow=("read_file(*)", "run_command(git status)"),
        ask=("run_command(git push *)",),
        deny=("run_command(rm -rf *)",),
    )


def sessions_of_old(bench: FakeWorkbench) -> None:
    """Sessions of other days: starred, unread, archived, forks."""
    for days, title, agent, more in (
        (0, "Figures of the third quarter", "analyst", {"starred": True}),
        (1, "Why the build is slow", "coder", {"unread": 2}),
        (1, "Why the build is slow (fork)", "coder", {"forked_from": "session-2"}),
        (4, "Names for the new service", "general", {}),
        (40, "Minutes of October", "general", {"archived": True}),
    ):
        session = bench.add_session(title, agent, **more)
        at = NOON - timedelta(days=days, minutes=7)
        known = bench.sessions_by_id[session.id]
        bench.sessions_by_id[session.id] = known.model_copy(update={"created_at": at, "updated_at": at})


async def furnish(bench: FakeWorkbench) -> None:
    """Fills a workbench, once."""
    about_the_engine(bench)
    sessions_of_old(bench)
    bench.jobs.jobs = [
        a_job("j"),
        a_job("f", title="docs: guide/broken.pdf", status=JobStatus.FAILED),
    ]
    bench.knowledge.by_id["plan.pdf"] = document(
        "plan.pdf", title="Plan of the year", chunks=212, size=880_000
    )
    bench.memory.blocks_by_id["style-id"] = block("style", content="Short sentences. Figures in tables.")
    bench.memory.entries_by_id["e2"] = entry("e2", "Ann knows the figures of the east.", pinned=True)
    old = bench.add_session("Old notes")
    await bench.play(old.id, "What is a holdfast?")
    put_files(bench, old.id)
    other = bench.add_session("Refactor the parser", "coder")
    bench._spawn(bench.play(other.id, "go", build))
