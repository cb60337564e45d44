"""The file that a new agent starts from."""

from __future__ import annotations

import re

from holdfast.core.config.nodes import plain_scalar
from holdfast.core.domain.agents import ID_PATTERN, NAME_PATTERN
from holdfast.core.domain.errors import InvalidError

_TEXT = """\
version: 1
name: {name}
{id}
description: One line that tells what the agent is for.

# What people see instead of the name, who wrote it, and words to find it by.
# display_name: My assistant
# author: Somebody
# tags: [example]

# The model; without this line the first that is there is used: settings, a key, Ollama, offline.
# model: openai/gpt-4o
# fallback_models: [anthropic/claude-sonnet-4-5, offline]
# model_settings: {{ temperature: 0.2, max_output_tokens: 4096 }}

# Build on another agent; what is written here is laid over it.
# extends: general

instructions: |
  You are a careful assistant. Say what you are about to do before you do it,
  and name the files that you read or changed when you are done.

# Python that drives the conversation in the place of the usual loop; or the name of a file beside this one.
# script: response = query("offline", conversation)

# Also there: write_file, edit_file, run_command, run_python, run_javascript, fetch_url, web_search,
# web_scrape, http_request, generate_image, list_bucket, read_bucket, write_bucket, sql_query, sql_write.
# An entry may have an id of its own: {{ tool: read_file, id: UUID }}
tools: [read_file, list_files, search_files, ask_user, update_plan]

# Collections of documents that it may search, by name; * means all. `path` makes one of a folder and keeps it
# in step. mode: tool (it searches when it wants to), context, agentic or all (before its first step)
# knowledge: [{{ collection: docs, path: ./docs, retrieval: {{ mode: tool, top_k: 8 }} }}]

# MCP servers whose tools it has: names of yours (`holdfast mcp add`), or described here.
# mcp: [files, {{ server: docs, url: "https://example.org/mcp", tools: [search] }}]

# What looks at its runs, model calls, tool calls and replies before and after them. type: rule, approval (a
# person is asked), webhook (a program, over HTTP) or python (a function).
# hooks:
#   - {{ point: before_tool, type: rule, matcher: run_command, rules: [{{ when: command CONTAINS sudo }}] }}

# Skills that it may load: instructions for certain kinds of work; "*" means all that can be seen.
# skills: [minutes]
# Agents that it may hand work to, by name.
# subagents: [{{ agent: researcher, description: Finds and compares sources. }}]

# How it works: single (without sub-agents), delegating, team (it leads them) or deep (in passes).
# mode: deep

# Lists of steps that it follows where a request is such work.
# workflows: {{ review: [Read the change, Run the tests, "Write down what is wrong, worst first"] }}

# A look at how the run went, and questions that could follow, behind each reply.
# analysis: true
# suggestions: true

# What its model calls are charged for in credits (`holdfast credits prices`): decentralized, by the query, or
# dedicated, by the token, in a region.
# plan: dedicated
# region: us-east-1

# The log of runs (`holdfast runs list`) keeps prompts and replies; with false only times, tokens and costs.
# logging: false

# The only databases that sql_query and sql_write may use, and the tables of each; without this every SQLite
# file of the workspace.
# databases: [{{ name: shop, path: data/shop.db, tables: [sale], writable: true }}]
# Of PostgreSQL `postgres: NAME` stands in the place of `path`; the setting tools.postgres has the address.

# What it remembers beyond a session: blocks that it always sees, entries that it searches for.
# memory: {{ blocks: [project], recall: true }}

# A rule is a tool's name, or NAME(PATTERN) with * and ? as wildcards. Deny wins over ask, ask over allow.
approvals:
  allow: []
  ask: []
  deny: []

# session: a folder of the session's own; project: the folder you start in; or a path such as ./data
workspace: session

limits: {{ max_steps: 30, timeout_s: 900 }}

# Texts to send by name; a word in double braces is asked for.
prompts:
  - {{ name: summary, text: "Summarise {{{{file}}}} in five bullets." }}
"""


_NO_ID = "# id: a UUID that stays when the agent is renamed; without this line it is made of the name"


def new_agent_text(name: str, id: str | None = None) -> str:
    """Returns a commented agent file that is valid as it is; `id` is a UUID, or left out of the file.

    Raises `InvalidError` for a name that is none.
    """
    if not re.fullmatch(NAME_PATTERN, name) or re.fullmatch(ID_PATTERN, name):
        raise InvalidError(
            f"{name!r} cannot be an agent's name; use small letters, digits, - and _, at most 64",
            code="invalid_name",
        )
    quoted = name if isinstance(plain_scalar(name), str) else f'"{name}"'
    return _TEXT.format(name=quoted, id=f"id: {id}" if id else _NO_ID)
