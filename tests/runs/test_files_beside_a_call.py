"""A call that writes or sends a file besides its own work is held by the rules for files, too."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from test_images_in_runs import Maker

from holdfast.core.domain.approvals import ApproveMode, Decision, Rules
from holdfast.core.domain.runs import RunOptions
from holdfast.core.tools.builtin.generate_image import GenerateImage

ALLOWED = ("read_bucket", "write_bucket", "generate_image")
DENIES = Rules(allow=(*ALLOWED, "write_file"), deny=("write_file(.git/*)", "read_file(.env)"))
TOOLS = READ, WRITE, IMAGE, QUERY, CHANGE = (*ALLOWED, "sql_query", "sql_write")
AGENT = f"version: 1\nname: mover\nmodel: scripted\ntools: [{', '.join(TOOLS)}]\n"


def arguments(tool: str, path: str | None) -> dict[str, str]:
    if tool in (QUERY, CHANGE):
        change = {"statement": "UPDATE t SET n = 1 RETURNING n"} if tool == CHANGE else {}
        return {"database": str(path), **change}
    given = {"prompt": "A cat"} if tool == IMAGE else {"bucket": "archive", "key": "key"}
    return given if path is None else {**given, "path": path}


CASES = [
    # tool, path, policy, mode, whether it is done
    (READ, "a.txt", Rules(allow=ALLOWED), ApproveMode.ASK, False),
    (READ, None, Rules(allow=ALLOWED), ApproveMode.ASK, True),
    (READ, "a.txt", Rules(allow=(*ALLOWED, "write_file(*.txt)")), ApproveMode.ASK, True),
    (READ, "a.txt", Rules(), ApproveMode.AUTO, True),
    (READ, ".holdfast/agents/x.yaml", Rules(), ApproveMode.AUTO, False),
    (READ, "{root}/.holdfast/agents/x.yaml", Rules(), ApproveMode.AUTO, False),
    (READ, ".//.git/config", DENIES, ApproveMode.ALL, False),
    (READ, "a.txt", DENIES, ApproveMode.ASK, True),
    (WRITE, ".env", DENIES, ApproveMode.ALL, False),
    (WRITE, ".env", Rules(allow=ALLOWED), ApproveMode.ASK, True),
    (QUERY, "./secret.db", Rules(deny=("read_file(*.db)",)), ApproveMode.ALL, False),
    (QUERY, "free.db", Rules(deny=("read_file(secret*)",)), ApproveMode.ASK, True),
    (CHANGE, "./secret.db", Rules(allow=(CHANGE,), deny=("read_file(*.db)",)), ApproveMode.ALL, False),
    (CHANGE, "free.db", Rules(allow=(CHANGE,), deny=("read_file(secret*)",)), ApproveMode.ASK, True),
    (IMAGE, ".git/a", DENIES, ApproveMode.ALL, False),
    (IMAGE, ".holdfast/a.png", Rules(), ApproveMode.AUTO, False),
    (IMAGE, "cat.jpg", Rules(deny=("write_file(cat.png)",)), ApproveMode.ALL, False),
    (IMAGE, "cat.png", DENIES, ApproveMode.ASK, True),
]


async def test_rules_for_files_hold_where_another_tool_makes_or_sends_one(
    open_bench: Any, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    places = {"archive": f"{archive} write"}
    painter = GenerateImage(Maker(), lambda: "openai/gpt-image-1")
    async with open_bench(painter=painter, more_settings={"buckets": {"places": places}}) as bench:
        await bench.workbench.agents.create(AGENT)
        for case in CASES:
            tool, path, policy, mode, done = case
            open_bench.paths.policy.write_text(json.dumps(policy.model_dump(mode="json")))
            session = await bench.workbench.sessions.create("mover", str(bench.project))
            root = Path(session.workspace)
            (root / ".env").write_text("of the workspace")
            with closing(sqlite3.connect(root / "free.db")) as database:
                database.execute("create table if not exists t (n)")
            (root / "secret.db").write_bytes((root / "free.db").read_bytes())
            (archive / "key").write_text("of the bucket")
            given = arguments(tool, path and path.format(root=root))
            options = RunOptions(approve=mode, approvals="deny")
            ran = await bench.workbench.tools.run(session.id, tool, given, options, wait_s=20)
            assert (ran.outcome == "ok") is done, (case, ran)
            sent = (archive / "key").read_text() == "of the workspace"
            assert sent is (done and tool == WRITE), case


async def test_no_rule_is_offered_that_would_not_spare_the_next_approval(
    open_bench: Any, say: Any, call: Any
) -> None:
    asked = call((IMAGE, json.dumps(arguments(IMAGE, "cat.png"))))
    painter = GenerateImage(Maker(), lambda: "openai/gpt-image-1")
    async with open_bench([asked, say("done")], painter=painter) as bench:
        await bench.workbench.agents.create(AGENT)
        session = await bench.workbench.sessions.create("mover", str(bench.project))
        run_id = await bench.send(session, "Paint")
        approval = await bench.approval()
        assert approval.rule == ""
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        assert (await bench.end(run_id))[-1].event.type == "run.completed"
