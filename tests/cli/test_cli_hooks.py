"""`holdfast hooks`: what is asked of the services, what is printed, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeRun, FakeWorkbench

from holdfast.core.domain import events as ev
from holdfast.core.domain.hooks import HookInfo, HookPoint, HookSecret, HookSpec, HookTest, HookType

Cli = Callable[..., Any]
ONE = "aaaaaaaa-0000-4000-8000-000000000001"
TWO = "bbbbbbbb-0000-4000-8000-000000000002"


def info(id: str, source: Any = "user", agent: str = "", **more: Any) -> HookInfo:
    hook = HookSpec.model_validate({"id": id, "point": "before_tool", **more})
    return HookInfo(hook=hook, source=source, agent=agent)


class FakeHooks:
    """Keeps the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        rule = {"type": "rule", "rules": ({"when": "command CONTAINS \x1bsudo"},), "matcher": "run_command"}
        self.rows = [
            info(ONE, **rule, name="guard"),
            info(TWO, "agent", "coder", type="webhook", url="https://a.test/", enabled=False),
        ]
        self.tested = HookTest(outcome="deny", reason="no sudo", duration_ms=3)

    async def list(self, project: Any = None, agent: Any = None) -> tuple[HookInfo, ...]:
        self.calls.append(("list", agent))
        return tuple(self.rows)

    async def add(self, hook: HookSpec) -> HookInfo:
        self.calls.append(("add", hook))
        return HookInfo(hook=hook.model_copy(update={"id": ONE}), source="user")

    async def enable(self, id: str, enabled: bool = True) -> None:
        self.calls.append(("enable", id, enabled))

    async def remove(self, id: str) -> None:
        self.calls.append(("remove", id))

    async def test(self, *args: Any) -> HookTest:
        self.calls.append(("test", *args))
        return self.tested

    async def secret(self, renew: bool = False) -> HookSecret:
        self.calls.append(("secret", renew))
        return HookSecret(secret="hfh_0123")


@pytest.fixture
def hooks(fake: FakeDoors) -> FakeHooks:
    workbench = FakeWorkbench()
    found = workbench.hooks = FakeHooks()  # type: ignore[attr-defined]
    fake.build = lambda: workbench
    return found


def test_the_list_says_where_each_stands_and_what_it_does(cli: Cli, hooks: FakeHooks) -> None:
    done = cli("hooks", "list", "--agent", "coder")
    head, first, second = done.out.splitlines()
    assert head.split() == ["ID", "NAME", "POINT", "OF", "TYPE", "DOES", "FROM"]
    assert "deny where command CONTAINS" in first
    assert first.endswith("you")
    assert "\x1b" not in done.out
    assert "webhook, off" in second
    assert second.endswith("agent coder")
    assert json.loads(cli("hooks", "list", "--json").out)[1]["agent"] == "coder"
    hooks.rows.clear()
    assert "holdfast hooks add POINT" in cli("hooks", "list").out


@pytest.mark.parametrize(
    ("options", "type", "fields"),
    [
        (("--deny", "command CONTAINS sudo", "--of", "run_*"), "rule", {"matcher": "run_*"}),
        (("--ask", "two eyes", "--timeout", "60"), "approval", {"message": "two eyes", "timeout_s": 60}),
        (
            ("--url", "https://a.test/", "--header", "X-Team: a: b"),
            "webhook",
            {"headers": {"X-Team": "a: b"}},
        ),
        (
            ("--python", "guard.py", "--order", "3"),
            "python",
            {"file": str(Path.cwd() / "guard.py"), "order": 3},
        ),
    ],
)
def test_a_hook_is_added_by_what_it_does(
    cli: Cli, hooks: FakeHooks, options: tuple[str, ...], type: str, fields: dict[str, Any]
) -> None:
    done = cli("hooks", "add", "before_tool", *options)
    assert done.status == 0, done.err
    ((_, spec),) = hooks.calls
    assert (spec.type, spec.point) == (HookType(type), HookPoint.BEFORE_TOOL)
    assert {name: getattr(spec, name) for name in fields} == fields
    assert ONE in done.out


