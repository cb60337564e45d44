"""Asks a model on a server what it can do: one short call each, to the address that was looked up."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import zlib
from typing import Any

from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.errors import HoldfastError, ToolError
from holdfast.core.domain.own_models import Ability, OwnModel, OwnModelCheck, Tried
from holdfast.core.domain.text import sanitize, shorten
from holdfast.core.tools.web import WebFetcher, WebPage, WebRequest

TIMEOUT_S = 60.0
"""Longest wait for one answer: the server may have to load the model."""
MAX_BYTES = 1_000_000
"""Of an answer."""
ENOUGH = 256
"""Tokens of a reply: models that reason need more than the one word that they are asked for."""
_SHOWN = 500
_SEEN = ("red", "红")
_COLOUR = (220, 20, 20)
_SIDE = 64
_SCHEMA = {
    "type": "object",
    "properties": {"capital": {"type": "string"}},
    "required": ["capital"],
    "additionalProperties": False,
}


class ModelChecker:
    """Speaks OpenAI's chat completions itself, without what runs use: the connection goes to the address that
    was checked, no redirection is followed, and the answer is small."""

    def __init__(self, web: WebFetcher, *, allow_private: bool) -> None:
        self._web = web
        self._allow_private = allow_private

    async def check(self, model: OwnModel, key: str, abilities: tuple[Ability, ...]) -> OwnModelCheck:
        """Says what the model can do; what it cannot is no error, the reason stands in the result. Where the
        connection fails, nothing else is asked."""
        found = OwnModelCheck(
            url=model.url.rstrip("/"),
            model=model.model or model.name,
            connection=await self._tried(model, key, {"messages": [_user("Reply with OK.")]}),
        )
        if not found.connection.supported:
            return found
        asking = [
            self._images(model, key) if each == "images" else self._structured(model, key)
            for each in dict.fromkeys(abilities)
        ]
        answers = await asyncio.gather(*asking)
        return found.model_copy(update=dict(zip(dict.fromkeys(abilities), answers, strict=True)))

    async def _images(self, model: OwnModel, key: str) -> Tried:
        """Shows it a red square."""
        content = [
            {"type": "text", "text": "Which colour has this square? Answer with one word."},
            {"type": "image_url", "image_url": {"url": _square()}},
        ]
        said = await self._tried(model, key, {"messages": [_user(content)]})
        recognised = any(word in said.response.lower() for word in _SEEN)
        return said.model_copy(update={"supported": said.supported and recognised})

    async def _structured(self, model: OwnModel, key: str) -> Tried:
        wanted = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": _SCHEMA}}
        messages = [_user("What is the capital of France?")]
        said = await self._tried(model, key, {"messages": messages, "response_format": wanted})
        return said.model_copy(update={"supported": said.supported and _holds(said.response)})

    async def _tried(self, model: OwnModel, key: str, asked: dict[str, Any]) -> Tried:
        body = {"model": model.model or model.name, "max_tokens": ENOUGH, "stream": False, **asked}
        try:
            page = await self._sent(model, key, body)
        except HoldfastError as error:
            return Tried(supported=False, response=_plain(error.message, key))
        text = page.data.decode(errors="replace")
        reply = _reply(text) if page.status == 200 else None
        if reply is None:
            return Tried(supported=False, response=_plain(f"{page.status}: {_reason(text)}", key))
        return Tried(supported=True, response=_plain(reply, key))

    async def _sent(self, model: OwnModel, key: str, body: dict[str, Any]) -> WebPage:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        address = WebAddress.parse(f"{model.url.rstrip('/')}/chat/completions")
        request = WebRequest(address, "POST", headers, json.dumps(body).encode())
        found = await self._web.send(
            request, max_bytes=MAX_BYTES, allow_private=self._allow_private, timeout_s=TIMEOUT_S
        )
        if isinstance(found, WebAddress):
            raise ToolError(f"{address} sends elsewhere: say the address itself.", code="unreachable")
        return found


def _user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def _reply(text: str) -> str | None:
    """Returns what the model said; None for what is no answer of such an API. A reply may have no text: it
    reasoned until its tokens were used up."""
    try:
        said = json.loads(text)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None
    return said if isinstance(said, str) else ""


def _reason(text: str) -> str:
    """Returns what an error says of itself."""
    try:
        said = json.loads(text)["error"]
        said = said["message"] if isinstance(said, dict) else said
    except (ValueError, KeyError, TypeError, RecursionError):
        said = "this is not an answer of OpenAI's API"
    return str(said)


def _plain(text: str, key: str) -> str:
    """Returns what a server said, fit to be shown: without the key, which it may send back."""
    text = text.replace(key, "[redacted]") if key else text
    return shorten(sanitize(text).strip(), _SHOWN)


def _holds(text: str) -> bool:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and isinstance(said.get("capital"), str)


def _square() -> str:
    """Returns a red square as the address of a PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(_COLOUR) * _SIDE) * _SIDE
    head = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
