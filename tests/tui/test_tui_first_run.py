"""The panel of a new session, and adding a provider in three keystrokes."""

from __future__ import annotations

from typing import Any

from fake_workbench import FakeWorkbench, spec
from textual.widgets import Static

from holdfast.core.domain.providers import ProviderCheck, ProviderInfo
from holdfast.tui.presenters.first_run import Found, found_of, panel_actions, panel_lines, readable, tries
from holdfast.tui.presenters.providers import about_lines, kept_text, outcome_lines, provider_choices
from holdfast.tui.presenters.spans import plain

OPENAI = ProviderInfo(
    name="openai",
    title="OpenAI",
    needs_key=True,
    takes_url=False,
    key_from="environment",
    variable="OPENAI_API_KEY",
)
OLLAMA = ProviderInfo(
    name="ollama", title="Ollama", needs_key=False, takes_url=True, served=("a", "b\x1b", "c", "d")
)


def found(**more: Any) -> Found:
    given: dict[str, Any] = {
        "folder": "/work/project",
        "trust": "trusted",
        "file": "notes.md",
        "may_add": True,
    }
    return found_of((OPENAI, OLLAMA), (spec("general"), spec("analyst")), **(given | more))


def test_the_panel_says_what_works_what_was_found_what_to_try_and_how_to_add_a_provider() -> None:
    text = plain(panel_lines("general", "offline", found()))
    for said in (
        "general answers with offline: no language model, but it needs nothing",
        "2 agents: general, analyst",
        "OpenAI from the environment",
        "Ollama: a, b and 2 more",
        "/work/project  trusted",
        "alt+1  What can you do?",
        "alt+2  Summarise @notes.md into summary.md",
        "alt+3  /knowledge",
        "alt+p  adds a provider",
    ):
        assert said in text


def test_nothing_found_is_said_and_nobody_is_offered_what_they_may_not() -> None:
    text = plain(panel_lines("general", "m", found_of((), (), folder="", trust="", file="", may_add=False)))
    assert "none yet" in text and "no agent yet" in text
    assert "adds a provider" not in text and "folder " not in text
    assert "Write “hello” to hello.txt" in text


def test_the_panel_fits_a_low_and_narrow_terminal() -> None:
    lines = panel_lines("general", "offline", found(), short=True)
    assert len(lines) <= 14
    assert all(len(plain([one])) <= 94 for one in lines)


def test_every_key_of_the_panel_can_be_clicked() -> None:
    keys = {text for one in panel_lines("general", "m", found()) for text, role in one if role == "key"}
    assert keys <= panel_actions().keys()


def test_a_file_of_the_folder_is_taken_for_what_can_be_tried() -> None:
    assert readable(["x.py", "notes.md", "README.md"]) == "README.md"
    assert readable(["x.py"]) == ""
    assert tries(found(file="README.md"))[1].startswith("Summarise @README.md")


def test_providers_say_where_a_key_comes_from_and_never_the_key() -> None:
    choices = provider_choices((OPENAI, OLLAMA))
    assert [choice.value for choice in choices] == ["openai", "ollama"]
    assert "OPENAI_API_KEY goes before a key that is kept here" in plain(about_lines(OPENAI))
    assert "a, b, c, d" in plain(about_lines(OLLAMA))


def test_a_test_that_failed_says_that_nothing_was_kept() -> None:
    refused = ProviderCheck(provider="openai", state="refused", message="OpenAI refuses this key.\x1b[2J")
    assert plain(outcome_lines(refused)) == "✗ OpenAI refuses this key.[2J\nNothing was kept."
    assert plain(outcome_lines(None, "OpenAI")) == "Asking OpenAI …"
    right = refused.model_copy(update={"state": "right", "message": "It answers."})
    assert plain(outcome_lines(right)) == "✓ It answers."
    assert kept_text(right, "keyring") == "It answers. The key is in the system's keyring."


async def test_a_terminal_that_becomes_higher_shows_the_whole_panel(make_app, until) -> None:
    app = make_app(FakeWorkbench())
    async with app.run_test(size=(120, 24)) as pilot:

        def height() -> int:
            return len(str(app.main.query_one("#welcome", Static).content).splitlines())

        await until(pilot, lambda: "works now" in str(app.main.query_one("#welcome", Static).content))
        low = height()
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: height() > low)
        await pilot.resize_terminal(120, 24)
        await until(pilot, lambda: height() == low)
