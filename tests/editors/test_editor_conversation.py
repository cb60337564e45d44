"""Whole conversations between the SDK's client and a real workbench on a scripted model."""

from __future__ import annotations

import asyncio
import base64
import os
from typing import Any

import pytest
from acp import PROTOCOL_VERSION, RequestError
from acp.helpers import embedded_text_resource, image_block, resource_block, resource_link_block, text_block
from acp.schema import AudioContentBlock, EnvVariable, McpServerStdio

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import ModelAuthError
from holdfast.core.domain.messages import FilePart, ImagePart, TextPart

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
)
WRITE = ("write_file", '{"path": "a.md", "content": "hello\\n"}')


async def test_it_says_at_first_what_it_can_do(open_desk: Any) -> None:
    async with open_desk() as desk:
        said = await desk.agent.initialize(protocol_version=PROTOCOL_VERSION)
        able = said.agent_capabilities
        assert said.protocol_version == PROTOCOL_VERSION
        assert (said.agent_info.name, said.auth_methods) == ("holdfast", [])
        assert able.load_session
        assert (able.prompt_capabilities.image, able.prompt_capabilities.audio) == (True, False)
        assert able.session_capabilities.list is not None


async def test_a_reply_is_streamed_into_the_editor(open_desk: Any, say: Any) -> None:
    async with open_desk([say("Good ", "day")]) as desk:
        session_id = await desk.session()
        done = await desk.agent.prompt(session_id=session_id, prompt=[text_block("Hello there")])
        assert done.stop_reason == "end_turn"
        assert desk.editor.said() == "Good day"
        assert desk.editor.said("user_message_chunk") == "", "the editor shows what was typed by itself"
        assert [update.title for update in desk.editor.of("session_info_update")] == ["Hello there"]


async def test_an_approval_shows_the_diff_and_lets_the_call_run(open_desk: Any, say: Any, call: Any) -> None:
    async with open_desk([call(WRITE), say("Done")]) as desk:
        session_id = await desk.session()
        done = await desk.agent.prompt(session_id=session_id, prompt=[text_block("Write it")])
        assert done.stop_reason == "end_turn"
        ((asked, options),) = desk.editor.asked
        (diff,) = asked.content
        assert (diff.type, diff.old_text, diff.new_text) == ("diff", None, "hello\n")
        session = await desk.bench.workbench.sessions.get(session_id)
        assert diff.path == f"{session.workspace}/a.md"
        assert [option.kind for option in options] == [
            "allow_once",
            "allow_always",
            "allow_always",
            "reject_once",
        ]
        (started,) = desk.editor.of("tool_call")
        assert (started.kind, started.status, started.title) == ("edit", "pending", "write_file a.md")
        assert desk.editor.of("tool_call_update")[-1].status == "completed"
        assert (await desk.bench.workbench.files.list(session_id))[0].path == "a.md"


async def test_always_adds_the_very_rule_that_was_shown(open_desk: Any, say: Any, call: Any) -> None:
    async with open_desk([call(WRITE), say("Done")]) as desk:
        seen: list[str] = []

        async def always(_: Any, options: Any) -> str:
            seen.extend(option.name for option in options)
            return "always"

        desk.editor.decide = always
        await desk.agent.prompt(session_id=await desk.session(), prompt=[text_block("Write it")])
        (rule,) = (await desk.bench.workbench.approvals.rules()).allow
        assert f"Always allow {rule}" in seen


async def test_a_rejected_call_does_nothing_and_the_run_goes_on(open_desk: Any, say: Any, call: Any) -> None:
    async with open_desk([call(WRITE), say("As you wish")]) as desk:

        async def reject(*_: Any) -> str:
            return "reject"

        desk.editor.decide = reject
        session_id = await desk.session()
        done = await desk.agent.prompt(session_id=session_id, prompt=[text_block("Write it")])
        assert (done.stop_reason, desk.editor.said()) == ("end_turn", "As you wish")
        assert desk.editor.of("tool_call_update")[-1].status == "failed"
        assert not await desk.bench.workbench.files.list(session_id)


async def test_what_was_decided_elsewhere_is_not_waited_for(open_desk: Any, say: Any, call: Any) -> None:
    async with open_desk([call(WRITE), say("Done")]) as desk:
        never = asyncio.Event()

        async def wait(*_: Any) -> str:
            await never.wait()
            return "reject"

        desk.editor.decide = wait
        prompting = asyncio.ensure_future(
            desk.agent.prompt(session_id=await desk.session(), prompt=[text_block("Write it")])
        )
        await desk.editor.until(lambda: desk.editor.asked)
        approval = await desk.bench.approval()
        await desk.bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        assert (await prompting).stop_reason == "end_turn"
        assert desk.editor.said() == "Done"


