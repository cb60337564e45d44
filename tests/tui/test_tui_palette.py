"""The command palette: what is in it, what fits, and what comes first."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from rich.cells import cell_len

from holdfast.tui.app import HoldfastApp
from holdfast.tui.control.desk import Desk
from holdfast.tui.keys import KEYS
from holdfast.tui.presenters.commands import COMMANDS, complete
from holdfast.tui.presenters.fuzzy import match
from holdfast.tui.presenters.palette import Entry, Hit, Targets, entries, row, search, used
from holdfast.tui.presenters.spans import plain
from holdfast.tui.start import Start

TARGETS = Targets(
    sessions=[("s1", "Quarterly report"), ("s2", "Router\x1b[2J bug")],
    agents=[("analyst", "Numbers and charts")],
    models=[("openai/gpt-4o", "openai")],
    themes=["nord"],
    settings=[("tui.mouse", "Whether the app takes the mouse")],
)


def titles(query: str, recent: tuple[str, ...] = (), place: str = "composer") -> list[str]:
    return [hit.entry.title for hit in search(entries(place, TARGETS), query, recent)]


@pytest.mark.parametrize(
    ("command", "keys"),
    [("new", "ctrl+n"), ("rename", "ctrl+o r"), ("undo", "F3 u"), ("diff", "F6 v"), ("steer", "ctrl+s")],
)
def test_a_command_has_its_key_beside_it_or_the_keys_that_lead_to_it(command: str, keys: str) -> None:
    assert {one.name: one.key for one in entries("composer", TARGETS)}[command] == keys


def test_where_the_person_is_already_the_way_is_the_key_alone() -> None:
    assert {one.name: one.key for one in entries("sessions", TARGETS)}["rename"] == "r"


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("theme", "Change the theme"),
        ("nord", "Use theme nord"),
        ("quart", "Open session Quarterly report"),
        ("gpt", "Switch to model openai/gpt-4o"),
        ("analyst", "Switch to agent analyst"),
        ("rename", "Rename the session"),
        ("rnm ses", "Rename the session"),
        ("/stop", "Interrupt the run"),
        ("tui.mouse", "Change setting tui.mouse"),
        ("NEW ses", "New session"),
    ],
)
def test_what_is_meant_comes_first(query: str, first: str) -> None:
    assert titles(query)[0] == first


def test_enter_gives_the_slash_command_that_was_typed_out_though_others_begin_with_it() -> None:
    assert all(complete(each.slash)[0] is each for each in COMMANDS if each.slash)
    assert [each.slash for each in complete("undo")][:2] == ["undo", "undo-delete"]


def test_without_words_the_recent_come_first_and_targets_only_if_recent() -> None:
    shown = titles("", ("theme:nord", "command:undo", "theme:gone"))
    assert shown[:2] == ["Use theme nord", "Undo file changes"]
    assert shown.count("Undo file changes") == 1
    assert "Open session Quarterly report" not in shown and "New session" in shown


def test_what_was_used_lately_wins_over_what_fits_alike() -> None:
    rows = [Entry("command", "a", "Go there"), Entry("command", "b", "Go here")]
    assert [hit.entry.name for hit in search(rows, "go", ["command:b"])] == ["b", "a"]
    assert used(["a", "b"], "b") == ["b", "a"]


def test_the_keys_of_where_one_is_are_among_them() -> None:
    assert "Sync with its folders: only what changed" in titles("", place="collections")
    assert "Sync with its folders: only what changed" not in titles("sync", place="composer")


def test_a_row_fits_its_width_and_ends_with_the_key() -> None:
    hit = Hit(Entry("command", "x", "Größe 日本語 " * 5, "help " * 30, "ctrl+n"), frozenset({0, 1}))
    for width in (20, 40, 80, 120):
        text = plain([row(hit, width)])
        assert cell_len(text) <= max(width, 20)
        assert text.endswith(" ctrl+n")
    assert ("Gr", "hit") in row(hit, 80)


def test_titles_are_safe_for_a_terminal() -> None:
    assert not [one for one in entries("composer", TARGETS) if "\x1b" in one.title]


def test_what_does_not_fit_is_no_match() -> None:
    assert match("xyz", "Rename") is None
    assert match("theme zzz", "Change the theme") is None
    assert match("", "anything") is not None


def test_a_hostile_title_takes_no_time() -> None:
    begun = time.process_time()
    for _ in range(200):
        match("ab" * 40, "a" * 5_000)
    assert time.process_time() - begun < 2


# --- everything that can be done is there

OF_A_ROW = (
    "is about the row under the cursor of its screen, where a key does it; the palette has that key there"
)
OF_THE_APP = "is asked for by the app itself, as one scrolls, types or looks"
NO_COMMANDS = {
    **dict.fromkeys(
        (
            *("session.mark", "session.mark_all", "preview", "edit", "settings.edit", "settings.reset"),
            *("knowledge.watch", "knowledge.delete", "knowledge.remove", "knowledge.cancel"),
            *("knowledge.retry", "knowledge.method", "knowledge.choose"),
            *("memory.edit_block", "memory.options", "memory.delete_block", "memory.edit_entry"),
            *("memory.tags", "memory.pin", "memory.delete_entry"),
            *("prompts.edit", "prompts.attach", "prompts.remove", "prompts.try"),
            *("tools.try", "tools.edit", "tools.editor", "tools.versions", "tools.export", "tools.secret"),
            *("tools.delete", "mcp.test", "mcp.enable", "mcp.secret", "mcp.remove", "mcp.read"),
            *("skills.read", "skills.edit", "skills.remove", "skills.trust", "hooks.enable", "hooks.remove"),
            *("playground.agent", "playground.new", "playground.edit", "playground.role", "playground.up"),
            *("playground.down", "playground.remove", "playground.clear", "playground.run"),
            *(
                "playground.stop",
                "playground.waiting",
                "playground.keep",
                "playground.results",
                "playground.tools",
            ),
            *("playground.dialect", "playground.language", "models.use", "models.alpha"),
            *("runs.agent", "runs.sort", "runs.reverse", "runs.refresh", "runs.open", "runs.map"),
            *("runs.logging", "map.go", "map.older", "map.refresh"),
            *("keys.limit", "keys.revoke", "agreements.read", "agreements.accept"),
            *("admin.open", "admin.edit", "admin.password", "admin.remove", "admin.copy"),
            *("admin.client", "admin.enable", "admin.drop"),
            *("details.agent", "details.change", "details.playground", "details.chat", "details.file"),
            *("details.runs",),
        ),
        OF_A_ROW,
    ),
    **dict.fromkeys(
        (
            *("search", "search.words", "search.more", "search.archive", "sessions.count", "sessions.fetch"),
            *("sessions.more", "session.seen", "picture", "tour", "try", "edit_message.leave", "mode.next"),
            *("older", "find.read", "find.reach", "jump.older", "budgets.reload"),
            *("knowledge.look", "knowledge.filter", "knowledge.more", "knowledge.search"),
            *("memory.search", "memory.more", "prompts.send", "runs.page"),
        ),
        OF_THE_APP,
    ),
}
"""Actions that are no commands, and why."""


def test_every_action_is_a_command_or_has_a_reason_not_to_be(tmp_path: Path) -> None:
    async def connect() -> Any:
        raise AssertionError("it is not started")

    app = HoldfastApp(Start(connect, folder=tmp_path, state_file=tmp_path / "tui.json"))
    app.main.panes = Mock()  # that they are there is all that is looked for
    actions = set(Desk(app).actions)
    given = {command.does[0] if command.does else command.name for command in COMMANDS}
    assert actions - given - set(NO_COMMANDS) == set()
    local = {command.name for command in COMMANDS if command.local}
    assert given - actions - local == set(), "a command that nothing does"
    assert set(NO_COMMANDS) <= actions, "a reason for what is not there"


ELSEWHERE = {
    **dict.fromkeys(("list", "lines", "words", "completion", "composer"), "moving about and typing"),
    **dict.fromkeys(
        ("dialog", "choose", "confirm", "editor", "viewer"), "dialogs, which the palette does not open over"
    ),
    "choice": "the answers of a question that waits stand beside their numbers",
    "found": "only while words are looked for, as a hint says",
    "notice": "only while the notice is shown, as it says; trust, restart and later are commands",
}
"""Places whose keys are not in the palette, and why."""


@pytest.mark.thorough
def test_every_key_that_does_something_is_in_the_palette_of_its_place() -> None:
    commands = {command.name for command in COMMANDS}
    for key in KEYS:
        if key.same or key.fixed or not key.action or key.place in ELSEWHERE:
            continue
        place = "composer" if key.place in ("everywhere", "decide") else key.place
        names = {entry.name for entry in entries(place, Targets())}
        assert key.id in names or key.command in commands, key.id
