"""Hooks that are rules: the first whose condition holds decides."""

from __future__ import annotations

from functools import lru_cache

from holdfast.core.domain.conditions import Condition
from holdfast.core.domain.hooks import HookCall, HookRule, HookSpec, HookVerdict
from holdfast.core.hooks.expressions import Expressions
from holdfast.core.hooks.fields import changeable, values_of, with_texts

_condition = lru_cache(maxsize=1_000)(Condition.parse)
"""Rules are asked again and again; the texts of their conditions are short."""


class RuleHooks:
    """Decides by rules. Raises what `Expressions` does."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions

    async def decide(self, hook: HookSpec, call: HookCall, timeout_s: float) -> HookVerdict:
        """Returns what the first rule says whose condition holds; where none does, the call is allowed."""
        for rule in hook.rules:
            if await self._holds(rule, call, timeout_s):
                return await self._verdict(hook, rule, call, timeout_s)
        return HookVerdict()

    async def _holds(self, rule: HookRule, call: HookCall, timeout_s: float) -> bool:
        if not rule.when:
            return True
        condition = _condition(rule.when)
        values = values_of(call, condition.field)
        if condition.operator != "MATCHES":
            return condition.holds(values)
        found = any(await self._expressions.found(condition.values[0], values, timeout_s))
        return found != condition.negated

    async def _verdict(self, hook: HookSpec, rule: HookRule, call: HookCall, timeout_s: float) -> HookVerdict:
        if rule.action == "allow":
            return HookVerdict(reason=rule.reason)
        if rule.action == "deny":
            return HookVerdict("deny", rule.reason or f"by the hook {hook.title!r}")
        if rule.set:
            return HookVerdict("modify", rule.reason, data={**call.data, **rule.set})
        before = changeable(call)
        after = await self._expressions.replaced(rule.replace, rule.replacement, before, timeout_s)
        if list(before) == after:
            return HookVerdict()
        data, output = with_texts(call, after)
        return HookVerdict("modify", rule.reason, data=data, output=output)
