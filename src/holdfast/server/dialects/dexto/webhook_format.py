"""How Dexto's webhooks are told of events: as its stream tells them, and of what happens beside runs."""

from __future__ import annotations

import hashlib
import hmac
import json
import string
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from holdfast.core.domain.events import LoggedEvent, SessionCleared, SessionConfigured, SessionCreated
from holdfast.core.domain.user_events import McpChanged, UserAnnotated
from holdfast.core.domain.webhook_formats import EventPlace, EventWriter, Message, Notice, Retries
from holdfast.core.domain.webhooks import Delivery, Webhook
from holdfast.server.dialects.dexto.active import EXT
from holdfast.server.dialects.dexto.choosing import LLM
from holdfast.server.dialects.dexto.encoder import Named, TurnEncoder
from holdfast.server.dialects.dexto.mapping_providers import dexto_model
from holdfast.server.dialects.dexto.mapping_sessions import called
from holdfast.server.dialects.dexto.mapping_webhooks import signed
from holdfast.server.dialects.dexto.names import ToolNames
from holdfast.server.dialects.dexto.servers import is_hidden
from holdfast.server.dialects.dexto.times import iso, millis

API_VERSION = "2025-07-03"
AGENT = "DextoAgent/1.0"
SIGNATURE = "X-Dexto-Signature-256"

_TRIAL = "tools:available-updated"
_LETTERS = string.digits + string.ascii_lowercase
_OWN = 9
"""Characters of an event's id that are its own."""


class Teller:
    """Tells the events of a run, or those of a session beside runs."""

    def __init__(self, place: EventPlace) -> None:
        session = place.session
        self._silent = session is not None and (session.child_of is not None or is_hidden(session))
        self._session_id = called(session) if session is not None else ""
        self._encoder = TurnEncoder(self._session_id, ToolNames(custom=place.own_tools))

    def take(self, logged: LoggedEvent) -> Sequence[Notice]:
        """Returns Dexto's events for the next of ours."""
        if self._silent:
            return ()
        return [Notice(name, {**data, **self._place(data)}) for name, data in self._told(logged)]

    def _place(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"sessionId": self._session_id} if self._session_id and "sessionIds" not in data else {}

    def _told(self, logged: LoggedEvent) -> Iterable[Named]:
        event = logged.event
        match event:
            case SessionCreated():
                return [("session:created", {"switchTo": False})]
            case SessionCleared():
                return [("session:reset", {})]
            case SessionConfigured() if event.model:
                return _switched(None, event.model, [self._session_id])
            case McpChanged():
                return _of_server(event)
            case UserAnnotated():
                return _chosen(event)
        # What a person is asked goes another way in Dexto.
        told = self._encoder.events(logged)
        return [(name, data) for name, data in told if not name.startswith("approval:")]


def _switched(before: Any, after: str, sessions: list[str]) -> Iterable[Named]:
    config = _config(after)
    yield "llm:switched", {"newConfig": config, "historyRetained": True, "sessionIds": sessions}
    yield "state:changed", {"field": "llm", "oldValue": _config(before), "newValue": config}


def _config(id: Any) -> dict[str, str] | None:
    if not isinstance(id, str) or not id:
        return None
    provider, model = dexto_model(id)
    return {"provider": provider, "model": model}


def _chosen(event: UserAnnotated) -> Iterable[Named]:
    """Yields the models that were chosen for agents."""
    before = event.before.get(EXT, {}).get(LLM) or {}
    for agent, choice in (event.after.get(EXT, {}).get(LLM) or {}).items():
        if choice != before.get(agent) and choice.get("model"):
            yield from _switched((before.get(agent) or {}).get("model"), choice["model"], [])


def _of_server(event: McpChanged) -> Iterable[Named]:
    name = str(event.ext.get(EXT, {}).get("name") or event.server)
    match event.change:
        case "connected":
            yield "mcp:server-connected", {"name": name, "success": True}
        case "failed":
            yield "mcp:server-connected", {"name": name, "success": False, "error": event.reason}
        case "restarted":
            yield "mcp:server-restarted", {"serverName": name}
    if event.change in ("connected", "restarted"):
        names = ToolNames(event.tools)
        tools = [names.wire(each) for each in event.tools]
        yield "tools:available-updated", {"tools": tools, "source": "mcp"}


class DextoFormat:
    """Implements `WebhookFormat`."""

    retries = Retries(3, (1.0, 2.0))

    def writer(self, webhook: Webhook, place: EventPlace) -> EventWriter:
        return Teller(place)

    def message(
        self, webhook: Webhook, delivery: Delivery, notice: Notice, number: int, secret: str
    ) -> Message:
        at = delivery.created_at
        id = f"evt_{millis(at)}_{_characters(delivery.id, number)}"
        return _message(webhook, delivery, (id, notice.type, notice.data, at), secret)

    def trial(self, webhook: Webhook, delivery: Delivery, secret: str, at: datetime) -> Message:
        data = {"tools": ["test-tool"], "source": "mcp"}
        at = delivery.created_at
        return _message(webhook, delivery, (f"evt_test_{millis(at)}", _TRIAL, data, at), secret)


def _message(
    webhook: Webhook, delivery: Delivery, said: tuple[str, str, dict[str, Any], datetime], secret: str
) -> Message:
    id, type, data, at = said
    envelope = {"id": id, "type": type, "data": data, "created": iso(at), "apiVersion": API_VERSION}
    body = json.dumps(envelope, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "X-Dexto-Event-Type": type,
        "X-Dexto-Event-Id": id,
        "X-Dexto-Delivery-Attempt": str(delivery.attempts),
    }
    if signed(webhook):
        headers[SIGNATURE] = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    return Message(headers, body)


def _characters(delivery: str, number: int) -> str:
    """Returns the part of an event's id that is its own: in every attempt the same."""
    digest = int.from_bytes(hashlib.sha256(f"{delivery} {number}".encode()).digest()[:8])
    found = ""
    for _ in range(_OWN):
        digest, rest = divmod(digest, len(_LETTERS))
        found += _LETTERS[rest]
    return found


FORMAT = DextoFormat()
