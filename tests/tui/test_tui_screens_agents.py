"""Pictures of the screens about agents, models and who may use them: one agent as a form, the playground,
models with prices, keys and agreements."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fake_workbench import NOON, FakeWorkbench, spec
from stage import SMALL, Scene, tour

from holdfast.core.domain.agents import Layer, ToolAssignment
from holdfast.core.domain.events import (
    LoggedEvent,
    PartCompleted,
    PartStarted,
    RunCompleted,
    RunStarted,
    UsageRecorded,
)
from holdfast.core.domain.identity import LOCAL, Credential, Scope
from holdfast.core.domain.plans import CREDIT_TIERS, PRICES, CreditState, ModelPrice, PlanTerms
from holdfast.core.domain.scripts import ScriptSpec
from holdfast.tui.presenters.playground.played import Played
from holdfast.tui.presenters.playground.state import PlaygroundState, PlayMessage

pytestmark = pytest.mark.thorough

SCRIPT = """initial_response = query("gpt-4o", conversation)
follow_up = add("user", "Explain your reasoning for that", conversation)
final_response = query("gpt-4", conversation)
"""
SCENES = (
    Scene("playground", ("/playground clerk", "?Paris"), "✓ done"),
    Scene("playground-code", ("/playground clerk", "?Paris", "right", "right", "a", "l"), "requests.post"),
    Scene("agent-details", ("/details clerk", "?us-east-1", "down", "down"), "query("),
    Scene("models", ("/models", "?offline", "right", "right"), "Tier 5"),
    Scene("support", ("/models", "?offline", "right", "right", "right", "down", "down"), "switches them"),
    Scene("keys", ("/keys", "?build server"), "never used"),
    Scene("agreements", ("/agreements",), "All of it."),
)


def furnish_agents(bench: FakeWorkbench) -> None:
    """Gives the workbench an agent with a plan, keys and prices."""
    clerk = spec(
        "clerk", layer=Layer.USER, description="Answers questions about orders.", plan="dedicated",
        region="us-east-1", script=ScriptSpec(code=SCRIPT), instructions="Be brief.",
        ext={"genlabs": {"key": "k1", "stream": True}},
    )  # fmt: skip
    tools = (ToolAssignment(tool="read_file"), ToolAssignment(tool="find_order"))
    assert clerk.spec is not None
    bench.agent_infos.append(
        clerk.model_copy(update={"spec": clerk.spec.model_copy(update={"tools": tools})})
    )
    prices = tuple(
        ModelPrice(model=name, decentralized=each.hundred_queries, input=each.input_million,
                   output=each.output_million)
        for name, each in PRICES.items()
    )  # fmt: skip

    async def plans() -> PlanTerms:
        return PlanTerms(counted=True, regions=("us-east-1", "eu-west-1"), prices=prices)

    async def credits() -> CreditState:
        return CreditState(user=LOCAL, counted=True, balance=2488.5, spent=11.5, tier=CREDIT_TIERS[0])

    async def keys() -> tuple[Credential, ...]:
        return (
            _key("k1", "build server", Scope.ADMIN, last_used_at=NOON - timedelta(hours=2)),
            _key("k2", "notebook", Scope.CHAT, expires_at=NOON + timedelta(days=20)),
            _key("k3", "old laptop", Scope.READ, revoked_at=NOON - timedelta(days=1)),
        )

    bench.usage.plans, bench.usage.credits = plans, credits
    bench.keys.list = keys  # type: ignore[method-assign]


def _key(id: str, name: str, scope: Scope, **more: Any) -> Credential:
    return Credential(id=id, kind="key", user_id=LOCAL, name=name, scope=scope, last_four="x9Qe",
                      created_at=NOON - timedelta(days=3), **more)  # fmt: skip


def build_conversation(state: PlaygroundState) -> None:
    """Gives the playground a conversation that was run."""
    state.agent, state.agent_id = "clerk", "clerk-id"
    state.messages = [
        PlayMessage("system", "You answer in one sentence."),
        PlayMessage("user", "What is the capital of France,\nand since when?"),
    ]
    ids: Any = {"session_id": "s1", "run_id": "r1", "at": NOON}
    reply = "It is **Paris**, with breaks, since 987."
    made = (
        RunStarted(**ids, agent="clerk", model="openai/gpt-4o"),
        PartStarted(**ids, part_id="p1", kind="text"),
        PartCompleted(**ids, part_id="p1", kind="text", text=reply),
        UsageRecorded(**ids, model="openai/gpt-4o", input_tokens=31, output_tokens=12, cost_usd=0.0002,
                      estimated=False),
        RunCompleted(**(ids | {"at": NOON + timedelta(seconds=1.4)})),
    )  # fmt: skip
    state.played = Played("s1", "r1")
    for number, event in enumerate(made):
        state.played.apply(LoggedEvent(id=number + 1, event=event))


async def test_agents_and_who_may_use_them(stage: Any, pictures: Any) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        furnish_agents(scene.bench)
        build_conversation(scene.app.model.playground)
        await tour(scene, pilot, pictures, *SCENES)