async def test_a_cancelled_turn_cancels_the_run(open_desk: Any, say: Any, call: Any) -> None:
    async with open_desk([call(WRITE), say("Never said")]) as desk:
        cancelled = asyncio.Event()

        async def cancel(*_: Any) -> None:
            await desk.agent.cancel(session_id=session_id)
            cancelled.set()

        desk.editor.decide = cancel
        session_id = await desk.session()
        done = await desk.agent.prompt(session_id=session_id, prompt=[text_block("Write it")])
        assert done.stop_reason == "cancelled"
        assert cancelled.is_set()
        (run,) = (await desk.bench.workbench.runs.list(session_id)).items
        assert run.status == "cancelled"


async def test_a_session_is_shown_again_when_it_is_loaded(open_desk: Any, say: Any, call: Any) -> None:
    async with open_desk([call(WRITE), say("Done")]) as desk:
        session_id = await desk.session()
        await desk.agent.prompt(session_id=session_id, prompt=[text_block("Write it")])
        desk.editor.updates.clear()
        loaded = await desk.agent.load_session(cwd=str(desk.bench.project), session_id=session_id)
        assert loaded.modes.current_mode_id == "ask"
        assert (desk.editor.said("user_message_chunk"), desk.editor.said()) == ("Write it", "Done")
        assert [update.tool_call_id for update in desk.editor.of("tool_call")] == [
            desk.editor.of("tool_call_update")[-1].tool_call_id
        ]
        assert desk.editor.of("tool_call_update")[-1].status == "completed"


async def test_a_run_that_waits_asks_the_editor_that_loads_its_session(
    open_desk: Any, say: Any, call: Any
) -> None:
    async with open_desk([call(WRITE), say("Done")]) as desk:
        session = await desk.bench.session()
        run_id = await desk.bench.send(session, "Write it")
        await desk.bench.approval()
        await desk.agent.load_session(cwd=str(desk.bench.project), session_id=session.id)
        await desk.bench.end(run_id)
        await desk.editor.until(lambda: desk.editor.said() == "Done")
        assert len(desk.editor.asked) == 1


async def test_a_question_offers_its_choices(open_desk: Any, say: Any, call: Any) -> None:
    ask = ("ask_user", '{"question": "Which?", "choices": ["red", "blue"], "free_text": false}')
    async with open_desk([call(ask), say("Done")]) as desk:

        async def blue(_: Any, options: Any) -> str:
            return next(option.option_id for option in options if option.name == "blue")

        desk.editor.decide = blue
        await desk.agent.prompt(session_id=await desk.session(), prompt=[text_block("Paint")])
        assert "blue" in desk.bench.model.requests[-1].messages[-1].parts[0].content[0].text


async def test_a_question_without_choices_is_answered_by_the_next_prompt(
    open_desk: Any, say: Any, call: Any
) -> None:
    ask = ("ask_user", '{"question": "What is your name?"}')
    async with open_desk([call(ask), say("Hello Ada")]) as desk:
        session_id = await desk.session()
        first = await desk.agent.prompt(session_id=session_id, prompt=[text_block("Greet me")])
        assert (first.stop_reason, "What is your name?" in desk.editor.said()) == ("end_turn", True)
        second = await desk.agent.prompt(session_id=session_id, prompt=[text_block("Ada")])
        assert second.stop_reason == "end_turn"
        assert desk.editor.said().endswith("Hello Ada")
        assert len((await desk.bench.workbench.runs.list(session_id)).items) == 1


async def test_a_question_that_waits_is_asked_again_when_its_session_is_loaded(
    open_desk: Any, say: Any, call: Any
) -> None:
    ask = ("ask_user", '{"question": "What is your name?"}')
    async with open_desk([call(ask), say("Hello Ada")]) as desk:
        session = await desk.bench.session()
        run_id = await desk.bench.send(session, "Greet me")
        await desk.bench.until("question.asked", run_id=run_id)
        await desk.agent.load_session(cwd=str(desk.bench.project), session_id=session.id)
        await desk.editor.until(lambda: "What is your name?" in desk.editor.said())
        await desk.agent.prompt(session_id=session.id, prompt=[text_block("Ada")])
        assert desk.editor.said().endswith("Hello Ada")


