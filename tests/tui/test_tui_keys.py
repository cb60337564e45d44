"""The table of keys: one of each, what the setting changes, and what is said of its mistakes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual.binding import Binding, BindingsMap

from holdfast.tui import keymap, keys
from holdfast.tui.presenters.commands import BY_NAME, PLACES, footer, help_lines, rows_of


@pytest.fixture(autouse=True)
def own_keys() -> Iterator[None]:
    """Gives every action its own keys again."""
    yield
    keys.change({})


def test_every_id_is_there_once_and_every_place_has_its_part_of_the_help() -> None:
    assert len(keys.BY_ID) == len(keys.KEYS)
    assert {key.place for key in keys.KEYS} == {one for _, places in PLACES.values() for one in places}
    for key in keys.KEYS:
        assert key.place and key.name and key.what
        assert not key.same or keys.BY_ID[key.same].keys


def test_no_two_actions_have_one_key_in_the_same_place() -> None:
    for place in {key.place for key in keys.KEYS}:
        pressed = [one for key in keys.of_place(place) if not key.same for one in keys.keys_of(key.id)]
        assert len(set(pressed)) == len(pressed), place


def test_every_key_of_the_table_is_one_that_a_terminal_sends() -> None:
    for key in keys.KEYS:
        for one in keys.keys_of(key.id):
            assert keymap.is_key(one), one


def test_a_changed_key_is_bound_shown_and_pressed_in_the_place_of_the_old_one() -> None:
    changed, problems = keymap.use({"sessions.new": "ctrl+t,T", "everywhere.continue": "f7"})
    assert problems == []
    bound = BindingsMap(keys.bindings("sessions"))
    bound.apply_keymap(changed)
    actions = {key: binding.action for key, binding in bound}
    assert actions["ctrl+t"] == actions["T"] == "app.command('new')"
    assert "n" not in actions and actions["r"] == "app.command('rename')"
    assert ("ctrl+t, T", "new") in rows_of("sessions")
    assert ("^t", "new", "new") in footer("sessions", busy=False, continuable=False)
    assert footer("composer", busy=True, continuable=False)[0][1] == "interrupt"
    assert footer("composer", busy=True, continuable=False, answering=True)[0][1] == "message"
    assert BY_NAME["continue"].keys == "F7"
    assert any("F7" in text for one in help_lines("everywhere") for text, _ in one)


def test_an_action_without_a_key_names_its_slash_command() -> None:
    changed, problems = keymap.use({"everywhere.continue": ""})
    assert (changed, problems) == ({"everywhere.continue": keys.UNBOUND}, [])
    assert keys.shown("everywhere.continue") == "/continue"
    assert "continue an interrupted run" not in [what for _, what in rows_of("everywhere")]


def test_two_actions_may_change_their_keys_with_each_other() -> None:
    changed, problems = keymap.use({"sessions.rename": "f", "sessions.fork": "r"})
    assert problems == []
    bound = BindingsMap(keys.bindings("sessions"))
    bound.apply_keymap(changed)
    actions = {key: binding.action for key, binding in bound}
    assert (actions["f"], actions["r"]) == ("app.command('rename')", "app.command('fork')")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sessions.neu": "t"}, "did you mean sessions.new?"),
        ({"nothing-like-it": "t"}, "there is no nothing-like-it"),
        ({"sessions.open": "t"}, "give that one another"),
        ({"composer.mention": "t"}, "cannot have another key"),
        ({"sessions.new": "ctrl+nothing"}, "“ctrl+nothing” is no key"),
        ({"sessions.new": "n n"}, "“n n” is no key"),
        ({"sessions.new": "\x1b[2J"}, "“[2J” is no key"),
        ({"composer.send": "x"}, "x would be typed into the message"),
        ({"composer.send": "ctrl+d,question_mark"}, "question_mark would be typed"),
        ({"completion.take": "slash"}, "slash would be typed"),
        ({"composer.new_line": "space"}, "space would be typed"),
        ({"sessions.new": "r"}, "r is both sessions.rename and sessions.new"),
        ({"sessions.new": "enter"}, "enter is both list.choose and sessions.new"),
        ({"sessions.new": "f2"}, "F2 is both everywhere.approvals and sessions.new"),
        ({"everywhere.find": "ctrl+s"}, "ctrl+s is both "),
    ],
)
def test_a_mistake_is_named_and_the_action_keeps_its_own_key(changes: dict[str, str], said: str) -> None:
    changed, problems = keymap.use({**changes, "files.undo": "z"})
    assert len(problems) == 1
    assert said in problems[0]
    assert changed == {"files.undo": "z"}


def test_the_field_finds_what_its_keys_do_also_after_a_change() -> None:
    assert keys.named("composer", "ctrl+j") == "new_line"
    keymap.use({"composer.send": "ctrl+d", "composer.new_line": "enter"})
    assert keys.named("composer", "enter") == "new_line"
    assert keys.named("composer", "ctrl+d") == "send"
    assert keys.named("composer", "ctrl+j") == ""


def test_what_a_footer_shows_can_be_pressed() -> None:
    assert keys.pressable("^n") == keys.pressable("ctrl+n") == "ctrl+n"
    assert keys.pressable("esc") == "escape"
    assert keys.pressable("↑↓") == ""


def test_bindings_carry_their_ids() -> None:
    bound = keys.bindings("confirm", "dialog")
    assert all(isinstance(one, Binding) and one.id in keys.BY_ID for one in bound)
    assert {one.id for one in bound} == {"confirm.yes", "confirm.no", "dialog.close"}
