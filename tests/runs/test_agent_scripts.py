"""Runs of agents that have a script: what is asked, what is told, what the reply is, and how they end."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import (
    ForbiddenError,
    ModelAuthError,
    ModelNotFound,
    ModelUnavailable,
    SandboxRequired,
)
from holdfast.core.domain.messages import ImagePart, Message, TextPart
from holdfast.core.domain.models import ModelRequest, UsageReport
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.scripts import ScriptSpec
from holdfast.core.runs.scripts import ScriptRuns
from holdfast.core.runs.steps import Stepper
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.sandbox.scripts import ScriptProcesses

FREE = {"sandbox": {"unconfined_scripts": True}}
"""These tests have no sandbox; what scripts can do without is tested where they run."""
CHAIN = """\
initial_response = query("gpt-4o", conversation)
follow_up = add("user", f"Explain your reasoning for that", conversation)
final_response = query("gpt-4", conversation)
"""
BY_LENGTH = """\
if len(conversation) > 10:
    response = query("gemini-1.5-flash-latest", conversation) # Use a faster, less expensive model
else:
    response = query("gpt-4", conversation) # More powerful model
"""


@pytest.fixture
def scripted(open_bench):
    """Opens a bench whose agent `script` has the given one."""

    def opened(code: str, steps=(), *, more: str = "", instructions: str = "Be brief.", **given):
        said = f"name: script\nversion: 1\nmodel: scripted\ninstructions: {json.dumps(instructions)}\n{more}"
        bench = open_bench(steps, more_settings=given.pop("settings", FREE), **given)
        return _Opened(bench, f"{said}\nscript: {json.dumps(code)}\n")

    return opened


class _Opened:
    def __init__(self, opened, text: str) -> None:
        self._opened, self._text = opened, text

    async def __aenter__(self):
        self.bench = await self._opened.__aenter__()
        await self.bench.workbench.agents.create(self._text)
        return self.bench

    async def __aexit__(self, *error) -> None:
        await self._opened.__aexit__(*error)


async def ran(bench, *texts: str, **options):
    """Sends the texts one after the other to a new session; returns it, and the events of the last run."""
    session = await bench.workbench.sessions.create("script", str(bench.project))
    events = []
    for text in texts:
        events = [each.event for each in await bench.end(await bench.send(session, text, **options))]
    return session, events


def parts(events) -> list[tuple[str, str]]:
    return [(each.kind, each.text) for each in events if each.type == "part.completed"]


def asked(request: ModelRequest) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in request.messages]


async def test_a_chain_of_queries_replies_with_the_last_one(scripted, say, usage) -> None:
    steps = [[usage, *say("It is 4")], say("Because two ", "and two"), say("Bye"), say("Good bye")]
    async with scripted(CHAIN, steps) as bench:
        session, events = await ran(bench, "2 + 2?")
        assert parts(events) == [("reasoning", "It is 4"), ("text", "Because two and two")]
        assert [each.model for each in events if each.type == "step.started"] == ["gpt-4o", "gpt-4"]
        deltas = [each.text for each in events if each.type == "part.delta"]
        assert deltas[0] == "It is 4" and "".join(deltas[1:]) == "Because two and two"
        assert [each.input_tokens for each in events if each.type == "usage.recorded"] == [7]
        (system, *_), first, second = asked(bench.model.requests[0])[0], *bench.model.requests
        assert system == "system" and "Be brief." in first.messages[0].text
        assert asked(second)[1:] == [
            ("user", "2 + 2?"),
            ("assistant", "It is 4"),
            ("user", "Explain your reasoning for that"),
        ]
        await bench.end(await bench.send(session, "Thanks"))
        assert asked(bench.model.requests[2])[1:] == [
            ("user", "2 + 2?"),
            ("assistant", "Because two and two"),
            ("user", "Thanks"),
        ]


@pytest.mark.parametrize(("earlier", "model"), [(0, "gpt-4"), (10, "gemini-1.5-flash-latest")])
async def test_a_script_chooses_the_model_by_the_length_of_the_conversation(
    scripted, say, earlier: int, model: str
) -> None:
    roles = ["user", "assistant"] * (earlier // 2)
    history = tuple(Message(role=role, parts=(TextPart(text="so"),)) for role in roles)
    async with scripted(BY_LENGTH, [say("Yes")]) as bench:
        _, events = await ran(bench, "Well?", history=history or None)
        assert bench.model.requests[0].model == model
        assert parts(events) == [("text", "Yes")]


async def test_an_agent_without_instructions_sends_no_system_message(scripted, say) -> None:
    async with scripted("response = str(len(conversation))", instructions="") as bench:
        _, events = await ran(bench, "Hi")
        assert parts(events) == [("text", "1")]


async def test_what_is_printed_is_told_and_is_the_reply_of_last_resort(scripted) -> None:
    async with scripted("print('Hello World')") as bench:
        _, events = await ran(bench, "Hi")
        assert parts(events) == [("reasoning", "Hello World\n"), ("text", "Hello World")]
        assert "step.started" not in [each.type for each in events]


async def test_names_of_models_can_stand_for_others_and_agents_have_fall_backs(scripted, say) -> None:
    steps = [[ModelUnavailable("down")], [ModelUnavailable("down")], say("Up")]
    more = "fallback_models: [second]\nmodel_settings: {temperature: 0.5}"
    spec = "script: {code: 'response = query(\"gpt-4\", conversation)', models: {gpt-4: first}}"
    async with scripted("1", steps, more=more, retries=1) as bench:
        info = await bench.workbench.agents.get("script")
        source = await bench.workbench.agents.source(info.id)
        text = source.text.replace('script: "1"', spec)
        await bench.workbench.agents.update(info.id, text, source.digest)
        _, events = await ran(bench, "Hi")
        assert [request.model for request in bench.model.requests] == ["first", "first", "second"]
        assert bench.model.requests[0].settings.temperature == 0.5
        kinds = [each.type for each in events]
        assert "model.retried" in kinds and "model.fell_back" in kinds
        assert parts(events) == [("text", "Up")]


async def test_a_script_goes_on_from_a_model_that_fails(scripted, say) -> None:
    code = """
