"""Who asks, and which agent: found before the SDK looks at a request, and given to what answers it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from a2a.extensions.common import HTTP_EXTENSION_HEADER, get_requested_extensions
from a2a.server.context import ServerCallContext
from a2a.server.routes.common import ServerCallContextBuilder
from starlette.requests import Request

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import HoldfastError
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.operations import Door

_STATE = "a2a"


@dataclass(slots=True)
class Asked:
    """One request."""

    request: Request
    door: Door
    workbench: Workbench
    """As the caller sees it."""
    agent: AgentInfo
    card_url: str
    """Below it the agent is asked."""
    request_id: str
    refused: HoldfastError | None = field(default=None)
    """Why it is not answered, where the protocol has no word for that: the key may not, limits …"""


def note(request: Request, asked: Asked) -> None:
    """Gives what answers the request who asks."""
    request.scope["state"][_STATE] = asked


def asked_in(context: ServerCallContext) -> Asked:
    """Returns who asks."""
    found: Asked = context.state[_STATE]
    return found


class Contexts(ServerCallContextBuilder):
    """Makes the contexts of the SDK."""

    def build(self, request: Request) -> ServerCallContext:
        state: dict[str, Any] = {"headers": dict(request.headers), _STATE: request.scope["state"][_STATE]}
        wanted = get_requested_extensions(request.headers.getlist(HTTP_EXTENSION_HEADER))
        return ServerCallContext(state=state, requested_extensions=wanted)
