"""Calls, paths and files that try to get around what was decided."""

from __future__ import annotations

import asyncio
import json

import pytest
from run_helpers import of

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import ConflictError, InvalidError, OutsideWorkspace
from holdfast.core.domain.messages import text_of


def workspace(bench, session):
    return bench.home / "data" / "workspaces" / session.id


async def test_a_deny_rule_holds_for_the_absolute_path_of_the_same_file(open_bench, say, call) -> None:
    steps: list = []
    async with open_bench(steps) as bench:
        session = await bench.session()
        path = str(workspace(bench, session) / "forbidden.md")
        bench.model._steps.extend(
            [call(("write_file", json.dumps({"path": path, "content": "x"}))), say("Oh")]
        )
        events = await bench.end(await bench.send(session, approve="all"))
        assert of(events, "tool_call.completed")[0].outcome == "denied"


async def test_always_for_an_absolute_path_is_a_rule_for_the_path_in_the_workspace(open_bench, call) -> None:
    async with open_bench([]) as bench:
        session = await bench.session()
        path = str(workspace(bench, session) / "b.md")
        bench.model._steps.append(call(("write_file", json.dumps({"path": path, "content": "x"}))))
        await bench.send(session)
        approval = await bench.approval()
        assert (approval.subject, approval.rule) == ("b.md", "write_file(b.md)")


async def test_an_approved_call_is_asked_again_when_an_earlier_call_changed_its_file(
    open_bench, say, call
) -> None:
    command = json.dumps({"command": "printf 'key = 1\\nkey = 1\\n' > a.md"})
    edit = json.dumps({"path": "a.md", "old": "key = 1", "new": "key = 2", "all": True})
    async with open_bench([call(("run_command", command), ("edit_file", edit)), say("Done")]) as bench:
        session = await bench.session()
        (workspace(bench, session) / "a.md").write_text("key = 1\n")
        run_id = await bench.send(session)
        first, second = await bench.approvals(2)
        await bench.workbench.approvals.decide(second.id, Decision(outcome="approve"))
        await bench.workbench.approvals.decide(first.id, Decision(outcome="approve"))
        async with asyncio.timeout(20):
            while not (waiting := (await bench.workbench.approvals.list()).items):
                await bench.until(("approval.requested", "run.completed"), run_id=run_id)
                assert (await bench.workbench.runs.get(run_id)).status != "completed", "it was not asked"
        assert waiting[0].preview[0].diff.count("+key = 2") == 2
        await bench.workbench.approvals.decide(waiting[0].id, Decision(outcome="deny"))
        await bench.end(run_id)
        assert (workspace(bench, session) / "a.md").read_text() == "key = 1\nkey = 1\n"


async def test_a_link_planted_under_an_approval_makes_it_stale_and_then_an_error(
    open_bench, say, call, tmp_path
) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("mine")
    steps = [call(("write_file", '{"path": "a.md", "content": "new"}')), say("Done")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        first = await bench.approval()
        (workspace(bench, session) / "a.md").symlink_to(outside)
        with pytest.raises(ConflictError):
            await bench.workbench.approvals.decide(first.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert "link" in text_of(of(events, "tool_call.completed")[0].content)
        assert outside.read_text() == "mine"


async def test_a_number_without_end_in_arguments_comes_back_to_the_model(open_bench, say, call) -> None:
    wanted = ("read_file", '{"path": "a", "offset": ' + "9" * 5000 + "}")
    async with open_bench([call(wanted), say("Sorry")]) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        assert events[-1].event.type == "run.completed"
        assert "JSON" in text_of(of(events, "tool_call.completed")[0].content)


@pytest.mark.parametrize(
    "arguments",
    [
        '{"path": "\\ud800", "content": "\\udfff"}',
        '{"path": "a\\u0000b", "content": "\\u0000"}',
        '{"path": "a", "content": ' + "[" * 900 + "]" * 900 + "}",
        '{"path": "a", "content": ' + "[" * 90000 + "]" * 90000 + "}",
        '{"path": "' + "a/" * 5000 + '", "content": ""}',
        '{"path": "a", "content": NaN}',
        '{"path": "a", "content": 1e999}',
    ],
)
async def test_odd_arguments_never_break_a_run(open_bench, say, call, arguments) -> None:
    async with open_bench([call(("write_file", arguments)), say("Sorry")]) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, approve="all"))
        assert events[-1].event.type == "run.completed"
        assert of(events, "tool_call.completed")[0].outcome == "error"
        await bench.workbench.sessions.export(session.id, "json")


async def test_a_link_in_the_project_is_not_attached(open_bench, tmp_path) -> None:
    secret = tmp_path / "id_rsa"
    secret.write_text("secret")
    async with open_bench([]) as bench:
        session = await bench.session()
        (bench.project / "notes.md").symlink_to(secret)
        (bench.project / "folder").symlink_to(tmp_path)
        (workspace(bench, session) / "report.md").symlink_to(secret)
        for path in ("notes.md", "folder/id_rsa", "report.md", "./report.md"):
            with pytest.raises(OutsideWorkspace, match="link"):
                await bench.workbench.files.attach(session.id, path)
        assert (await bench.workbench.files.attach(session.id, str(secret))).name == "id_rsa"
        assert (await bench.workbench.files.attach(session.id, "../id_rsa")).name == "id_rsa"


async def test_a_session_with_an_odd_file_name_can_be_forked(open_bench, say) -> None:
    async with open_bench([say("Hi")]) as bench:
        session = await bench.session()
        (workspace(bench, session) / "odd\x1b[2Jname").write_text("x")
        await bench.end(await bench.send(session))
        fork = await bench.workbench.sessions.fork(session.id)
        assert (workspace(bench, fork) / "odd\x1b[2Jname").read_text() == "x"


@pytest.mark.parametrize("project", [".", "project", "/" + "a" * 5000, "/etc/passwd", "/no/such"])
async def test_a_session_needs_the_full_path_of_a_folder(open_bench, project) -> None:
    async with open_bench([]) as bench:
        with pytest.raises(InvalidError, match="is not a folder"):
            await bench.workbench.sessions.create("tester", project)


async def test_a_session_id_fits_into_a_folder_name(open_bench) -> None:
    async with open_bench([]) as bench:
        for wrong in ("\u4e00" * 128, "..", "a/b", "a\n", "x" * 129):
            with pytest.raises(InvalidError):
                await bench.session(id=wrong)
        assert (await bench.session(id="x" * 128)).id == "x" * 128


@pytest.mark.parametrize("folder", ["a/" + "b" * 5000, "~nobody-of-this-name/x", "a/\\0b", "./none"])
async def test_a_workspace_that_can_be_no_folder_is_told(open_bench, folder) -> None:
    async with open_bench([]) as bench:
        path = bench.home / "config" / "agents" / "odd.yaml"
        path.write_text(f'version: 1\nname: odd\nworkspace: "{folder}"\n')
        with pytest.raises(InvalidError, match="workspace"):
            await bench.workbench.sessions.create("odd", str(bench.project))
