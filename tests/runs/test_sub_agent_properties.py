"""Whatever agents hand to each other, and whenever it is stopped: each run ends once, none is too deep, and
what the run above is denied nobody below does."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from grammar import check
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from run_helpers import by_task, whole_log

from holdfast.core.domain.approvals import ApproveMode, PolicyAnswer, Verdict
from holdfast.core.domain.events import RUN_ENDS, EventFilter
from holdfast.core.services.sub_agents import within

DEPTH = 2
SECOND = """
version: 1
name: second
tools: [write_file]
subagents: [second]
approvals: { deny: ["write_file(mine*)"], allow: ["write_file(*)"] }
limits: { max_depth: 9 }
"""
PATHS = ("free.md", "forbidden.md", "mine.md")


@dataclass(frozen=True)
class Node:
    """What one agent does in its only step: files that it writes, and tasks that it hands on."""

    paths: tuple[str, ...]
    below: tuple[tuple[Node, bool], ...]
    """Each with whether it goes on in the background."""


LEAVES = st.builds(Node, st.lists(st.sampled_from(PATHS), max_size=2, unique=True).map(tuple), st.just(()))
TREES = st.recursive(
    LEAVES,
    lambda nodes: st.builds(
        Node,
        st.lists(st.sampled_from(PATHS), max_size=2, unique=True).map(tuple),
        st.lists(st.tuples(nodes, st.booleans()), max_size=2).map(tuple),
    ),
    max_leaves=5,
)


def answers_of(root: Node, say: Any, call: Any) -> dict[str, list[Any]]:
    """Returns the steps of each conversation by the first word of its task."""
    numbers, answers = count(), dict[str, list[Any]]()

    def add(node: Node) -> str:
        word = f"task-{next(numbers)}"
        wanted = [("write_file", json.dumps({"path": path, "content": word})) for path in node.paths]
        for below, background in node.below:
            arguments = {"agent": "second", "task": add(below), "background": background}
            wanted.append(("delegate", json.dumps(arguments)))
        answers[word] = [call(*wanted), say("Done.")] if wanted else [say("Nothing to do.")]
        return word

    answers["Hello"] = answers[add(root)]
    return answers


@pytest.mark.thorough
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(tree=TREES, stop_after=st.none() | st.integers(0, 40))
def test_each_run_ends_once_none_is_too_deep_and_denials_hold(
    open_bench: Any, say: Any, call: Any, tree: Node, stop_after: int | None
) -> None:
    async def scenario() -> None:
        open_bench.put_agent("second", SECOND)
        step = by_task(answers_of(tree, say, call), say("Still done."))
        async with open_bench([step] * 500, agent="subagents: [second]\n") as bench:
            before = (await bench.workbench.engine.status()).last_event_id
            source = await bench.workbench.agents.source("tester")
            limits = source.text.replace("max_steps: 20", f"max_steps: 20, max_depth: {DEPTH}")
            await bench.workbench.agents.update("tester", limits)
            session = await bench.session()
            run_id = await bench.send(session, approve=ApproveMode.ALL, approvals="deny")
            if stop_after is not None:
                await stop(bench, run_id, before + stop_after)
            await bench.end(run_id)
            verify(await whole_log(bench, before), run_id)

    asyncio.run(scenario())


async def stop(bench: Any, run_id: str, at: int) -> None:
    """Cancels the run when the log has come so far, or has its end."""
    async with asyncio.timeout(30):
        async for logged in bench.workbench.events.follow(EventFilter(), 0):
            if logged.id >= at or (logged.event.run_id == run_id and logged.event.type in RUN_ENDS):
                break
    await bench.workbench.runs.cancel(run_id)


def verify(log: list[Any], run_id: str) -> None:
    runs = check(log)
    assert all(run.ended for run in runs.values())
    ends = [logged.event.run_id for logged in log if logged.event.type in RUN_ENDS]
    assert len(set(ends)) == len(ends) == len(runs)
    assert ends[-1] == run_id, "a run has outlived the one above it"
    created = [logged.event for logged in log if logged.event.type == "session.created"]
    assert all(each.child_of.depth <= DEPTH for each in created if each.child_of is not None)
    written = {
        (logged.event.session_id, logged.event.path) for logged in log if logged.event.type == "file.changed"
    }
    below = {each.session_id for each in created if each.child_of is not None}
    assert not any(path == "forbidden.md" for _, path in written)
    assert not any(session in below and path == "mine.md" for session, path in written)


@given(own=st.sampled_from(Verdict), above=st.sampled_from(Verdict))
def test_of_two_answers_the_stricter_one_holds(own: Verdict, above: Verdict) -> None:
    order = [Verdict.DENY, Verdict.ASK, Verdict.ALLOW]

    class Above:
        class spec:
            name = "lead"

        @staticmethod
        def evaluate(tool: Any, subjects: Any) -> PolicyAnswer:
            return PolicyAnswer(verdict=above, reason="theirs")

    judge: Any = within(lambda tool, subjects: PolicyAnswer(verdict=own, reason="mine"), Above)  # type: ignore[arg-type]
    answer = judge(None, ())
    assert answer.verdict is min(own, above, key=order.index)
    assert ("lead" in answer.reason) == (order.index(above) < order.index(own))
