"""Hooks in runs: what they refuse, change and ask for, in the order of the log, under policy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from grammar import check, check_accepted

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.events import EventFilter, HookCompleted, LoggedEvent
from holdfast.core.domain.hooks import HookSpec
from holdfast.core.domain.messages import TextPart, text_of
from holdfast.core.domain.values import new_id
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.projections.state import RunState

WRITE_FREE = ("write_file", '{"path": "free.txt", "content": "a"}')


def rule(point: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"point": point, "type": "rule", "rules": rules, **more}


def in_file(*hooks: dict[str, Any]) -> str:
    """Returns the lines of an agent's file."""
    return f"hooks: {json.dumps(hooks)}\n"


def decided(events: Sequence[LoggedEvent]) -> list[HookCompleted]:
    return [each.event for each in events if isinstance(each.event, HookCompleted)]


def of_type(events: Sequence[LoggedEvent], type: str) -> Any:
    return next(each.event for each in events if each.event.type == type)


def types(events: Sequence[LoggedEvent]) -> list[str]:
    left_out = ("part.delta", "tool_call.progressed")
    return [each.event.type for each in events if each.event.type not in left_out]


async def test_hooks_of_every_point_act_in_the_order_of_the_run(open_bench: Any, say: Any, call: Any) -> None:
    points = ("before_run", "before_model", "after_model", "before_tool", "after_tool", "before_response")
    hooks = [rule(point, {"when": "tool CONTAINS x", "reason": point}, name=point) for point in points]
    async with open_bench([call(WRITE_FREE), say("Done.")], agent=in_file(*hooks)) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        check(events)
        assert [each.name for each in decided(events)] == [
            *("before_run", "before_model", "after_model", "before_tool", "after_tool"),
            *("before_model", "after_model", "before_response"),
        ]
        assert {each.outcome for each in decided(events)} == {"allow"}
        assert types(events)[-8:] == [
            *("hook.completed", "step.started", "hook.completed", "hook.completed"),
            *("part.started", "part.completed", "step.completed", "run.completed"),
        ]


async def test_a_denied_call_is_told_to_the_model_and_never_starts(
    open_bench: Any, say: Any, call: Any
) -> None:
    hook = rule("before_tool", {"when": "path STARTS_WITH free", "reason": "not today"}, matcher="write_*")
    async with open_bench([call(WRITE_FREE), say("Well.")], agent=in_file(hook)) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session))
        check(events)
        done = of_type(events, "tool_call.completed")
        assert (done.outcome, text_of(done.content)) == ("denied", "Denied by a hook: not today.")
        assert "tool_call.started" not in types(events)
        assert not (Path(session.workspace) / "free.txt").exists()
        check_accepted(bench.model.requests[-1].messages[1:])
        written = await bench.workbench.sessions.export(session.id, "markdown")
        assert "*hook rule at before_tool: denied write_file · not today*" in written
        assert '"hook.completed"' in await bench.workbench.sessions.export(session.id, "json")


@pytest.mark.parametrize("spelled", ["private/x", "./private//x", "{workspace}/private/x"])
async def test_hooks_are_told_paths_as_rules_see_them(
    open_bench: Any, say: Any, call: Any, spelled: str
) -> None:
    guard = rule("before_tool", {"when": "path STARTS_WITH private/", "reason": "for people"})
    keep = rule("after_tool", {"when": "path NOT STARTS_WITH private", "reason": "not this one"})
    async with open_bench([], agent=in_file(guard, keep)) as bench:
        session = await bench.session()
        workspace = Path(session.workspace)
        (workspace / "private").mkdir()
        arguments = {"path": spelled.format(workspace=workspace), "content": "./private/x"}
        written = await bench.workbench.tools.run(session.id, "write_file", arguments, wait_s=20)
        assert written.outcome == "denied"
        folder = {"path": arguments["path"].removesuffix("/x")}
        listed = await bench.workbench.tools.run(session.id, "list_files", folder, wait_s=20)
        assert listed.outcome == "ok"


async def test_a_call_that_a_hook_changes_into_a_denied_path_is_denied(
    open_bench: Any, say: Any, call: Any
) -> None:
    hook = rule("before_tool", {"action": "modify", "set": {"path": "forbidden.txt"}})
    async with open_bench([call(WRITE_FREE), say("Well.")], agent=in_file(hook)) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session))
        check(events)
        (verdict,) = decided(events)
        assert (verdict.outcome, verdict.arguments) == ("modify", {"path": "forbidden.txt", "content": "a"})
        done = of_type(events, "tool_call.completed")
        assert done.outcome == "denied"
        assert "policy" in text_of(done.content)
        assert not list(Path(session.workspace).glob("f*.txt"))


