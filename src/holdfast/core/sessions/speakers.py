"""Which lines of a Markdown file say who speaks: what exports write, and imports read."""

from __future__ import annotations

import re
from typing import Literal

Role = Literal["user", "assistant"]

LONGEST = 250
"""Characters of a line that says who speaks; a longer one is somebody's words. Any line can come from a model
or a file, so looking at it has to end soon."""
_HEADING = re.compile(r"(?:#{1,4} +(?:\*\*)?|\*\*)([^*\s][^*\n]{0,99}?)(?: \(\w+\))?:?(?:\*\*)?:? *$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SPEAKERS: dict[str, Role] = {
    **dict.fromkeys(("you", "user", "human", "me", "question", "prompt"), "user"),
    **dict.fromkeys(
        ("assistant", "ai", "model", "bot", "chatgpt", "claude", "gemini", "answer"), "assistant"
    ),
}


class Speakers:
    """Reads a file line by line; inside a code fence nobody begins to speak."""

    def __init__(self, agent: str = "") -> None:
        self.agent = agent
        """The name of the agent, which speaks under its own."""
        self._fence = ""

    def next(self, line: str) -> Role | None:
        """Returns who speaks from the next line on; None when this line does not say so."""
        self._fence = _open_fence(line, self._fence)
        match = None if self._fence or len(line) > LONGEST else _HEADING.match(line)
        if match is None:
            return None
        name = match[1].strip()
        return "assistant" if self.agent and name == self.agent else _SPEAKERS.get(name.casefold())


def _open_fence(line: str, fence: str) -> str:
    """Returns the marks of the fence that is open behind a line."""
    match = _FENCE.match(line)
    if match is None:
        return fence
    if not fence:
        return match[1]
    closes = match[1][0] == fence[0] and len(match[1]) >= len(fence) and not line.strip(" `~")
    return "" if closes else fence


def below(text: str, agent: str) -> str:
    """Returns what somebody said so that no line of it says that another speaks."""
    speakers = Speakers(agent)
    return "\n".join(f"\\{line}" if speakers.next(line) else line for line in text.split("\n"))


def unescaped(line: str, agent: str) -> str:
    """Returns a line as it was before `below`."""
    return line[1:] if line.startswith("\\") and Speakers(agent).next(line[1:]) else line
