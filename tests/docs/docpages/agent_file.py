"""The page of agent files, and their JSON Schema."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from docpages.markdown import code, fenced, page, table
from docpages.models import default, meaning, type_name
from holdfast.core.agents.scaffold import new_agent_text
from holdfast.core.agents.schema import agent_schema
from holdfast.core.domain.agents import (
    AgentSpec,
    KnowledgeAssignment,
    Limits,
    Prompt,
    RetrievalSpec,
    ToolAssignment,
)
from holdfast.core.domain.approvals import Rules
from holdfast.core.domain.memory import MemorySpec
from holdfast.core.domain.models import ModelSettings

_SECTIONS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("Keys", "", AgentSpec),
    ("`model_settings`", "What is left out is left to the provider.", ModelSettings),
    (
        "`tools`",
        "A list; an entry is a tool's name, or a mapping with an id of its own. Ids are for programs that "
        "change one assignment of an agent; nobody has to write them.",
        ToolAssignment,
    ),
    (
        "`knowledge`",
        "A list; an entry is a collection's name, or a mapping. With `path` the collection is made when "
        "there is none of the name, and kept in step with that folder; an agent of a project may say so when "
        "you trust the project. An agent with knowledge has the tools `search_knowledge` and `read_document` "
        "without listing them where a collection's mode is `tool` or `agentic`; what it is shown is "
        "numbered, and its replies cite the numbers. In a project that is not trusted an agent searches "
        "nothing.",
        KnowledgeAssignment,
    ),
    ("`retrieval`", "Of an entry of `knowledge`.", RetrievalSpec),
    ("`memory`", "", MemorySpec),
    ("`approvals`", "Three lists of rules.", Rules),
    ("`limits`", "A run that reaches one fails with a reason, and can be continued.", Limits),
    ("`prompts`", "A list; each has:", Prompt),
)
_PARTS: dict[type[BaseModel], str] = {
    ModelSettings: "[settings](#model_settings)",
    ToolAssignment: "[tools](#tools)",
    KnowledgeAssignment: "[collections](#knowledge)",
    RetrievalSpec: "[retrieval](#retrieval)",
    MemorySpec: "[memory](#memory)",
    Rules: "[rules](#approvals)",
    Limits: "[limits](#limits)",
    Prompt: "[prompts](#prompts)",
}

_ID = "3f6c1b52-9a0e-4d7b-8a55-0d1e6f2b7c90"

_INTRO = """\
An agent is one YAML file. It is looked for in this order, and the first file with its name wins:

1. `.holdfast/agents/` of the project, then `agents/` of the project
2. `agents/` in the folder of your configuration
3. the agents that come with Holdfast

Other users of the engine have an `agents/` folder of their own, and do not see yours.

Files are read again when they change. A file with mistakes is listed with them, and never replaced silently
by another one. `holdfast agents validate FILE` prints every mistake with line, column and the nearest valid
key.

Editors complete and check agent files with [the JSON Schema](../agent.schema.json); `holdfast agents
schema` prints it too. [Write an agent](../how-to/write-an-agent.md) shows how to start.

This is what `holdfast agents new analyst` writes:"""


def agent_file_page() -> str:
    """Returns the page."""
    sections = [_section(*section) for section in _SECTIONS]
    return page("The agent file", _INTRO, fenced(new_agent_text("analyst", _ID), "yaml"), *sections)


def schema_text() -> str:
    """Returns the JSON Schema as a file."""
    return json.dumps(agent_schema(), indent=2, ensure_ascii=False) + "\n"


def undescribed() -> list[str]:
    """Returns the keys that the schema does not describe."""
    return [
        f"{model.__name__}.{name}"
        for _, _, model in _SECTIONS
        for name in model.model_fields
        if not _properties(model)[name].get("description")
    ]


def _properties(model: type[BaseModel]) -> dict[str, Any]:
    schema = agent_schema()
    part = schema if model is AgentSpec else schema["$defs"][model.__name__]
    found: dict[str, Any] = part["properties"]
    return found


def _section(title: str, text: str, model: type[BaseModel]) -> str:
    properties = _properties(model)
    rows = [
        (
            code(name),
            type_name(field.annotation, lambda record: _PARTS.get(record, record.__name__)),
            default(field),
            meaning(field, properties[name].get("description", "")),
        )
        for name, field in model.model_fields.items()
    ]
    parts = (f"## {title}", text, table(("Key", "Type", "Default", "Meaning"), rows))
    return "\n\n".join(part for part in parts if part)
