"""The agent editor as data: where the cursor is, what fits there, the form, what is said of mistakes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.app import App

from holdfast.core.agents.scaffold import new_agent_text
from holdfast.core.agents.schema import agent_schema
from holdfast.core.domain.errors import Diagnostic, InvalidError
from holdfast.tui.presenters.author.asking import rules_of, tool_rows
from holdfast.tui.presenters.author.colours import MAX_CHARS, coloured
from holdfast.tui.presenters.author.completion import Known, describe, describe_key, offers
from holdfast.tui.presenters.author.form import FIELDS, form_rows, listed, values_of, with_field
from holdfast.tui.presenters.author.place import ITEM, key_path_at, place_at
from holdfast.tui.presenters.author.screen import beside, footer, headline, problem_lines
from holdfast.tui.presenters.author.state import EditorState
from holdfast.tui.presenters.author.typing import changed_part, indented, word_at
from holdfast.tui.presenters.spans import plain
from holdfast.tui.screens.author import AuthorScreen
from holdfast.tui.widgets.author.area import AgentArea

EVIL = "x\x1b]0;pwn\x07y"
KNOWN = Known(
    schema=agent_schema(["read_file", "write_file"]),
    models=[("openai/gpt-4o", "openai"), ("offline", "")],
    agents=[("general", "For everything")],
    tools=[("read_file", "Reads a file."), ("write_file", "Writes a file.")],
)
RETRIEVAL = ("knowledge", ITEM, "retrieval")
TEMPLATE = new_agent_text("reviewer")


def at(text: str) -> tuple[list[str], int, int]:
    """Returns the lines of a text, and the place of the `^` in it."""
    before, after = text.split("^")
    row = before.count("\n")
    return (before + after).split("\n"), row, len(before) - (before.rfind("\n") + 1)


def names(text: str) -> list[str]:
    return [one.text.strip() for one in offers(*at(text), KNOWN)[1]]


# --- what fits at the cursor


@pytest.mark.parametrize(
    ("text", "kind", "path", "word"),
    [
        ("ver^", "key", (), "ver"),
        ("limits:\n  max^", "key", ("limits",), "max"),
        ("limits: { max_steps: 3, t^ }", "key", ("limits",), "t"),
        ("limits: {\n  max_steps: 3,\n  t^", "key", ("limits",), "t"),
        ("model: op^", "value", ("model",), "op"),
        ("tools: [read_file, w^", "value", ("tools", ITEM), "w"),
        ("tools: [\n  read_file,  # [ all\n  w^", "value", ("tools", ITEM), "w"),
        ("tools:\n  - read_file\n  - w^", "either", ("tools", ITEM), "w"),
        ("tools:\n- w^", "either", ("tools", ITEM), "w"),
        ("prompts:\n  - name: a\n    text: b\n  - na^", "either", ("prompts", ITEM), "na"),
        ("prompts:\n  - name: a\n    te^", "key", ("prompts", ITEM), "te"),
        ("knowledge:\n  - collection: x\n    retrieval:\n      mo^", "key", RETRIEVAL, "mo"),
        ("knowledge: [{ collection: d, retrieval: { mo^", "key", RETRIEVAL, "mo"),
        ("approvals: {allow: ['write^", "value", ("approvals", "allow", ITEM), "write"),
    ],
)  # fmt: skip
def test_the_place_of_the_cursor_is_known(text: str, kind: str, path: tuple[str, ...], word: str) -> None:
    place = place_at(*at(text))
    assert place is not None
    assert (place.kind, place.path, place.word) == (kind, path, word)


@pytest.mark.parametrize(
    "text",
    [
        "# na^",
        "name: a  # mo^",
        "instructions: |\n  to^",
        "prompts:\n  - name: a\n    text: >-\n      [x\n      na^",
    ],
)
def test_nothing_is_offered_in_comments_and_texts(text: str) -> None:
    assert place_at(*at(text)) is None
    assert offers(*at(text), KNOWN) == ("", [])


def test_keys_tools_models_agents_and_words_are_offered() -> None:
    assert names("na^")[:2] == ["name:", "display_name:"]
    assert "version:" not in names("version: 1\n^\nname: a")
    assert "name:" not in names("version: 1\n^\nname: a")
    assert names("tools: [wri^") == ["write_file"]
    assert names("approvals:\n  deny:\n    - re^") == ["read_file"]
    assert names("tools: [wfl^") == ["write_file"]
    assert names("model: off^") == ["offline"]
    assert names("fallback_models: [op^") == ["openai/gpt-4o"]
    assert names("extends: g^") == ["general"]
    assert names("memory:\n  recall: ^") == ["true", "false"]
    assert names("limits:\n  on_expiry: c^") == ["cancel"]
    assert names("description: hello wo^") == []


def test_a_line_says_what_its_key_is_for() -> None:
    text = plain(describe(["limits:", "  on_expiry: deny"], 1, KNOWN))
    assert "limits.on_expiry\n" in text
    assert "takes  deny, cancel" in text
    assert "max_steps, timeout_s" in plain(describe(["limits:"], 0, KNOWN))
    assert plain(describe_key(("limits", "on_expiry"), KNOWN)) == text
    assert describe(["foo: 1"], 0, KNOWN) == []
    assert describe(["name: a"], 0, Known()) == []
    assert key_path_at(["tools:", "  - read_file"], 1) == ("tools", ITEM)


@given(st.text(alphabet="ab:- []{},#|\"'\n", max_size=80), st.integers(0, 80))
def test_any_text_can_be_written_in(text: str, index: int) -> None:
    lines = text.split("\n")
    row = index % len(lines)
    word, found = offers(lines, row, index % (len(lines[row]) + 1), KNOWN)
    assert lines[row][: index % (len(lines[row]) + 1)].endswith(word)
    assert all(one.row(30)[0] == one.text for one in found)
    describe(lines, row, KNOWN)


# --- typing


def test_a_new_line_is_as_deep_as_it_should_be() -> None:
    assert indented("limits:", 2) == 2
    assert indented("  text: |", 2) == 4
    assert indented("    max_steps: 3", 2) == 4
    assert indented("tools:  # all", 2) == 2
    assert indented("", 2) == 0


def test_the_word_of_a_mistake_is_found() -> None:
    assert word_at("tools: [read_fil, x]", 8) == (8, 16)
    assert word_at("name:", 9) == (4, 5)
    assert word_at("", 0) == (0, 0)


@given(st.text(alphabet="ab\n", max_size=12), st.text(alphabet="ab\n", max_size=12))
def test_only_what_is_another_is_replaced(before: str, after: str) -> None:
    start, end, part = changed_part(before, after)
    assert 0 <= start <= end <= len(before)
    assert before[:start] + part + before[end:] == after


def test_the_parts_of_a_text_have_roles() -> None:
    roles = coloured('# why\nname: a  # b\ntools: [x]\nprompts: [{text: "é"}]\n')
    assert roles[0] == [(0, 5, "comment")]
    assert roles[1][0] == (0, 4, "key")
    assert {role for _, _, role in roles[2]} == {"key", "sign", "value"}
    assert coloured("a" * (MAX_CHARS + 1)) == {}
    assert coloured("a: [\nb: x\n# c\n")[2] == [(0, 3, "comment")], "an open bracket ends with its entry"


# --- the form


def test_the_form_shows_the_common_fields() -> None:
    shown = plain([one for _, lines in form_rows(TEMPLATE, 60) for one in lines])
    assert "name         reviewer" in shown
    assert "model        the usual order" in shown
    assert "+1" in shown, "the instructions have another line"
    assert "deny         none" in shown
    assert form_rows("name: [", 60) == []
    assert EVIL not in plain([one for _, lines in form_rows('name: "x\\e]0;y"', 60) for one in lines])


def test_a_field_is_changed_in_the_text_and_the_comments_stay() -> None:
    text = with_field(TEMPLATE, "tools", ["read_file", "write_file"])
    text = with_field(text, "approvals.deny", ["write_file(*.py)"])
    text = with_field(text, "instructions", "Read.\nThen say: it is good.\n")
    text = with_field(text, "model", "openai/gpt-4o")
    assert [one for one in TEMPLATE.splitlines() if one.startswith("#")] == [
        one for one in text.splitlines() if one.startswith("#")
    ]
    values = values_of(text)
    assert values is not None
    assert values["instructions"] == "Read.\nThen say: it is good.\n"
    assert (listed(values["tools"]), values["model"]) == (["read_file", "write_file"], "openai/gpt-4o")
    assert "instructions: |\n  Read.\n  Then say: it is good.\n\n#" in text
    assert values_of(with_field(text, "model", None))["model"] is None  # type: ignore[index]


def test_a_tool_with_an_id_keeps_it() -> None:
    text = "tools:\n  # asks\n  - {tool: a, id: x}\n  - b\n"
    assert with_field(text, "tools", ["a", "c"]) == "tools:\n  # asks\n  - {tool: a, id: x}\n  - c\n"


@given(st.sampled_from(FIELDS), st.text(max_size=30))
def test_any_answer_reads_as_it_was_meant(field: Any, answer: str) -> None:
    value = [one.strip() for one in answer.splitlines()] if field.how in ("tools", "rules") else answer
    values = values_of(with_field(TEMPLATE, field.id, value))
    assert values is not None
    assert values[field.id] == value


def test_a_text_that_the_form_cannot_change_says_so() -> None:
    with pytest.raises(InvalidError, match="write it into the text"):
        with_field("a: 1\na: 2\n", "name", "b")


def test_rules_and_tools_are_asked_for() -> None:
    assert rules_of(" a \n\nb(*)\n") == ["a", "b(*)"]
    rows = tool_rows(KNOWN.tools, ["gone"])
    assert [one.value for one in rows] == ["gone", "read_file", "write_file"]
    assert "There is no such tool here." in plain(rows[0].detail)


# --- what is said


def mistake(line: int, column: int = 1, **more: Any) -> Diagnostic:
    return Diagnostic(
        file="a.yaml", line=line, column=column, message=f"wrong in {line}", **{"key_path": "", **more}
    )


def state(*problems: Diagnostic, **more: Any) -> EditorState:
    made = EditorState(name="reviewer", origin="user", saved="a", text="1\n2\n3\n4", **more)
    made.take_problems(made.text, problems)
    return made


def test_mistakes_are_told_those_of_the_line_first() -> None:
    one = state(mistake(4, hint="mend it", expected="a number", key_path="x.y"), mistake(2))
    text = plain(problem_lines(one, 3, 4, 60))
    assert text == (
        "✗ 2 mistakes   ctrl+l goes to the next\n"
        "▸ 4:1 x.y: wrong in 4; mend it; expected a number\n"
        "  2:1 wrong in 2"
    )
    assert len(problem_lines(state(*map(mistake, range(1, 9))), 0, 4, 60)) == 4
    assert "no mistakes" in plain(problem_lines(state(), 0, 4, 60))
    assert EVIL not in plain(problem_lines(state(mistake(1, hint=EVIL)), 0, 4, 60))


def test_a_message_beside_a_line_fits_there() -> None:
    assert beside([mistake(1, hint="mend it"), mistake(1)], 60) == "  ✗ wrong in 1; mend it (+1)"
    assert len(beside([mistake(1, hint="mend it " * 9)], 30)) <= 30
    assert beside([mistake(1)], 10) == ""


def test_mistakes_are_gone_through_in_order() -> None:
    one = state(mistake(4), mistake(2, 3), mistake(99))
    assert one.next_problem(0, 0) == (1, 2)
    assert one.next_problem(1, 2) == (3, 0)
    assert one.next_problem(98, 0) == (1, 2)
    assert sorted(one.by_line()) == [1, 3]
    assert state().next_problem(0, 0) is None


def test_the_first_line_says_whose_file_it_is_and_what_is_not_saved() -> None:
    assert "● not saved" in plain([headline(state(), 120)])
    assert "a copy of your own is saved" in plain([headline(EditorState(name="a", origin="shipped"), 120)])
    assert "control characters are left out" in plain([headline(state(cleaned=True), 120)])
    keys = [label for _, label, _ in footer(state(), completing=False, in_form=False)]
    assert keys == ["back", "save", "complete", "form", "try it", "help"]
    assert footer(state(), completing=True, in_form=False)[0][1] == "put it in"


def test_a_warning_is_told_and_keeps_nobody_from_saving() -> None:
    state = EditorState("clerk", "user", text="a\nb\n")
    one = Diagnostic(file="a", line=1, column=1, key_path="tools[0]", message="is dropped", warning=True)
    state.take_problems(state.text, [one])
    assert state.mistakes == 0
    assert plain(problem_lines(state, 0, 4, 60)) == (
        "✓ no mistakes, 1 warning   ctrl+l goes to the next\n▸ ⚠ 1:1 tools[0]: is dropped"
    )
    assert beside([one], 40) == "  ⚠ is dropped"
    state.take_problems(state.text, [one, one.model_copy(update={"warning": False})])
    assert plain(problem_lines(state, 0, 4, 60)).startswith("✗ 1 mistake, 1 warning")


# --- typing faster than the screen is drawn


class Bare(App[None]):
    """An app of the editor alone; nothing is checked."""

    def work(self, *_: Any) -> None:
        pass


async def test_a_completion_is_taken_for_what_was_typed_whatever_is_typed_behind_it_at_once() -> None:
    app = Bare()
    state = EditorState("clerk", "new", saved="", text="", known=KNOWN)
    async with app.run_test() as pilot:
        control = SimpleNamespace(check=print)  # `work` does nothing
        screen = AuthorScreen(control, state)  # type: ignore[arg-type]
        await app.push_screen(screen)
        area = screen.query_one(AgentArea)
        for key in (*"mod", "tab", *"openai", "down", "enter", *"/x"):
            area.post_message(events.Key(key, key if len(key) == 1 else None))
        await pilot.pause()
    assert area.text == "model: openai/gpt-4o/x"