async def test_what_a_sub_agent_waits_for_is_asked_too(open_desk: Any, say: Any, call: Any) -> None:
    task = ("delegate", '{"agent": "helper", "task": "Write it."}')
    steps = [call(task), call(WRITE), say("Written"), say("Done")]
    async with open_desk(steps, agent="subagents: [helper]\n") as desk:
        await desk.bench.workbench.agents.create("version: 1\nname: helper\ntools: [write_file]\n")
        session_id = await desk.session()
        done = await desk.agent.prompt(session_id=session_id, prompt=[text_block("Write it")])
        assert (done.stop_reason, desk.editor.said()) == ("end_turn", "Done")
        ((asked, _),) = desk.editor.asked
        assert asked.content[0].type == "diff"


async def test_a_turn_goes_on_with_the_agent_that_it_is_handed_over_to(
    open_desk: Any, say: Any, call: Any
) -> None:
    over = call(("hand_over", '{"agent": "helper", "task": "Go on."}'))
    async with open_desk([over, call(WRITE), say("I am the helper")], agent="subagents: [helper]\n") as desk:
        await desk.bench.workbench.agents.create("version: 1\nname: helper\ntools: [write_file]\n")
        session_id = await desk.session()
        done = await desk.agent.prompt(session_id=session_id, prompt=[text_block("Hello")])
        assert (done.stop_reason, desk.editor.said()) == ("end_turn", "I am the helper")
        assert desk.editor.asked[-1][0].content[0].type == "diff"
        shown = desk.editor.of("config_option_update")[-1].config_options
        assert "helper" in [each.current_value for each in shown]


async def test_what_was_handed_over_can_be_cancelled(open_desk: Any, say: Any, call: Any) -> None:
    over = call(("hand_over", '{"agent": "helper", "task": "Go on."}'))
    async with open_desk([over, call(WRITE), say("Never")], agent="subagents: [helper]\n") as desk:
        await desk.bench.workbench.agents.create("version: 1\nname: helper\ntools: [write_file]\n")
        session_id = await desk.session()

        async def at_the_file(asked: Any, options: Any) -> str | None:
            return None if asked.content[0].type == "diff" else options[0].option_id

        desk.editor.decide = at_the_file
        done = await desk.agent.prompt(session_id=session_id, prompt=[text_block("Hello")])
        assert (done.stop_reason, desk.editor.said()) == ("cancelled", "")


async def test_a_mode_decides_what_is_asked(open_desk: Any, say: Any, call: Any) -> None:
    async with open_desk([call(WRITE), say("Done")]) as desk:
        session_id = await desk.session()
        await desk.agent.set_session_mode(session_id=session_id, mode_id="all")
        assert desk.editor.of("config_option_update")[-1].config_options[0].current_value == "all"
        await desk.agent.prompt(session_id=session_id, prompt=[text_block("Write it")])
        assert not desk.editor.asked
        assert (await desk.bench.workbench.files.list(session_id))[0].path == "a.md"


async def test_model_and_agent_can_be_chosen(open_desk: Any) -> None:
    async with open_desk() as desk:
        session_id = await desk.session()
        done = await desk.agent.set_config_option(
            config_id="model", session_id=session_id, value="openai/other"
        )
        assert [option.current_value for option in done.config_options] == ["ask", "openai/other", "tester"]
        await desk.agent.set_config_option(config_id="agent", session_id=session_id, value="writer")
        session = await desk.bench.workbench.sessions.get(session_id)
        assert (session.model, session.agent) == ("openai/other", "writer")


async def test_an_agents_prompts_are_commands(open_desk: Any, say: Any) -> None:
    more = "prompts:\n  - {name: translate, text: 'Say in {{language}}: {{words}}'}\n"
    async with open_desk([say("Bonjour")], agent=more) as desk:
        session_id = await desk.session()
        await desk.editor.until(lambda: desk.editor.of("available_commands_update"))
        (command,) = desk.editor.of("available_commands_update")[-1].available_commands
        assert (command.name, command.input.root.hint) == ("translate", "LANGUAGE WORDS")
        await desk.agent.prompt(
            session_id=session_id, prompt=[text_block("/translate French good day to you")]
        )
        assert desk.bench.model.requests[-1].messages[-1].text == "Say in French: good day to you"
        with pytest.raises(RequestError, match="needs words"):
            await desk.agent.prompt(session_id=session_id, prompt=[text_block("/translate French")])


