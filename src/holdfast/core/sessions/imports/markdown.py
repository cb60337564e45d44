"""Conversations in Markdown: our own exports, and files whose headings say who speaks."""

from __future__ import annotations

import re

from holdfast.core.sessions.imports.conversation import Conversation
from holdfast.core.sessions.speakers import Role, Speakers, unescaped

_TITLE = re.compile(r"# +(\S.*)$")
_ABOUT = re.compile(r"Agent `([^`\n]{1,100})` · ")


def read_markdown(text: str, title: str = "") -> Conversation:
    """Returns the conversation of a Markdown file; without messages when no heading says who speaks."""
    conversation, speakers = Conversation("markdown", title), Speakers()
    role: Role | None = None
    lines: list[str] = []
    for line in text.splitlines():
        speaker = speakers.next(line)
        if speaker is not None:
            _say(conversation, role, lines)
            role, lines = speaker, []
        elif role is None:
            _about(conversation, line)
            speakers.agent = conversation.agent
        else:
            lines.append(line)
    _say(conversation, role, lines)
    return conversation


def _about(conversation: Conversation, line: str) -> None:
    if match := _TITLE.match(line):
        conversation.title = match[1]
    elif match := _ABOUT.match(line):
        conversation.agent = match[1]


def _say(conversation: Conversation, role: Role | None, lines: list[str]) -> None:
    if role is None:
        return
    while lines and (not lines[-1].strip() or _tells_of_run(lines[-1])):
        lines.pop()  # our exports say there who answers next
    conversation.say(role, "\n".join(unescaped(line, conversation.agent) for line in lines))


def _tells_of_run(line: str) -> bool:
    """Says whether a line is one of our exports' that say which agent answers, and with which model."""
    inner = line[1:-1]
    if len(line) < 3 or line[0] + line[-1] != "**" or "*" in inner:
        return False
    return inner == "A tool, run directly" or " on " in inner[1:-1]
