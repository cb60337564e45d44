"""Agents as cards: what they can do, and how they are asked."""

from __future__ import annotations

from a2a.types.a2a_pb2 import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    HTTPAuthSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)
from a2a.utils.constants import PROTOCOL_VERSION_0_3, PROTOCOL_VERSION_1_0, TransportProtocol

from holdfast import __version__
from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.text import sanitize_line

INPUT = ("text/plain", "application/json", "image/png", "image/jpeg", "image/webp", "application/pdf")
OUTPUT = ("text/plain",)
_KEY = "key"
_SHORT = "An agent of Holdfast. Its card with a key says more."


def card_of(agent: AgentInfo, url: str) -> AgentCard:
    """Returns the card of an agent that is asked below `url`."""
    name = sanitize_line(agent.display_name or agent.name)
    description = sanitize_line(agent.description) or f"The agent {name}."
    return _card(name, description, url, agent.tags)


def short_card(name: str, url: str) -> AgentCard:
    """Returns what is said of an agent to who shows no key: how it is asked, whether or not it is there."""
    return _card(sanitize_line(name), _SHORT, url, ())


def _card(name: str, description: str, url: str, tags: tuple[str, ...]) -> AgentCard:
    skill = AgentSkill(
        id="chat",
        name=name,
        description=description,
        tags=[*map(sanitize_line, tags)] or ["agent"],
        input_modes=INPUT,
        output_modes=OUTPUT,
    )
    bearer = HTTPAuthSecurityScheme(
        scheme="bearer", description="A key of Holdfast: `holdfast keys create NAME` makes one."
    )
    return AgentCard(
        name=name,
        description=description,
        version=__version__,
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding=binding, protocol_version=version)
            for version in (PROTOCOL_VERSION_1_0, PROTOCOL_VERSION_0_3)
            for binding in (TransportProtocol.JSONRPC, TransportProtocol.HTTP_JSON)
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=True, extended_agent_card=True),
        security_schemes={_KEY: SecurityScheme(http_auth_security_scheme=bearer)},
        security_requirements=[SecurityRequirement(schemes={_KEY: StringList()})],
        default_input_modes=INPUT,
        default_output_modes=OUTPUT,
        skills=[skill],
    )
