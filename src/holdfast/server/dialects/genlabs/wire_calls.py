"""What calls of agents look like: `/v1/{agent_id}` and `/v2/{agent_id}`."""

from __future__ import annotations

from typing import Any, Literal

from holdfast.server.dialects.genlabs.wire import Said, Sent


class CallRequest(Sent):
    """Either version's body; what is wrong in it is said in GenLabs' own words."""

    conversation: Any = None
    """The whole conversation, of v1."""
    message: Any = None
    """The latest message, of v2."""
    stream: Any = None
    """Whether the answer is streamed; None: as the agent says."""


class Answer(Said):
    response: str


class SearchedAnswer(Said):
    """A reply for which documents were searched."""

    file_searches: tuple[str, ...]
    """Names of the tools."""
    response: str


class Searched(Said):
    file_searches: tuple[str, ...]


class CallOut(Said):
    """A call of a tool that the client is to make."""

    name: str
    parameters: dict[str, Any]


class QuestionOut(Said):
    """A tool that could be called if the question were answered."""

    name: str
    question: str


class Replied(Said):
    """The answer of an agent that has replied."""

    status: Literal["success"] = "success"
    data: SearchedAnswer | Answer


class Initiated(Said):
    """The answer of an agent that wants tools called."""

    status: Literal["success"] = "success"
    message: Literal["Tool call(s) initiated"] = "Tool call(s) initiated"
    tool_calls: tuple[CallOut | QuestionOut, ...]


class SearchedInitiated(Initiated):
    """The same, where documents were searched before."""

    data: Searched


class ThreadReplied(Replied):
    """What v2 says beside: the conversation's name."""

    session: str


class ThreadInitiated(Initiated):
    session: str


class ThreadSearchedInitiated(SearchedInitiated):
    session: str


AnswerV1 = Replied | SearchedInitiated | Initiated
AnswerV2 = ThreadReplied | ThreadSearchedInitiated | ThreadInitiated
