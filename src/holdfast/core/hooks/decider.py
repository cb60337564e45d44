"""Asks hooks of every type, each within its time; what goes wrong allows or denies, as its type says."""

from __future__ import annotations

import asyncio

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.hooks import HookCall, HookPlace, HookSpec, HookType, HookVerdict, failed
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.hooks.python_hook import PythonHooks
from holdfast.core.hooks.rules import RuleHooks
from holdfast.core.hooks.webhook_hook import WebhookHooks

WEBHOOK_S = 5.0
OTHERS_S = 10.0
"""Seconds of a hook that says nothing of it."""
_LONGEST_ERROR = 500


class Decider:
    """A `HookDecider`."""

    def __init__(self, rules: RuleHooks, webhooks: WebhookHooks, functions: PythonHooks) -> None:
        self._rules = rules
        self._webhooks = webhooks
        self._functions = functions

    async def decide(self, hook: HookSpec, call: HookCall, place: HookPlace) -> HookVerdict:
        usual = WEBHOOK_S if hook.type is HookType.WEBHOOK else OTHERS_S
        limit_s = hook.timeout_s or usual
        try:
            async with asyncio.timeout(limit_s):
                return await self._decide(hook, call, place, limit_s)
        except TimeoutError:
            return failed(hook, f"There was no answer within {limit_s:g} s.")
        except (HoldfastError, OSError) as error:
            why = error.message if isinstance(error, HoldfastError) else f"{error.strerror or error}"
            return failed(hook, shorten(sanitize_line(why), _LONGEST_ERROR))

    async def _decide(self, hook: HookSpec, call: HookCall, place: HookPlace, limit_s: float) -> HookVerdict:
        match hook.type:
            case HookType.RULE:
                return await self._rules.decide(hook, call, limit_s)
            case HookType.APPROVAL:
                return HookVerdict("ask", hook.message or f"the hook {hook.title!r} asks")
            case HookType.WEBHOOK:
                return await self._webhooks.decide(hook, call, place, limit_s)
            case HookType.PYTHON:
                return await self._functions.decide(hook, call, place, limit_s)
