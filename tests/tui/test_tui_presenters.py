"""The presenters: pure functions and small states, without a screen."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fake_workbench import NOON, spec
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.events import (
    ApprovalRequested,
    ApprovalResolved,
    LoggedEvent,
    PartStarted,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    SessionDeleted,
    SessionRenamed,
    StepCompleted,
    StepStarted,
    Timing,
    ToolCallRequested,
    UsageRecorded,
)
from holdfast.core.domain.files import FileContent, FileEntry
from holdfast.core.domain.runs import RunStatus, SearchHit, Session, Usage
from holdfast.core.domain.tools import CommandBlock, DiffBlock, Question, Risk
from holdfast.tui.presenters import figures
from holdfast.tui.presenters.blocks import argument_lines, diff_counts, lines_of
from holdfast.tui.presenters.choices import agent_choices
from holdfast.tui.presenters.commands import BY_NAME, COMMANDS, PLACES, by_slash, complete, footer, help_lines
from holdfast.tui.presenters.draft import Draft, History, command_of, token_before
from holdfast.tui.presenters.files import changed_line, file_rows
from holdfast.tui.presenters.guard import Guard
from holdfast.tui.presenters.inbox import Inbox, Item, detail, keys_line, summary
from holdfast.tui.presenters.pictures import picture_lines
from holdfast.tui.presenters.previews import preview_of
from holdfast.tui.presenters.run import RunView, run_lines
from holdfast.tui.presenters.sessions import SessionList, hit_rows
from holdfast.tui.presenters.spans import plain
from holdfast.tui.presenters.status import Filling, Header, command_at, left, lefts, right
from holdfast.tui.widgets.paint import ROLES

EVIL = "a\x1b]0;pwn\x1b\\b\x9b2Jc\u202ed"


def session(id: str = "s1", **more: object) -> Session:
    known = {
        "id": id,
        "title": "A title",
        "agent": "general",
        "project": "/p",
        "workspace": "/p",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Session.model_validate(known | more)


def approval(id: str = "a1", **more: object) -> Approval:
    known = {
        "id": id,
        "session_id": "s1",
        "run_id": "r1",
        "call_id": "c1",
        "agent": "general",
        "tool": "write_file",
        "risk": Risk.WRITE,
        "subject": "report.md",
        "arguments": {"path": "report.md"},
        "rule": "write_file(*.md)",
        "requested_at": NOON,
    }
    return Approval.model_validate(known | more)


def at(id: int, event: object) -> LoggedEvent:
    return LoggedEvent.model_validate({"id": id, "event": event})


# --- figures


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "now"), (44, "now"), (59, "1m"), (60, "1m"), (7200, "2h"), (200_000, "2d")]
)
def test_an_age_has_one_unit(seconds: int, shown: str) -> None:
    assert figures.age(NOON, NOON + timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(("count", "shown"), [(512, "512 B"), (2100, "2.1 KB"), (5_000_000, "5.0 MB")])
def test_a_size_is_short(count: int, shown: str) -> None:
    assert figures.size(count) == shown


def test_money_below_a_cent_is_not_rounded_away() -> None:
    assert figures.cost(0.0012) == "$0.0012"
    assert figures.cost(0) == "$0.00"
    assert figures.cost(1.5, unpriced=True) == "$1.50+?"


# --- sessions


def test_sessions_stand_latest_first_with_their_state() -> None:
    known = SessionList()
    known.replace(
        [
            session("old"),
            session("new", updated_at=NOON + timedelta(hours=1), status=RunStatus.RUNNING),
            session("bad", updated_at=NOON + timedelta(minutes=1), status=RunStatus.FAILED),
        ]
    )
    rows = known.rows(NOON + timedelta(hours=2), "new")
    assert [(row.id, row.glyph[0], row.current) for row in rows] == [
        ("new", "◐", True),
        ("bad", "✗", False),
        ("old", "○", False),
    ]


def test_a_session_waits_until_its_last_approval_is_resolved() -> None:
    known = SessionList()
    known.replace([session(status=RunStatus.RUNNING)])
    known.apply(at(1, ApprovalRequested(session_id="s1", run_id="r1", approval=approval("a1"))))
    known.apply(at(2, ApprovalRequested(session_id="s1", run_id="r1", approval=approval("a2"))))
    resolved = {"session_id": "s1", "run_id": "r1", "call_id": "c1", "status": "approved"}
    known.apply(at(3, ApprovalResolved(approval_id="a1", **resolved)))
    assert known.rows(NOON, None)[0].glyph[0] == "⚠"
    known.apply(at(4, ApprovalResolved(approval_id="a2", **resolved)))
    assert known.rows(NOON, None)[0].glyph[0] == "◐"


def test_an_event_that_the_list_counts_already_changes_nothing() -> None:
    known = SessionList()
    known.replace([session(status=RunStatus.WAITING, pending=1, last_event_id=7)])
    event = ApprovalRequested(session_id="s1", run_id="r1", approval=approval())
    assert known.apply(at(7, event)) == "none"
    resolved = ApprovalResolved(
        session_id="s1", run_id="r1", approval_id="a1", call_id="c1", status="approved"
    )
    assert known.apply(at(8, resolved)) == "changed"
    assert known.rows(NOON, None)[0].glyph[0] == "◐"


def test_an_unknown_session_is_asked_for_and_a_deleted_one_goes() -> None:
    known = SessionList()
    known.replace([session()])
    assert known.apply(at(1, SessionRenamed(session_id="other", title="x"))) == "reload"
    assert known.apply(at(2, SessionDeleted(session_id="s1"))) == "changed"
    assert known.rows(NOON, None) == []


def test_a_session_in_which_nothing_was_said_is_listed_only_while_it_is_open() -> None:
    known = SessionList()
    known.replace([session(title="")])
    assert known.rows(NOON, None) == []
    assert [row.id for row in known.rows(NOON, "s1")] == ["s1"]
    known.apply(at(1, SessionRenamed(session_id="s1", title="Kept")))
    assert [row.title for row in known.rows(NOON, None)] == ["Kept"]


def test_a_fork_is_told_from_the_session_whose_title_it_has() -> None:
    known = SessionList()
    known.replace([session("1", title="Sales"), session("2", title="Sales", forked_from="1")])
    assert {row.id: row.forked for row in known.rows(NOON, None)} == {"1": False, "2": True}


def test_titles_are_filtered_by_all_words() -> None:
    known = SessionList()
    known.replace([session("1", title="Q3 sales report"), session("2", title="Q3 hiring")])
    assert [row.id for row in known.rows(NOON, None, "q3 SALES")] == ["1"]


def test_search_hits_mark_the_words_and_hold_no_control_characters() -> None:
    hit = SearchHit(
        session_id="s1",
        session_title=EVIL,
        event_id=3,
        role="user",
        excerpt=f"the \x02needle\x03 {EVIL}",
        at=NOON,
    )
    row = hit_rows([hit])[0]
    assert ("needle", "hit") in row.excerpt
    assert clean(row.title)
    assert clean(plain([row.excerpt]))


# --- inbox


def test_the_open_session_comes_first_and_a_choice_comes_before_that() -> None:
    inbox = Inbox()
    inbox.replace([approval("a1", session_id="other"), approval("a2")], [], now=0)
    inbox.preferred = "s1"
    assert inbox.selected is not None and inbox.selected.id == "a2"
    inbox.select("a1")
    assert inbox.selected is not None and inbox.selected.id == "a1"
    inbox.remove("a1")
    assert inbox.selected is not None and inbox.selected.id == "a2"


def test_an_approval_that_is_told_twice_stands_once_and_goes_when_resolved() -> None:
    inbox = Inbox()
    event = ApprovalRequested(session_id="s1", run_id="r1", approval=approval())
    assert inbox.apply(event, 1) is not None
    assert inbox.apply(event, 2) is None
    assert len(inbox) == 1
    inbox.apply(
        ApprovalResolved(session_id="s1", run_id="r1", approval_id="a1", call_id="c1", status="denied"), 3
    )
    assert len(inbox) == 0


@given(
    arrived=st.floats(0, 100),
    typed=st.floats(0, 100),
    pressed=st.floats(0, 200),
    seconds=st.floats(0.01, 5),
)
def test_a_key_decides_only_after_the_item_and_the_typing_have_rested(
    arrived: float, typed: float, pressed: float, seconds: float
) -> None:
    guard = Guard(seconds)
    guard.typed(typed)
    if guard.admits(arrived, pressed):
        assert pressed - arrived >= seconds
        assert pressed - typed >= seconds


def test_the_detail_of_an_approval_is_whole_and_clean() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1,2 +1,1 @@\n--- a removed dash line\n-old" + EVIL + "\n+new"
    item = Item("a1", "s1", 0, approval=approval(preview=(DiffBlock(path=EVIL, diff=diff),), subject=EVIL))
    text = plain(detail(item, "title", NOON))
    assert "--- a removed dash line" in text
    assert "+new" in text
    assert clean(text)
    assert clean(plain([summary(item)]))


def test_an_expiry_says_what_happens_then() -> None:
    expiring = approval(expires_at=NOON + timedelta(minutes=3), on_expiry="cancel")
    text = plain(detail(Item("a1", "s1", 0, approval=expiring), "t", NOON))
    assert "in 3m the run is cancelled" in text


def test_always_shows_its_rule_and_is_not_offered_without_one() -> None:
    item = Item("a1", "s1", 0, approval=approval())
    assert "write_file(*.md)" in plain([keys_line(item, confirming=True)])
    assert "always" in plain([keys_line(item, confirming=False)])
    bare = Item("a1", "s1", 0, approval=approval(rule=""))
    assert "always" not in plain([keys_line(bare, confirming=False)])


def test_a_choice_is_found_by_its_number() -> None:
    question = Question(id="q", session_id="s", run_id="r", call_id="c", text="?", choices=("yes", "no"))
    item = Item("q", "s", 0, question=question)
    assert item.choice(2) == "no"
    assert item.choice(3) is None


# --- blocks


def test_a_removed_line_of_dashes_is_no_file_name() -> None:
    diff = "--- a/f.sql\n+++ b/f.sql\n@@ -1 +1 @@\n--- drop it\n+++ keep it\n"
    assert diff_counts(diff) == (1, 1)
    shown = plain(lines_of([DiffBlock(path="f.sql", diff=diff)]))
    assert "--- drop it" in shown
    assert "+++ keep it" in shown
    assert "a/f.sql" not in shown


def test_a_command_is_shown_with_its_folder_and_every_line() -> None:
    shown = plain(lines_of([CommandBlock(command="rm a\nrm b", cwd="/tmp", output="x", exit_code=1)]))
    assert shown == "$ rm a\n  rm b\nin /tmp\nx\nexit 1"


def test_arguments_are_shown_by_name_and_nested_ones_below() -> None:
    assert plain(argument_lines({"path": "a.md", "n": 2})) == "path: a.md\nn: 2"
    assert plain(argument_lines({"t": "a\nb"})) == "t:\n  a\n  b"
    assert plain(argument_lines({})) == "no arguments"


@given(st.text(), st.text())
def test_no_block_shows_a_control_character(one: str, two: str) -> None:
    blocks = [
        CommandBlock(command=one, cwd=two, output=one),
        DiffBlock(path=one, diff=two),
    ]
    assert clean(plain(lines_of(blocks)))


# --- files and previews


def test_files_that_runs_changed_come_first() -> None:
    entries = [
        FileEntry(path="b.txt", size=10),
        FileEntry(path="z.md", size=2100, state="created", run_id="r2"),
        FileEntry(path="gone.md", size=0, state="deleted", run_id="r1"),
    ]
    rows = file_rows(entries, {"r1": 1, "r2": 2})
    assert [(row.name, row.size, row.state, row.run) for row in rows] == [
        ("z.md", "2.1 KB", "new", "run 2"),
        ("gone.md", "", "deleted", "run 1"),
        ("b.txt", "10 B", "", ""),
    ]


def test_undo_names_the_files_that_changed_by_it_and_no_others() -> None:
    kept = FileEntry(path="kept.md", size=5, state="created", run_id="r1")
    made = FileEntry(path="made.md", size=7, state="created", run_id="r2")
    assert changed_line([kept, made], [kept], "undo") == "Undone: made.md"
    assert changed_line([kept], [kept, made], "redo") == "Redone: made.md"
    assert changed_line([made], [], "undo") == "Undone: made.md"
    assert changed_line([kept], [kept], "undo") == "Nothing to undo."


def test_a_file_name_with_escapes_is_shown_without_and_asked_for_with_them() -> None:
    row = file_rows([FileEntry(path=EVIL, size=1)], {})[0]
    assert clean(row.name)
    assert row.path == EVIL


def content(kind: str, text: str, **more: object) -> FileContent:
    known = {"path": "f", "kind": kind, "media_type": "text/plain", "size": len(text), "text": text}
    return FileContent.model_validate(known | more)


def test_a_csv_is_a_table_and_json_is_laid_out() -> None:
    grid = preview_of(content("csv", "name;n\nwide 漢;1\n")).grid
    assert grid is not None and (grid.headers, grid.rows) == (("name", "n"), (("wide 漢", "1"),))
    assert plain(preview_of(content("json", '{"a":[1]}')).lines) == '{\n  "a": [\n    1\n  ]\n}'
    assert plain(preview_of(content("json", '{"a":')).lines) == '{"a":'


def image(form: str, size: tuple[int, int] = (4, 4), **more: Any) -> str:
    """Returns an image in base64: red above, blue below."""
    picture = Image.new("RGB", size, "#ff0000")
    picture.paste("#0000ff", (0, size[1] // 2, size[0], size[1]))
    stream = io.BytesIO()
    picture.save(stream, form, **more)
    return base64.b64encode(stream.getvalue()).decode()


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP"])
def test_an_image_is_shown_in_half_blocks_with_its_own_colours(form: str) -> None:
    data = image(form, **({"lossless": True} if form == "WEBP" else {}))
    image_data = preview_of(content("image", "", data=data, size=99, media_type="image/x")).image
    assert picture_lines(image_data) == [
        (("▀", "#ff0000 on #ff0000"),) * 4,
        (("▀", "#0000ff on #0000ff"),) * 4,
    ]


def test_a_large_image_is_made_small_and_keeps_its_shape() -> None:
    lines = picture_lines(image("PNG", (1920, 960)))
    assert (len(lines[0]), len(lines)) == (96, 24)
    narrow = picture_lines(image("PNG", (1920, 960)), 28)
    assert (len(narrow[0]), len(narrow)) == (28, 7)


@pytest.mark.parametrize("data", ["no base64!", "", "AAAA", image("PNG")[:60]])
def test_what_is_no_whole_image_is_said_to_be_none(data: str) -> None:
    preview = preview_of(content("image", "", data=data, size=9, media_type="image/png"))
    assert picture_lines(data) == []
    assert preview.image or "cannot be shown" in plain(preview.lines)


def test_an_image_with_too_many_pixels_is_not_decoded() -> None:
    assert picture_lines(image("PNG", (9_000, 9_000))) == []


def test_a_cut_preview_says_so() -> None:
    assert "beginning only" in preview_of(content("text", "abc", truncated=True)).note


# --- run


def test_a_run_is_counted_from_its_events() -> None:
    view = RunView()
    own = {"session_id": "s1", "run_id": "r1", "at": NOON}
    view.apply(RunStarted(agent="general", model="m", **own))
    view.apply(StepStarted(step=1, model="m", prompt="0", **own))
    usage = {"model": "m", "input_tokens": 1000, "output_tokens": 50, "cost_usd": 0.25}
    view.apply(UsageRecorded(**usage, **own))
    view.apply(UsageRecorded(**usage, **own))
    timing = Timing(request_ms=1, first_delta_ms=20, total_ms=1500)
    view.apply(StepCompleted(step=1, reason="stop", timing=timing, **own))
    assert view.busy
    assert view.apply(RunCompleted(**(own | {"at": NOON + timedelta(seconds=2)})))
    assert not view.busy
    text = plain(run_lines(view.current, NOON))
    assert "2.0k in · 100 out tokens · $0.50" in text
    assert "1.5 s  first 20 ms" in text
    assert "completed  2.0 s" in text


def test_a_failed_run_can_be_continued_and_says_why() -> None:
    view = RunView()
    own = {"session_id": "s1", "run_id": "r1", "at": NOON}
    view.apply(RunStarted(agent="general", model="m", **own))
    error = ErrorInfo(kind=ErrorKind.UPSTREAM, code="interrupted", message=EVIL)
    view.apply(RunFailed(error=error, **own))
    assert view.continuable
    assert clean(plain(run_lines(view.current, NOON)))


def test_a_run_is_silent_from_each_request_to_the_model_s_first_words() -> None:
    view = RunView()
    own = {"session_id": "s1", "run_id": "r1", "at": NOON}
    silent = []
    for event in (
        RunStarted(agent="general", model="m", **own),
        StepStarted(step=1, model="m", prompt="", **own),
        ToolCallRequested(call_id="c", step=1, name="list_files", arguments={}, **own),
        StepStarted(step=2, model="m", prompt="", **own),
        PartStarted(part_id="p", kind="text", **own),
        StepStarted(step=3, model="m", prompt="", **own),
        RunCancelled(**own),
    ):
        view.apply(event)
        silent.append(view.silent)
    assert silent == [True, True, False, True, False, True, False]


def test_a_tool_that_was_run_directly_has_no_model_and_is_not_gone_on_with() -> None:
    view = RunView()
    own = {"session_id": "s1", "run_id": "r1", "at": NOON}
    started = RunStarted(agent="general", model="", **own)
    view.apply(started)
    view.apply(RunFailed(error=ErrorInfo(kind=ErrorKind.TIMEOUT, code="timeout", message="late"), **own))
    assert not view.continuable
    text = plain(run_lines(view.current, NOON))
    assert "general · a tool, run directly" in text
    assert "ctrl+g" not in text
    assert Header("general", "m", "ready").count(started).model == "m"


def test_runs_of_an_older_page_move_the_numbers_up() -> None:
    view = RunView()
    view.apply(RunStarted(session_id="s1", run_id="r3", agent="a", model="m", at=NOON))
    view.older(["r1", "r2"])
    assert view.numbers == {"r1": 1, "r2": 2, "r3": 3}
    assert view.current is not None and view.current.number == 3


# --- the message that is written


def test_a_long_paste_becomes_a_chip_and_is_sent_whole() -> None:
    draft = Draft()
    big = "x" * 5_000_000
    chip = draft.fold(big)
    assert chip == "[pasted 5.0 MB]"
    assert draft.fold("y" * 5_000_000) == "[pasted 5.0 MB #2]"
    assert draft.expand(f"look: {chip}!") == f"look: {big}!"
    assert draft.fold(big) == chip
    assert draft.fold("short") == "short"


@given(st.lists(st.text(max_size=20).map(lambda text: text.ljust(4_001, "x")), min_size=1, max_size=4))
def test_chips_always_unfold_to_what_was_pasted(texts: list[str]) -> None:
    draft = Draft()
    chips = [draft.fold(text) for text in texts]
    assert draft.expand("|".join(chips)) == "|".join(texts)


def test_mentions_are_found_in_the_typed_text_only() -> None:
    draft = Draft()
    draft.choose("my report.md")
    found = draft.mentions('see @notes.md, and @"my report.md" or mail a@b.c')
    assert [(one.path, one.chosen) for one in found] == [("notes.md", False), ("my report.md", True)]


def test_a_chosen_path_with_spaces_is_quoted() -> None:
    assert Draft().choose("my report.md") == '@"my report.md" '
    assert Draft().choose("a.md") == "@a.md "


@pytest.mark.parametrize(
    ("before", "kind", "text"),
    [
        ("/mo", "command", "mo"),
        ("see @dat", "file", "dat"),
        ('see @"my r', "file", "my r"),
        ("@", "file", ""),
        ("/model gpt-4 o", "argument", "gpt-4 o"),
        ("/model ", "argument", ""),
    ],
)
def test_what_stands_before_the_cursor_is_completed(before: str, kind: str, text: str) -> None:
    token = token_before(before)
    assert token is not None
    assert (token.kind, token.text) == (kind, text)


@pytest.mark.parametrize("before", ["", "mail a@b", "text /mo", "done @a.md "])
def test_other_text_is_not_completed(before: str) -> None:
    assert token_before(before) is None


def test_a_path_is_no_command() -> None:
    assert command_of("/etc/hosts is wrong") is None
    assert command_of("/model openai/gpt-4o") == ("model", "openai/gpt-4o")
    assert command_of("/undo") == ("undo", "")


def test_history_goes_back_and_forth() -> None:
    history = History()
    for text in ("one", "two", "two"):
        history.add(text)
    assert [history.older(), history.older(), history.older()] == ["two", "one", None]
    assert [history.newer(), history.newer()] == ["two", ""]
    assert history.newer() is None


# --- commands, header


def test_every_command_has_its_own_words() -> None:
    names = [command.name for command in COMMANDS]
    slashes = [command.slash for command in COMMANDS if command.slash]
    assert len(set(names)) == len(names)
    assert len(set(slashes)) == len(slashes)
    assert complete("mo")[0].slash == "model"
    assert complete("stngs")[0].slash == "settings"


def test_a_slash_command_may_be_cut_where_no_other_begins_so() -> None:
    assert getattr(by_slash("sett"), "name", "") == "settings"
    assert getattr(by_slash("mode"), "slash", "") == "mode", "its own word goes before longer ones"
    assert by_slash("mo") is None and by_slash("nothing") is None


def test_the_help_begins_where_one_is() -> None:
    for place in PLACES:
        first = help_lines(place)[0]
        assert first[1][0].strip().endswith("you are here")


def test_the_footer_shows_what_helps_now() -> None:
    assert footer("composer", busy=True, continuable=False)[0][1] == "interrupt"
    assert footer("composer", busy=False, continuable=True)[0][1] == "continue"
    assert footer("files", busy=True, continuable=False)[0][:2] == ("esc", "back")


def test_the_header_adds_up_and_counts_what_waits() -> None:
    header = Header("general", "m", "ready").used(Usage(input_tokens=900, output_tokens=100))
    event = UsageRecorded(
        session_id="s", run_id="r", model="m", input_tokens=2000, output_tokens=100, cost_usd=None
    )
    header = header.count(event)
    assert plain([right(header)]) == "3.1k tok · $0.00+?"
    assert plain([left(header)]) == "Holdfast · general · m · engine ●"
    written = replace(header, model="scripted//tmp/tour/script.json")
    assert plain([left(written)]) == "Holdfast · general · scripted · engine ●"
    assert command_at(written, "scripted") == "model"


def test_the_header_names_an_engine_elsewhere_and_says_how_it_does_at_any_width() -> None:
    header = Header("general", "m", "ready", place="h:1", is_open=True, version="0.0.9", may_send=False)
    texts = [plain([one]) for one in lefts(header)]
    engine = "h:1 0.0.9 ● not encrypted read only"
    assert texts == [
        f"Holdfast · general · m · {engine}",
        f"general · m · {engine}",
        f"general · {engine}",
        engine,
    ]
    states = [
        plain([lefts(replace(Header(place="h"), engine=s))[-1]]) for s in ("starting", "lost", "failed")
    ]
    assert states == ["h connecting… ○", "h lost – reconnecting ○", "h failed ✗"]
    assert len(plain([lefts(Header(place="x" * 300))[-1]])) < 60


def test_every_role_that_presenters_use_has_a_colour() -> None:
    lines = [*help_lines("files"), left(Header()), right(Header(waiting=2))]
    lines += detail(
        Item("a", "s", 0, approval=approval(preview=(DiffBlock(path="p", diff="@@\n+a\n-b"),))), "t", NOON
    )
    assert {role for one in lines for _, role in one} <= set(ROLES)


def clean(text: str) -> bool:
    """Says whether no control character but newline is in `text`."""
    return all(c == "\n" or ((c.isprintable() or ord(c) > 0x9F) and c not in "\u202e\u2066") for c in text)


def test_an_agent_is_chosen_by_what_people_call_it_too() -> None:
    (choice,) = agent_choices([spec("tax").model_copy(update={"display_name": "Steuer\x1b[2J"})])
    assert choice.text == "tax Steuer[2J · The tax."


def test_each_part_of_the_header_gives_the_command_that_it_is_about() -> None:
    header = Header(
        "general", "m", "ready", tokens=5, waiting=2, mode=(("? ask", ""), ("?", "")), mouse_released=True,
        indexing="docs 3 %", filling=Filling(100, window=1000),
    )  # fmt: skip
    found = {command_at(header, text) for one in (left(header), right(header)) for text, _ in one}
    assert found - {""} == {
        *("palette", "agent", "model", "health"),
        *("mode", "context", "mouse", "collections", "usage", "approvals"),
    }
    assert found - {""} - {"palette"} <= set(BY_NAME), "each is a command"
