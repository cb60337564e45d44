"""Whatever leads to a tool, the policy stands before it: what it does not allow is not done."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.fakes.small_mcp import small_server

import holdfast
from holdfast.core.approvals.policy import Layers, evaluate
from holdfast.core.domain.approvals import ApproveMode, Rules, Verdict
from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.tools import Risk

SERVER = """
from pathlib import Path
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
TOOLS = [{"name": "note", "inputSchema": SCHEMA}]
def call(params):
    Path(sys.argv[1], params["arguments"]["path"]).write_text("x")
    return "written"
"""
NOTE = "mcp__notes__note"
FILES = ("a.md", "b.txt")
HELPER = "helper"
PATHS = ("run", "direct", "mcp in a run", "mcp by hand", "hook", "script", "sub-agent")

RULE = st.builds(
    lambda tool, pattern: tool if pattern is None else f"{tool}({pattern})",
    st.sampled_from(["write_file", NOTE, "mcp__notes__*", "*", "*_file", "delegate"]),
    st.sampled_from([None, None, "*", "*.md", "a.md", "*b.txt*"]),
)
LIST = st.lists(RULE, max_size=2).map(tuple)
RULES = st.builds(lambda allow, ask, deny: Rules(allow=allow, ask=ask, deny=deny), LIST, LIST, LIST)


@dataclass(frozen=True)
class Case:
    """One call, by one path, under one policy."""

    path: str
    file: str
    user: Rules
    agent: Rules
    above: Rules
    """Of the agent that hands the work on, where there is one."""
    mode: ApproveMode

    @property
    def mcp(self) -> bool:
        return self.path.startswith("mcp")

    def call(self, file: str) -> tuple[str, str]:
        """Returns the tool and its arguments, as a model writes them."""
        arguments = {"path": file} if self.mcp else {"path": file, "content": "x"}
        return (NOTE if self.mcp else "write_file", json.dumps(arguments))

    @property
    def handed(self) -> bool:
        """Whether another agent is given the work."""
        return self.path == "sub-agent" and self._verdict("delegate", Risk.READ, HELPER, self.above)

    @property
    def allowed(self) -> bool:
        """Whether the policy allows the call without a person, on all levels."""
        if self.mcp:
            return self._verdict(NOTE, Risk.EXECUTE, json.dumps({"path": self.file}), self.agent)
        own = self._verdict("write_file", Risk.WRITE, self.file, self.agent)
        if self.path != "sub-agent":
            return own
        return own and self.handed and self._verdict("write_file", Risk.WRITE, self.file, self.above)

    def _verdict(self, tool: str, risk: Risk, subject: str, agent: Rules) -> bool:
        layers = Layers(user=self.user, agent=agent)
        return evaluate(tool, risk, (subject,), layers, self.mode).verdict is Verdict.ALLOW

    def files(self, number: int) -> dict[str, dict[str, Any]]:
        """Returns the agent files of the case, by the agents' names; the session's is `agent` and number."""
        name, own = f"agent{number}", {"approvals": self.agent.model_dump(mode="json")}
        if self.mcp:
            return {name: {**own, "mcp": ["notes"]}}
        writer = {**own, "tools": ["write_file"]}
        if self.path == "hook":
            return {name: {**writer, "hooks": [instead(self.file)]}}
        if self.path == "script":
            return {name: {**writer, "script": "response = 'done'"}}
        if self.path != "sub-agent":
            return {name: writer}
        lead = {"approvals": self.above.model_dump(mode="json"), "tools": ["write_file"]}
        return {name: {**lead, "subagents": [f"{HELPER}{number}"]}, f"{HELPER}{number}": writer}

    def steps(self, number: int, say: Any, call: Any) -> list[Any]:
        """Returns what the models say."""
        if self.path in ("direct", "mcp by hand"):
            return []
        if self.path != "sub-agent":
            return [call(self.call("other.txt" if self.path == "hook" else self.file)), say("done")]
        handing = call(("delegate", json.dumps({"agent": f"{HELPER}{number}", "task": "write"})))
        return [handing, *([call(self.call(self.file)), say("written")] if self.handed else []), say("done")]


CASE = st.builds(
    Case,
    st.sampled_from(PATHS),
    st.sampled_from(FILES),
    RULES,
    RULES,
    RULES,
    st.sampled_from(list(ApproveMode)),
)


def instead(file: str) -> dict[str, Any]:
    """Returns a hook that puts another file in the place of the one that the model asks for."""
    rule = {"action": "modify", "set": {"path": file}}
    return {"point": "before_tool", "type": "rule", "matcher": "write_file", "rules": [rule]}


@pytest.mark.thorough
@settings(max_examples=6, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(cases=st.lists(CASE, min_size=15, max_size=25))
async def test_a_tool_acts_only_where_the_policy_allows_it(
    open_bench: Any, say: Any, call: Any, tmp_path: Path, cases: list[Case]
) -> None:
    shutil.rmtree(open_bench.home, ignore_errors=True)
    paths = open_bench.paths
    paths.make()
    paths.agents.mkdir()
    noted = tmp_path / "noted"
    noted.mkdir(exist_ok=True)
    command = (*small_server(tmp_path / "server.py", SERVER), str(noted))
    for number, case in enumerate(cases):
        for name, said in case.files(number).items():
            spec = {"version": 1, "name": name, "model": "scripted", "workspace": "session", **said}
            (paths.agents / f"{name}.yaml").write_text(json.dumps(spec))  # JSON is YAML
    steps = [step for number, case in enumerate(cases) for step in case.steps(number, say, call)]
    async with open_bench(steps) as bench:
        await bench.workbench.mcp.add(McpServerSpec(name="notes", command=command))
        for number, case in enumerate(cases):
            paths.policy.write_text(json.dumps(case.user.model_dump(mode="json")))
            session = await bench.workbench.sessions.create(f"agent{number}", str(bench.project))
            await go(bench, case, session)
            target = (noted if case.mcp else Path(session.workspace)) / case.file
            acted = target.exists()
            target.unlink(missing_ok=True)
            assert acted == case.allowed, case
            assert not target.with_name("other.txt").exists(), "what a hook has changed is not done as it was"


def test_there_is_one_place_that_tools_are_run_from() -> None:
    source = Path(holdfast.__file__).parent
    callers = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if re.search(r"\.run\(\w+, context\)", path.read_text(encoding="utf-8"))
    }
    assert callers == {"core/runs/executor.py", "core/tools/forced.py"}


async def go(bench: Any, case: Case, session: Any) -> None:
    """Goes the way to the tool, to its end."""
    options = {"approve": case.mode, "approvals": "deny"}
    name, arguments = case.call(case.file)
    workbench = bench.workbench
    if case.path == "direct":
        await workbench.tools.run(session.id, name, json.loads(arguments), RunOptions(**options), wait_s=20)
    elif case.path == "mcp by hand":
        await workbench.mcp.call(
            session.id, "notes", "note", json.loads(arguments), RunOptions(**options), wait_s=20
        )
    else:
        await bench.end(await bench.send(session, **options))