async def test_files_and_images_come_with_the_message(open_desk: Any, say: Any) -> None:
    async with open_desk([say("Seen")]) as desk:
        session_id = await desk.session()
        notes = desk.bench.project / "my notes.txt"
        notes.write_text("High water is at noon.\n")
        await desk.agent.prompt(
            session_id=session_id,
            prompt=[
                text_block("Look at "),
                resource_link_block("my notes.txt", notes.as_uri().replace(" ", "%20")),
                text_block(" and "),
                resource_block(embedded_text_resource("file:///elsewhere/code.py", "print(1)\n")),
                image_block(base64.b64encode(PIXEL).decode(), "image/png"),
            ],
        )
        (run,) = (await desk.bench.workbench.runs.list(session_id)).items
        (added,) = [each.event for each in await desk.bench.end(run.id) if each.event.type == "message.added"]
        kinds = [type(part) for part in added.parts]
        assert kinds == [TextPart, FilePart, FilePart, ImagePart]
        assert added.parts[0].text == f"Look at @{notes} and @/elsewhere/code.py@image.png"


async def test_an_editors_mcp_servers_are_said_to_be_unused(open_desk: Any, say: Any) -> None:
    server = McpServerStdio(name="tickets", command="/bin/x", args=[], env=[EnvVariable(name="A", value="b")])
    async with open_desk([say("Hello")]) as desk:
        session_id = await desk.session(mcp_servers=[server])
        await desk.agent.prompt(session_id=session_id, prompt=[text_block("Hello")])
        assert "Not used: MCP servers of the editor (tickets)" in desk.editor.said()


async def test_sessions_of_a_folder_are_listed_and_can_be_forked(open_desk: Any, say: Any) -> None:
    async with open_desk([say("Hello")]) as desk:
        session_id = await desk.session()
        await desk.agent.prompt(session_id=session_id, prompt=[text_block("First words")])
        here = await desk.agent.list_sessions(cwd=str(desk.bench.project))
        assert [(each.session_id, each.title) for each in here.sessions] == [(session_id, "First words")]
        assert not (await desk.agent.list_sessions(cwd="/elsewhere")).sessions
        forked = await desk.agent.fork_session(session_id=session_id, cwd=str(desk.bench.project))
        assert forked.session_id != session_id


@pytest.mark.parametrize(
    ("ask", "code", "words"),
    [
        (lambda agent: agent.load_session(cwd="/", session_id="no-such"), -32002, "no-such"),
        (lambda agent: agent.new_session(cwd="relative"), -32602, "not a whole path"),
        (lambda agent: agent.authenticate(method_id="x"), -32602, "no sign-in"),
    ],
)
async def test_what_cannot_be_is_said_in_plain_words(open_desk: Any, ask: Any, code: int, words: str) -> None:
    async with open_desk() as desk:
        with pytest.raises(RequestError, match=words) as refused:
            await ask(desk.agent)
        assert refused.value.code == code


async def test_an_empty_prompt_and_sound_are_refused(open_desk: Any) -> None:
    async with open_desk() as desk:
        session_id = await desk.session()
        sound = AudioContentBlock(type="audio", data="AA==", mime_type="audio/wav")
        for block, words in ((text_block(" "), "empty"), (sound, "Sound")):
            with pytest.raises(RequestError, match=words):
                await desk.agent.prompt(session_id=session_id, prompt=[block])


async def test_a_failed_run_is_an_error_with_its_own_code(open_desk: Any) -> None:
    async with open_desk([[ModelAuthError("The key was refused.")]] * 2) as desk:
        with pytest.raises(RequestError, match="refused") as failed:
            await desk.agent.prompt(session_id=await desk.session(), prompt=[text_block("Hello")])
        assert failed.value.data["code"] == "model_auth"


async def test_an_engine_elsewhere_is_sent_the_files_and_told_of_no_folder(open_desk: Any, say: Any) -> None:
    async with open_desk([say("Seen")], elsewhere=True) as desk:
        session_id = await desk.session()
        session = await desk.bench.workbench.sessions.get(session_id)
        assert session.project != str(desk.bench.project)
        notes = desk.bench.project / "notes.txt"
        notes.write_text("High water is at noon.\n")
        links = [
            resource_link_block(name, f"file://{notes.with_name(name)}")
            for name in ("notes.txt", "no.md", "pipe")
        ]
        os.mkfifo(notes.with_name("pipe"))  # nobody writes into it
        await desk.agent.prompt(session_id=session_id, prompt=links)
        (run,) = (await desk.bench.workbench.runs.list(session_id)).items
        (added,) = [each.event for each in await desk.bench.end(run.id) if each.event.type == "message.added"]
        assert added.parts[0].text == (f"@{notes}`{notes.with_name('no.md')}``{notes.with_name('pipe')}`")
        assert desk.bench.blobs.get(added.parts[1].blob) == notes.read_bytes()
