"""Agents that are made and changed by values instead of text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from agent_folders import Agents
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.agents.editor import AgentEditor, digest_of
from holdfast.core.agents.rewrite import composed, free_name, with_changes
from holdfast.core.config.nodes import compose
from holdfast.core.domain.errors import (
    AgentFileError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from holdfast.core.domain.values import made_at, new_dated_id, new_id, utc_now

TEXT = """\
# mine
version: 1
name: helper # short

# how it talks
model_settings: {temperature: 0.2, seed: 7}
tools:
  # reads
  - read_file
  - {tool: list_files, arguments: {path: docs}}  # only there
instructions: |
  Be brief.
"""


@pytest.fixture
def editor(agents: Agents) -> AgentEditor:
    return AgentEditor(agents.registry)


def said(text: str) -> Any:
    document, problems = compose(text, "")
    assert document is not None and not problems
    return document.root.value


class TestCompose:
    def test_values_become_a_tidy_file(self, agents: Agents, editor: AgentEditor) -> None:
        made = editor.compose(
            {
                "tools": ["read_file", {"tool": "list_files", "arguments": {"path": "a"}}],
                "instructions": "Be brief.\n\nAnd kind.",
                "display_name": "My Agent",
                "model": None,
                "model_settings": {"temperature": 0.5},
                "ext": {"powabase": {"settings": {"theme": "dark"}}},
            }
        )
        text = (agents.paths.agents / "my-agent.yaml").read_text()
        assert text == (
            f'version: 1\nname: my-agent\nid: {made.id}\ndisplay_name: "My Agent"\ntools:\n  - read_file\n'
            "  - {tool: list_files, arguments: {path: a}}\ninstructions: |-\n  Be brief.\n\n  And kind.\n"
            "model_settings:\n  temperature: 0.5\next:\n  powabase: {settings: {theme: dark}}\n"
        )
        assert made.spec is not None
        assert made.spec.ext == {"powabase": {"settings": {"theme": "dark"}}}
        assert made.spec.tools[1].arguments == {"path": "a"}

    def test_a_name_is_made_that_nothing_has(self, agents: Agents, editor: AgentEditor) -> None:
        agents.write("shipped", "my-agent-2")
        names = [editor.compose({"display_name": "My Agent"}).name for _ in range(3)]
        assert names == ["my-agent", "my-agent-3", "my-agent-4"]

    def test_a_name_that_is_given_is_kept_or_refused(self, editor: AgentEditor) -> None:
        assert editor.compose({"name": "mine"}).name == "mine"
        with pytest.raises(ConflictError):
            editor.compose({"name": "mine"})

    @pytest.mark.parametrize("values", [{}, {"display_name": "  "}, {"display_name": 3}])
    def test_without_any_name_there_is_no_agent(self, editor: AgentEditor, values: Any) -> None:
        with pytest.raises(InvalidError) as refused:
            editor.compose(values)
        assert refused.value.code == "agent_without_name"

    def test_mistakes_are_told_and_nothing_is_kept(self, agents: Agents, editor: AgentEditor) -> None:
        with pytest.raises(AgentFileError, match="temperature"):
            editor.compose({"display_name": "A", "model_settings": {"temperature": "hot"}})
        assert not agents.paths.agents.exists()

    def test_its_age_is_in_its_id(self, editor: AgentEditor) -> None:
        before = utc_now()
        made = editor.compose({"display_name": "A"})
        assert made.created_at is not None and made.updated_at is not None
        assert abs((made.created_at - before).total_seconds()) < 60
        changed = editor.edit(made.id, {"description": "x"})
        assert changed.created_at == made.created_at
        assert changed.updated_at is not None and changed.updated_at >= made.updated_at

    @pytest.mark.parametrize(
        ("title", "name"),
        [
            ("Ünser Häus!", "unser-haus"),
            ("日本", "agent"),
            ("8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001", "agent-8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"),
            ("x" * 100, "x" * 64),
        ],
    )
    def test_any_title_has_a_name(self, editor: AgentEditor, title: str, name: str) -> None:
        assert editor.compose({"display_name": title}).name == name

    def test_a_number_fits_into_the_name(self) -> None:
        assert free_name("x" * 64, {"x" * 64}) == "x" * 62 + "-2"


class TestEdit:
    def test_only_what_is_changed_is_written(self, agents: Agents, editor: AgentEditor) -> None:
        path = agents.paths.agents / "helper.yaml"
        editor.create(TEXT)
        kept = path.read_text()
        editor.edit(
            "helper", {"model_settings.temperature": 1, "model_settings.seed": None, "model": "offline"}
        )
        expected = kept.replace("{temperature: 0.2, seed: 7}", "{temperature: 1}") + "model: offline\n"
        assert path.read_text() == expected

    def test_an_item_of_a_list_is_changed_in_its_place(self) -> None:
        items = ["read_file", {"tool": "list_files", "arguments": {"path": "x"}}, "write_file"]
        assert with_changes(TEXT, {"tools": items}) == TEXT.replace(
            "  - {tool: list_files, arguments: {path: docs}}  # only there\n",
            "  - {tool: list_files, arguments: {path: x}}\n  - write_file\n",
        )
        assert with_changes(TEXT, {"tools": ["read_file"]}) == TEXT.replace(
            "  - {tool: list_files, arguments: {path: docs}}  # only there\n", ""
        )

    def test_a_new_list_has_an_item_in_each_line(self) -> None:
        hook = {"point": "before_run", "type": "webhook", "url": "https://a.test"}
        added = "\n".join(["hooks:", '  - {point: before_run, type: webhook, url: "https://a.test"}', ""])
        assert with_changes(TEXT, {"hooks": [hook]}) == TEXT + added

    def test_two_edits_at_once_are_both_there(self, editor: AgentEditor) -> None:
        editor.create(TEXT)
        with ThreadPoolExecutor(8) as pool:
            list(
                pool.map(
                    lambda n: editor.edit("helper", {f"ext.test.key{n}": n}),
                    range(24),
                )
            )
        info = editor.edit("helper", {})
        assert info.spec is not None and info.spec.ext["test"] == {f"key{n}": n for n in range(24)}

    def test_what_has_changed_since_is_a_conflict(self, editor: AgentEditor) -> None:
        editor.create(TEXT)
        source = editor.source("helper")
        assert source.values["tools"][0] == "read_file"
        editor.edit("helper", {"description": "one"}, expected=source.digest)
        with pytest.raises(ConflictError) as refused:
            editor.edit("helper", {"description": "two"}, expected=digest_of(source.text))
        assert refused.value.code == "agent_changed"

    def test_mistakes_leave_the_file_as_it_was(self, agents: Agents, editor: AgentEditor) -> None:
        editor.create(TEXT)
        path = agents.paths.agents / "helper.yaml"
        before = path.read_bytes()
        for changes in ({"tools": ["no_such_tool"]}, {"no_such_key": 1}, {"version": None}):
            with pytest.raises(AgentFileError):
                editor.edit("helper", changes)
        with pytest.raises(InvalidError):
            editor.edit("helper", {"model_settings": {"a": object()}})
        assert path.read_bytes() == before

    def test_an_agent_that_comes_with_holdfast_is_not_changed(
        self, agents: Agents, editor: AgentEditor
    ) -> None:
        agents.write("shipped", "general")
        with pytest.raises(ForbiddenError):
            editor.edit("general", {"description": "x"})

    def test_an_agent_of_a_project_gets_no_line_that_nobody_wrote(
        self, agents: Agents, editor: AgentEditor
    ) -> None:
        path = agents.write("project", "shared", "description: one\n")
        with pytest.raises(NotFoundError):
            editor.edit("shared", {"description": "two"})
        editor.edit("shared", {"description": "two"}, project=agents.project)
        assert path.read_text() == "version: 1\nname: shared\ndescription: two\n"

    def test_another_name_keeps_the_id(self, editor: AgentEditor) -> None:
        made = editor.create(TEXT)
        renamed = editor.edit("helper", {"name": "other"})
        assert (renamed.name, renamed.id) == ("other", made.id)


class TestExt:
    def test_it_is_merged_by_extends(self, agents: Agents) -> None:
        agents.write("shipped", "base", "ext: {a: {x: 1}, b: {y: 1}}\n")
        agents.write("user", "child", "extends: base\next: {b: {z: 2}}\n")
        assert agents.spec("child").ext == {"a": {"x": 1}, "b": {"z": 2}}

    @pytest.mark.parametrize(
        "ext",
        [
            {"a": {"x": "y" * 70_000}},
            {f"a{n}": {} for n in range(21)},
            {"Big Name": {}},
            {"a": {"b": [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}},
        ],
    )
    def test_it_is_bounded(self, editor: AgentEditor, ext: Any) -> None:
        with pytest.raises(AgentFileError):
            editor.compose({"display_name": "A", "ext": ext})


def test_an_id_says_when_it_was_made() -> None:
    one, two = new_dated_id(), new_dated_id()
    assert one != two
    when = made_at(one)
    assert when is not None and abs((when - utc_now()).total_seconds()) < 60
    assert made_at(new_id()) is None


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_what_a_text_says_already_stays_as_it_is_written() -> None:
    text = "version: 1\nmodel_settings: {seed: 0x7, temperature: 5.0e-1}\nmodel: null\nname: 'a'\n"
    changes = {
        "model_settings.seed": 7,
        "model_settings.temperature": 0.5,
        "limits.max_steps": None,
        "name": "a",
    }
    assert with_changes(text, changes) == text
    assert said(with_changes(text, {"model": None, "version": True})) == {
        "version": True,
        "model_settings": {"seed": 7, "temperature": 0.5},
        "name": "a",
    }


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_is_none_is_told_of(number: float) -> None:
    with pytest.raises(InvalidError, match="is no number"):
        composed({"name": "a", "ext": {"a": {"b": [number]}}})


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=8), plain, max_size=5))
def test_whatever_is_composed_reads_as_it_was_given(values: dict[str, Any]) -> None:
    wanted = {"version": 1, **{key: value for key, value in values.items() if value is not None}}
    assert said(composed(values)) == wanted


@given(st.lists(plain, max_size=4), st.lists(plain, max_size=4))
def test_any_list_can_be_put_in_the_place_of_any_other(before: list[Any], after: list[Any]) -> None:
    text = with_changes("version: 1 # one\n", {"tools": before})
    changed = with_changes(text, {"tools": after})
    assert said(changed)["tools"] == after and "# one" in changed