try:
    response = query("first", conversation)
except QueryError as error:
    response = query("second", conversation)
"""
    async with scripted(code, [[ModelAuthError("no key")], say("Here")]) as bench:
        _, events = await ran(bench, "Hi")
        assert [each.reason for each in events if each.type == "step.completed"] == ["error", "stop"]
        assert parts(events)[-1] == ("text", "Here") and events[-1].type == "run.completed"


@pytest.mark.parametrize(
    ("code", "steps", "error"),
    [
        ('query("m", conversation)', [[ModelAuthError("no key")]], "model_auth"),
        ('query("m", [])', [], "script_failed"),
        (
            'try: query("m", conversation)\nexcept QueryError: query("m", [])',
            [[ModelAuthError("no key")]],
            "script_failed",
        ),
        ('query("m", [{"role": "user", "content": "x", "files": ["/etc/passwd"]}])', [], "script_failed"),
        ('query("", conversation)', [], "model_not_found"),
        ("1 / 0", [], "script_failed"),
        ("while True: query('m', conversation)", [], "step_limit"),
    ],
)
async def test_a_run_fails_with_what_its_script_failed_with(scripted, code, steps, error: str) -> None:
    async with scripted(code, steps, more="limits: {max_steps: 3}") as bench:
        _, events = await ran(bench, "Hi")
        assert (events[-1].type, events[-1].error.code) == ("run.failed", error)


async def test_a_query_has_a_limit_of_messages(scripted) -> None:
    code = 'query("m", [{"role": "user", "content": "x"}] * 2_001)'
    async with scripted(code) as bench:
        _, events = await ran(bench, "Hi")
        assert "more than 2,000 messages" in events[-1].error.message


async def test_the_limits_of_a_run_are_looked_at_before_what_a_script_asks(scripted, say) -> None:
    code = """
query("m", conversation)
while True:
    try:
        query("m", [])
    except QueryError:
        pass
