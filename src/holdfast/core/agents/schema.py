"""The JSON Schema of agent files, for completion and checks in editors."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from holdfast.core.domain.agents import AgentSpec

_DESCRIPTIONS: dict[str, dict[str, str]] = {
    "AgentSpec": {
        "version": "Version of the file format; always 1.",
        "name": "How the agent is called: small letters, digits, - and _.",
        "id": "A UUID that stays when the agent is renamed; omitted: made of owner, layer and name.",
        "display_name": "What people are shown instead of the name; any text.",
        "description": "One line for listings.",
        "author": "Who wrote it.",
        "tags": "Words to find it by.",
        "model": "The model, such as openai/gpt-4o; omitted: the first one that is there, at last offline.",
        "fallback_models": "Models that are tried in this order when the first one fails.",
        "model_settings": "What is said to the model beside the messages.",
        "instructions": "The system prompt: who the agent is and how it works.",
        "script": "Python that drives the conversation: its text, the name of a file, or a mapping.",
        "tools": "The tools that the agent may call: a name, or a mapping with an id of its own.",
        "knowledge": "The collections that the agent may search: a name, or a mapping.",
        "mcp": "The MCP servers whose tools the agent has: a name, or a mapping.",
        "hooks": "What looks at runs, model calls, tool calls and replies before and after them.",
        "skills": "Skills that the agent may load: names, or * for all that can be seen.",
        "subagents": "Agents that it may hand work to: a name, or a mapping.",
        "databases": "The only databases that sql_query and sql_write use; omitted: the workspace's files.",
        "mode": "How it works: alone, handing work to others, leading them, or in passes.",
        "workflows": "Named lists of steps that the agent follows where a request is such work.",
        "analysis": "Whether the model judges how each run went, behind the reply.",
        "suggestions": "Whether questions that could follow are suggested after a reply.",
        "plan": "How model calls are charged for in credits: by the query, or by the token.",
        "region": "Where it is to run, on the plan dedicated: one of the setting limits.regions.",
        "logging": "Whether the log of runs keeps prompts and replies; times and costs stand there anyway.",
        "memory": "What the agent remembers beyond a session.",
        "approvals": "Which calls are allowed, asked for or denied; deny wins over ask, ask over allow.",
        "workspace": "session: a folder of the session's own; project: the folder you start in; agent: one "
        "for all your sessions with the agent; or a path.",
        "limits": "Where a run ends at the latest.",
        "prompts": "Texts that are sent by name, with places for values.",
        "extends": "Another agent that this one is laid over.",
        "ext": "What other systems' clients keep of it; nothing here reads it.",
    },
    "ScriptSpec": {
        "code": "The script itself.",
        "file": "The name of a file beside the agent's that holds the script.",
        "models": "Models by the names that the script calls them by; other names are models' own.",
        "timeout_s": "Seconds that the script may take, without the time that models take.",
    },
    "ToolAssignment": {
        "tool": "The tool's name.",
        "id": "A UUID of this tool at this agent; omitted: made of the agent's id and the tool's name.",
        "arguments": "Pinned arguments: every call has them, and models are not told of them.",
        "ext": "What other systems' clients keep of it; nothing here reads it.",
    },
    "KnowledgeAssignment": {
        "collection": "The collection's name or id; *: all that the user has.",
        "id": "A UUID of this collection at this agent; omitted: made of the agent's id and the collection.",
        "path": "A folder that the collection is made of and kept in step with; relative to the project.",
        "retrieval": "When and how it is searched; what is left out is as the collection says.",
        "ext": "What other systems' clients keep of it; nothing here reads it.",
    },
    "McpAssignment": {
        "server": "One of the user's servers; or a name for the one that is described beside it.",
        "id": "A UUID of this server at this agent; omitted: made of the agent's id and the server.",
        "tools": "Only these of its tools, by the server's own names; * and ? are wildcards.",
        "enabled": "Whether the agent has its tools.",
        "ext": "What other systems' clients keep of it; nothing here reads it.",
        "command": "A program that is started, and its arguments.",
        "url": "An http or https address that speaks streamable HTTP.",
        "sse": "Whether the address speaks the older transport with server-sent events.",
        "env": "What the program's environment has beside the few names that every program gets.",
        "headers": "Headers of every request to the address.",
        "cwd": "The folder that the program starts in; relative to the project.",
        "timeout_s": "Seconds that one call may take.",
        "start_timeout_s": "Seconds within which the server must have started.",
        "trusted": "Whether a tool that says that it only reads needs no approval.",
        "sampling": "Whether it may have the run's model complete messages of its own: ask, deny or allow.",
        "confine": "Whether the program is confined as commands are; omitted: where sandbox.mode is require.",
    },
    "HookSpec": {
        "id": "A UUID of this hook at this agent; omitted: made of the agent's id and what the hook is.",
        "name": "What people are told that it is.",
        "point": "Where it stands.",
        "type": "rule: conditions; approval: a person; webhook: a program over HTTP; python: a function.",
        "matcher": "Of which calls: TOOL or TOOL(PATTERN), with * and ? as wildcards; omitted: of all.",
        "order": "Hooks of one point act in this order, the smallest first.",
        "timeout_s": "Seconds that it may take; of an approval, after which it is denied.",
        "enabled": "false: it is passed over.",
        "rules": "Of a rule: the first whose condition holds decides.",
        "message": "Of an approval: why it is asked.",
        "url": "Of a webhook: an http or https address.",
        "headers": "Of a webhook: what is sent beside the signature.",
        "file": "Of python: a file with one function; relative to the folder of this file.",
        "ext": "What other systems' clients keep of it; nothing here reads it.",
    },
    "HookRule": {
        "when": "FIELD [NOT] CONTAINS, STARTS_WITH, MATCHES or IN VALUE; omitted: always.",
        "action": "What is done then.",
        "reason": "For a denial: the model or the caller sees it.",
        "set": "For modify before a call: arguments that it gets instead of its own.",
        "replace": "For modify of a text: a regular expression whose matches are replaced.",
        "replacement": "What its matches are replaced by, as it stands.",
    },
    "SubAgentAssignment": {
        "agent": "The agent's name or id, among those that the user can see.",
        "id": "A UUID of this sub-agent at this agent; omitted: made of the agent's id and the name.",
        "description": "When to hand work to it; omitted: what its own file says.",
    },
    "DatabaseSpec": {
        "name": "What the model calls it by, and what rules match.",
        "path": "The SQLite file, relative to the workspace.",
        "postgres": "In its place: a PostgreSQL database, by its name in the setting tools.postgres.",
        "schemas": "Of PostgreSQL: the only schemas whose tables are seen or changed; omitted: all.",
        "tables": "The only tables and views that are seen or changed; omitted: all.",
        "writable": "Whether sql_write may change it.",
        "changeable": "The only tables that sql_write sees; omitted: those of tables.",
    },
    "RetrievalSpec": {
        "mode": "tool: the model searches; context, agentic, all: retrieved before the first step.",
        "top_k": "Passages that are taken at most.",
        "method": "How passages are found.",
        "max_tokens": "Tokens that the passages may take, four characters each.",
        "min_score": "Passages with a lower score are left out.",
        "where": 'A filter over the metadata of documents, such as {"year": {"$gte": 2020}}.',
    },
    "MemorySpec": {
        "blocks": "Names of memory blocks that are put before the model in every run.",
        "recall": "Whether the agent has the tools search_memory, remember and forget_memory.",
    },
    "Rules": {
        "allow": "Calls that run without a question: TOOL or TOOL(PATTERN), with * and ? as wildcards.",
        "ask": "Calls that a person is asked for.",
        "deny": "Calls that never run.",
    },
    "ModelSettings": {
        "temperature": "0 for the likeliest words, up to 2.",
        "top_p": "Share of the likeliest words that are chosen from.",
        "max_output_tokens": "Longest reply, in tokens.",
        "reasoning_effort": "How long a reasoning model thinks.",
        "seed": "For replies that can be repeated, where the provider supports it.",
        "stop": "Texts at which the reply ends.",
        "parallel_tool_calls": "Whether the model may ask for several calls at once.",
        "api_base": "Address of an OpenAI-compatible server. Not used in folders that are not trusted.",
    },
    "Limits": {
        "max_steps": "Model calls in one run.",
        "timeout_s": "Seconds of work in one run, without the time spent waiting for a person.",
        "max_cost_usd": "Cost of one run in US dollars; does not act with a model of unknown price.",
        "max_tool_output_chars": "Longer output is kept as a file and shown to the model shortened.",
        "approval_expires_s": "Seconds after which an approval is decided by on_expiry; omitted: never.",
        "on_expiry": "What becomes of an approval that nobody decided.",
        "max_depth": "Levels of sub-agents below a run; 0: it hands no work to others.",
        "max_child_runs": "Runs of sub-agents that one run may start.",
    },
    "Prompt": {
        "name": "The name to send it by.",
        "title": "What people are shown beside the name.",
        "description": "What it is for, in a line.",
        "arguments": "What it asks for, in the order in which words are given to them.",
        "text": "The text, with {{name}}, $1 to $9 and $ARGUMENTS for values; $$ is a dollar sign.",
    },
    "PromptArgument": {
        "name": "What {{name}} in the text calls it.",
        "description": "What it is, for the person who is asked.",
        "required": "Whether the prompt cannot be sent without it.",
        "default": "What stands in its place when it is not given.",
    },
}


def agent_schema(known_tools: Collection[str] = ()) -> dict[str, Any]:
    """Returns the JSON Schema of an agent file; `known_tools` are offered for completion."""
    schema = AgentSpec.model_json_schema(mode="validation")
    for name, properties in _DESCRIPTIONS.items():
        part = schema if name == "AgentSpec" else schema["$defs"][name]
        for key, description in properties.items():
            part["properties"][key]["description"] = description
    if known_tools:
        # Suggestions only: tools of other servers have names that are not known here.
        names = sorted(known_tools)
        schema["properties"]["tools"]["items"]["examples"] = names
        schema["$defs"]["ToolAssignment"]["properties"]["tool"]["examples"] = names
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Holdfast agent",
    }
