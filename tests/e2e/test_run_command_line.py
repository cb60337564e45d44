"""`holdfast run` and its neighbours on a real engine: exit statuses, JSON, stdin, sessions."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from tests.e2e.bench import Bench
from tests.fakes.openai_server import FakeOpenAI

pytestmark = pytest.mark.thorough

AGENT = "description: A helper.\ntools: [write_file, run_command]\nmodel: {model}\n"


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "key": "one", "name": name, "arguments": arguments}


def test_a_completed_run_exits_0_and_only_the_reply_is_on_stdout(bench: Bench) -> None:
    bench.agent("helper", AGENT.format(model=bench.script("s", [text("Hello "), text("there.")])))
    done = bench.run("run", "helper", "hi")
    assert (done.returncode, done.stdout) == (0, "Hello there.\n")
    assert "helper · scripted/" in done.stderr


def test_a_failed_run_exits_1_and_says_why(bench: Bench) -> None:
    broken = {"type": "error", "code": "model_auth", "message": "The key was refused."}
    bench.agent("helper", AGENT.format(model=bench.script("s", [text("Half a rep"), broken])))
    done = bench.run("run", "helper", "hi")
    assert (done.returncode, done.stdout) == (1, "Half a rep\n")
    assert "The key was refused." in done.stderr


def test_wrong_usage_and_invalid_agents_exit_2_and_start_nothing(bench: Bench) -> None:
    bench.agent("typo", "description: x\ntoolz: [read_file]\n")
    for args, says in [
        (("run", "nobody", "hi"), "nobody"),
        (("run", "typo", "hi"), "toolz"),
        (("run", "general", " "), "empty"),
        (("run", "general", "hi", "--approve", "maybe"), "maybe"),
        (("run", "general", "hi", "--session", "nosuch"), "nosuch"),
        (("run", "general", "hi", "--cwd", "/no/such/folder"), "/no/such/folder"),
    ]:
        done = bench.run(*args)
        assert (done.returncode, done.stdout) == (2, ""), args
        assert says in done.stderr, args
    assert bench.json("sessions", "list") == []


def test_a_waiting_approval_exits_3_stays_and_the_decided_run_goes_on(bench: Bench) -> None:
    model = bench.script(
        "s", [text("Now."), call("write_file", path="a.md", content="A")], [text("Done.")], by="conversation"
    )
    bench.agent("helper", AGENT.format(model=model))
    waiting = bench.run("run", "helper", "write it")
    assert (waiting.returncode, waiting.stdout) == (3, "Now.\n")
    [approval] = bench.json("approvals", "list")
    assert approval["id"] in waiting.stderr
    assert "+A" in waiting.stderr
    assert not list(bench.paths.workspaces.glob("*/a.md"))
    bench.done("approvals", "approve", "last")
    follow_up = bench.run("run", "helper", "and now?", "--session", "last")
    assert follow_up.returncode == 0, follow_up.stderr
    [written] = bench.paths.workspaces.glob("*/a.md")
    assert written.read_text() == "A"
    [session] = bench.json("sessions", "list")
    assert (session["status"], session["pending"]) == ("completed", 0)


def test_a_denial_on_the_command_line_reaches_the_model(openai_bench: Bench, server: FakeOpenAI) -> None:
    server.reset(
        {"tools": [{"name": "write_file", "arguments": {"path": "a.md", "content": "A"}}]},
        {"when": {"tool_result": "not on a Friday"}, "text": "Monday, then."},
    )
    waiting = openai_bench.run("run", "general", "write it", "--model", "openai/gpt-4o")
    assert waiting.returncode == 3, waiting.stderr
    openai_bench.done("approvals", "deny", "last", "--reason", "not on a Friday")
    after = openai_bench.run("run", "general", "well?", "--session", "last", "--model", "openai/gpt-4o")
    assert (after.returncode, after.stdout) == (0, "You said: well?\n")
    assert "Monday, then." in openai_bench.done("sessions", "export", "last")


def test_an_interrupted_run_exits_130_and_is_cancelled(bench: Bench) -> None:
    bench.agent("helper", AGENT.format(model=bench.script("s", [text("on and ", repeat=2000)], delay_s=0.02)))
    running = bench.start("run", "helper", "hi")
    try:
        assert running.stdout is not None
        assert running.stdout.read(7) == "on and "
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "cancelled" in errors
    [session] = bench.json("sessions", "list")
    assert session["status"] == "cancelled"


def test_a_time_limit_fails_the_run(bench: Bench) -> None:
    bench.agent("helper", AGENT.format(model=bench.script("s", [text("on and ", repeat=2000)], delay_s=0.02)))
    done = bench.run("run", "helper", "hi", "--timeout", "0.3")
    assert done.returncode == 1
    assert "(timeout)" in done.stderr


def test_json_lines_are_the_log_as_it_is_exported(bench: Bench) -> None:
    model = bench.script("s", [text("Now."), call("write_file", path="a.md", content="A")], [text("Done.")])
    bench.agent("helper", AGENT.format(model=model))
    done = bench.run("run", "helper", "-", "--json", "--approve", "all", stdin="write it, please\n")
    assert done.returncode == 0, done.stderr
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["id"] for one in printed] == sorted({one["id"] for one in printed})
    exported = json.loads(bench.done("sessions", "export", "last", "--format", "json"))["events"]
    of_the_run = [one for one in exported if one.get("run_id")]
    deltas = ("part.delta", "tool_call.progressed")
    assert [one for one in printed if one.get("run_id") and one["type"] not in deltas] == of_the_run
    assert [one["text"] for one in printed if one["type"] == "part.delta"] == ["Now.", "Done."]
    asked = next(one for one in printed if one["type"] == "message.added")
    assert asked["parts"][0]["text"].strip() == "write it, please"


def test_last_goes_on_with_the_agents_latest_session(bench: Bench) -> None:
    model = bench.script("s", [text("First.")], [text("Second.")], by="conversation")
    bench.agent("helper", AGENT.format(model=model))
    assert bench.done("run", "helper", "one") == "First.\n"
    assert bench.run("run", "guide", "help").returncode == 0
    assert bench.done("run", "helper", "two", "--session", "last") == "Second.\n"
    assert len(bench.json("sessions", "list")) == 2
    assert bench.run("run", "writer", "hi", "--session", "last").returncode == 2, "it has no session yet"
