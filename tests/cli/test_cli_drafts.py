"""`holdfast agents share`, `draft` and `improve-prompt`: what is asked, and what is printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench

from holdfast.core.domain.agents import AgentInfo, AgentShare, Layer
from holdfast.core.domain.drafts import AgentDraft, PromptDraft, PromptFindings, PromptSections

Cli = Callable[..., Any]


class Asked:
    """Keeps what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.by = "model"

    async def share(self, name: str, users: tuple[str, ...]) -> tuple[AgentShare, ...]:
        self.calls.append(("share", name, users))
        return tuple(AgentShare(user_id=f"id-{user}", name=user) for user in users)

    async def shared_with(self, name: str) -> tuple[AgentShare, ...]:
        self.calls.append(("shared_with", name))
        return (AgentShare(user_id="id-eve", name="eve"),)

    async def agent(self, description: str, tools: Any, language: str) -> AgentDraft:
        self.calls.append(("agent", description, tools, language))
        return AgentDraft(
            display_name="Hotel finder",
            description="Finds hotels.",
            instructions="You find hotels.",
            tools=("web_search",),
            by=self.by,  # type: ignore[arg-type]
            model="gpt-4o" if self.by == "model" else "",
        )

    async def prompt(self, text: str, goal: str, language: str) -> PromptDraft:
        self.calls.append(("prompt", text, goal, language))
        return PromptDraft(
            text="## Role",
            sections=PromptSections(),
            findings=PromptFindings(),
            original_length=1,
            by=self.by,  # type: ignore[arg-type]
        )

    async def compose(self, values: dict[str, Any]) -> AgentInfo:
        self.calls.append(("compose", values))
        return AgentInfo(id="i", name="hotel-finder", layer=Layer.USER, path="/a.yaml")

    async def list(self, project: str | None = None) -> tuple[AgentInfo, ...]:
        shared = {"layer": Layer.SHARED, "path": "", "trusted": False, "owner_name": "ann"}
        return (AgentInfo(id="i", name="shared-1", display_name="Clerk", **shared),)


@pytest.fixture
def asked(fake: FakeDoors) -> Asked:
    found = Asked()

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench()
        workbench.agents = workbench.drafts = found  # type: ignore[assignment,attr-defined]
        return workbench

    fake.build = build
    return found


def test_an_agent_is_shared_shown_and_taken_back(cli: Cli, asked: Asked) -> None:
    shared = cli("agents", "share", "clerk", "ann", "bob")
    assert "ann" in shared.out and "id-bob" in shared.out
    assert "id-eve" in cli("agents", "share", "clerk").out
    assert "is shared with nobody" in cli("agents", "share", "clerk", "--nobody").out
    assert asked.calls == [
        ("share", "clerk", ("ann", "bob")),
        ("shared_with", "clerk"),
        ("share", "clerk", ()),
    ]
    assert "shared by ann" in cli("agents", "list").out


def test_a_draft_is_shown_and_kept_where_that_is_wanted(cli: Cli, asked: Asked) -> None:
    shown = cli("agents", "draft", "Finds hotels", "--tool", "web_search", "--language", "de").out
    assert "the model gpt-4o" in shown and "nothing is kept" in shown
    assert asked.calls == [("agent", "Finds hotels", ("web_search",), "de")]
    asked.by = "template"
    kept = cli("agents", "draft", "Finds hotels", "--keep").out
    assert "no model was asked" in kept and "made hotel-finder" in kept
    assert asked.calls[-1] == (
        "compose",
        {
            "display_name": "Hotel finder",
            "description": "Finds hotels.",
            "instructions": "You find hotels.",
            "tools": ["web_search"],
        },
    )
    assert json.loads(cli("agents", "draft", "Finds hotels", "--json").out)["by"] == "template"


def test_a_prompt_is_improved(cli: Cli, asked: Asked, tmp_path: Path) -> None:
    file = tmp_path / "prompt.md"
    file.write_text("be clerk")
    assert cli("agents", "improve-prompt", str(file), "--goal", "short").out == "## Role\n"
    assert asked.calls == [("prompt", "be clerk", "short", "en")]
    asked.by = "template"
    assert "No model was asked" in cli("agents", "improve-prompt", str(file)).err
