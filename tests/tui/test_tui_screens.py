"""Pictures of every screen, small in the dark, large in the light; of the main ones the other way round, too.

Here those of a run: what waits, what it shows, and what is done from there.
"""

from __future__ import annotations

from typing import Any

import pytest
from furnished import change, question, several
from stage import SMALL, Scene, tour

pytestmark = pytest.mark.thorough

DECIDING = (
    Scene("an-approval-waits", (), "y once", whole=True),
    Scene("inbox", ("f2",), "report.md"),
    Scene("whole-approval", ("f2", "enter"), "Third quarter"),
    Scene("always-asks-again", ("f2", "a"), "policy"),
    Scene("edit-the-arguments", ("f2", "e"), "content"),
    Scene("deny-with-a-reason", ("f2", "r"), "why"),
    Scene("modes", ("/mode",), "How much may be done"),
    Scene("autonomous", ("/mode auto",), "Autonomous"),
    Scene("rules", ("/rules",), "Rules: what is allowed"),
    Scene("a-rule-before-it-is-saved", ("/rules read_file(*)", "?The rule", "enter"), "would be added"),
    Scene("history", ("/history",), "Decisions, latest first"),
)
WORKING = (
    Scene("run", ("f4",), "Write the report"),
    Scene("no-files-yet", ("f3",), "iles"),
    Scene("commands", (":/",), "/new"),
    Scene("a-command-by-its-letters", (":/mo",), "/model"),
    Scene("palette", ("ctrl+p",), "Rename the session"),
    Scene("palette-with-words", ("ctrl+p", ":theme"), "Change the theme"),
    Scene("choose-an-agent", ("ctrl+n",), "analyst"),
    Scene("choose-a-model", ("/model",), "qwen3"),
    Scene("themes", ("/theme",), "fjord"),
    Scene("help", ("f1",), "you are here"),
    Scene("find", ("ctrl+f", ":north"), "of 6"),
    Scene("outline", ("/outline",), "Where to?"),
    Scene("context", ("/context",), "sales.csv"),
    Scene("usage", ("/usage", "?2026-11-", "v"), "2026-11-"),
    Scene("limits", ("/limits",), "What may still"),
    Scene("transcript", ("f6", "end"), "report.md", whole=True),
)


@pytest.mark.parametrize("scenes", [DECIDING, WORKING], ids=["deciding", "working"])
async def test_a_run_waits(stage: Any, pictures: Any, scenes: tuple[Scene, ...]) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ask(pilot, "y once")
        await tour(scene, pilot, pictures, *scenes)


async def test_a_change_waits(stage: Any, pictures: Any) -> None:
    scene = stage(script=change)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ask(pilot, "y once")
        await tour(
            scene,
            pilot,
            pictures,
            Scene("a-change", (), "growth.py"),
            Scene("unified", ("/diff unified", "f2", "enter"), "float"),
            Scene("side-by-side", ("/diff side_by_side", "f2", "enter"), "float"),
        )


async def test_several_calls_wait(stage: Any, pictures: Any) -> None:
    scene = stage(script=several)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ask(pilot, "y once", waits=4)
        await tour(
            scene,
            pilot,
            pictures,
            Scene("alike", (), "alike"),
            Scene("batch", ("/batch",), "docs/west.md"),
            Scene("batch-without-one", ("/batch", "down", "space"), "docs/west.md"),
        )


async def test_a_question_waits(stage: Any, pictures: Any) -> None:
    scene = stage(script=question)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ask(pilot, "Which quarter")
        await tour(scene, pilot, pictures, Scene("a-question", (), "the second"))