def test_texts_are_replaced_where_there_are_some(cli: Cli, hooks: FakeHooks) -> None:
    assert cli("hooks", "add", "before_model", "--replace", "[0-9]{16}", "--with", "[card]").status == 0
    (rule,) = hooks.calls[0][1].rules
    assert (rule.action, rule.replace, rule.replacement) == ("modify", "[0-9]{16}", "[card]")
    refused = cli("hooks", "add", "before_tool", "--replace", "x")
    assert (refused.status, "in messages and outputs only" in refused.err) == (2, True)


def test_what_is_no_hook_is_told(cli: Cli, hooks: FakeHooks) -> None:
    for options in ((), ("--ask", "", "--url", "https://a.test/")):
        done = cli("hooks", "add", "before_tool", *options)
        assert (done.status, "one of --deny" in done.err) == (2, True)
    assert "point" in cli("hooks", "add", "sometimes", "--ask", "").err
    for options in (("--url", "https://a.test/", "--header", "X-Key"), ("--ask", "", "--header", "X-Key: a")):
        assert cli("hooks", "add", "before_tool", *options).status == 2
    assert "no condition" in cli("hooks", "add", "before_tool", "--deny", "command HAS sudo").err
    assert hooks.calls == []


def test_a_hook_is_tested_and_one_that_cannot_decide_ends_with_status_1(cli: Cli, hooks: FakeHooks) -> None:
    done = cli("hooks", "test", "aaaa", "--tool", "run_command", "--data", '{"command": "sudo ls"}')
    assert (done.status, "deny" in done.out, "no sudo" in done.out) == (0, True, True)
    assert hooks.calls[-1][:5] == ("test", ONE, {"command": "sudo ls"}, None, "run_command")
    hooks.tested = HookTest(outcome="modify", data={"path": "é"})
    assert '{"path": "é"}' in cli("hooks", "test", "aaaa").out
    hooks.tested = HookTest(outcome="allow", error="no answer")
    assert cli("hooks", "test", "aaaa").status == 1
    assert cli("hooks", "test", "aaaa", "--data", "[]").status == 2


def test_only_ones_own_are_removed(cli: Cli, hooks: FakeHooks) -> None:
    assert cli("hooks", "remove", "aaaa").out == f"removed {ONE}\n"
    assert hooks.calls[-1] == ("remove", ONE)
    assert "there is no hook" in cli("hooks", "remove", "bbbb").err


def test_only_ones_own_are_switched(cli: Cli, hooks: FakeHooks) -> None:
    assert cli("hooks", "disable", "aaaa").out == f"disabled {ONE}\n"
    assert cli("hooks", "enable", "aaaa").out == f"enabled {ONE}\n"
    assert [one for one in hooks.calls if one[0] == "enable"] == [
        ("enable", ONE, False),
        ("enable", ONE, True),
    ]
    assert "there is no hook" in cli("hooks", "disable", "bbbb").err


def test_the_secret_is_printed_alone(cli: Cli, hooks: FakeHooks) -> None:
    assert cli("hooks", "secret", "--renew").out == "hfh_0123\n"
    assert hooks.calls == [("secret", True)]


def test_a_run_tells_of_each_hook_in_a_line(cli: Cli, fake: FakeDoors) -> None:
    async def script(run: FakeRun) -> None:
        given = {"point": "before_tool", "hook_id": ONE, "hook_type": "rule", "tool": "run_command"}
        run.emit(ev.HookCompleted, **given, name="guard\x1b", outcome="deny", reason="no sudo")
        run.emit(ev.HookCompleted, **given, outcome="allow", error="boom")
        run.emit(ev.RunCompleted)

    fake.build = lambda: FakeWorkbench(script)
    done = cli("run", "general", "hello")
    assert "hook guard: denied run_command · no sudo" in done.err
    assert "hook rule at before_tool: allowed run_command · it failed: boom" in done.err
    assert "\x1b" not in done.err
    records = [json.loads(line) for line in cli("run", "general", "hello", "--json").out.splitlines()]
    assert [each["outcome"] for each in records if each["type"] == "hook.completed"] == ["deny", "allow"]
