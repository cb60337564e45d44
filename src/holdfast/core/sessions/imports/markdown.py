"""Conversations in Markdown: our own exports, and files whose headings say who speaks."""

from __future__ import annotations

import re

from holdfast.core.sessions.imports.conversation import Conversation
from holdfast.core.sessions.speakers import Role, Speakers, unescaped

_TITLE = re.compile(r"# +(\S.*)$")
_ABOUT = re.compile(r"Agent `([^`\n]{1,100})` · ")
_RUN = re.compile(r"\*(?:[^*\n]+ on [^*\n]+|A tool, run directly)\*$")


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
    while lines and (not lines[-1].strip() or _RUN.match(lines[-1])):
        lines.pop()  # our exports say there who answers next
    conversation.say(role, "\n".join(unescaped(line, conversation.agent) for line in lines))
