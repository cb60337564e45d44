"""What the documents show as examples: blocks of YAML, command lines, and links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_INLINE = re.compile(r"`(holdfast(?: [^`]+)?)`")
_REQUEST = re.compile(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?\s]+)[^`]*`")
_LINK = re.compile(r"\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_SHELLS = ("sh", "bash", "console")
_ENDS_COMMAND = ("|", "||", "&&", ";", "&", ">", ">>", "2>", "<", "2>&1")
_ASSIGNMENT = re.compile(r"\w+=")


@dataclass(frozen=True, slots=True)
class Example:
    """One example and where it stands."""

    place: str
    text: str

    def __str__(self) -> str:
        return self.place


def documents() -> list[Path]:
    """Returns every Markdown page that people read."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def yaml_blocks() -> list[Example]:
    """Returns every block of YAML."""
    return [Example(place, body) for place, language, body in _blocks() if language in ("yaml", "yml")]


def blocks_of(name: str, language: str) -> list[str]:
    """Returns the blocks in one language of one page."""
    return [body for place, kind, body in _blocks() if kind == language and place.startswith(f"{name}:")]


def blocks_on(name: str) -> list[tuple[str, str]]:
    """Returns all blocks of one page in their order, each with its language."""
    return [(kind, body) for place, kind, body in _blocks() if place.startswith(f"{name}:")]


def command_lines() -> list[Example]:
    """Returns every `holdfast …` line in a block of shell, without its prompt and what follows a pipe."""
    return [
        Example(place, command)
        for place, language, body in _blocks()
        if language in _SHELLS
        for line in body.replace("\\\n", " ").splitlines()
        if "holdfast" in line  # others may be cut within quotes
        for command in _commands(line)
    ]


def mentioned_commands() -> list[Example]:
    """Returns every command that stands in the text itself."""
    return [
        Example(f"{_name(path)}: {found[1]}", found[1])
        for path in documents()
        for found in _INLINE.finditer(_without_blocks(path.read_text(encoding="utf-8")))
    ]


def mentioned_requests() -> list[Example]:
    """Returns every request to the engine's API that stands in the text itself: method and path."""
    return [
        Example(f"{_name(path)}: {found[1]}", found[1])
        for path in documents()
        if "reference" not in path.parts and path.name != "openai-clients.md"  # of other APIs
        for found in _REQUEST.finditer(_without_blocks(path.read_text(encoding="utf-8")))
    ]


def links() -> list[Example]:
    """Returns every link to another place of the repository; the place is the page's path."""
    return [
        Example(_name(path), found["target"])
        for path in documents()
        for found in _LINK.finditer(_without_blocks(path.read_text(encoding="utf-8")))
        if "://" not in found["target"]
    ]


def anchors(path: Path) -> set[str]:
    """Returns the anchors that the headings of a page make, as GitHub does."""
    headings = _HEADING.findall(_without_blocks(path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _blocks() -> Iterator[tuple[str, str, str]]:
    for path in documents():
        text = path.read_text(encoding="utf-8")
        for found in _FENCE.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            indent = found["indent"]
            body = "".join(each.removeprefix(indent) for each in found["body"].splitlines(keepends=True))
            yield f"{_name(path)}:{line}", found["language"], body


def _commands(line: str) -> Iterator[str]:
    words = shlex.split(line.removeprefix("$ "), comments=True)
    command: list[str] = []
    for word in [*words, ";"]:
        if word not in _ENDS_COMMAND:
            command.append(word)
            continue
        while command and _ASSIGNMENT.match(command[0]):
            command = command[1:]
        if command and command[0] == "holdfast":
            yield shlex.join(command)
        command = []


def _without_blocks(text: str) -> str:
    return _FENCE.sub("", text)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
