"""Pictures of the screens of sessions, files and knowledge."""

from __future__ import annotations

from typing import Any

import pytest
from furnished import cite
from stage import SMALL, Scene, tour

pytestmark = pytest.mark.thorough

KEEPING = (
    Scene("sessions", ("ctrl+o",), "Figures of the", whole=True),
    Scene("sessions-marked", ("ctrl+o", "down", "space", "down", "space"), "2 marked"),
    Scene("sessions-archived", ("ctrl+o", "/archived"), "Minutes of"),
    Scene("sessions-of-all", ("ctrl+o", "/archived"), "Old notes"),
    Scene("sessions-as-a-tree", ("/archived", "/group tree", "ctrl+o"), "Why the build"),
    Scene("sessions-by-project", ("/group project", "ctrl+o"), "Why the build"),
    Scene("search-all", ("/search holdfast", "?What is a"), "Old notes"),
    Scene("search-all-nothing", ("/search nowhere",), "nowhere"),
    Scene("rename", ("/rename",), "Old notes"),
    Scene("import", ("/import",), "File with"),
    Scene("deleted", ("/group date", "/delete"), "brings it back"),
    Scene("trash", ("/trash",), "Old notes"),
    Scene("sessions-searched", ("ctrl+o", "slash", ":build"), "Why the build"),
    Scene("sessions-none-found", ("ctrl+o", "slash", ":x"), "Nothing is found"),
)


async def test_sessions(stage: Any, pictures: Any) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL, notifications=True) as pilot:
        await scene.ready(pilot)
        await scene.go(pilot, "/open Old notes", "?You said")
        await tour(scene, pilot, pictures, *KEEPING)


FILES = (
    Scene("files", ("f3",), "sales.csv"),
    Scene("a-table", ("f3", "home", "enter"), "north"),
    Scene("a-chart", ("f3", "home", "enter", "v"), "region"),
    Scene("a-document", ("f3", "home", "down", "enter"), "Notes"),
    Scene("a-text", ("f3", "home", "down", "down", "enter"), "def growth"),
    Scene("an-image", ("f3", "end", "enter"), "sun.png"),
)


async def test_files(stage: Any, pictures: Any) -> None:
    scene = stage()
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ready(pilot)
        await scene.go(pilot, "/open Old notes", "?You said")
        await tour(scene, pilot, pictures, *FILES)


KNOWLEDGE = (
    Scene("citations", (), "says so"),
    Scene("what-an-answer-was-made-from", ("f5",), "guide/setup.md"),
    Scene("reader", ("f5", "home", "enter"), "Part 3"),
    Scene("collections", ("/knowledge",), "guide/setup.md"),
    Scene("search-in-knowledge", ("/knowledge", "?setup", "s", ":hinges", "enter"), "Part 7"),
    Scene("jobs", ("/knowledge", "?setup", "j"), "broken.pdf"),
    Scene("new-collection", ("/collect",), "ollection"),
    Scene("memory-blocks", ("/memory",), "style"),
    Scene("memory-entries", ("/memory", "?style", "right"), "two minutes"),
    Scene("memory-edit", ("/memory", "?style", "enter"), "tabs"),
)


async def test_knowledge(stage: Any, pictures: Any) -> None:
    scene = stage(script=cite)
    async with scene.app.run_test(size=SMALL) as pilot:
        await scene.ask(pilot, "says so", waits=1)
        await tour(scene, pilot, pictures, *KNOWLEDGE)
