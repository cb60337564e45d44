"""What is said of a completion while it goes on, and the two ways in which it is sent: lines of JSON over
HTTP, and messages on the socket of h2oGPTe's own client. The encoder makes these and knows neither way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Delta:
    """Some more of the reply's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Meta:
    """What is known of the reply meanwhile, in place of what was said of it before: entries of the message's
    metadata, as `{message_type, content}`."""

    entries: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """The end of a completion."""

    text: str
    """The whole reply."""
    last: str = ""
    """What of it no `Delta` has said."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The end of a completion that has come to nothing."""

    message: str
    retry_after_s: int | None = None
    """Seconds after which it is worth asking again, where there were too many questions."""


Said = Delta | Meta | Whole | Failed


@dataclass(frozen=True, slots=True)
class Lines:
    """Writes lines of JSON."""

    message_id: str
    """Of the reply."""
    repeat: bool = False
    """Whether the last line repeats the whole reply, as the vendor's server does; else it only goes on."""

    def __call__(self, said: Said) -> list[bytes]:
        """Returns the lines that say it."""
        match said:
            case Delta():
                return [_line({"body": said.text, "finished": False})]
            case Meta():
                return []
            case Whole():
                body = said.text if self.repeat else said.last
                return [_line({"message_id": self.message_id, "body": body, "finished": True})]
            case Failed():
                return [_line({"error": said.message})]


@dataclass(frozen=True, slots=True)
class Messages:
    """Writes messages of the socket."""

    session_id: str
    question_id: str
    message_id: str
    """Of the reply."""

    def __call__(self, said: Said) -> list[str]:
        """Returns the messages that say it."""
        match said:
            case Delta():
                return [self._message("cp", body=said.text)]
            case Meta():
                return [self._message("cm", meta=said.entries)]
            case Whole():
                last = [self._message("cp", body=said.last)] if said.last else []
                return [*last, self._message("ca", body=said.text)]
            case Failed():
                more: dict[str, Any] = {"error": said.message}
                if said.retry_after_s is not None:
                    more |= {"error_type": "rate_limit", "retry_after": said.retry_after_s}
                return [self._message("ce", **more)]

    def _message(self, kind: str, **more: Any) -> str:
        return message(
            {
                "t": kind,
                "session_id": self.session_id,
                "message_id": self.message_id,
                "reply_to_id": self.question_id,
                "body": "",
                "error": "",
                **more,
            }
        )


def message(fields: dict[str, Any]) -> str:
    """Returns a message of the socket. Clients split it at everything that Python takes for the end of a
    line, so there is nothing in it but ASCII."""
    return json.dumps(fields, separators=(",", ":"))


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"
