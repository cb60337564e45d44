"""An author: a new agent, mistakes shown at their lines, mended, saved, and the session picks it up."""

from __future__ import annotations

import pytest
from tests.journeys.person import Desk, says

from holdfast import bootstrap

pytestmark = pytest.mark.thorough

WRONG = ("version: 1", "name: clerk", "modl: {}", "tools: [read_fil]", "limits: {{ max_steps: many }}")


async def test_write_an_agent(desk: Desk) -> None:
    first = desk.script("first", says("I answer as it was written first."))
    second = desk.script("second", says("Never."), says("I answer as it is written now."))
    file = bootstrap.paths().agents / "clerk.yaml"
    async with desk.sit_down() as person:
        await person.ask("/new-agent clerk")
        await person.sees("Agent clerk", "new, your own once it is saved", "✓ no mistakes")
        await person.press("f7", "delete")
        for line in WRONG:
            await person.type(line.format(first))
            await person.press("enter")
        await person.sees("✗ the key is unknown; did you mean `model`?", "[read_fil]   ✗ there is no tool")
        await person.sees("many }   ✗ text stands here", "3 mistakes")
        await person.press("ctrl+s")
        await person.sees("✗ Not saved: 3 mistakes", "▸ 3:1 modl")
        assert not file.exists()

        await person.press(*["delete"] * 4)
        await person.type("mod")
        await person.sees("model:", "fallback_models:")  # what fits is offered
        await person.type("el")
        await person.sees("2 mistakes")
        await person.press("ctrl+l", "end", "left")
        await person.type("e")
        await person.sees("1 mistake ")
        await person.press("ctrl+l", *["delete"] * 4)
        await person.type("3")
        await person.sees("✓ no mistakes")
        await person.press("f9")
        await person.sees("clerk · ", "│ Message")
        assert f"model: {first}\n" in file.read_text()
        await person.ask("Who are you?")
        await person.sees("I answer as it was written first.")

        await person.press("alt+e")
        await person.sees("Edit which agent?")
        await person.press("enter")
        await person.sees("Agent clerk  your own", "✓ no mistakes")
        await person.press("f7", "delete")
        for line in ("version: 1", "name: clerk", f"model: {second}"):
            await person.type(line)
            await person.press("enter")
        await person.sees("● not saved", "✓ no mistakes")
        await person.press("escape")  # asks before the text is lost
        await person.sees("clerk is not saved.", "Lose it")
        await person.press("escape", "ctrl+s")
        await person.sees("clerk is saved. This session uses this version from its next run on.")
        assert f"model: {first}\n" in file.with_name("clerk.yaml.bak").read_text()
        await person.press("escape")
        await person.sees("│ Message")
        await person.ask("And now?")
        await person.sees("I answer as it is written now.")
        began = await person.events("run.started")
        assert [each.agent for each in began] == ["clerk", "clerk"]
        assert second in file.read_text()
