"""Scripts in agent files: as a text, as a file beside, inherited, and where their mistakes are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_folders import Agents

from holdfast.core.agents.loader import parse_agent
from holdfast.core.domain.scripts import MAX_CODE

HEAD = "version: 1\nname: a\n"


def test_a_script_is_a_text_a_mapping_or_a_file_beside(agents: Agents) -> None:
    agents.write("user", "text", "script: |\n  response = 'one'\n")
    agents.write("user", "mapping", "script: {code: response = 1, models: {gpt-4: offline}, timeout_s: 5}\n")
    agents.write("user", "named", "script: two.py\n")
    agents.write("user", "full", "script: {file: two.py, timeout_s: 9}\n")
    (agents.paths.agents / "two.py").write_text("response = 'two'\n")
    found = {name: agents.spec(name).script for name in ("text", "mapping", "named", "full")}
    assert {name: script.code for name, script in found.items() if script} == {
        "text": "response = 'one'\n",
        "mapping": "response = 1",
        "named": "response = 'two'\n",
        "full": "response = 'two'\n",
    }
    assert found["mapping"] and found["mapping"].models == {"gpt-4": "offline"}
    assert found["full"] and (found["full"].file, found["full"].timeout_s) == ("two.py", 9)


def test_a_change_of_the_scripts_file_counts_at_once(agents: Agents) -> None:
    agents.write("user", "a", "script: a.py\n")
    file = agents.paths.agents / "a.py"
    for code in ("response = 1", "response = 22", "response = 333"):
        file.write_text(code)
        script = agents.spec("a").script
        assert script is not None and script.code == code
    file.unlink()
    (problem,) = agents.registry.get("a").problems
    assert problem.message == "there is no file a.py beside the agent's"


def test_a_script_is_inherited_with_its_file_or_replaced_as_a_whole(agents: Agents) -> None:
    agents.write("shipped", "base", "script: {file: base.py, models: {m: offline}}\n")
    (agents.shipped / "base.py").write_text("response = 1")
    agents.write("user", "same", "extends: base\n")
    agents.write("user", "other", "extends: base\nscript: response = 2\n")
    same, other = agents.spec("same").script, agents.spec("other").script
    assert same and (same.code, same.models) == ("response = 1", {"m": "offline"})
    assert other and (other.code, other.file, other.models) == ("response = 2", None, {})


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("script: |\n  x = 1\n  y = = 2\n", 5, 7, "this is no Python: invalid syntax"),
        ("script: |\n\n  x = 1\n\n  y = = 2\n", 7, 7, "this is no Python: invalid syntax"),
        ("script: |\n  return 1\n", 4, 3, "'return' outside function"),
        ("script: |\n  x = 1\n  import os, re\n", 5, 3, "a script cannot import os"),
        ("script:\n  code: |-\n    from socket import socket\n", 5, 5, "a script cannot import socket"),
        ("script: |\n  from . import x\n", 4, 3, "a script cannot import ."),
        ('script: "x = ("\n', 3, 9, "line 1 of the script"),
        ("script: >\n  x = (\n", 3, 9, "of the script"),
        ("script: ''\n", 3, 9, "the script is empty"),
        ("script: {}\n", 3, 9, "there is no script"),
        ("script: {code: x = 1, file: a.py}\n", 3, 9, "given twice"),
        ("script: {file: ../a.py}\n", 3, 16, "`../a.py`"),
        ("script: [x]\n", 3, 9, "neither a text nor a mapping"),
        ("script: {code: x = 1, timeout_s: 0}\n", 3, 34, "out of range"),
        ("script: {code: x = 1, speed: 1}\n", 3, 23, "speed"),
        ("script: a.py\n", 3, 9, "no file is beside this agent"),
        ("script: /etc/a.py\n", 3, 9, ""),
    ],
)
def test_a_mistake_is_shown_where_it_stands(text: str, line: int, column: int, said: str) -> None:
    problem = parse_agent(HEAD + text, Path("a.yaml")).problems[0]
    assert (problem.line, problem.column) == (line, column)
    assert said in str(problem)


def test_a_mistake_in_the_file_beside_is_shown_in_that_file(agents: Agents) -> None:
    path = agents.write("user", "a", "script: a.py\n")
    (path.parent / "a.py").write_text("x = 1\nimport os\n")
    (problem,) = agents.registry.validate(path)
    assert (Path(problem.file).name, problem.line, problem.column) == ("a.py", 2, 1)


@pytest.mark.parametrize("target", ["outside.py", "a.py"])
def test_a_link_out_of_the_folder_is_not_read(agents: Agents, tmp_path: Path, target: str) -> None:
    path = agents.write("user", "a", "script: a.py\n")
    (tmp_path / "outside.py").write_text("response = 'secret'")
    (path.parent / "a.py").symlink_to((tmp_path if target == "outside.py" else path.parent) / target)
    (problem,) = agents.registry.validate(path)
    assert "secret" not in str(problem) and problem.line == 3


def test_deep_and_long_scripts_are_refused_in_time() -> None:
    deep = parse_agent(f"{HEAD}script: |\n  x = {'(' * 5000}{')' * 5000}\n", Path("a.yaml"))
    assert "no Python" in deep.problems[0].message
    assert parse_agent(f"{HEAD}script: |\n  #{'x' * MAX_CODE}\n", Path("a.yaml")).problems
