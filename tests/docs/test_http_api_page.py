"""The pages on the HTTP API and on knowledge: all of their shell is executed, in order, and answers what they
show."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import examples
import pytest
from shells import Shell
from tests.e2e.presence import program

pytestmark = pytest.mark.thorough

PAGES = ("docs/how-to/http-api.md", "docs/how-to/knowledge.md")
PORTS = ("8700", "8701")
"""The pages' ports: here, free ones."""
END = "\x1e"
"""Stands after what each block prints."""


def free_ports(count: int) -> list[str]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in taken]
    for one in taken:
        one.close()
    return ports


def elsewhere(script: str) -> str:
    """Returns the script with other ports."""
    free = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    return re.sub("|".join(PORTS), lambda found: free[found[0]], script)


def blocks(page: str) -> list[tuple[str, str]]:
    """Returns each block of shell, and the answer that the page shows below it, if it does.

    A block with prompts shows what else could be typed, and is left out.
    """
    found: list[tuple[str, str]] = []
    for language, text in examples.blocks_on(page):
        if language in ("yaml", "console"):
            continue
        if language == "sh":
            found.append((text, ""))
        else:
            shell, shown = found[-1]
            assert not shown, f"two answers to {shell}"
            found[-1] = (shell, text)
    return found


def mistakes(shown: Any, said: Any, path: str = "") -> list[str]:
    """Returns where an answer has not what is shown; `…` in a text stands for anything, numbers differ."""
    match shown:
        case dict() if isinstance(said, dict):
            missing = [f"{path}/{key} is not answered" for key in shown.keys() - said.keys()]
            both = shown.keys() & said.keys()
            return missing + [m for key in both for m in mistakes(shown[key], said[key], f"{path}/{key}")]
        case list() if isinstance(said, list):
            if len(shown) > len(said) or bool(shown) != bool(said):
                return [f"{path}: {len(said)} items, shown are {len(shown)}"]
            pairs = enumerate(zip(shown, said, strict=False))
            return [m for at, pair in pairs for m in mistakes(*pair, f"{path}/{at}")]
        case str() if isinstance(said, str):
            pattern = ".*".join(re.escape(piece) for piece in shown.split("…"))
            return [] if re.fullmatch(pattern, said, re.DOTALL) else [f"{path}: {said!r}, shown is {shown!r}"]
        case bool() | None:
            return [] if shown is said else [f"{path}: {said!r}, shown is {shown!r}"]
        case int() | float() if isinstance(said, int | float) and not isinstance(said, bool):
            return []
    return [f"{path}: {said!r}, shown is {shown!r}"]


def lines_missing(shown: str, said: str) -> list[str]:
    """Returns the shown lines that are not among those that were said."""
    lines = said.splitlines()
    numbers = [re.sub(r"\d+", "0", line) for line in lines]
    patterns = {
        line: ".*".join(re.escape(re.sub(r"\d+", "0", piece)) for piece in line.split("…"))
        for line in shown.splitlines()
    }
    return [
        line
        for line, pattern in patterns.items()
        if not any(re.fullmatch(pattern, number) for number in numbers)
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_line_works_and_answers_what_is_shown(shell: Shell, page: str) -> None:
    for name in ("bash", "curl"):
        program(name)
    examined = blocks(page)
    script = "".join(f"{lines}\nprintf '{END}'\n" for lines, _ in examined)
    said = shell.run(elsewhere(script)).out.split(END)[:-1]
    assert len(said) == len(examined)
    for (lines, shown), answer in zip(examined, said, strict=True):
        if not shown:
            continue
        if shown.startswith(("{", "[")):
            last = answer.strip().splitlines()[-1]
            assert mistakes(json.loads(shown), json.loads(last)) == [], lines
        else:
            assert lines_missing(shown, answer) == [], lines


def test_the_lines_of_the_readme_work(shell: Shell) -> None:
    program("curl")
    [lines] = [text for text in examples.blocks_of("README.md", "sh") if "curl" in text]
    said = shell.run(elsewhere(lines)).out.splitlines()[-1]
    assert mistakes({"id": "…", "agent": "analyst"}, json.loads(said)) == []


def test_an_answer_that_is_not_given_is_noticed() -> None:
    said = {"id": "7f", "items": [{"status": "completed", "size": 10}], "error": None}
    assert mistakes({"id": "…", "items": [{"size": 3}], "error": None}, said) == []
    for wrong in (
        {"name": "…"},
        {"id": "8…"},
        {"items": []},
        {"items": [{"status": "failed"}]},
        {"items": [{"size": "10"}]},
        {"error": {}},
        ["7f"],
    ):
        assert mistakes(wrong, said), wrong
    assert lines_missing("id: 4\ndata: {…}", "id: 17\n\ndata: {1}\n") == []
    assert lines_missing("event: x", "id: 17\n") == ["event: x"]
