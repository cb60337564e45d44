"""The app on an engine elsewhere, with keys that may do less, and beside a second app on the same engine."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_workbench import FakeRun, FakeWorkbench, new_file, settings
from textual.pilot import Pilot

from holdfast.core.config.settings import TuiSettings
from holdfast.core.domain.approvals import ApprovalStatus, Decision
from holdfast.core.domain.errors import ConflictError, UnauthenticatedError, UnavailableError
from holdfast.core.domain.events import SessionCleared, SessionDeleted
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.messages import TextPart, text_of
from holdfast.tui.app import HoldfastApp
from holdfast.tui.control import base
from holdfast.tui.screens.dialogs import ArgumentsScreen
from holdfast.tui.start import Remote

pytestmark = pytest.mark.thorough

SIZE = (120, 40)
URL = "https://bench.example.org:8700"


def remote(project: str = "", is_open: bool = False, **more: Any) -> Remote:
    engine = SimpleNamespace(url=URL, place="bench.example.org:8700", is_open=is_open)
    return Remote(engine, project, **more)


def shown(app: HoldfastApp) -> str:
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


def texts(app: HoldfastApp) -> list[str]:
    return [entry.text for entry in app.main.panes.entries._entries.values()]


def said(app: HoldfastApp) -> list[str]:
    return [str(notification.message) for notification in app._notifications]


def ready(app: HoldfastApp) -> Callable[[], bool]:
    return lambda: app.model.header.engine == "ready" and app.model.agent != ""


async def type_in(pilot: Pilot[Any], text: str) -> None:
    pilot.app.main.box.area.insert(text)
    await pilot.press("enter")


async def write(job: FakeRun) -> None:
    arguments, preview = new_file("report.md", "# Report\n")
    await job.call("write_file", arguments, "report.md", preview)
    await job.say("It is written.")


async def ask(job: FakeRun) -> None:
    await job.say("I hear: " + await job.ask("Which colour?", ("red", "blue")))


async def test_sessions_agents_and_settings_are_those_over_there(make_app, until, tmp_path: Path) -> None:
    bench = FakeWorkbench()
    bench.settings = settings(tui={"key_guard_s": 5, "theme": "theirs"})
    app = make_app(bench, remote=remote(settings=lambda: TuiSettings(key_guard_s=0.25)))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, ready(app))
        await until(pilot, lambda: "bench.example.org:8700 ●" in shown(app))
        assert app.guard.seconds == 0.25, "how the app behaves is this machine's own matter"
        assert app.theming.state.theme == "auto"
        await type_in(pilot, "/new analyst")
        await until(pilot, lambda: app.model.agent == "analyst")
        await type_in(pilot, "hello")
        await until(pilot, lambda: bench.sent)
        (session,) = bench.sessions_by_id.values()
        assert (session.project, session.agent) == ("", "analyst")
    remembered = json.loads((tmp_path / "state" / "tui.json").read_text())
    assert (remembered["agent"], remembered["agents"]) == ("", {URL: "analyst"})


async def test_a_connection_that_others_can_read_is_marked(make_app, until) -> None:
    app = make_app(FakeWorkbench(), remote=remote(is_open=True))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "● not encrypted" in shown(app))


async def test_a_file_of_this_machine_is_sent_along_and_one_over_there_is_not(
    make_app, until, tmp_path: Path
) -> None:
    for name in ("mine.txt", "notes.md"):
        (tmp_path / name).write_text(f"{name} from here")
    bench = FakeWorkbench()
    app = make_app(bench, remote=remote())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, ready(app))
        await pilot.press("at", "full_stop", "slash", "m")
        await until(pilot, lambda: "@./mine.txt" in shown(app))
        await pilot.press("enter")
        await type_in(pilot, "and @notes.md and @./notes.md")
        await until(pilot, lambda: bench.sent)
        assert bench.received == {"mine.txt": b"mine.txt from here", "notes.md": b"notes.md from here"}
        assert bench.attached == ["notes.md"], "a name that is known over there is meant there"
        assert bench.sent[0][0].text == "@mine.txt and @notes.md and @notes.md", "paths from here stay here"
        bench.project_files = ()
        await type_in(pilot, "@mine.txt again")
        await until(pilot, lambda: len(bench.sent) == 2)
        assert [part.type for part in bench.sent[1]] == ["text", "file"]
        assert any("is sent along from this machine" in one for one in said(app))


async def test_in_a_browser_nothing_of_this_machine_is_shown_or_sent(make_app, until, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("not theirs")
    bench = FakeWorkbench()
    bench.project_files = ()
    app = make_app(bench, remote=remote(at_hand=False))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, ready(app))
        assert await app.desk.files.complete(f"{tmp_path}/m") == ()
        await type_in(pilot, f"read @{tmp_path}/mine.txt and @mine.txt")
        await until(pilot, lambda: bench.sent)
        assert not bench.received
        assert [part.type for part in bench.sent[0]] == ["text"]
        app.do("edit", "report.md")
        await until(pilot, lambda: any("no editor in a browser" in each for each in said(app)))


async def test_a_file_is_edited_as_a_copy_and_what_was_changed_goes_back(
    make_app, until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bench = FakeWorkbench()
    session = bench.add_session("Notes")
    bench.put_file(session.id, "a/report.md", "old")
    app = make_app(bench, session=session.id, remote=remote())
    copies: list[Path] = []

    def editor(write: str, meanwhile: str = "") -> Callable[[list[str]], str]:
        def edit(command: list[str]) -> str:
            copy = Path(command[-1])
            copies.append(copy)
            assert copy.parent.stat().st_mode & 0o077 == 0
            if meanwhile:
                bench.put_file(session.id, "a/report.md", meanwhile)
            copy.write_text(write)
            return ""

        return edit

    def content() -> str:
        return bench.contents[session.id, "a/report.md"].text

    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: ready(app)() and app.model.session_id and app.dialogs)
        app.dialogs.run_aside = editor("new")
        app.do("edit", "a/report.md")
        await until(pilot, lambda: content() == "new")
        await until(pilot, lambda: any("was changed at bench.example.org" in one for one in said(app)))
        app.dialogs.run_aside = editor("mine", meanwhile="theirs")
        app.do("edit", "a/report.md")
        await until(pilot, lambda: any("Your version is kept in" in one for one in said(app)))
        assert content() == "theirs"
        assert [copy.exists() for copy in copies] == [False, True]
        assert copies[1].read_text() == "mine"


async def test_a_key_that_may_only_look_shows_everything_and_sends_nothing(make_app, until) -> None:
    bench = FakeWorkbench()
    bench.principal = Principal(user_id="u", name="ann", role=Role.USER, scope=Scope.READ)
    session = bench.add_session("Notes")
    await bench.play(session.id, "What is there?")
    made = len(bench.sessions_by_id)
    app = make_app(bench, remote=remote())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "● read only" in shown(app))
        await until(pilot, lambda: "This key may look, but not send" in shown(app))
        await type_in(pilot, "hello @notes.md")
        await until(pilot, lambda: any("its scope is `read`" in one for one in said(app)))
        assert app.main.box.area.text == "hello @notes.md"
        app.do("open", session.id)
        await until(pilot, lambda: "What is there?" in shown(app))
        assert (bench.sent, len(bench.sessions_by_id)) == ([], made)


async def test_a_key_that_may_only_work_decides_but_makes_no_rule_that_stays(make_app, until) -> None:
    bench = FakeWorkbench([write])
    bench.principal = Principal(user_id="u", name="ann", role=Role.USER, scope=Scope.CHAT)
    app = make_app(bench, remote=remote())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, ready(app))
        await type_in(pilot, "write it")
        await until(pilot, lambda: "s session e edit" in " ".join(shown(app).split()))
        assert "a always" not in shown(app)
        await pilot.press("a", "a")
        await until(pilot, lambda: any("needs a key of scope `admin`" in one for one in said(app)))
        assert app.model.confirming is None and bench.decisions == {}
        await pilot.press("s")
        await until(pilot, lambda: "It is written." in shown(app))


async def test_what_is_not_answered_stays_in_sight(make_app, until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "SLOW_S", 0.05)
    bench, held = FakeWorkbench(), asyncio.Event()
    send = bench.runs.send

    async def hold(*args: Any) -> Any:
        await held.wait()
        return await send(*args)

    bench.runs.send = hold
    app = make_app(bench, remote=remote())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, ready(app))
        await type_in(pilot, "first")
        await type_in(pilot, "second")
        await until(pilot, lambda: "sending  first" in shown(app) and "sending  second" in shown(app))
        await until(pilot, lambda: "bench.example.org:8700 no answer yet ○" in shown(app))
        assert "takes it back" not in shown(app), "nobody knows whether it is taken already"
        held.set()
        await until(pilot, lambda: len(bench.sent) == 2 and not app.model.sending)
        await until(pilot, lambda: "bench.example.org:8700 ●" in shown(app))


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_message_that_is_lost_on_the_way_is_sent_again_and_taken_once(
    make_app, until, arrived: bool
) -> None:
    bench = FakeWorkbench()
    send, ids = bench.runs.send, []

    async def lose(session_id: str, parts: Any, options: Any, message_id: str) -> Any:
        ids.append(message_id)
        if ids.count(message_id) == 1 and len(ids) <= 2:
            if arrived:
                await send(session_id, parts, options, message_id)
            bench.lose()
            raise UnavailableError("went away before it answered", code="engine_lost")
        if arrived and message_id in ids[:2]:
            raise ConflictError("The session has it already.", code="message_exists")
        return await send(session_id, parts, options, message_id)

    bench.runs.send = lose
    app = make_app(bench, remote=remote())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, ready(app))
        await type_in(pilot, "first")
        await until(pilot, lambda: "waits for the engine  first" in shown(app))
        app.main.box.area.insert("a draft that was begun meanwhile")
        bench.lost = False
        await until(pilot, lambda: len(ids) == 2 and len(bench.sent) == 1 and not app.model.outbox)
        await until(pilot, ready(app))
        assert [text_of(parts) for parts in bench.sent] == ["first"]
        assert ids == [ids[0]] * 2
        assert app.main.box.area.text == "a draft that was begun meanwhile"
        assert not any("already" in message for message in said(app))


async def test_the_newest_session_is_under_the_cursor_while_none_is_open(make_app, until) -> None:
    bench = FakeWorkbench()
    old = bench.add_session("Old")
    app = make_app(bench, remote=remote())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.main.panes and app.main.panes.sessions.chosen == old.id)
        new = bench.add_session("New")
        bench.start(new.id, (TextPart(text="from elsewhere"),), "m1")
        await until(pilot, lambda: app.main.panes.sessions.chosen == new.id)


async def test_a_refused_key_is_said_and_tried_again_only_when_asked(make_app, until) -> None:
    bench = FakeWorkbench()
    tries: list[int] = []

    async def connect() -> FakeWorkbench:
        tries.append(1)
        if len(tries) == 1:
            raise UnauthenticatedError("The key was refused; `holdfast keys create NAME` makes one.")
        return bench

    app = make_app(bench, connect=connect, remote=remote())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "bench.example.org:8700 failed" in shown(app))
        await until(pilot, lambda: "The key was refused" in shown(app) and "/reconnect" in shown(app))
        await pilot.pause(0.5)  # longer than the first pause between two tries
        assert len(tries) == 1
        await type_in(pilot, "/reconnect")
        await until(pilot, ready(app))


# --- two apps on one engine


async def test_two_apps_show_the_same_and_what_one_decides_is_decided_in_the_other(make_app, until) -> None:
    bench = FakeWorkbench([write, ask])
    session = bench.add_session("Shared")
    one, other = make_app(bench, session=session.id), make_app(bench, session=session.id, remote=remote())
    async with one.run_test(size=SIZE) as first, other.run_test(size=SIZE) as second:
        await until(first, lambda: ready(one)() and one.model.session_id)
        await until(second, lambda: ready(other)() and other.model.session_id)
        await type_in(first, "write it")
        await until(first, lambda: len(one.model.inbox) == 1)
        await until(second, lambda: len(other.model.inbox) == 1 and "write_file report.md" in shown(other))
        await type_in(second, "and then?")
        await until(first, lambda: "queued until the run ends  and then?" in shown(one))
        await first.press("y")
        await until(second, lambda: any("Approved elsewhere: write_file" in m for m in said(other)))
        assert not any("elsewhere" in message for message in said(one))
        await until(second, lambda: "It is written." in shown(other) and len(other.model.files or []) == 1)
        await until(first, lambda: len(one.model.inbox) == 1)
        await until(second, lambda: "1-2 choose" in shown(other))
        await second.press("2")
        await until(first, lambda: any("Answered elsewhere: blue" in m for m in said(one)))
        await until(first, lambda: "I hear: blue" in shown(one) and "I hear: blue" in shown(other))
        await type_in(second, "/rename Ours")
        await until(first, lambda: one.model.title == "Ours")
        assert [text_of(parts) for parts in bench.sent] == ["write it", "and then?"]


@pytest.mark.parametrize("key", ["y", "e"])
async def test_deciding_what_is_decided_already_says_by_whom_and_does_nothing(
    make_app, until, key: str
) -> None:
    bench = FakeWorkbench([write])
    app = make_app(bench)
    async with app.run_test(size=SIZE) as pilot:
        await type_in(pilot, "go")
        await until(pilot, lambda: len(app.model.inbox) == 1)
        (approval,) = bench.approvals_by_id.values()
        decided = {"status": ApprovalStatus.DENIED, "decision": Decision(outcome="deny", decided_by="anna")}
        bench.approvals_by_id[approval.id] = approval.model_copy(update=decided)
        await pilot.press("f2", key)
        if key == "e":
            await until(pilot, lambda: isinstance(app.screen, ArgumentsScreen))
            await pilot.press("ctrl+s")
        await until(pilot, lambda: any("Denied by anna already" in message for message in said(app)))
        assert bench.decisions == {}
        assert len(app.model.inbox) == 0


async def test_a_session_that_is_deleted_elsewhere_is_left_with_a_word(make_app, until) -> None:
    bench = FakeWorkbench()
    session = bench.add_session("Notes")
    app = make_app(bench, session=session.id)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.model.session_id == session.id)
        bench.emit(SessionDeleted(session_id=session.id))
        await until(pilot, lambda: app.model.session_id is None)
        assert any("deleted elsewhere" in message for message in said(app))


async def test_a_session_that_is_cleared_elsewhere_shows_nothing_of_what_was_said(make_app, until) -> None:
    bench = FakeWorkbench()
    session = bench.add_session("Notes")
    app = make_app(bench, session=session.id)
    async with app.run_test(size=SIZE) as pilot:
        await type_in(pilot, "my secret")
        await until(pilot, lambda: "my secret" in texts(app))
        bench.emit(SessionCleared(session_id=session.id))
        await until(pilot, lambda: any("cleared elsewhere" in message for message in said(app)))
        assert app.model.session_id == session.id
        assert texts(app) == []


async def test_documents_of_this_machine_are_sent_and_what_cannot_be_sent_is_told_how(
    make_app, until, tmp_path: Path
) -> None:
    (tmp_path / "notes.md").write_text("# Notes")
    (tmp_path / "handbook").mkdir()
    bench = FakeWorkbench()
    app = make_app(bench, remote=remote())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, ready(app))
        await type_in(pilot, "/knowledge docs")
        await until(pilot, lambda: app.model.knowledge.documents is not None)
        app.do("knowledge.add", "notes.md")
        await until(pilot, lambda: ("upload", "docs-id", "notes.md", b"# Notes") in bench.knowledge.calls)
        app.do("knowledge.add", "handbook")
        await until(pilot, lambda: any("`holdfast knowledge add docs handbook`" in one for one in said(app)))
        app.do("knowledge.add", "nothing.md")
        await until(pilot, lambda: any("no file nothing.md on this machine" in one for one in said(app)))
        app.do("knowledge.add", "/srv/theirs")
        await until(pilot, lambda: ("add", "docs-id", ("/srv/theirs",), ()) in bench.knowledge.calls)
        assert len([call for call in bench.knowledge.calls if call[0] == "add"]) == 1
