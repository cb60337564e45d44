"""What the addresses get that clients of A2A name for a task: its states, and at the end the reply.

Written without the SDK, which the engine does not load for a webhook.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from holdfast import __version__
from holdfast.core.domain.events import (
    RUN_ENDS,
    ApprovalRequested,
    ApprovalResolved,
    LoggedEvent,
    QuestionAnswered,
    QuestionAsked,
)
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.text import sanitize
from holdfast.core.domain.webhook_formats import EventPlace, EventWriter, Message, Notice, Retries
from holdfast.core.domain.webhooks import Delivery, Webhook
from holdfast.server.kit.errors import plain_message
from holdfast.server.kit.run_state import RunState
from holdfast.server.tasks.asking import asked_data, asked_text
from holdfast.server.tasks.watched import Waiting

NAME = "a2a"
EVENTS = ("run.completed", "run.failed", "run.cancelled", "approval.*", "question.*")
TOKEN_HEADER = "X-A2A-Notification-Token"

_STATES = {
    "completed": "TASK_STATE_COMPLETED",
    "failed": "TASK_STATE_FAILED",
    "cancelled": "TASK_STATE_CANCELED",
}
_WORKING, _ASKS = "TASK_STATE_WORKING", "TASK_STATE_INPUT_REQUIRED"


@dataclass(frozen=True, slots=True)
class Watch:
    """What a webhook of this format is about."""

    task_id: str
    context_id: str
    config_id: str
    scheme: str = ""
    """Of the header `Authorization`, whose credentials are in the webhook's secret."""

    @classmethod
    def of(cls, webhook: Webhook) -> Watch:
        kept: dict[str, Any] = webhook.ext.get(NAME, {})
        names = ("task_id", "context_id", "config_id", "scheme")
        return cls(*(str(kept.get(name, "")) for name in names))

    @property
    def ext(self) -> Ext:
        """What is kept with the webhook."""
        return {NAME: asdict(self)}


def secret_of(token: str, credentials: str) -> str:
    """Returns a webhook's secret: what a client wants to be shown with each notification."""
    return json.dumps({"token": token, "credentials": credentials}, separators=(",", ":")).replace(
        " ", "\\u0020"
    )


class Writer:
    """Tells one webhook of the events of a run."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._state = RunState()

    def take(self, logged: LoggedEvent) -> Sequence[Notice]:
        event = logged.event
        self._state.take(logged)
        ours = event.run_id == self._watch.task_id
        match event:
            case ApprovalRequested(approval=waiting) | QuestionAsked(question=waiting):
                # What a sub-agent asks is known by the session that it works for.
                ours = ours or waiting.parent_session_id == self._watch.context_id
                return (self._asks(waiting, event.at),) if ours else ()
            case ApprovalResolved() | QuestionAnswered() if ours:
                return (self._status(_WORKING, event.at),)
            case _ if ours and event.type in RUN_ENDS:
                return self._ends(event.at)
        return ()

    def _asks(self, waiting: Waiting, at: datetime) -> Notice:
        parts: list[dict[str, Any]] = [{"text": sanitize(asked_text(waiting))}, {"data": asked_data(waiting)}]
        return self._status(_ASKS, at, self._said(f"{waiting.id}-asked", parts))

    def _ends(self, at: datetime) -> Sequence[Notice]:
        state, said = self._state, None
        if state.error is not None:
            said = self._said(f"{state.run_id}-ended", [{"text": sanitize(plain_message(state.error))}])
        end = self._status(_STATES[state.status], at, said)
        if not state.reply:
            return (end,)
        artifact = {"artifactId": "reply", "name": "reply", "parts": [{"text": sanitize(state.reply)}]}
        whole = {**self._ids, "artifact": artifact, "append": False, "lastChunk": True}
        return (Notice("artifactUpdate", whole), end)

    def _status(self, state: str, at: datetime, said: dict[str, Any] | None = None) -> Notice:
        stamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        status = {"state": state, "timestamp": stamp, **({"message": said} if said else {})}
        return Notice("statusUpdate", {**self._ids, "status": status})

    def _said(self, id: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
        return {"messageId": id, "role": "ROLE_AGENT", "parts": parts, **self._ids}

    @property
    def _ids(self) -> dict[str, str]:
        return {"taskId": self._watch.task_id, "contextId": self._watch.context_id}


class PushFormat:
    """Implements `WebhookFormat`."""

    retries = Retries(5, (1.0, 5.0, 30.0, 120.0))

    def writer(self, webhook: Webhook, place: EventPlace) -> EventWriter:
        return Writer(Watch.of(webhook))

    def message(
        self, webhook: Webhook, delivery: Delivery, notice: Notice, number: int, secret: str
    ) -> Message:
        return _message(webhook, {notice.type: notice.data}, secret)

    def trial(self, webhook: Webhook, delivery: Delivery, secret: str, at: datetime) -> Message:
        said = {
            "messageId": delivery.id,
            "role": "ROLE_AGENT",
            "parts": [{"text": "A trial of this address."}],
        }
        return _message(webhook, {"message": said}, secret)


def _message(webhook: Webhook, body: dict[str, Any], secret: str) -> Message:
    kept = json.loads(secret)
    headers = {"Content-Type": "application/json", "User-Agent": f"holdfast/{__version__}"}
    if kept["token"]:
        headers[TOKEN_HEADER] = kept["token"]
    if kept["credentials"]:
        headers["Authorization"] = f"{Watch.of(webhook).scheme} {kept['credentials']}"
    return Message(headers, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))


FORMAT = PushFormat()
