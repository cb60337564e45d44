"""Conversations in Markdown: our own exports, and files whose headings say who speaks."""

from __future__ import annotations

import re

from holdfast.core.sessions.imports.conversation import Conversation, Role

_HEADING = re.compile(r"(?:#{1,4} +(?:\*\*)?|\*\*)([^*\n]{1,100}?)(?: \(\w+\))?:?(?:\*\*)?:? *$")
_TITLE = re.compile(r"# +(\S.*)$")
_ABOUT = re.compile(r"Agent `([^`\n]{1,100})` · ")
_RUN = re.compile(r"\*(?:[^*\n]+ on [^*\n]+|A tool, run directly)\*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SPEAKERS: dict[str, Role] = {
    **dict.fromkeys(("you", "user", "human", "me", "question", "prompt"), "user"),
    **dict.fromkeys(
        ("assistant", "ai", "model", "bot", "chatgpt", "claude", "gemini", "answer"), "assistant"
    ),
}


def read_markdown(text: str, title: str = "") -> Conversation:
    """Returns the conversation of a Markdown file; without messages when no heading says who speaks."""
    conversation = Conversation("markdown", title)
    role: Role | None = None
    lines: list[str] = []
    fence = ""
    for line in text.splitlines():
        fence = _fenced(line, fence)
        speaker = None if fence else _speaker(line, conversation.agent)
        if speaker is not None:
            _say(conversation, role, lines)
            role, lines = speaker, []
        elif role is None:
            _about(conversation, line)
        else:
            lines.append(line)
    _say(conversation, role, lines)
    return conversation


def _fenced(line: str, fence: str) -> str:
    """Returns the marks of the fence that is open behind a line; in one, no line is a heading."""
    match = _FENCE.match(line)
    if match is None:
        return fence
    if not fence:
        return match[1]
    closes = match[1][0] == fence[0] and len(match[1]) >= len(fence) and not line.strip(" `~")
    return "" if closes else fence


def _speaker(line: str, agent: str) -> Role | None:
    match = _HEADING.match(line)
    if match is None:
        return None
    name = match[1].strip()
    if agent and name == agent:
        return "assistant"
    return _SPEAKERS.get(name.casefold())


def _about(conversation: Conversation, line: str) -> None:
    if match := _TITLE.match(line):
        conversation.title = match[1]
    elif match := _ABOUT.match(line):
        conversation.agent = match[1]


def _say(conversation: Conversation, role: Role | None, lines: list[str]) -> None:
    if role is None:
        return
    while lines and (not lines[-1].strip() or _RUN.match(lines[-1])):
        lines.pop()  # our exports say there who answers next
    conversation.say(role, "\n".join(line.removeprefix("\\") if _escaped(line) else line for line in lines))


def _escaped(line: str) -> bool:
    """Says whether a line of a message was kept from being read as a heading."""
    return line.startswith("\\#")
