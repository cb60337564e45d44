"""Agents of ours as Dexto lists them, and what is said of its agent files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, Literal

from holdfast.core.domain.agents import AgentInfo, AvailableAgent, Layer
from holdfast.core.domain.errors import InvalidError
from holdfast.server.dialects.dexto.errors import validation, validation_issue
from holdfast.server.dialects.dexto.mapping_agent_text import EXT, YAML, kept_text
from holdfast.server.dialects.dexto.mapping_config import (
    Converted,
    Mistake,
    config_of,
    converted,
    read_config,
    warnings_of,
)
from holdfast.server.dialects.dexto.wire_agents import (
    AgentEntry,
    AgentPath,
    CreateAgent,
    Problem,
    SavedFile,
    Validation,
)
from holdfast.server.dialects.dexto.wire_config import AgentConfig
from holdfast.server.kit.yaml_text import yaml_text

WARNINGS = [
    "Saving lets the agent's next run begin with what was saved.",
    "Refer to keys by environment variables, as in $OPENAI_API_KEY, instead of writing them down.",
]
"""What is always said beside an agent's file."""
_RESTARTED = "Configuration saved and applied successfully (agent restarted)"
_UNCHANGED = "Configuration saved successfully (no changes detected)"


def entry_of(agent: AgentInfo | AvailableAgent, shipped: Iterable[str]) -> AgentEntry:
    """Returns an agent as a list shows it; `shipped` are the names of those that come with Holdfast."""
    return AgentEntry(
        id=agent.name,
        name=title_of(agent),
        description=agent.description,
        author=agent.author or None,
        tags=list(agent.tags) or None,
        type=kind_of(agent.name, shipped),
    )


def kind_of(name: str, shipped: Iterable[str]) -> Literal["builtin", "custom"]:
    """Returns what Dexto calls the origin of an agent."""
    return "builtin" if name in shipped else "custom"


def title_of(agent: AgentInfo | AvailableAgent) -> str:
    """Returns what people call an agent: its own name for them, or one made of its id."""
    return agent.display_name or titled(agent.name)


def titled(id: str) -> str:
    """Returns the name that Dexto makes of an id."""
    return " ".join(word.capitalize() for word in id.replace("_", "-").split("-"))


def path_of(agent: AgentInfo, default: str) -> AgentPath:
    """Returns where an agent's file is."""
    file = PurePath(agent.path)
    return AgentPath(
        path=agent.path, relative_path=file.name, name=file.stem, is_default=agent.name == default
    )


def checked(config: AgentConfig | None, mistakes: Iterable[Mistake]) -> AgentConfig:
    """Returns what a file says. Raises `InvalidError` with its mistakes where it is none."""
    if config is not None:
        return config
    raise validation(
        validation_issue(
            "agent_invalid_config",
            f"{one.path}: {one.message}" if one.path else one.message,
            scope="config",
            path=one.path.split(".") if one.path else (),
        )
        for one in mistakes
    )


def looked_at(text: str) -> Validation:
    """Returns what is wrong with a file, and what should not stand in it."""
    config, mistakes = read_config(text)
    warnings = warnings_of(config) if config is not None else ()
    found = list(mistakes)
    if config is not None:
        try:
            converted(config)
        except InvalidError as error:
            found.append(Mistake(error.message, "SCHEMA_VALIDATION_ERROR", "mcpServers"))
    return Validation(valid=not found, errors=_problems(found), warnings=_problems(warnings))


def _problems(mistakes: Iterable[Mistake]) -> list[Problem]:
    return [
        Problem(line=one.line, column=one.column, path=one.path, message=one.message, code=one.code)
        for one in mistakes
    ]


def composed(asked: CreateAgent) -> tuple[dict[str, Any], Converted]:
    """Returns the keys of a new agent of ours, and what was read. Raises `InvalidError` for a configuration
    that is none."""
    found = converted(checked(*config_of(asked.config)))
    text = kept_text(found, yaml_text(asked.config))
    said = {
        "name": asked.id,
        "display_name": asked.name,
        "description": asked.description,
        "author": asked.author,
        "tags": list(asked.tags),
        "ext": {EXT: {YAML: text}} if text else None,
    }
    return {"version": 1, **found.values, **{key: value for key, value in said.items() if value}}, found


def saved_file(path: str, changed: list[str]) -> SavedFile:
    """Returns what is said of a file that was saved; `changed` are the parts that make Dexto start anew."""
    message = _RESTARTED if changed else _UNCHANGED
    return SavedFile(path=path, restarted=bool(changed), changes_applied=changed, message=message)


def own_names(agents: Iterable[AgentInfo]) -> frozenset[str]:
    """Returns the names of the user's own agents among all that can be seen."""
    return frozenset(agent.name for agent in agents if agent.layer is Layer.USER)
