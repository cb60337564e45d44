"""GenLabs' agents as JSON. What it calls an agent here is a model there: fields have all of their names."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, StringConstraints

from holdfast.server.dialects.genlabs.wire import Said, Sent

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Plan = Literal["Decentralized", "Dedicated"]
_ID = AliasChoices("modelId", "model_id", "agent_id", "agentId")
_NAME = AliasChoices("agent_name", "agentName", "modelName", "model_name", "name")


class Signed(Sent):
    """What the body of every request may have besides: who asks. The door has read it."""

    session_id: Any = None
    api_key: Any = None


class NewAgent(Signed):
    agent_name: Any = Field(default=None, validation_alias=_NAME)
    plan: Any = None
    region: Any = None


class NamedAgent(Signed):
    modelId: Any = Field(default=None, validation_alias=_ID)


class AgentChanges(NamedAgent):
    """All optional: what is left out, or null, stays."""

    modelName: Title | None = Field(default=None, validation_alias=_NAME)
    modelScript: str | None = Field(
        default=None, validation_alias=AliasChoices("modelScript", "model_script", "agentScript", "script")
    )
    region: Any = None
    plan: Any = None
    tools: Any = None
    """Names or numbers of tools, one after the other or in one text between commas."""
    topP: float | None = Field(default=None, validation_alias=AliasChoices("topP", "top_p"))
    apiKey: str | None = Field(default=None, validation_alias=AliasChoices("apiKey", "agent_api_key"))
    """A key's value, name or id; empty: any key of the owner's may call the agent."""
    temperature: float | None = None
    system: str | None = None
    stream: bool | None = None
    logging: bool | None = None
    alpha: bool | None = None
    """Whether features that are being tried out are to be used."""


class AgentDetails(Said):
    modelName: str
    creationDate: str
    modelType: None = None
    modelProvider: None = None
    modelScript: str
    plan: Plan | None
    region: str | None
    apiKey: str | None
    """The name of the key that may call it, never the key; null: any of the owner's may, or it is gone."""
    tools: str
    topP: float
    temperature: float
    system: str
    stream: bool


class ListedAgent(Said):
    agent_id: str
    modelId: str
    modelName: str
    plan: Plan | None
    region: str | None
    creationDate: str
    requests: int
    credits: float
    logging: bool
    alpha: bool


class Agents(Said):
    agents: tuple[ListedAgent, ...]
