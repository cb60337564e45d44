"""What hooks of each type decide, and what it means when they cannot: against receivers and functions that
do what hostile ones do."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.hooks import HookCall, HookPlace, HookPoint, HookSpec, HookVerdict
from holdfast.core.domain.processes import ProcessResult, ProcessSpec
from holdfast.core.hooks.decider import Decider
from holdfast.core.hooks.expressions import Expressions
from holdfast.core.hooks.python_hook import PythonHooks
from holdfast.core.hooks.rules import RuleHooks
from holdfast.core.hooks.sender import Certificates
from holdfast.core.hooks.webhook_hook import WebhookHooks
from holdfast.core.sandbox.process import ChildProcesses

SECRET = "hfh_for-tests"
METADATA = "http://169.254.169.254/latest/meta-data"
PATH = {"PATH": "/usr/bin:/bin"}


class Ask:
    """Asks hooks about a call of `run_command`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ips: Sequence[str] = ("127.0.0.1",)
        self.private = True
        self.programs = True

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        return (host,) if host[0].isdigit() else self.ips

    async def __call__(self, hook: dict[str, Any], **call: Any) -> HookVerdict:
        async def secret(owner: str) -> str:
            return SECRET

        processes = ChildProcesses()
        decider = Decider(
            RuleHooks(Expressions(processes, PATH)),
            WebhookHooks(
                secret,
                lambda: self.private,
                certificates=Certificates(lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
                resolve=self._resolve,
            ),
            PythonHooks(processes, PATH),
        )
        spec = HookSpec.model_validate({"id": None, "point": "before_tool", **hook})
        given: dict[str, Any] = {"tool": "run_command", "data": {"command": "ls"}, "call_id": "c", **call}
        looked = HookCall(spec.point, "s", "r", "coder", **given)
        return await decider.decide(spec, looked, HookPlace("local", self.folder, self.programs))

    async def web(self, receiver: Any, **hook: Any) -> HookVerdict:
        return await self({"type": "webhook", "url": receiver.url, **hook})

    async def function(self, code: str, **more: Any) -> HookVerdict:
        file = self.folder / "hook.py"
        file.write_text(code)
        return await self({"type": "python", "file": str(file), **more})


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    return Ask(tmp_path)


# --- webhooks


async def test_a_receiver_is_told_of_the_call_under_a_signature_and_denies_it(
    ask: Ask, receiver: Any
) -> None:
    receiver.answer(200, json.dumps({"action": "deny", "message": "no\x1b[31m way"}).encode())
    verdict = await ask.web(receiver, headers={"X-Team": "a"})
    assert (verdict.outcome, verdict.reason) == ("deny", "no[31m way")
    (request,) = receiver.requests
    signed = "sha256=" + hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-holdfast-signature"] == signed
    assert (request.headers["x-team"], request.headers["x-holdfast-event"]) == ("a", "before_tool")
    body = json.loads(request.body)
    assert (body["event"], body["tool_name"], body["data"]) == (
        "before_tool",
        "run_command",
        {"command": "ls"},
    )
    assert (body["session_id"], body["run_id"], body["agent"], "output" in body) == ("s", "r", "coder", False)


async def test_a_receiver_changes_arguments_or_an_output(ask: Ask, receiver: Any) -> None:
    receiver.answer(200, b'{"modified_input": {"command": "true"}}')
    changed = await ask.web(receiver)
    assert (changed.outcome, changed.data) == ("modify", {"command": "true"})
    receiver.answer(200, b'{"action": "modify", "modified_output": ""}')
    hook = {"type": "webhook", "url": receiver.url, "point": "after_tool"}
    changed = await ask(hook, output="secret")
    assert (changed.outcome, changed.output) == ("modify", "")


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"action": "allow"}', b'{"more": 1}'])
async def test_an_answer_that_says_nothing_allows(ask: Ask, receiver: Any, body: bytes) -> None:
    receiver.answer(200, body)
    assert await ask.web(receiver) == HookVerdict()


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (500, b'{"action": "deny"}', "answered 500"),
        (404, b'{"action": "deny"}', "answered 404"),
        (200, b"<html>", "not JSON"),
        (200, b"[1]", "no JSON object"),
        (200, b'{"action": "explode"}', "neither allow nor deny"),
        (200, b'{"action": "deny", "message": 7}', "something else"),
        (200, b'{"modified_output": "x"}', "has no output"),
        (200, b'{"modified_input": [1]}', "nothing can be done"),
        (200, b"[" * 200 + b"]" * 200, "nested too deep"),
    ],
)
async def test_what_is_no_answer_allows_and_is_told(
    ask: Ask, receiver: Any, status: int, body: bytes, why: str
) -> None:
    receiver.answer(status, body)
    verdict = await ask.web(receiver)
    assert verdict.outcome == "allow"
    assert why in verdict.error