async def test_an_approval_shows_and_covers_what_a_hook_has_made_of_the_call(
    open_bench: Any, say: Any, call: Any
) -> None:
    hook = rule("before_tool", {"action": "modify", "set": {"path": "asked.txt"}})
    async with open_bench([call(WRITE_FREE), say("Done.")], agent=in_file(hook)) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
        assert (approval.subject, approval.arguments["path"]) == ("asked.txt", "asked.txt")
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        check(events)
        assert of_type(events, "tool_call.started").arguments["path"] == "asked.txt"
        assert "A hook changed" in text_of(of_type(events, "tool_call.completed").content)
        assert (Path(session.workspace) / "asked.txt").read_text() == "a"


async def test_what_a_person_has_edited_goes_before_the_hooks_again_and_is_asked_anew_where_they_change_it(
    open_bench: Any, say: Any, call: Any
) -> None:
    changes = {"when": "content CONTAINS edited", "action": "modify", "set": {"content": "by the hook"}}
    wanted = ("write_file", '{"path": "asked.txt", "content": "a"}')
    async with open_bench([call(wanted), say("Done.")], agent=in_file(rule("before_tool", changes))) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        first = await bench.approval()
        edited = Decision(outcome="approve", arguments={"path": "asked.txt", "content": "edited"})
        await bench.workbench.approvals.decide(first.id, edited)
        await bench.until("hook.completed", run_id=run_id, after=await _seen(bench, run_id))
        second = await _another(bench, first.id)
        assert second.arguments["content"] == "by the hook"
        await bench.workbench.approvals.decide(second.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        check(events)
        assert [each.outcome for each in decided(events)] == ["allow", "modify"]
        assert (Path(session.workspace) / "asked.txt").read_text() == "by the hook"


async def test_arguments_that_the_tool_does_not_take_are_no_change_but_a_failure(
    open_bench: Any, say: Any, call: Any
) -> None:
    hook = rule("before_tool", {"action": "modify", "set": {"path": 7}}, name="odd")
    async with open_bench([call(WRITE_FREE), say("Well.")], agent=in_file(hook)) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        (verdict,) = decided(events)
        assert verdict.outcome == "deny"
        assert "not valid" in verdict.error
        assert of_type(events, "tool_call.completed").outcome == "denied"


async def test_an_approval_hook_asks_where_policy_allows_and_no_grant_spares_it(
    open_bench: Any, say: Any, call: Any
) -> None:
    hook = {"point": "before_tool", "type": "approval", "matcher": "write_file(free*)", "message": "two eyes"}
    steps = [call(WRITE_FREE, ("write_file", '{"path": "free2.txt", "content": "b"}')), say("Done.")]
    async with open_bench(steps, agent=in_file(hook)) as bench:
        session = await bench.session()
        run_id = await bench.send(session, approve="all")
        one, two = await bench.approvals(2)
        assert (one.reason, one.rule, bool(one.hook_id)) == ("two eyes", "", True)
        with pytest.raises(InvalidError):
            await bench.workbench.approvals.decide(one.id, Decision(outcome="approve", scope="session"))
        await bench.workbench.approvals.decide(one.id, Decision(outcome="approve"))
        await bench.workbench.approvals.decide(two.id, Decision(outcome="deny", reason="no"))
        events = await bench.end(run_id)
        check(events)
        assert [each.outcome for each in decided(events)] == ["ask", "ask"]
        assert (Path(session.workspace) / "free.txt").exists()
        assert not (Path(session.workspace) / "free2.txt").exists()


async def test_an_approval_hook_denies_where_nobody_can_be_asked(
    open_bench: Any, say: Any, call: Any
) -> None:
    hook = {"point": "before_tool", "type": "approval"}
    async with open_bench([call(WRITE_FREE), say("Well.")], agent=in_file(hook)) as bench:
        events = await bench.end(await bench.send(await bench.session(), approvals="deny"))
        assert of_type(events, "tool_call.completed").outcome == "denied"


async def test_a_run_that_waits_comes_back_with_what_its_hooks_have_decided(
    open_bench: Any, say: Any, call: Any
) -> None:
    prefix = rule("before_tool", {"action": "modify", "set": {"content": "twice?"}}, name="first")
    ask = {"point": "before_tool", "type": "approval", "order": 1}
    async with open_bench([call(WRITE_FREE)], agent=in_file(ask, prefix)) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.approval()
    async with open_bench([say("Done.")], agent=in_file(ask, prefix)) as bench:
        approval = await bench.approval()
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        check(events)
        assert [each.outcome for each in decided(events)] == ["modify", "ask"]
        assert (Path(session.workspace) / "free.txt").read_text() == "twice?"


async def test_a_message_is_changed_for_the_model_and_kept_as_it_was_written(
    open_bench: Any, say: Any
) -> None:
    hook = rule("before_run", {"action": "modify", "replace": "[0-9]{4,}", "replacement": "[number]"})
    async with open_bench([say("Done."), say("Again.")], agent=in_file(hook)) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, "My card is 12345678."))
        check(events)
        assert of_type(events, "message.added").parts == (TextPart(text="My card is 12345678."),)
        assert decided(events)[0].message == "My card is [number]."
        assert bench.model.requests[0].messages[-1].text == "My card is [number]."
        await bench.end(await bench.send(session, "Go on"))
        assert "12345678" not in bench.model.requests[1].model_dump_json()


