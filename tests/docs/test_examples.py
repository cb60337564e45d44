"""What the documents show works: YAML loads, commands exist with their options, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import examples
import pytest
import yaml
from docpages.cli import program
from docpages.tools import tools
from examples import ROOT, Example
from pydantic import BaseModel

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.approvals.policy_file import parse_rules
from holdfast.core.config.nodes import compose
from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.config.yaml import parse as parse_yaml
from holdfast.core.config.yaml import validate
from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.approvals import Rules
from holdfast.core.domain.custom_tools import HttpToolSpec
from holdfast.core.tools.http_tool import check_spec
from holdfast.server.native.operation import PREFIX
from holdfast.tui.themes import to_theme

FINE_IN_TEXT = ("NoArgsIsHelpError", "MissingParameter", "Exit")
"""In running text a command may be named without what it needs; `--help` ends the parsing."""


def keys(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


def mistakes(text: str, folder: Path) -> list[str]:
    """Returns what is wrong with a block of YAML, read as what it looks like."""
    values: Any = yaml.safe_load(text)
    if not isinstance(values, dict):
        return ["this is no mapping"]
    given = set(values)
    if "colors" in given:
        return [] if to_theme(values) else ["no theme"]
    if given <= keys(Rules):
        return [str(problem) for problem in parse_rules(text, "policy.yaml")[1]]
    if given <= keys(Settings):
        document, problems = compose(text, "settings.yaml")
        more = validate(Settings, document)[1] if document else []
        return [str(problem) for problem in [*problems, *more]]
    if "endpoint" in given:
        spec, problems = parse_yaml(HttpToolSpec, text, "tool.yaml")
        assert spec is None or check_spec(spec)
        return [str(problem) for problem in problems]
    if given <= keys(AgentSpec):
        return _agent_mistakes(text, given, folder)
    return [f"nothing has the keys {sorted(given)}"]


def _agent_mistakes(text: str, given: set[str], folder: Path) -> list[str]:
    """Checks an agent file as `holdfast agents validate` does; a fragment gets what it leaves out."""
    left_out = {"version": "version: 1\n", "name": "name: example\n"}
    path = folder / "example.yaml"
    path.write_text("".join(line for key, line in left_out.items() if key not in given) + text)
    home = folder / "home"
    paths = Paths(home, home, home, home, home)
    registry = AgentRegistry(paths, [tool.name for tool in tools()])
    return [str(problem) for problem in registry.validate(path)]


def parse(line: str) -> None:
    """Parses a command line as Typer does, without running it. Raises what Typer raises."""
    command, name, words = program(), "holdfast", shlex.split(line)[1:]
    context = None
    while True:
        context = command.make_context(name, list(words), parent=context)
        rest = [*context._protected_args, *context.args]
        if not hasattr(command, "resolve_command") or not rest:
            return
        name, command, words = command.resolve_command(context, rest)


@pytest.mark.parametrize("block", examples.yaml_blocks(), ids=str)
def test_a_block_of_yaml_is_a_valid_file_of_its_kind(block: Example, tmp_path: Path) -> None:
    assert mistakes(block.text, tmp_path) == []


def by_page(found: Iterable[Example]) -> list[Any]:
    """Returns the examples of each page: one test for each of them would take longer than the tests do."""
    pages: dict[str, list[Example]] = {}
    for one in found:
        pages.setdefault(one.place.partition(":")[0], []).append(one)
    return [pytest.param(each, id=page) for page, each in pages.items()]


@pytest.mark.parametrize("lines", by_page(examples.command_lines()))
def test_a_command_line_can_be_typed_as_it_stands(lines: list[Example]) -> None:
    assert {line.place: wrong for line in lines if (wrong := wrong_in(line))} == {}


@pytest.mark.parametrize("lines", by_page(examples.mentioned_commands()))
def test_a_command_that_is_mentioned_exists_with_its_options(lines: list[Example]) -> None:
    found = {line.place: wrong_in(line) for line in lines}
    assert {
        place: wrong for place, wrong in found.items() if wrong and not wrong.startswith(FINE_IN_TEXT)
    } == {}


def wrong_in(line: Example) -> str:
    """Returns why a command line cannot be typed; empty when it can."""
    try:
        parse(line.text)
    except Exception as error:  # noqa: BLE001 - Typer's errors are in a private module
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("request_", examples.mentioned_requests(), ids=str)
def test_a_request_that_is_mentioned_is_one_of_the_api(request_: Example) -> None:
    reference = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    known = re.findall(r"^\| `([A-Z]+ /\S*)`", reference, re.MULTILINE)
    given = request_.text.replace(PREFIX, "")
    assert any(re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(row)), given) for row in known)


@pytest.mark.parametrize("links", by_page(examples.links()))
def test_a_link_leads_somewhere(links: list[Example]) -> None:
    assert [link.text for link in links if not leads(link)] == []


def leads(link: Example) -> bool:
    """Says whether there is what a link names."""
    target, _, anchor = link.text.partition("#")
    page = ROOT / link.place
    path = (page.parent / target).resolve() if target else page
    return path.exists() and (not anchor or anchor in examples.anchors(path))


def test_a_link_to_nothing_is_noticed() -> None:
    for text in ("nothing.md", "#nothing", "how-to/serve.md#nothing"):
        assert not leads(Example("docs/README.md", text))


def test_a_wrong_option_and_a_wrong_command_are_noticed() -> None:
    for line in ("holdfast run guide hello --no-such-option", "holdfast sessions listt", "holdfast srve"):
        with pytest.raises(Exception, match=r"[Nn]o such"):
            parse(line)


def test_a_mistake_in_a_block_of_yaml_is_noticed(tmp_path: Path) -> None:
    for text in ("tools: [read_fiel]\n", "allow: 3\n", "models: { retry: 1 }\n", "colours: {}\n"):
        assert mistakes(text, tmp_path) != [], text
