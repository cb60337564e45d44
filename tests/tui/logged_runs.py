"""A log of runs on a workbench in memory: as many rows as are wanted, and a session that fills a map."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from fake_workbench import NOON

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.run_log import (
    ChildReport,
    MessageReport,
    ModelReport,
    NoteReport,
    RunEntry,
    RunMap,
    RunReport,
    RunsFound,
    Said,
    StepReport,
    ToolReport,
    WaitReport,
)
from holdfast.core.domain.runs import RunStatus, Usage

AGENTS = ("researcher", "coder", "analyst", "general")
PROMPTS = (
    "What did we sell in Oslo last quarter, and how does that compare with Bergen?",
    "Fix the failing test of the parser",
    "Summarise report.md in five bullets",
    "Good morning",
)
EVIL = "x\x1b]0;pwn\x07y"


def entry(number: int = 0, **more: Any) -> RunEntry:
    """Returns the run of a number: each is another one, always the same."""
    agent = AGENTS[number % len(AGENTS)]
    credits = round((number * 37) % 900 / 100, 2)
    known = {
        "id": f"run-{number}",
        "session_id": f"s{number % 50}",
        "agent": agent,
        "agent_name": agent,
        "model": "openai/gpt-5-nano",
        "status": (*["completed"] * 8, "failed", "cancelled")[number % 10],
        "started_at": NOON - timedelta(minutes=7 * number),
        "response_ms": float(300 + (number * 7919) % 60_000),
        "model_ms": float(200 + number % 900),
        "steps": 1 + number % 4,
        "tools": number % 3,
        "tool_ms": float(40 * (number % 3)),
        "usage": Usage(input_tokens=1_200 + number % 500, output_tokens=230, cost_usd=credits / 1000),
        "credits": credits,
        "prompt": f"{PROMPTS[number % len(PROMPTS)]} #{number}",
    }
    return RunEntry.model_validate({**known, **more})


def _happened(event_id: int, seconds: float) -> dict[str, Any]:
    return {"event_id": event_id, "at": NOON - timedelta(seconds=60 - seconds)}


def _run(id: str, seconds: float, took: float, **more: Any) -> RunEntry:
    at = NOON - timedelta(seconds=60 - seconds)
    return entry(0, **{"id": id, "session_id": "sales", "started_at": at, "response_ms": took * 1000, **more})


def _step(event_id: int, seconds: float, step: int, took: float, **more: Any) -> StepReport:
    used = Usage(input_tokens=1_800, output_tokens=120, cost_usd=0.0004)
    return StepReport(
        **_happened(event_id, seconds),
        step=step,
        model="openai/gpt-5-nano",
        first_token_ms=310.0,
        total_ms=took * 1000,
        reason="stop",
        credits=0.4,
        **{"usage": used, **more},
    )


def session_map() -> RunMap:
    """Returns the map of a session in which everything has happened once."""
    first = RunReport(
        run=_run(
            "first",
            0,
            9.0,
            credits=3.1,
            usage=Usage(input_tokens=5_400, cost_usd=0.0031),
            below=1,
            choice_ms=600.0,
            parameters_ms=400.0,
            tools=2,
            tool_ms=7_240.0,
            key="k",
            key_name="ci",
        ),
        prompt=PROMPTS[0],
        history=(Said(role="user", text="Hello"),),
        response="Oslo sold 1,204 boxes,\n12 % more than Bergen.",
        waited_ms=4_000.0,
        way=(
            MessageReport(**_happened(10, 0), origin="send", text=PROMPTS[0]),
            _step(11, 0.2, 1, 0.6, purpose="tool_choice", chosen=("sql_query", "delegate")),
            _step(12, 0.9, 2, 0.4, purpose="tool_parameters"),
            ToolReport(
                **_happened(13, 1.4),
                call_id="a",
                step=2,
                name="sql_query",
                outcome="ok",
                duration_ms=240.0,
                arguments={"sql": "SELECT city, SUM(boxes) FROM sale GROUP BY city"},
            ),
            WaitReport(
                **_happened(14, 1.5),
                kind="approval",
                id="w",
                call_id="a",
                text="sql_query: shop.db",
                outcome="approved",
                waited_ms=4_000.0,
            ),
            ToolReport(
                **_happened(16, 5.8), call_id="b", step=2, name="delegate", outcome="ok", duration_ms=5_000.0
            ),
            ChildReport(
                **_happened(17, 5.9),
                call_id="b",
                run_id="below",
                session_id="child",
                agent="analyst",
                task="Compare Oslo with Bergen",
                status="completed",
                duration_ms=4_900.0,
            ),
            NoteReport(**_happened(19, 10.9), text="The context was made smaller: 9,000 tokens became 2,000"),
            ModelReport(
                **_happened(20, 10.8), model="openai/gpt-5-nano", usage=Usage(cost_usd=0.0002), credits=0.2
            ),
            _step(21, 11.0, 3, 1.9, text="Oslo sold 1,204 boxes."),
        ),
    )
    child = RunReport(
        run=_run(
            "below",
            5.9,
            4.9,
            agent="analyst",
            agent_name="analyst",
            session_id="child",
            parent_run_id="first",
            credits=1.2,
            prompt="Compare Oslo with Bergen",
        ),
        prompt="Compare Oslo with Bergen",
        way=(
            MessageReport(**_happened(30, 5.9), origin="agent", text="Compare Oslo with Bergen"),
            _step(31, 6.0, 1, 1.2),
            ToolReport(
                **_happened(32, 7.3),
                call_id="c",
                step=1,
                name="run_python",
                outcome="error",
                duration_ms=900.0,
            ),
            _step(33, 8.3, 2, 2.3),
        ),
    )
    second = RunReport(
        run=_run(
            "second", 40, 1.0, status=RunStatus.WAITING, response_ms=None, credits=0.4, prompt="And Bergen?"
        ),
        prompt="And Bergen?",
        way=(
            MessageReport(**_happened(40, 40), origin="send", text="And Bergen?"),
            _step(41, 40.1, 1, 0.9),
            ToolReport(**_happened(42, 41.1), call_id="d", step=1, name="write_file"),
            WaitReport(
                **_happened(43, 41.2), kind="approval", id="v", call_id="d", text="write_file: report.md"
            ),
        ),
    )
    return RunMap(session_id="sales", title="Quarterly figures", runs=(first, child, second))


class Runs:
    """Answers what the app asks of the log of runs, and remembers it."""

    def __init__(self, count: int = 0, found: RunMap | None = None) -> None:
        self.entries = [entry(number) for number in range(count)]
        self.found = found or session_map()
        self.asked: list[dict[str, Any]] = []

    async def search(self, text: str = "", agent: str | None = None, **more: Any) -> RunsFound:
        self.asked.append({"text": text, "agent": agent, **more})
        kept = [
            each
            for each in self.entries
            if agent in (None, each.agent)
            and all(word in f"{each.agent} {each.prompt}" for word in text.split())
        ]
        keys = {
            "time": lambda each: each.started_at,
            "agent": lambda each: each.agent,
            "credits": lambda each: each.credits,
            "cost": lambda each: each.usage.cost_usd,
            "response_time": lambda each: each.response_ms or 0.0,
        }
        kept.sort(key=keys[more.get("sort", "time")], reverse=more.get("descending", True))
        offset = more.get("offset", 0)
        agents = {name: sum(each.agent == name for each in self.entries) for name in sorted(AGENTS)}
        return RunsFound(
            runs=tuple(kept[offset : offset + more.get("limit", 100)]),
            total=len(kept),
            agents=agents if self.entries else {},
        )

    async def report(self, run_id: str) -> RunReport:
        for each in self.entries:
            if each.id == run_id:
                said = {"prompt": f"{each.prompt}\nIn full.", "response": "It is done."}
                way = (_step(1, 0, 1, 0.8), NoteReport(**_happened(2, 1), text="looked up"))
                return RunReport(run=each, way=way, **said)
        raise NotFoundError("There is no such run.")

    async def map(self, session_id: str, limit: int = 50, before: str | None = None) -> RunMap:
        if before is not None or session_id != self.found.session_id:
            return RunMap(session_id=session_id, title="", runs=())
        return self.found


def furnish_runs(bench: Any, count: int) -> Runs:
    """Gives a fake workbench a log of runs."""
    runs = Runs(count)
    for name in ("search", "report", "map"):
        setattr(bench.runs, name, getattr(runs, name))
    return runs


def looking(**more: Any) -> SimpleNamespace:
    """Returns what stands for an app without a screen."""
    return SimpleNamespace(screen_stack=[], start=SimpleNamespace(project="/p"), **more)