async def test_a_refused_message_fails_the_run_and_no_model_ever_sees_it(open_bench: Any, say: Any) -> None:
    hook = rule("before_run", {"when": "message CONTAINS secret", "reason": "keep it"}, name="guard")
    async with open_bench([say("Done.")], agent=in_file(hook)) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, "A secret"))
        check(events)
        error = of_type(events, "run.failed").error
        assert (error.code, error.message) == (
            "hook_denied",
            "The hook 'guard' refused the message: keep it.",
        )
        assert not bench.model.requests
        await bench.end(await bench.send(session, "Hello"))
        assert "secret" not in bench.model.requests[0].model_dump_json()


async def test_texts_are_changed_on_their_way_to_the_model_and_nowhere_else(
    open_bench: Any, say: Any, call: Any
) -> None:
    hook = rule("before_model", {"action": "modify", "replace": "Ann", "replacement": "[name]"})
    wanted = ("write_file", '{"path": "free.txt", "content": "Ann"}')
    async with open_bench([call(wanted), say("Done.")], agent=in_file(hook)) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, "I am Ann"))
        check(events)
        for request in bench.model.requests:
            assert "[name]" in request.messages[1].text
            assert "I am Ann" not in request.model_dump_json()
        assert (Path(session.workspace) / "free.txt").read_text() == "Ann"


async def test_a_reply_is_held_until_the_hooks_have_changed_it(open_bench: Any, say: Any) -> None:
    hook = rule("before_response", {"action": "modify", "replace": "blue", "replacement": "green"})
    async with open_bench([say("The sky ", "is blue.")], agent=in_file(hook)) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        check(events)
        assert of_type(events, "part.completed").text == "The sky is green."
        assert not any("blue" in each.event.text for each in events if each.event.type == "part.delta")


async def test_a_withheld_reply_is_seen_by_nobody(open_bench: Any, say: Any) -> None:
    hook = rule("before_response", {"when": "output CONTAINS blue", "reason": "not that colour"})
    async with open_bench([say("It is blue.")], agent=in_file(hook)) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        check(events)
        assert of_type(events, "part.completed").text == "The reply was withheld: not that colour"
        assert of_type(events, "run.completed").reason == "content_filter"
        assert not any("It is blue" in each.to_json() for each in events)


async def test_a_result_is_changed_or_withheld_before_the_model_sees_it(
    open_bench: Any, say: Any, call: Any
) -> None:
    hide = rule("after_tool", {"action": "modify", "replace": "w[a-z]+d", "replacement": "*"})
    keep = rule("after_tool", {"when": "path NOT STARTS_WITH free", "reason": "private"}, order=1)
    wanted = [WRITE_FREE, ("read_file", '{"path": "free.txt"}'), ("list_files", "{}")]
    async with open_bench([call(*wanted), say("Done.")], agent=in_file(keep, hide)) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        check(events)
        done = [each.event for each in events if each.event.type == "tool_call.completed"]
        assert [each.outcome for each in done] == ["ok", "ok", "error"]
        assert text_of(done[2].content) == "The result was withheld: private"
        assert done[2].display == ()


