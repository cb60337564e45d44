"""Journeys through knowledge and memory on the fake workbench, by keys alone."""

from __future__ import annotations

from typing import Any

import pytest
from fake_knowledge import CITED, collection, entry, job, look_up
from fake_workbench import FakeRun, FakeWorkbench
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from holdfast.core.domain.errors import ErrorInfo, ErrorKind, KnowledgeUnavailable
from holdfast.core.domain.events import RetrievalCompleted
from holdfast.core.domain.jobs import JobProgress
from holdfast.core.domain.knowledge import IngestRequest, IngestResult
from holdfast.core.domain.user_events import (
    JobCompleted,
    JobProgressed,
    JobStarted,
    KnowledgeChanged,
    MemoryChanged,
)
from holdfast.tui.app import HoldfastApp
from holdfast.tui.screens.dialogs import AskScreen, ChooseScreen, ConfirmScreen, DocumentScreen
from holdfast.tui.screens.editing import TextScreen
from holdfast.tui.screens.knowledge import KnowledgeScreen
from holdfast.tui.screens.memory import MemoryScreen
from holdfast.tui.screens.reader import ReaderScreen
from holdfast.tui.widgets.lines import LinesView
from holdfast.tui.widgets.panes.rows import RowList
from holdfast.tui.widgets.strips import KeyBar

pytestmark = pytest.mark.thorough

SIZE = (120, 40)


async def cite(run: FakeRun) -> None:
    """Looks something up before the first step, and cites it."""
    look_up(run, run.message)
    await run.say("Part three says so [1], and part twenty [2].", citations=CITED)


def shown(app: HoldfastApp) -> str:
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


async def say(pilot: Pilot[Any], text: str) -> None:
    names = {" ": "space", "/": "slash"}
    for character in text:
        await pilot.press(names.get(character, character))
    await pilot.press("enter")


def is_on(app: HoldfastApp, kind: type) -> Any:
    return lambda: isinstance(app.screen, kind)


def text_of(app: HoldfastApp, selector: str) -> str:
    """Returns the lines of a view, scrolled away ones included."""
    view = app.screen.query_one(selector, LinesView)
    return "\n".join("".join(part for part, _ in one) for one in view.lines)


async def click_key(pilot: Pilot[Any], app: HoldfastApp, bar: str, label: str) -> None:
    """Clicks a key in the last line."""
    text = app.screen.query_one(bar, KeyBar).render().plain
    padding = app.screen.query_one(bar).styles.padding.left
    await pilot.click(bar, offset=(text.index(label) + padding, 0))


async def open_knowledge(pilot: Pilot[Any], app: HoldfastApp, until: Any) -> None:
    await until(pilot, lambda: app.model.header.engine == "ready")
    await say(pilot, "/knowledge")
    await until(pilot, is_on(app, KnowledgeScreen))
    await until(pilot, lambda: app.model.knowledge.documents is not None)


async def test_from_a_citation_to_its_passage(make_app, until) -> None:
    app = make_app(FakeWorkbench([cite]))
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "what does it say")
        await until(pilot, lambda: "Sources  [1] guide/setup.md:11–14" in shown(app))
        assert "▸ searched docs · 2 passages, 1 dropped · 12 ms" in shown(app)
        await pilot.press("f5")
        await until(pilot, lambda: app.main.place == "knowledge" and "docs  ready" in shown(app))
        assert "dropped · meaning 5" in shown(app)
        await pilot.press("down", "enter")
        await until(pilot, is_on(app, ReaderScreen))
        await until(pilot, lambda: "▌ ## Part 20" in shown(app))
        assert "▌ ## Part 21" not in text_of(app, "#reader-text")
        await until(pilot, lambda: len(app.screen.query_one("#reader-chunks", RowList)._rows) >= 20)
        await pilot.press("n")
        await until(pilot, lambda: "▌ ## Part 21" in shown(app))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.main.place == "composer")
        await say(pilot, "/sources 1")
        await until(pilot, lambda: isinstance(app.screen, ReaderScreen) and "▌ ## Part 3" in shown(app))


async def test_a_passage_of_a_document_that_is_gone_is_shown_as_it_was_found(make_app, until) -> None:
    bench = FakeWorkbench([cite])
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: "Sources" in shown(app))
        bench.knowledge.by_id.clear()
        await pilot.press("f6", "2")
        await until(pilot, is_on(app, DocumentScreen))
        await until(pilot, lambda: "no longer in its collection" in shown(app) and "## Part 20" in shown(app))


