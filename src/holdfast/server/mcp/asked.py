"""The tools that a client sees, and the arguments that they take."""

from __future__ import annotations

from typing import Any, TypeVar

from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
from holdfast.server.kit.mistakes import explained, mistakes_in
from holdfast.server.mcp.results import GET_RUN, OUTPUT_SCHEMA

PREFIX = "agent_"
"""Stands before the name of an agent in the name of its tool."""

WAIT_S = 50.0
"""How long a call waits when it does not say: many clients give a tool a minute, and end it then."""
_LONGEST_WAIT_S = 3_600.0
_DESCRIPTION = 1_000

AskedT = TypeVar("AskedT", bound="Asked")


class Asked(BaseModel):
    """The arguments of a tool; unknown ones are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wait_s: float = Field(
        default=WAIT_S,
        ge=0,
        le=_LONGEST_WAIT_S,
        allow_inf_nan=False,
        description="Seconds to wait for the reply. The agent goes on afterwards, and "
        f"{GET_RUN} fetches the reply.",
    )

    @classmethod
    def read(cls: type[AskedT], arguments: dict[str, Any] | None) -> AskedT:
        """Returns what `arguments` say. Raises `InvalidError` with every mistake."""
        try:
            return cls.model_validate(arguments or {})
        except ValidationError as error:
            mistakes = [f"{one['loc'][0]}: {explained(one)}" for one in mistakes_in(error)]
            raise InvalidError("; ".join(mistakes), code="invalid_arguments") from None


class AgentAsked(Asked):
    """What an agent is asked."""

    message: str = Field(min_length=1, description="What the agent is to do, with all that it has to know.")
    session_id: str = Field(
        default="", description="Goes on with that conversation; without it a new one begins."
    )
    model: str = Field(default="", description="Answers instead of the agent's own model.")


class RunAsked(Asked):
    """Which run is fetched."""

    run_id: str = Field(min_length=1, description="As an agent's tool has returned it.")


def agent_tool(agent: AgentInfo) -> Tool:
    """Returns the tool that an agent is."""
    title = sanitize_line(agent.display_name) or agent.name
    said = shorten(sanitize(agent.description).strip(), _DESCRIPTION)
    return Tool(
        name=PREFIX + agent.name,
        title=title,
        description=said or f"Asks the agent {title}.",
        input_schema=_schema(AgentAsked),
        output_schema=OUTPUT_SCHEMA,
        annotations=ToolAnnotations(read_only_hint=False, open_world_hint=True),
    )


def run_tool() -> Tool:
    """Returns the tool that fetches a run."""
    return Tool(
        name=GET_RUN,
        title="Fetch an agent's reply",
        description="Waits for the end of an agent's run that was still at work, or waited for a person, and "
        "returns its reply.",
        input_schema=_schema(RunAsked),
        output_schema=OUTPUT_SCHEMA,
        annotations=ToolAnnotations(read_only_hint=True),
    )


def _schema(asked: type[Asked]) -> dict[str, Any]:
    schema = asked.model_json_schema()
    for field in schema["properties"].values():
        field.pop("title", None)
    return {name: schema[name] for name in ("type", "properties", "required", "additionalProperties")}