async def test_a_function_decides_in_a_process_of_its_own_and_denies_when_it_fails(
    open_bench: Any, say: Any, call: Any, tmp_path: Path
) -> None:
    file = tmp_path / "guard.py"
    file.write_text(
        "def guard(event: dict) -> dict | None:\n"
        "    print('this goes nowhere')\n"
        "    if event['data']['path'] == 'free3.txt':\n"
        "        raise ValueError('boom')\n"
        "    return {'modified_input': {**event['data'], 'content': event['agent']}}\n"
    )
    hook = {"point": "before_tool", "type": "python", "file": str(file)}
    steps = [call(WRITE_FREE, ("write_file", '{"path": "free3.txt", "content": "b"}')), say("Done.")]
    async with open_bench(steps, agent=in_file(hook)) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session))
        check(events)
        first, second = decided(events)
        assert (first.outcome, second.outcome) == ("modify", "deny")
        assert "boom" in second.error
        assert (Path(session.workspace) / "free.txt").read_text() == "tester"
        assert not (Path(session.workspace) / "free3.txt").exists()


async def test_a_webhook_at_a_private_address_is_not_asked_and_that_allows(
    open_bench: Any, say: Any, call: Any
) -> None:
    hook = {"point": "before_tool", "type": "webhook", "url": "http://169.254.169.254/latest"}
    async with open_bench([call(WRITE_FREE), say("Done.")], agent=in_file(hook)) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        check(events)
        (verdict,) = decided(events)
        assert verdict.outcome == "allow"
        assert "not at a public address" in verdict.error
        assert of_type(events, "tool_call.completed").outcome == "ok"


async def test_what_is_told_after_a_run_changes_nothing(open_bench: Any, say: Any, tmp_path: Path) -> None:
    file = tmp_path / "told.py"
    file.write_text(
        "def told(event: dict) -> dict:\n    return {'action': 'deny', 'message': str(event['data'])}\n"
    )
    hook = {"point": "after_run", "type": "python", "file": str(file)}
    async with open_bench([say("Done.")], agent=in_file(hook)) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        check(events)
        assert types(events)[-2:] == ["hook.completed", "run.completed"]
        (verdict,) = decided(events)
        assert verdict.outcome == "allow"
        assert "nothing to refuse" in verdict.error


async def test_what_is_allowed_for_a_session_does_not_release_what_a_hook_asks_for(
    open_bench: Any, say: Any, call: Any
) -> None:
    hook = {"point": "before_tool", "type": "approval", "matcher": "run_command(echo b)", "timeout_s": 60}
    wanted = [("run_command", json.dumps({"command": f"echo {each}"})) for each in "ab"]
    async with open_bench([call(*wanted), say("Done.")], agent=in_file(hook)) as bench:
        run_id = await bench.send(await bench.session())
        by_policy, by_hook = await bench.approvals(2)
        assert (by_policy.hook_id, bool(by_hook.hook_id)) == ("", True)
        assert (by_hook.expires_at - by_hook.requested_at).total_seconds() == 60
        await bench.workbench.approvals.decide(by_policy.id, Decision(outcome="approve", scope="session"))
        await bench.until("tool_call.completed", run_id=run_id)
        assert [each.id for each in (await bench.workbench.approvals.list()).items] == [by_hook.id]
        await bench.workbench.approvals.decide(by_hook.id, Decision(outcome="deny"))
        events = await bench.end(run_id)
        check(events)
        done = [each.event.outcome for each in events if each.event.type == "tool_call.completed"]
        assert done == ["ok", "denied"]


async def test_a_refused_reply_of_a_step_executes_none_of_its_calls(
    open_bench: Any, say: Any, call: Any
) -> None:
    hook = rule("after_model", {"reason": "no"}, name="reader")
    async with open_bench([call(WRITE_FREE)], agent=in_file(hook)) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        check(events)
        assert of_type(events, "run.failed").error.code == "hook_denied"
        assert "tool_call.requested" not in types(events)


async def test_a_withheld_reply_that_should_be_json_fails_the_run(open_bench: Any, say: Any) -> None:
    hook = rule("before_response", {"reason": "no"})
    async with open_bench([say("{}")], agent=in_file(hook)) as bench:
        events = await bench.end(await bench.send(await bench.session(), response_format={"type": "object"}))
        check(events)
        assert of_type(events, "run.failed").error.code == "hook_denied"


