"""What a hook may say, how conditions are read, and the file with a user's hooks."""

from __future__ import annotations

import json
import re
import tempfile
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from holdfast.core.domain.conditions import Condition, check_expression
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.hooks import MAX_HOOKS, HookSpec
from holdfast.core.hooks.hooks_file import HooksFile

RULE = {"type": "rule", "rules": [{"when": "path CONTAINS x"}]}


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        ({"type": "rule"}, "needs `rules`"),
        ({"type": "webhook"}, "needs `url`"),
        ({"type": "python"}, "needs `file`"),
        ({**RULE, "url": "https://a.test/"}, "of the type webhook"),
        ({**RULE, "point": "after_run"}, "nothing to decide"),
        ({"type": "approval", "point": "after_tool"}, "before_tool or before_delegation"),
        ({"type": "approval", "point": "before_run", "matcher": "write_file"}, "no tool"),
        ({"type": "approval", "matcher": "write file("}, "not a rule"),
        ({"type": "rule", "rules": [{"when": "path HAS x"}]}, "no condition"),
        ({"type": "rule", "rules": [{"when": "path MATCHES ("}]}, "no regular expression"),
        ({"type": "rule", "rules": [{"when": "path MATCHES " + "a" * 501}]}, "more than 500"),
        ({"type": "rule", "rules": [{"when": "path IN a, b"}]}, "list of texts"),
        ({"type": "rule", "rules": [{"when": 'path CONTAINS "a'}]}, "not JSON"),
        ({"type": "rule", "rules": [{"action": "modify"}]}, "`set` or `replace`"),
        ({"type": "rule", "rules": [{"set": {"a": 1}}]}, "`set` or `replace`"),
        ({"type": "rule", "rules": [{"action": "modify", "replace": "x"}]}, "messages and outputs"),
        (
            {"type": "rule", "point": "after_tool", "rules": [{"action": "modify", "set": {"a": 1}}]},
            "sets arguments",
        ),
        ({"type": "python", "file": "a\0b"}, "is no path"),
        ({"type": "python", "file": "~nobody-of-this-name/x.py"}, "home of nobody"),
        ({"type": "webhook", "url": "https://a.test/", "headers": {"Host": "b"}}, "cannot be sent"),
        ({"type": "webhook", "url": "https://a.test/", "headers": {"X-A": "b\r\nX-B: c"}}, "cannot be sent"),
        (
            {"type": "webhook", "url": "https://a.test/", "headers": {"X-Holdfast-Hook": "b"}},
            "cannot be sent",
        ),
    ],
)
def test_what_cannot_work_is_refused(hook: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        HookSpec.model_validate({"point": "before_tool", **hook})


@given(value=st.text(), part=st.text(min_size=1, max_size=8))
def test_a_quoted_value_is_taken_as_it_is(value: str, part: str) -> None:
    contains = Condition.parse(f"a.b NOT CONTAINS {json.dumps(part)}")
    assert (contains.field, contains.values) == ("a.b", (part,))
    assert contains.holds([value]) == (part not in value)
    assert Condition.parse(f"x IN {json.dumps([part, value])}").holds([value])


@pytest.mark.parametrize("asked", ["CONTAINS ab", "STARTS_WITH ab", 'IN ["ab"]'])
def test_not_means_that_no_text_is_as_asked(asked: str) -> None:
    plain, negated = Condition.parse(f"x {asked}"), Condition.parse(f"x NOT {asked}")
    for texts in ([], ["c"], ["ab"], ["ab", "c"], ["c", "ab"]):
        assert (plain.holds(texts), negated.holds(texts)) == ("ab" in texts, "ab" not in texts)


def test_an_expression_of_a_file_is_never_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def compiled(*_: Any) -> None:
        raise AssertionError("compiled")

    Condition.parse("x CONTAINS y")
    monkeypatch.setattr("re.compile", compiled)
    Condition.parse("x MATCHES (?i)" + "[\u0100-\uffff]" * 80)


@given(st.text(alphabet="ab(?<=!)*|{1}[]^$\\\\+", max_size=20))
def test_what_is_refused_as_an_expression_is_what_cannot_be_compiled(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sets that look nested
        try:
            re.compile(text)
        except re.error:
            with pytest.raises(ValueError, match="no regular expression"):
                check_expression(text)
        else:
            check_expression(text)


@pytest.mark.parametrize(("expression", "right"), [("(a(?<!b{2})|c)+", True), ("(a|(?:b(?<=c+)))", False)])
def test_a_look_behind_of_no_width_is_refused_however_deep(expression: str, right: bool) -> None:
    with nullcontext() if right else pytest.raises(ValueError, match="look-behind"):
        check_expression(expression)


@given(st.text())
def test_any_text_is_a_condition_or_told_to_be_none(text: str) -> None:
    try:
        found = Condition.parse(text)
    except ValueError as error:
        assert str(error)
    else:
        assert found.values


def spec(**more: Any) -> HookSpec:
    return HookSpec.model_validate({"point": "before_tool", **RULE, **more})


def test_hooks_are_kept_in_their_order_with_ids_and_whole_paths(tmp_path: Path) -> None:
    file = HooksFile(tmp_path / "hooks.yaml")
    assert file.read() == ()
    first = file.add(spec(name='"quoted": \n- odd'))
    second = file.add(HookSpec(point="before_tool", type="python", file="guard.py"))
    assert file.read() == (first, second)
    assert second.file == str(tmp_path / "guard.py")
    assert "file: guard.py\n" in file.path.read_text()
    assert file.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConflictError):
        file.add(first)
    file.remove(first.id or "")
    assert file.read() == (second,)
    with pytest.raises(NotFoundError):
        file.remove(first.id or "")
    file.remove(second.id or "")
    assert file.read() == ()


@given(name=st.text(max_size=100), value=st.text(), more=st.floats() | st.integers() | st.none())
def test_a_hook_reads_as_it_was_added_or_is_refused_and_the_file_stays(
    name: str, value: str, more: Any
) -> None:
    when = "path CONTAINS " + json.dumps(value)
    rules = [{"when": when, "action": "modify", "set": {value: [value], "b": more}}]
    with tempfile.TemporaryDirectory() as folder:
        file = HooksFile(Path(folder) / "hooks.yaml")
        file.add(spec(name="before"))
        before = file.read()
        try:
            added = file.add(spec(name=name, rules=rules))
        except InvalidError:
            assert file.read() == before
        else:
            assert file.read() == (*before, added)


def test_a_text_of_any_plane_is_kept(tmp_path: Path) -> None:
    file = HooksFile(tmp_path / "hooks.yaml")
    added = file.add(spec(name="\U0001f600", rules=[{"when": 'command CONTAINS "\U0001f600\x85\u2028"'}]))
    assert file.read() == (added,)


def test_what_a_file_cannot_say_is_refused_before_it_is_written(tmp_path: Path) -> None:
    file = HooksFile(tmp_path / "hooks.yaml")
    with pytest.raises(InvalidError, match=r"cannot be kept in hooks\.yaml"):
        file.add(spec(rules=[{"action": "modify", "set": {"a": float("nan")}}]))
    assert not file.path.exists()


def test_hooks_that_a_person_has_written_keep_their_ids_when_others_go(tmp_path: Path) -> None:
    file = HooksFile(tmp_path / "hooks.yaml")
    file.path.write_text(
        "hooks:\n"
        "  - {point: before_tool, type: approval}\n"
        "  - {point: before_tool, type: approval}\n"
        "  - {point: before_run, type: rule, rules: [{when: message CONTAINS x}]}\n"
    )
    one, two, three = file.read()
    assert len({one.id, two.id, three.id}) == 3
    assert [each.id for each in file.read()] == [one.id, two.id, three.id]
    file.remove(one.id or "")
    assert file.read() == (two, three)


def test_a_file_with_a_mistake_is_told_with_its_place_and_never_overwritten(tmp_path: Path) -> None:
    file = HooksFile(tmp_path / "hooks.yaml")
    text = "hooks:\n  - point: before_tool\n    type: rule\n    rules:\n      - when: path HAS x\n"
    file.path.write_text(text)
    for act in (file.read, lambda: file.add(spec()), lambda: file.remove("x")):
        with pytest.raises(InvalidError, match=r"hooks\.yaml:5") as told:
            act()
        assert told.value.code == "invalid_hooks_file"
    assert file.path.read_text() == text


def test_there_are_not_too_many(tmp_path: Path) -> None:
    file = HooksFile(tmp_path / "hooks.yaml")
    line = "  - {point: before_tool, type: approval}\n"
    file.path.write_text("hooks:\n" + line * MAX_HOOKS)
    with pytest.raises(ConflictError) as told:
        file.add(spec())
    assert told.value.code == "too_many_hooks"