async def test_a_redirection_to_the_metadata_service_is_not_followed(ask: Ask, receiver: Any) -> None:
    receiver.answer(307, b'{"action": "deny"}', Location=METADATA)
    verdict = await ask.web(receiver)
    assert verdict.outcome == "allow"
    assert "not followed" in verdict.error
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("ip", ["169.254.169.254", "127.0.0.1", "10.0.0.8", "::1", "fd00::1", "fe80::1"])
async def test_a_name_that_leads_to_an_address_that_is_not_public_gets_no_request(
    ask: Ask, receiver: Any, ip: str
) -> None:
    ask.private, ask.ips = False, ("93.184.216.34", ip)
    verdict = await ask({"type": "webhook", "url": f"http://inside.test:{receiver.port}/"})
    assert verdict.outcome == "allow"
    assert "not at a public address" in verdict.error
    assert ip not in verdict.error
    assert receiver.requests == []


async def test_an_endless_answer_ends(ask: Ask, receiver: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    receiver.answers.append([head, *([b"y" * 2**16] * 64)])
    verdict = await ask.web(receiver)
    assert verdict.outcome == "allow"
    assert "not JSON" in verdict.error


@pytest.mark.parametrize("answer", [None, [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"]])
async def test_an_answer_that_does_not_come_in_time_allows(ask: Ask, receiver: Any, answer: Any) -> None:
    receiver.answers.append(answer)
    verdict = await ask.web(receiver, timeout_s=0.2)
    assert verdict.outcome == "allow"
    assert verdict.error


# --- rules


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("command CONTAINS ls", True),
        ('command CONTAINS "LS"', False),
        ("command NOT CONTAINS rm", True),
        ("command STARTS_WITH l", True),
        ('command IN ["ls", "pwd"]', True),
        ('command NOT IN ["ls", "pwd"]', False),
        ("command MATCHES ^l.$", True),
        ("command NOT MATCHES ^l.$", False),
        ("missing CONTAINS x", False),
        ("missing NOT CONTAINS x", True),
        ("missing MATCHES .", False),
        ("where.deep CONTAINS 7", True),
        ("where CONTAINS deep", True),
        ("", True),
    ],
)
async def test_a_rule_denies_where_its_condition_holds(ask: Ask, when: str, holds: bool) -> None:
    hook = {"type": "rule", "rules": [{"when": when, "reason": "so"}]}
    verdict = await ask(hook, data={"command": "ls", "where": {"deep": 7}})
    assert verdict == (HookVerdict("deny", "so") if holds else HookVerdict())


async def test_the_first_rule_that_holds_decides(ask: Ask) -> None:
    rules = [{"when": "command CONTAINS l", "action": "allow"}, {"reason": "everything else"}]
    assert (await ask({"type": "rule", "rules": rules})).outcome == "allow"
    assert (await ask({"type": "rule", "rules": rules}, data={"command": "x"})).outcome == "deny"


async def test_texts_are_replaced_one_by_one_and_the_replacement_is_no_expression(ask: Ask) -> None:
    rule = {"action": "modify", "replace": "(a)", "replacement": r"\1[b]"}
    hook = {"type": "rule", "point": "before_model", "rules": [rule]}
    messages = [{"role": "system", "text": "no"}, {"role": "user", "text": "a man"}]
    verdict = await ask(hook, data={"model": "m", "messages": messages})
    assert verdict.data is not None
    assert [each["text"] for each in verdict.data["messages"]] == ["no", r"\1[b] m\1[b]n"]
    assert await ask(hook, data={"model": "m", "messages": messages[:1]}) == HookVerdict()


async def test_an_expression_that_is_never_done_denies(ask: Ask) -> None:
    hook = {"type": "rule", "rules": [{"when": "command MATCHES (a+)+$"}], "timeout_s": 0.5}
    verdict = await ask(hook, data={"command": "a" * 60 + "!"})
    assert verdict.outcome == "deny"
    assert "0.5 s" in verdict.error


# --- functions


async def test_a_function_reads_the_event_and_what_it_prints_counts_for_nothing(ask: Ask) -> None:
    code = """
import os
def _why(event): return f"{event['tool_name']} by {event['agent']} {sorted(os.environ)}"
async def guard(event: dict) -> dict | None:
    print('{"action": "allow"}')
    return {"action": "deny", "message": _why(event)}
"""
    verdict = await ask.function(code)
    assert (verdict.outcome, verdict.reason.startswith("run_command by coder")) == ("deny", True)
    assert "KEY" not in verdict.reason


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("def guard(event: dict) -> None:\n    raise ValueError('boom')", "boom"),
        ("def guard(event: dict) -> None:\n    import time; time.sleep(60)", "within"),
        ("def guard(event: dict) -> object:\n    return 'yes'", "no JSON object"),
        ("def guard(event: dict) -> object:\n    return object()", "not JSON serializable"),
        ("def guard(event: dict) -> dict:\n    return {'action': 'maybe'}", "neither"),
        ("def guard(event: dict) -> str:\n    return 'x' * 3_000_000", "longer than"),
        ("def guard(event: dict) -> None:\n    import os; os._exit(0)", "No such file"),
        ("def guard(event): pass", "guard(event: dict)"),
        ("def one(event: dict) -> None: pass\ndef two(event: dict) -> None: pass", "2 functions"),
        ("def guard(", "no Python"),
    ],
)
async def test_a_function_that_cannot_decide_denies(ask: Ask, code: str, why: str) -> None:
    slow = "sleep" in code
    verdict = await ask.function(code, timeout_s=0.5 if slow else 60)
    assert verdict.outcome == "deny"
    assert why in verdict.error