async def test_the_model_that_summarises_sees_what_hooks_leave(open_bench: Any, say: Any) -> None:
    hook = rule("before_model", {"action": "modify", "replace": "canary", "replacement": "bird"})
    long = "word " * 399 + "canary"
    steps = [say(long), say(long), say("a summary"), say("fine")]
    async with open_bench(steps, agent=in_file(hook)) as bench:
        bench.catalog.window = 2000
        session = await bench.session()
        for number in range(3):
            events = await bench.end(await bench.send(session, f"question {number}"))
        check(events)
        assert of_type(events, "context.compacted").summary == "a summary"
        assert not any("canary" in request.model_dump_json() for request in bench.model.requests)


async def test_what_a_script_says_is_held_and_changed_whole(open_bench: Any, say: Any) -> None:
    hook = rule("before_response", {"action": "modify", "replace": "blue sky", "replacement": "rain"})
    script = 'add("assistant", "The blue", conversation)\nresponse = "The blue" + " sky"\n'
    agent = f"{in_file(hook)}script: {json.dumps(script)}\n"
    settings = {"sandbox": {"unconfined_scripts": True}}
    async with open_bench([], agent="", more_settings=settings) as bench:
        text = f"version: 1\nname: script\nmodel: scripted\n{agent}"
        await bench.workbench.agents.create(text)
        session = await bench.workbench.sessions.create("script", str(bench.project))
        events = await bench.end(await bench.send(session))
        check(events)
        said = [each.event.text for each in events if each.event.type == "part.completed"]
        assert said == ["The rain"]


async def test_delegations_have_points_of_their_own_behind_those_of_tools(
    open_bench: Any, say: Any, call: Any
) -> None:
    hooks = [
        rule("before_delegation", {"when": "task CONTAINS secret", "reason": "not outside"}),
        rule("before_tool", {"action": "allow"}, matcher="delegate", order=1),
        rule("after_delegation", {"action": "modify", "replace": "blue", "replacement": "green"}),
    ]
    tasks = [("delegate", json.dumps({"agent": "helper", "task": text})) for text in ("a secret", "a colour")]
    steps = [call(tasks[0]), call(tasks[1], WRITE_FREE), say("It is blue."), say("Done.")]
    agent = f"{in_file(*hooks)}subagents: [helper]\n"
    async with open_bench(steps, agent=agent) as bench:
        (bench.home / "config" / "agents" / "helper.yaml").write_text(
            "version: 1\nname: helper\nmodel: scripted\n"
        )
        run_id = await bench.send(await bench.session(), approve="all")
        events = await bench.end(run_id)
        check(events)
        assert [(each.point, each.outcome) for each in decided(events)] == [
            *(("before_tool", "allow"), ("before_delegation", "deny")),
            *(("before_tool", "allow"), ("before_delegation", "allow"), ("after_delegation", "modify")),
        ]
        results = [each.event for each in events if each.event.type == "tool_call.completed"]
        assert [each.outcome for each in results] == ["denied", "ok", "ok"]
        assert "green" in text_of(results[1].content)
        assert "blue" not in bench.model.requests[-1].model_dump_json()


async def test_sub_agents_are_kept_to_the_hooks_of_who_gives_them_work(
    open_bench: Any, say: Any, call: Any
) -> None:
    hooks = [
        rule("before_tool", {"reason": "hands off"}, matcher="write_file"),
        rule("before_model", {"action": "modify", "replace": "canary", "replacement": "bird"}),
        rule("before_run", {"when": "message CONTAINS task", "reason": "not of the one above"}),
    ]
    handing = ("delegate", json.dumps({"agent": "helper", "task": "a task with a canary"}))
    steps = [call(handing), call(WRITE_FREE), say("I may not."), say("Done.")]
    agent = f"{in_file(*hooks)}subagents: [helper]\n"
    async with open_bench(steps, agent=agent) as bench:
        (bench.home / "config" / "agents" / "helper.yaml").write_text(
            "version: 1\nname: helper\nmodel: scripted\ntools: [write_file]\n"
        )
        run_id = await bench.send(await bench.session(), approve="all")
        events = await bench.end(run_id)
        started = of_type(events, "child_run.started")
        below = await bench.end(started.child_run_id)
        check(below)
        done = of_type(below, "tool_call.completed")
        assert (done.outcome, text_of(done.content)) == ("denied", "Denied by a hook: hands off.")
        assert "canary" not in bench.model.requests[1].model_dump_json()
        assert events[-1].event.type == "run.completed"