"""
    async with scripted(code, [say("a")], more="limits: {max_steps: 1}") as bench:
        _, events = await ran(bench, "Hi")
        assert events[-1].error.code == "step_limit"


async def test_a_cost_limit_ends_a_script(scripted, say) -> None:
    steps = [[UsageReport(cost_usd=0.7), *say("a")] for _ in range(5)]
    async with scripted("while True: query('m', conversation)", steps) as bench:
        bench.catalog.prices = {"m": 1.0, "scripted": 1.0}
        _, events = await ran(bench, "Hi", max_cost_usd=1.0)
        assert (events[-1].error.code, len(bench.model.requests)) == ("cost_limit", 2)


async def test_a_result_is_held_against_the_form_that_was_asked_for(scripted) -> None:
    form = {"type": "object", "required": ["a"]}
    async with scripted("import json\nresponse = json.dumps({len(conversation): 1})") as bench:
        _, events = await ran(bench, "Hi", response_format=form)
        assert events[-1].error.code == "response_format"


async def test_tools_come_first_through_policy_and_the_script_sees_what_they_gave(
    scripted, say, call
) -> None:
    steps = [
        call(("write_file", '{"path": "a.md", "content": "hi"}')),
        say("I have written it"),
        say("It is done"),
    ]
    code = 'response = query("m", conversation)'
    async with scripted(code, steps, more="tools: [write_file]") as bench:
        session = await bench.workbench.sessions.create("script", str(bench.project))
        run_id = await bench.send(session, "Write")
        approval = await bench.approval()
        assert approval.tool == "write_file"
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny", reason="no"))
        events = [each.event for each in await bench.end(run_id)]
        assert parts(events) == [("reasoning", "I have written it"), ("text", "It is done")]
        assert [tool.name for tool in bench.model.requests[0].tools] == ["write_file"]
        last = bench.model.requests[2]
        assert not last.tools
        role, said = asked(last)[-1]
        assert role == "assistant" and said.startswith("Called tool: write_file with") and "denied" in said


async def test_a_call_of_the_callers_tool_ends_the_run_before_the_script(scripted, call) -> None:
    tool = {"name": "delivery", "description": "When", "parameters": {"type": "object"}}
    async with scripted("1 / 0", [call(("delivery", "{}"))]) as bench:
        _, events = await ran(bench, "When?", client_tools=(tool,))
        assert (events[-1].type, events[-1].reason) == ("run.completed", "client_tools")


async def test_images_go_with_the_message_that_they_stand_in(scripted, say) -> None:
    code = 'add("user", "Look again", conversation)[-1]["files"] = conversation[1]["files"]\n' + (
        'response = query("m", conversation)'
    )
    async with scripted(code, [say("A cat")]) as bench:
        session = await bench.workbench.sessions.create("script", str(bench.project))
        blob = bench.blobs.put(b"\x89PNG")
        image = ImagePart(blob=blob, media_type="image/png", name="cat.png")
        sent = await bench.workbench.runs.send(
            session.id, (TextPart(text="What is it?"), image), RunOptions()
        )
        await bench.end(sent.run_id)
        assert [message.parts[-1] for message in bench.model.requests[0].messages[1:]] == [image, image]


async def test_a_cancelled_query_ends_the_script_and_the_run(scripted) -> None:
    began = asyncio.Event()

    async def hang(request: ModelRequest):
        began.set()
        await asyncio.Event().wait()
        yield  # never comes to that

    async with scripted("query('m', conversation)") as bench:
        bench.model.stream = hang
        session = await bench.workbench.sessions.create("script", str(bench.project))
        run_id = await bench.send(session, "Hi")
        async with asyncio.timeout(30):
            await began.wait()
        await bench.workbench.runs.cancel(run_id)
        events = [each.event for each in await bench.end(run_id)]
        assert events[-1].type == "run.cancelled"


async def test_where_nothing_confines_programs_a_script_is_not_run(scripted) -> None:
    async with scripted("print('ran')", settings={}) as bench:
        _, events = await ran(bench, "Hi")
        assert events[-1].error.code == "sandbox_required"
        assert "unconfined_scripts" in events[-1].error.message


async def test_a_script_gets_a_conversation_that_fits_the_agents_model(scripted, say) -> None:
    long = "word " * 2_000
    code = 'response = conversation[1]["content"][:30]'
    async with scripted(code, [say("It was long.")]) as bench:
        session, _ = await ran(bench, long)
        bench.catalog.window = 3_000
        events = [each.event for each in await bench.end(await bench.send(session, long))]
        assert "context.compacted" in [each.type for each in events]
        assert parts(events)[-1][1].startswith("Summary of the conversation")


async def test_scripts_of_other_users_never_run_unconfined() -> None:
    scripts = ScriptRuns(
        ScriptProcesses(ChildProcesses(), {}), Stepper(None, None, str, retries=0), None, None, lambda: True
    )
    with pytest.raises(SandboxRequired):
        await scripts.run(SimpleNamespace(owner="somebody"), ScriptSpec(code="1"))


async def test_a_steer_waits_until_the_script_has_ended(scripted, say) -> None:
    code = 'query("m", conversation)\nresponse = query("m", conversation)'
    async with scripted(code, [say("a"), say("b"), say("c"), say("d")]) as bench:
        session = await bench.workbench.sessions.create("script", str(bench.project))
        run_id = await bench.send(session, "First")
        await bench.workbench.runs.pause(run_id)
        await bench.workbench.runs.steer(run_id, (TextPart(text="Second"),))
        await bench.workbench.runs.resume(run_id)
        first = await bench.end(run_id)
        assert [each.event.type for each in first].count("message.added") == 1
        second = await bench.until("run.completed", after=first[-1].id)
        assert parts([each.event for each in second]) == [("reasoning", "c"), ("text", "d")]
        assert asked(bench.model.requests[-2])[-2:] == [("assistant", "b"), ("user", "Second")]


class KeyFor:
    """A catalogue in which some models can be used, and some names are none."""

    def __init__(self, catalog, *available: str) -> None:
        self._catalog, self._available = catalog, available

    async def __call__(self, model: str, owner: str = ""):
        if model.startswith("gemini-"):
            raise ModelNotFound(model)
        info = await self._catalog.__class__().get(model)
        return info.model_copy(update={"available": model in self._available})


@pytest.mark.parametrize(
    ("name", "available", "plan", "used"),
    [
        ("gpt-4o", ("gpt-4o", "scripted"), "decentralized", "gpt-4o"),
        ("gpt-4o", ("openai/gpt-4o",), "decentralized", "openai/gpt-4o"),
        ("gemini-1.5-flash-latest", ("gemini/gemini-1.5-flash",), "dedicated", "gemini/gemini-1.5-flash"),
        ("gemini-1.0-pro", ("gemini/gemini-1.0-pro-latest",), "dedicated", "gemini/gemini-1.0-pro-latest"),
        ("llama-3.1-8b-instruct", ("openrouter/meta-llama/llama-3.1-8b-instruct",), "dedicated",
         "openrouter/meta-llama/llama-3.1-8b-instruct"),
        ("toppy-m-7b", (), "dedicated", "scripted"),
        ("some-model", (), "dedicated", "some-model"),
        ("gpt-4o", (), None, "gpt-4o"),
    ],
)  # fmt: skip
async def test_names_of_the_price_list_mean_models_that_can_be_used(
    scripted, say, name: str, available: tuple[str, ...], plan: str | None, used: str
) -> None:
    more = f"plan: {plan}" if plan else ""
    async with scripted(f"response = query({name!r}, conversation)", [say("Hi")], more=more) as bench:
        bench.catalog.get = KeyFor(bench.catalog, *available)
        _, events = await ran(bench, "Hi")
        assert [each.model for each in bench.model.requests] == [used], events[-1]


async def test_settings_say_what_names_of_scripts_mean(scripted, say) -> None:
    settings = {**FREE, "models": {"names": {"gpt-4": "strong", "mine": "other"}}}
    code = 'query("gpt-4-latest", conversation)\nresponse = query("mine", conversation)'
    more = "plan: decentralized"
    async with scripted(code, [say("a"), say("b")], settings=settings, more=more) as bench:
        await ran(bench, "Hi")
        assert [each.model for each in bench.model.requests] == ["strong", "other"]


async def test_a_script_of_a_folder_that_is_not_trusted_is_not_run(open_bench) -> None:
    async with open_bench(more_settings=FREE) as bench:
        folder = bench.project / "agents"
        folder.mkdir()
        (folder / "foreign.yaml").write_text("version: 1\nname: foreign\nscript: foreign.py\n")
        (folder / "foreign.py").write_text("response = 'one'")
        session = await bench.workbench.sessions.create("foreign", str(bench.project))
        with pytest.raises(ForbiddenError, match="holdfast trust") as caught:
            await bench.send(session, "Hi")
        assert caught.value.code == "untrusted_script"
        await bench.workbench.agents.trust(str(bench.project), True)
        events = [each.event for each in await bench.end(await bench.send(session, "Hi"))]
        assert parts(events) == [("text", "one")]
        (folder / "foreign.py").write_text("response = 'changed'")
        events = [each.event for each in await bench.end(await bench.send(session, "Hi"))]
        assert parts(events) == [("text", "changed")]


async def test_the_script_has_its_turn_when_what_goes_on_in_the_background_has_ended(
    scripted, say, call
) -> None:
    begin = ("delegate", json.dumps({"agent": "tester", "task": "One.", "background": True}))
    write = ("write_file", json.dumps({"path": "asked.md", "content": "x\n"}))
    answers = {"Hi": [call(begin), say("Waiting."), say("I have it.")], "One.": [call(write), say("one")]}

    def step(request: ModelRequest):
        if not request.tools:
            return say("That is all.")
        first = next(message for message in request.messages if message.role == "user")
        said = sum(m.role in ("assistant", "user") for m in request.messages)  # its own words are reasoning
        return answers[first.parts[0].text][said - 1]

    more = "subagents: [tester]\ntools: [read_file]\n"
    async with scripted('response = query("scripted", conversation)', [step] * 9, more=more) as bench:
        session = await bench.workbench.sessions.create("script", str(bench.project))
        run_id = await bench.send(session, "Hi")
        approval = await bench.approval()
        await bench.until("part.completed", run_id=run_id)
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = [each.event for each in await bench.end(run_id)]
        assert [each.status for each in events if each.type == "child_run.completed"] == ["completed"]
        assert [text for _, text in parts(events)] == ["Waiting.", "I have it.", "That is all."]
