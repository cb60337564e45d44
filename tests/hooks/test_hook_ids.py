"""Hooks that are kept apart where files give them the same id."""

from __future__ import annotations

from holdfast.core.domain.hooks import HookRule, HookSpec
from holdfast.core.domain.values import new_id
from holdfast.core.hooks.ids import apart


def rule(id: str, action: str) -> HookSpec:
    return HookSpec(id=id, point="before_tool", type="rule", rules=(HookRule(action=action),))


def test_a_hook_whose_id_is_taken_gets_another_and_always_the_same() -> None:
    own, other = rule(new_id(), "deny"), rule(new_id(), "allow")
    taking = other.model_copy(update={"id": own.id, "enabled": False})
    (first, second) = apart((own,), (taking, other))
    assert second == other
    assert first.id not in (own.id, other.id)
    assert first == taking.model_copy(update={"id": first.id})
    assert apart((own,), (taking, other)) == (first, second)


def test_what_is_handed_down_stays_when_a_sub_agent_has_a_hook_of_its_id() -> None:
    handed = rule(new_id(), "deny")
    off = handed.model_copy(update={"enabled": False})
    found = apart((), (handed, off))
    assert found[0] == handed
    assert len({each.id for each in found}) == 2


def test_an_agent_that_gives_work_to_itself_has_its_hooks_once() -> None:
    own, agents = rule(new_id(), "deny"), rule(new_id(), "allow")
    taking = agents.model_copy(update={"id": own.id})
    above = apart((own,), (agents, taking))
    assert apart((own,), (*above, agents, taking)) == above