async def test_the_users_own_hooks_stand_before_every_agent_and_every_direct_call(
    open_bench: Any, say: Any, call: Any
) -> None:
    hook = HookSpec.model_validate(rule("before_tool", {"reason": "closed"}, matcher="write_file"))
    async with open_bench([call(WRITE_FREE), say("Well.")]) as bench:
        added = await bench.workbench.hooks.add(hook)
        session = await bench.session()
        events = await bench.end(await bench.send(session))
        assert of_type(events, "tool_call.completed").outcome == "denied"
        arguments = {"path": "free.txt", "content": "a"}
        direct = await bench.workbench.tools.run(session.id, "write_file", arguments, wait_s=20)
        assert direct.outcome == "denied"
        await bench.workbench.hooks.remove(added.hook.id or "")
        direct = await bench.workbench.tools.run(session.id, "write_file", arguments, wait_s=20)
        assert direct.outcome == "ok"


async def test_a_hook_of_an_agent_with_the_id_of_an_own_one_takes_nothing_from_it(
    open_bench: Any, say: Any, call: Any
) -> None:
    ids = [new_id(), new_id()]
    own = (
        rule("before_tool", {"reason": "closed"}, id=ids[0]),
        rule("before_run", {"when": "message CONTAINS x"}, id=ids[1]),
    )
    theirs = [rule(each["point"], {"action": "allow"}, id=each["id"], order=-1) for each in own]
    async with open_bench([call(WRITE_FREE), say("Well.")], agent=in_file(*theirs)) as bench:
        for hook in own:
            await bench.workbench.hooks.add(HookSpec.model_validate(hook))
        events = await bench.end(await bench.send(await bench.session()))
        assert of_type(events, "tool_call.completed").outcome == "denied"
        asked = [each.hook_id for each in decided(events)]
        assert (len(set(asked)), set(ids) < set(asked)) == (4, True)
        listed = await bench.workbench.hooks.list(str(bench.project), "tester")
        assert {each.hook.id for each in listed} == set(asked)


async def test_a_broken_file_of_hooks_stops_runs_for_nobody_knows_what_it_forbids(
    open_bench: Any, say: Any
) -> None:
    async with open_bench([say("Done.")]) as bench:
        (bench.home / "config" / "hooks.yaml").write_text("hooks: [{point: before_tool}]\n")
        with pytest.raises(InvalidError, match=r"hooks\.yaml"):
            await bench.send(await bench.session())


async def test_a_folder_that_is_not_trusted_brings_no_hooks(open_bench: Any, say: Any) -> None:
    async with open_bench([say("Done."), say("Done.")]) as bench:
        folder = bench.project / ".holdfast" / "agents"
        folder.mkdir(parents=True)
        hook = rule("before_run", {"reason": "closed"})
        (folder / "local.yaml").write_text(
            f"version: 1\nname: local\nmodel: scripted\ninstructions: x\n{in_file(hook)}"
        )
        for trusted, end in ((False, "run.completed"), (True, "run.failed")):
            await bench.workbench.agents.trust(str(bench.project), trusted)
            session = await bench.workbench.sessions.create("local", str(bench.project))
            events = await bench.end(await bench.send(session))
            assert events[-1].event.type == end


async def test_the_log_alone_gives_the_state_and_the_context_that_the_run_had(
    open_bench: Any, say: Any, call: Any
) -> None:
    hooks = [
        rule("before_run", {"action": "modify", "replace": "Hello", "replacement": "Goodbye"}),
        rule("before_tool", {"action": "modify", "set": {"content": "changed"}}),
    ]
    async with open_bench([call(WRITE_FREE), say("Done.")], agent=in_file(*hooks)) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        events = await bench.end(run_id)
        context, state = ContextProjection(), RunState(session.id, run_id)
        for logged in events:
            context.apply(logged)
            state.apply(logged.event)
        seen = bench.model.requests[-1].messages[1:]
        assert context.messages[: len(seen)] == seen
        (done,) = state.calls.values()
        assert (done.changed, done.arguments["content"]) == (True, "changed")
        told = await bench.workbench.events.read(EventFilter(session_id=session.id))
        assert [each for each in told.items if each.event.run_id == run_id] == events


async def _seen(bench: Any, run_id: str) -> int:
    events = await bench.until("approval.resolved", run_id=run_id)
    return events[-1].id


async def _another(bench: Any, known: str) -> Any:
    async for logged in bench.workbench.events.follow(EventFilter(), 0):
        event = logged.event
        if event.type == "approval.requested" and event.approval.id != known:
            return event.approval
    raise AssertionError("no other approval")