async def test_knowledge_that_cannot_be_reached_is_said_and_the_session_goes_on(make_app, until) -> None:
    async def fail(run: FakeRun) -> None:
        error = ErrorInfo(kind=ErrorKind.UNAVAILABLE, code="x", message="the index is gone")
        run.emit(RetrievalCompleted, query="q", error=error)
        await run.say("I go on without it.")

    bench = FakeWorkbench([fail])
    bench.knowledge.error = KnowledgeUnavailable("The index is gone.")
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await say(pilot, "go")
        await until(pilot, lambda: "⚠ knowledge: the index" in shown(app))
        await until(pilot, lambda: "I go on without it." in shown(app))
        await say(pilot, "/knowledge")
        await until(pilot, is_on(app, KnowledgeScreen))
        await until(pilot, lambda: "The index is gone." in shown(app))


async def test_documents_are_filtered_searched_and_opened(make_app, until) -> None:
    bench = FakeWorkbench()
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await open_knowledge(pilot, app, until)
        await until(pilot, lambda: "Notes on everything" in shown(app) and "ready" in shown(app))
        await pilot.press("enter", "slash", *"notes")
        await until(pilot, lambda: len(app.model.knowledge.documents) == 1)
        assert is_on(app, KnowledgeScreen)(), "letters in the field are no commands"
        await pilot.press("escape")
        await click_key(pilot, app, "#k-keys", "search")
        await pilot.press(*"part", "enter")
        await until(pilot, lambda: app.model.knowledge.results)
        assert bench.knowledge.calls[-1] == ("search", "part", "docs-id", "hybrid")
        await until(pilot, lambda: "1. guide/setup.md:31–34" in shown(app) and "meaning 7" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ReaderScreen) and "▌ ## Part 7" in shown(app))
        await until(pilot, lambda: app.screen.query_one("#reader-chunks", RowList)._rows)
        await click_key(pilot, app, "#reader-keys", "next passage")
        await until(pilot, lambda: "▌ ## Part 8" in shown(app))
        await click_key(pilot, app, "#reader-keys", "close")
        await until(pilot, is_on(app, KnowledgeScreen))
        await pilot.press("m")
        await until(pilot, is_on(app, ChooseScreen))
        await pilot.press(*"lex", "enter")
        await until(pilot, lambda: bench.knowledge.calls[-1] == ("search", "part", "docs-id", "lexical"))


async def test_a_collection_is_made_filled_watched_and_deleted(make_app, until, tmp_path) -> None:
    bench = FakeWorkbench()
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await open_knowledge(pilot, app, until)
        await pilot.press("n")
        await until(pilot, is_on(app, AskScreen))
        await say(pilot, "left")
        await until(pilot, lambda: "What is left about?" in shown(app))
        await pilot.press("escape")
        await until(pilot, is_on(app, KnowledgeScreen))
        await pilot.press("n")
        for answer in ("new", "about", "handbook"):
            await until(pilot, is_on(app, AskScreen))
            screen = app.screen
            await say(pilot, answer)
            await until(pilot, lambda screen=screen: app.screen is not screen)
        await until(pilot, lambda: app.model.knowledge.jobs.running)
        made = ("add", "new-id", (str(tmp_path / "handbook"),), ())
        assert made in bench.knowledge.calls
        created = [call for call in bench.knowledge.calls if call[0] == "create"]
        assert created == [("create", "new", "about")], "one that is left at a question is not made"
        await until(pilot, lambda: "indexing 34 %" in shown(app))
        await until(pilot, lambda: app.screen.query_one("#k-collections", RowList).current == "new-id")
        await pilot.press("up", "up")
        await until(pilot, lambda: app.model.knowledge.chosen == "docs-id")
        await pilot.press("w")
        await until(pilot, lambda: ("watch", "docs-id", "/work/guide", True) in bench.knowledge.calls)
        await pilot.press("d")
        await until(pilot, is_on(app, ConfirmScreen))
        await pilot.press("escape")
        await until(pilot, is_on(app, KnowledgeScreen))
        assert not [c for c in bench.knowledge.calls if c[0] == "delete"], "nothing without a word"
        await pilot.press("d")
        await until(pilot, is_on(app, ConfirmScreen))
        app.guard.seconds = 0
        await pilot.press("y")
        await until(pilot, lambda: ("delete", "docs-id") in bench.knowledge.calls)
        await until(pilot, lambda: app.model.knowledge.chosen == "empty-id")
        await pilot.press("u")
        await until(pilot, lambda: "docs-id" in [one.id for one in app.model.knowledge.collections])


