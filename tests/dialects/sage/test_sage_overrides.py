"""What a request to Sage's streams changes for one run: each field by what the model is sent, or what the run
does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dialects.sage.stream_talk import Line, asked, end_of, merged, said, streamed
from tests.fakes.small_mcp import small_server
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.core.domain.custom_tools import PythonToolSpec
from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.domain.models import Finished, ModelRequest, ToolCallDelta
from holdfast.core.domain.own_models import OwnModel
from holdfast.server.dialects.sage.mapping_streams import taken_apart

HELLO = "Hello there"
LISTS = [ToolCallDelta(key="0", name="list_files", arguments="{}"), Finished(reason="tool_calls")]
SKILL = "---\nname: {name}\ndescription: Writes {name}.\n---\nBegin with who was there.\n"
WORKFLOWS = {"release": ["run the tests", "write the notes"]}


class Sent:
    """A stream that was answered."""

    def __init__(self, requests: list[ModelRequest], lines: list[Line]) -> None:
        self.lines = lines
        self.requests = requests

    @property
    def system(self) -> str:
        """What the model was told first of all."""
        return self.requests[0].messages[0].text

    @property
    def tools(self) -> set[str]:
        return {tool.name for tool in self.requests[0].tools}

    @property
    def end(self) -> Line:
        return end_of(self.lines)


async def sent(served: Any, text: str = HELLO, *, session: str = "s", **fields: Any) -> Sent:
    """Sends a message with some fields; `requests` of what is given are those of this run."""
    before = len(served.bench.model.requests)
    body = asked(text, session_id=session) | fields
    lines = await streamed(served.http, "stream", body)
    return Sent(served.bench.model.requests[before:], lines)


async def refused(served: Any, **fields: Any) -> str:
    """Returns what is said of a request that is not taken."""
    answer = await served.http.post("/sage/api/stream", json=asked(session_id="s", **fields))
    assert answer.status_code == 500
    return str(answer.json()["message"])


# --- who answers, and how


async def test_agent_name_is_what_the_agent_is_called(serve: Any) -> None:
    async with serve() as served:
        found = await sent(served, agent_name="Ada \n Lovelace")
        assert "You are called Ada Lovelace." in " ".join(found.system.split())
        assert "You are a test." in found.system, "beside what its file says"
        names = {line["agent_name"] for line in found.lines if "agent_name" in line}
        assert len(names) == 1 and "Lovelace" in names.pop()
        found = await sent(served)
        assert "You are called" not in found.system, "for that run alone"


async def test_system_prefix_stands_before_the_agents_instructions(serve: Any) -> None:
    async with serve() as served:
        found = await sent(served, system_prefix="Answer in rhymes.")
    assert found.system.index("Answer in rhymes.") < found.system.index("You are a test.")


async def test_deep_thinking_lets_the_model_reason_or_not(serve: Any) -> None:
    async with serve() as served:
        efforts = [
            (await sent(served, deep_thinking=wanted)).requests[0].settings.reasoning_effort
            for wanted in (True, False, None)
        ]
    assert efforts == ["medium", "none", None]


async def test_max_loop_count_limits_the_calls_of_the_model(serve: Any) -> None:
    async with serve([LISTS] * 9) as served:
        found = await sent(served, max_loop_count=2)
        assert len(found.requests) == 2
        kinds = [line["type"] for line in found.lines[-3:]]
        assert kinds == ["loop_break", "token_usage", "stream_end"]
        assert found.end["session_id"] == "s"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"agent_mode": "team"}, "You lead a team."),
        ({"agent_mode": "fibre"}, "Do what takes a step or two yourself."),
        ({"multi_agent": True}, "Do what takes a step or two yourself."),
        ({"agent_mode": "team", "multi_agent": False}, "You lead a team."),
        ({"agent_mode": "multi"}, "Work in passes."),
        ({"agent_mode": "simple"}, ""),
        ({"agent_mode": "default"}, ""),
        ({"multi_agent": False}, ""),
    ],
    ids=["team", "fibre", "multi_agent", "mode_wins", "multi", "simple", "unknown", "not_multi"],
)
async def test_agent_mode_and_multi_agent_say_how_it_works(
    serve: Any, fields: dict[str, Any], told: str
) -> None:
    async with serve(agent="subagents: [general]\n") as served:
        found = await sent(served, **fields)
    assert told in found.system
    assert ("# Your way of working" in found.system) is bool(told)
    alone = not told
    assert ("delegate" in found.tools) is not alone
    names = {line["agent_name"] for line in found.lines if "agent_name" in line}
    known = {"You lead a team.": "TeamAgent", "Do what takes a step or two yourself.": "FibreAgent"}
    assert names == {known.get(told, "SimpleAgent")}


async def test_more_suggest_asks_for_questions_that_could_follow(serve: Any, say: Any) -> None:
    suggests = say('{"questions": ["What is next?", "Why so?"]}')
    async with serve([say("So."), suggests, say("So."), suggests]) as served:
        found = await sent(served, more_suggest=True)
        (line,) = [line for line in found.lines if line["type"] == "query_suggest"]
        assert line["metadata"]["suggestions"] == ["What is next?", "Why so?"]
        assert len(found.requests) == 2
        assert len((await sent(served, more_suggest=False)).requests) == 1


async def test_available_workflows_are_what_it_follows(serve: Any) -> None:
    async with serve() as served:
        found = await sent(served, available_workflows={**WORKFLOWS, "": ["x"], "empty": []})
    assert "## release\n1. run the tests\n2. write the notes" in found.system
    assert "empty" not in found.system


# --- which model


async def test_llm_model_config_sets_the_model_and_what_is_said_to_it(serve: Any) -> None:
    config = {
        "model": "scripted/other",
        "temperature": 0.25,
        "max_tokens": 77,
        "top_p": 0.5,
        "stop": "END",
        "thinking_level": "max",
        "presence_penalty": 1,
    }
    async with serve() as served:
        request = (await sent(served, llm_model_config=config)).requests[0]
        assert request.model == "scripted/other"
        settings = request.settings
        assert (settings.temperature, settings.max_output_tokens, settings.top_p) == (0.25, 77, 0.5)
        assert (settings.stop, settings.reasoning_effort) == (("END",), "xhigh")
        assert (await sent(served)).requests[0].model == "scripted", "for that run alone"
        # Where it goes, and with which key, is for providers.
        for wrong in ({"base_url": "http://127.0.0.1:1/"}, {"api_key": "sk-1"}):
            assert "provider_id" in await refused(served, llm_model_config={"model": "m", **wrong})
        assert "temperature" in await refused(served, llm_model_config={"temperature": "warm"})


async def test_provider_id_is_a_model_of_ones_own(serve: Any) -> None:
    async with serve(known_models=True) as served:
        model = OwnModel(name="mine", kind="server", url="http://127.0.0.1:9/v1", model="m")
        kept = await served.bench.workbench.models.keep(model, "sk-my-own-key-1234")
        for named in (kept.id, "own/mine"):
            found = await sent(served, provider_id=named, agent_id="general")
            assert found.requests[0].model == "own/mine"
            chat = asked(session_id="t", provider_id=named) | {"agent_id": "general"}
            await streamed(served.http, "chat", chat)
            assert served.bench.model.requests[-1].model == "own/mine"


# --- what it may use


async def test_available_tools_narrow_the_agents_and_bring_ones_own(serve: Any) -> None:
    code = "def add_up(numbers: list[int]) -> int:\n    'Adds.'\n    return sum(numbers)\n"
    async with serve() as served:
        await served.bench.workbench.tools.create(PythonToolSpec(code=code))
        before = (await sent(served)).tools
        assert {"read_file", "write_file", "run_command"} <= before and "add_up" not in before
        assert (await sent(served, available_tools=["read_file"])).tools == {"read_file"}
        by_their_names = ["file_read", "execute_shell_command", "web_search", "no_such_tool"]
        found = (await sent(served, available_tools=by_their_names)).tools
        assert found == {"read_file", "run_command"}, "what the agent has not is not given"
        found = (await sent(served, available_tools=["list_dir", "add_up"])).tools
        assert found == {"list_files", "add_up"}
        assert (await sent(served, available_tools=[])).tools == set()
        # What other fields bring has its tools all the same.
        fields = {"available_tools": ["read_file"], "available_sub_agent_ids": ["general"]}
        found = (await sent(served, **fields, available_workflows=WORKFLOWS)).tools
        assert found == {"read_file", "delegate", "child_runs", "update_plan"}


async def test_available_skills_narrow_the_agents(serve: Any) -> None:
    async with serve(agent='skills: ["*"]\n') as served:
        for name in ("minutes", "letters"):
            folder = served.bench.home / "config" / "skills" / name
            folder.mkdir(parents=True)
            (folder / "SKILL.md").write_text(SKILL.format(name=name))
        found = await sent(served)
        assert "- minutes:" in found.system and "- letters:" in found.system
        found = await sent(served, available_skills=["letters", "nothing-of-the-kind"])
        assert "- minutes:" not in found.system and "- letters:" in found.system
        found = await sent(served, available_skills=[])
        assert "- letters:" not in found.system and "load_skill" not in found.tools


async def test_available_knowledge_bases_are_those_that_are_searched(serve: Any, index: MemoryIndex) -> None:
    async with serve(knowledge=index) as served:
        knowledge = served.bench.workbench.knowledge
        lamps, ships = await knowledge.create("Lamps", "Of light"), await knowledge.create("Ships", "Of sea")
        assert "search_knowledge" not in (await sent(served)).tools
        found = await sent(served, available_knowledge_bases=[lamps.id, "nobody"])
        assert {"search_knowledge", "read_document"} <= found.tools
        assert "Lamps" in found.system and "Ships" not in found.system
        fields = {"available_knowledge_bases": [ships.id], "available_tools": ["read_file"]}
        found = await sent(served, **fields)
        assert found.tools == {"read_file", "search_knowledge", "read_document"}
        assert "Ships" in found.system and "Lamps" not in found.system


async def test_available_sub_agent_ids_are_those_that_work_is_handed_to(serve: Any) -> None:
    async with serve() as served:
        general = await served.bench.workbench.agents.get("general")
        assert "delegate" not in (await sent(served)).tools
        found = await sent(served, available_sub_agent_ids=[general.id, "nobody"])
        assert "delegate" in found.tools and "- general:" in found.system
        assert "hand_over" not in found.tools, "the caller goes on with this agent"
        found = await sent(served, available_sub_agent_ids=[])
        assert "delegate" not in found.tools


async def test_custom_sub_agents_are_of_this_run_alone(serve: Any, say: Any) -> None:
    custom = {
        "name": "Star Counter",
        "system_prompt": "You count stars.",
        "description": "Counts stars",
        "available_tools": ["file_read", "no_such_tool"],
        "available_workflows": WORKFLOWS,
        "system_context": {"sky": "clear"},
        "agent_mode": "simple",
    }
    hands = [
        ToolCallDelta(
            key="0", name="delegate", arguments=json.dumps({"agent": "star-counter", "task": "Count"})
        ),
        Finished(reason="tool_calls"),
    ]
    async with serve([hands, say("Seven."), say("Seven stars.")]) as served:
        found = await sent(served, custom_sub_agents=[custom, {"name": "星", "description": "Looks up"}])
        assert "- star-counter: Counts stars" in found.system
        assert "- agent-2: Looks up" in found.system
        below = found.requests[1]
        told = below.messages[0].text
        assert "You count stars." in told and "write the notes" in told and "- sky: clear" in told
        assert {tool.name for tool in below.tools} == {"read_file"}
        by_session = {line["session_id"]: line for line in found.lines}
        assert set(by_session) == {"s", "s_sub_0"}
        assert said(found.lines) == "Seven.Seven stars."


async def test_extra_mcp_config_is_a_server_of_this_run(serve: Any, tmp_path: Path) -> None:
    tools = 'TOOLS = [{"name": n, "inputSchema": {"type": "object"}} for n in ("pid", "other")]\n'
    call = "def call(params):\n    return 'called'\n"
    command, *args = small_server(tmp_path / "own.py", tools + call)
    config = {
        "My Server": {"protocol": "stdio", "command": command, "args": args, "tools": ["p*"]},
        "off": {"command": "/nowhere", "disabled": True},
    }
    async with serve() as served:
        found = await sent(served, extra_mcp_config=config)
        assert {name for name in found.tools if name.startswith("mcp__")} == {"mcp__my-server__pid"}
        found = await sent(served, extra_mcp_config=config, available_tools=["mcp__my-server__pid"])
        assert found.tools == {"mcp__my-server__pid"}
        assert not [name for name in (await sent(served)).tools if name.startswith("mcp__")]
        for wrong in ({"url": "no address"}, {}):
            assert await refused(served, extra_mcp_config={"x": wrong})


async def test_available_tools_bring_those_of_ones_own_servers(serve: Any, tmp_path: Path) -> None:
    tools = 'TOOLS = [{"name": n, "inputSchema": {"type": "object"}} for n in ("sum", "other")]\n'
    command = small_server(tmp_path / "own.py", tools + "def call(params):\n    return 'called'\n")
    async with serve() as served:
        await served.bench.workbench.mcp.add(McpServerSpec(name="mine", command=command))
        assert "mcp__mine__sum" not in (await sent(served)).tools
        wanted = ["read_file", "mcp__mine__sum", "mcp__nobodys__sum"]
        assert (await sent(served, available_tools=wanted)).tools == {"read_file", "mcp__mine__sum"}


# --- what it sees, and how it ends


async def test_force_summary_ends_the_run_with_a_summary(serve: Any, say: Any) -> None:
    steps = [LISTS, say("There is nothing."), say("The folder was looked at.")]
    async with serve(steps) as served:
        found = await sent(served, force_summary=True)
        assert [bool(request.tools) for request in found.requests] == [True, True, False]
        last = [one for one in merged(found.lines).values() if one["type"] == "do_subtask_result"][-1]
        assert last["content"] == "The folder was looked at."


async def test_memory_type_is_which_memory_it_has(serve: Any, say: Any) -> None:
    keeps = ToolCallDelta(key="0", name="remember", arguments='{"content": "The gate is green."}')
    looks = ToolCallDelta(key="0", name="search_memory", arguments='{"query": "gate"}')
    steps = [[keeps], say("Kept."), [looks], say("No."), [looks], say("Yes.")]
    async with serve(steps) as served:
        for tool in ("remember", "search_memory"):
            await served.bench.workbench.approvals.add_rule(tool)
        found = await sent(served, memory_type="session")
        assert "search_memory" in found.tools
        for memory, finds in (("session", False), ("user", True)):
            found = await sent(served, session="another", memory_type=memory)
            (result,) = [line for line in found.lines if line["type"] == "tool_call_result"]
            assert ("The gate is green." in result["content"]) is finds
        assert "search_memory" not in (await sent(served)).tools
        assert "search_memory" not in (await sent(served, memory_type="other")).tools


async def test_context_budget_config_is_how_much_the_model_sees(serve: Any, say: Any) -> None:
    async with serve([say("a"), say("the summary"), say("b"), say("c")]) as served:
        await sent(served, "old " * 3_000)
        budget = {"max_model_len": 8_000, "history_ratio": 0.2, "active_ratio": 0.05, "recent_turns": 0}
        found = await sent(served, "new", context_budget_config=budget)
        assert len(found.requests) == 2, "one of them for the summary"
        assert "old old" not in str(found.requests[-1].messages)
        assert said(found.lines) == "b"


async def test_sandbox_approval_mode_never_denies_instead_of_waiting(serve: Any, say: Any) -> None:
    writes = ToolCallDelta(key="0", name="write_file", arguments='{"path": "asked.md", "content": "x"}')
    async with serve([[writes, Finished(reason="tool_calls")], say("Then not.")]) as served:
        found = await sent(served, sandbox_approval_mode="never")
        (result,) = [line for line in found.lines if line["type"] == "tool_call_result"]
        assert json.loads(result["content"])["error_code"] == "SAFETY_BLOCKED"
        assert "sandbox_approval_requested" not in {line["type"] for line in found.lines}


async def test_questions_are_put_into_the_reply(serve: Any, say: Any) -> None:
    asks = ToolCallDelta(key="0", name="ask_user", arguments='{"question": "Which?"}')
    async with serve([[asks], say("Which do you mean?")]) as served:
        found = await sent(served)
    (result,) = [line for line in found.lines if line["type"] == "tool_call_result"]
    assert json.loads(result["content"])["success"] is False
    assert said(found.lines) == "Which do you mean?"


async def test_system_context_is_told_and_wins_over_the_agents(serve: Any) -> None:
    async with serve() as served:
        agents = {"city": "Bath", "season": "spring", "response_language": "pt"}
        config = {"name": "Guide", "systemPrefix": "You guide.", "systemContext": agents}
        made = (await served.http.post("/sage/api/agent/create", json=config)).json()["data"]["agent_id"]
        said_here = {"city": "Wells", "season": "spring", "response_language": "en", "limits": {"rooms": 2}}
        found = await sent(served, agent_id=made, system_context=said_here)
        assert found.system.count("- season: spring") == 1, "it stands in what the agent is told"
        assert found.system.index("- city: Bath") < found.system.index("- city: Wells")
        assert "It holds where the agent's context says something else" in found.system
        assert "response_language: pt" in found.system and "response_language: en" not in found.system
        assert '- limits: {"rooms": 2}' in found.system


# --- tags


async def test_tags_before_a_message_are_words_to_the_server(serve: Any) -> None:
    tags = (
        "<enable_plan>true</enable_plan> <enable_deep_thinking>true</enable_deep_thinking>\n"
        "<thinking_level>max</thinking_level><skill>minutes</skill>"
    )
    async with serve() as served:
        found = await sent(served, f"{tags} Now then <skill>stays</skill>", deep_thinking=False)
        request = found.requests[0]
        assert request.messages[-1].text == "Now then <skill>stays</skill>"
        assert request.settings.reasoning_effort == "xhigh"
        assert "write down a plan" in found.system
        assert "Load the skill minutes before you begin" in found.system
        session = (await served.bench.workbench.sessions.list()).items[0]
        assert session.title == "Now then <skill>stays</skill>"
        found = await sent(served, "<deep_thinking_level>minimal</deep_thinking_level>Hi")
        assert found.requests[0].settings.reasoning_effort == "minimal"
        found = await sent(served, "<enable_deep_thinking>false</enable_deep_thinking>Hi")
        assert found.requests[0].settings.reasoning_effort == "none"


@given(st.text(alphabet="<>/ \nabskil", max_size=60))
def test_what_is_no_tag_stays_as_it_is(text: str) -> None:
    assert taken_apart(text)[0] in (text, text.lstrip()) or "<skill>" in text
    assert taken_apart(f"<skill>x</skill>{text}")[0] in text