async def test_an_answer_that_is_a_link_is_not_followed(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "kept.json").write_text('{"action": "deny", "message": "canary"}')
    code = f"""
def guard(event: dict) -> None:
    import os, sys
    os.symlink({str(tmp_path / "kept.json")!r}, sys.argv[2])
    os._exit(0)
"""
    verdict = await ask.function(code)
    assert verdict.outcome == "deny"
    assert "canary" not in f"{verdict}"


async def test_a_file_that_is_not_there_denies(ask: Ask) -> None:
    verdict = await ask({"type": "python", "file": "/nowhere/guard.py"})
    assert (verdict.outcome, "No such file" in verdict.error) == ("deny", True)


async def test_functions_of_who_may_run_no_programs_deny(ask: Ask) -> None:
    ask.programs = False
    verdict = await ask.function("def guard(event: dict) -> None:\n    return None")
    assert verdict.outcome == "deny"
    assert "administrators" in verdict.error


async def test_after_a_run_nothing_can_be_refused(ask: Ask) -> None:
    code = "def told(event: dict) -> None:\n    raise ValueError('boom')"
    verdict = await ask.function(code, point="after_run")
    assert (verdict.outcome, "boom" in verdict.error) == ("allow", True)


def test_every_point_has_hooks_that_can_stand_there() -> None:
    for point in HookPoint:
        HookSpec.model_validate({"point": point, "type": "webhook", "url": "https://a.test/"})


async def test_where_a_rule_has_nothing_to_look_at_no_process_is_started() -> None:
    class NoProcesses:
        async def run(self, spec: ProcessSpec, **_: Any) -> ProcessResult:
            raise AssertionError("a process was started")

    rules = RuleHooks(Expressions(NoProcesses(), PATH))
    for asked, outcome in (("MATCHES", "allow"), ("NOT MATCHES", "deny")):
        spec = HookSpec.model_validate(
            {"id": None, "point": "before_tool", "type": "rule", "rules": [{"when": f"path {asked} ^/"}]}
        )
        looked = HookCall(spec.point, "s", "r", "coder", tool="run_command", data={"command": "ls"})
        assert (await rules.decide(spec, looked, 5)).outcome == outcome
