"""The command palette: what is in it, what fits, and what comes first."""

from __future__ import annotations

import time

import pytest
from rich.cells import cell_len

from holdfast.tui.presenters.fuzzy import match
from holdfast.tui.presenters.palette import Entry, Hit, Targets, entries, row, search, used
from holdfast.tui.presenters.spans import plain

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
    ("query", "first"),
    [
        ("theme", "Change the theme"),
        ("nord", "Use theme nord"),
        ("quart", "Open session Quarterly report"),
        ("gpt", "Switch to model openai/gpt-4o"),
        ("analyst", "Switch to agent analyst"),
        ("rename", "Rename the session"),
        ("rns", "Rename the session"),
        ("/stop", "Interrupt the run"),
        ("tui.mouse", "Change setting tui.mouse"),
        ("NEW ses", "New session"),
    ],
)
def test_what_is_meant_comes_first(query: str, first: str) -> None:
    assert titles(query)[0] == first


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
    begun = time.perf_counter()
    for _ in range(200):
        match("ab" * 40, "a" * 5_000)
    assert time.perf_counter() - begun < 2