async def test_a_job_of_another_client_is_followed_live(make_app, until) -> None:
    bench = FakeWorkbench()
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.model.header.engine == "ready")
        assert not app.model.knowledge.collections, "nobody has looked yet"
        request = IngestRequest(collection_id="docs-id")
        known = {"kind": "ingest", "title": "Take in", "collection_id": "docs-id", "request": request}
        bench.jobs.jobs = [job("j", title="Take in", progress=JobProgress())]
        bench.emit(JobStarted(job_id="j", **known))
        error = ErrorInfo(kind=ErrorKind.INVALID, code="x", message="it is locked")
        failed = IngestResult(source="a", name="a.pdf", status="failed", error=error)
        progress = JobProgress(done=1, total=4, failed=1, bytes_done=50, bytes_total=100)
        await until(pilot, lambda: app.model.knowledge.collections)
        bench.emit(JobProgressed(job_id="j", progress=progress, results=(failed,)))
        await until(pilot, lambda: "indexing docs 50 %" in shown(app))
        assert app.model.sessions.loaded and not app.model.session_id
        await say(pilot, "/knowledge")
        await until(pilot, is_on(app, KnowledgeScreen))
        await pilot.press("j")
        bench.emit(JobProgressed(job_id="j", progress=progress, results=(failed,)))
        await until(pilot, lambda: "it is locked" in shown(app))
        await pilot.press("c")
        await until(pilot, lambda: bench.jobs.calls == [("cancel", "j")])
        await pilot.press("r")
        await until(pilot, lambda: bench.jobs.calls[-1] == ("retry", "j"))
        bench.knowledge.collections.append(collection("another"))
        bench.emit(KnowledgeChanged(collection_id="another-id", name="another", change="created"))
        await until(pilot, lambda: "another" in shown(app))
        assert app.model.header.indexing
        bench.jobs.jobs = []
        bench.emit(JobCompleted(job_id="again", progress=JobProgress(done=4, total=4)))
        await until(pilot, lambda: not app.model.header.indexing)


async def test_a_block_that_was_changed_meanwhile_is_not_written_over_unseen(make_app, until) -> None:
    bench = FakeWorkbench()
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.model.header.engine == "ready")
        await say(pilot, "/memory")
        await until(pilot, lambda: isinstance(app.screen, MemoryScreen) and "We use tabs." in shown(app))
        assert "default for agent" in shown(app)
        await pilot.press("enter")
        await until(pilot, is_on(app, TextScreen))
        await pilot.press("exclamation_mark")
        changed = bench.memory.blocks_by_id["project-id"].model_copy(update={"content": "We use spaces."})
        bench.memory.blocks_by_id["project-id"] = changed
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "It was changed meanwhile" in shown(app))
        assert bench.memory.calls == []
        assert app.screen.query_one(TextArea).text == "We use tabs.!"
        await pilot.press("ctrl+s")
        await until(
            pilot,
            lambda: bench.memory.calls == [("update_block", "project-id", {"content": "We use tabs.!"})],
        )
        await until(pilot, lambda: isinstance(app.screen, MemoryScreen) and "We use tabs.!" in shown(app))
        await pilot.press("o")
        await until(pilot, is_on(app, ChooseScreen))
        await pilot.press(*"model is to", "enter")
        await until(pilot, is_on(app, AskScreen))
        await pilot.press("escape")
        await until(pilot, is_on(app, MemoryScreen))
        await pilot.pause()
        assert len(bench.memory.calls) == 1, "instructions that were looked at are not taken away"


async def test_entries_are_searched_pinned_forgotten_and_brought_back(make_app, until) -> None:
    bench = FakeWorkbench()
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.model.header.engine == "ready")
        await say(pilot, "/memory")
        await until(pilot, lambda: isinstance(app.screen, MemoryScreen) and app.model.memory.entries)
        await pilot.press("right", "p")
        await until(pilot, lambda: bench.memory.entries_by_id["e1"].pinned and "◆ The build" in shown(app))
        bench.memory.entries_by_id["e2"] = entry("e2", "Deploys happen on Mondays.")
        bench.emit(MemoryChanged(kind="entry", object_id="e2", change="created", by="agent"))
        await until(pilot, lambda: "Deploys happen" in shown(app))
        await pilot.press("slash", *"Mon")
        await until(pilot, lambda: [e.id for e in app.model.memory.entries] == ["e2"])
        await pilot.press("enter", "d")
        await until(pilot, lambda: "e2" not in bench.memory.entries_by_id)
        await pilot.press("ctrl+z")
        await until(pilot, lambda: "e2" in bench.memory.entries_by_id)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main)
        await say(pilot, "/memory")
        await until(pilot, is_on(app, MemoryScreen))
        await until(pilot, lambda: app.screen.query_one(Input).value == "Mon")
