"""Hooks that are webhooks: a program is asked over HTTP, and answers in time or is passed over."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from holdfast import __version__
from holdfast.core.domain.addresses import Resolver, system_resolver
from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.hooks import HookCall, HookPlace, HookSpec, HookVerdict
from holdfast.core.domain.values import utc_now
from holdfast.core.domain.webhook_formats import Message
from holdfast.core.hooks import signature
from holdfast.core.hooks.outcome import explain
from holdfast.core.hooks.sender import Certificates, HttpSender
from holdfast.core.hooks.wire import MAX_ANSWER, read_answer, told

_ADVICE = "Hooks reach such addresses only where the settings allow it (tools.allow_private_hosts)."


class WebhookHooks:
    """Asks over HTTP. No redirection is followed, and the connection goes to the address that was checked."""

    def __init__(
        self,
        secret: Callable[[str], Awaitable[str]],
        allow_private: Callable[[], bool],
        *,
        certificates: Certificates | None = None,
        resolve: Resolver = system_resolver,
    ) -> None:
        """`secret` returns what signs the requests of a user's hooks."""
        self._secret = secret
        self._allow_private = allow_private
        self._certificates = certificates or Certificates()
        self._resolve = resolve

    async def decide(self, hook: HookSpec, call: HookCall, place: HookPlace, timeout_s: float) -> HookVerdict:
        """Returns what the receiver answers. Raises `HoldfastError` when it gives no answer that counts."""
        assert hook.url is not None
        message = self._message(hook, call, await self._secret(place.owner))
        sender = HttpSender(
            self._certificates,
            resolve=self._resolve,
            timeout_s=timeout_s,
            most_body=MAX_ANSWER,
            advice=_ADVICE,
        )
        try:
            answer = await sender.send(hook.url, message, allow_private=self._allow_private())
        finally:
            await sender.close()
        if wrong := explain(answer):
            raise ToolError(wrong)
        return read_answer(answer.body, call)

    def _message(self, hook: HookSpec, call: HookCall, secret: str) -> Message:
        body = json.dumps(told(hook, call), ensure_ascii=False).encode("utf-8", "replace")
        headers = {
            **hook.headers,
            "Content-Type": "application/json",
            "User-Agent": f"holdfast/{__version__}",
            "X-Holdfast-Hook": hook.id or "",
            "X-Holdfast-Event": call.point.value,
            "X-Holdfast-Timestamp": str(int(utc_now().timestamp())),
            signature.HEADER: signature.sign(secret, body),
        }
        return Message(headers, body)
