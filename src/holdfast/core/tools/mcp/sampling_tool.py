"""A completion that a server asks for, as policy and people see it: under a name of its own."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from holdfast.core.domain.asking import SampleMessage
from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.mcp import SAMPLING, tool_name
from holdfast.core.domain.text import sanitize
from holdfast.core.domain.tools import Preview, Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.mcp.limits import MAX_SAMPLE_MESSAGES, MAX_SAMPLE_TOKENS


class SampleArguments(BaseModel):
    """What the model is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    messages: tuple[SampleMessage, ...] = Field(min_length=1, max_length=MAX_SAMPLE_MESSAGES)
    system: str = ""
    max_tokens: int = Field(gt=0, le=MAX_SAMPLE_TOKENS)


class SamplingTool:
    """Stands for the completion before policy and people; the run's own model makes it."""

    arguments: type[BaseModel] = SampleArguments
    description = "Has the run's model complete messages of an MCP server."
    risk = Risk.NETWORK

    def __init__(self, server: str, model: str) -> None:
        self._server = server
        self._model = model
        self.name = tool_name(server, SAMPLING)

    def subjects(self, arguments: Any) -> tuple[str, ...]:
        """Returns what is said, as JSON, keys in order."""
        return (json.dumps(arguments.model_dump(mode="json"), sort_keys=True, ensure_ascii=False),)

    async def preview(self, arguments: Any, context: ToolContext) -> Preview:
        """Returns who asks, which model, how much, and every message."""
        head = (
            f"The MCP server {self._server} asks {self._model} for at most {arguments.max_tokens} tokens, on "
            "the account of this run. It gets the reply."
        )
        said = [f"system:\n{sanitize(arguments.system)}"] if arguments.system else []
        said += [f"{each.role}:\n{sanitize(each.text)}" for each in arguments.messages]
        return Preview(blocks=(TextBlock(text=head), *(TextBlock(text=each) for each in said)))

    async def run(self, arguments: Any, context: ToolContext) -> ToolOutput:
        """Raises `ToolError`: nobody calls it by name, and the run's sampler does what servers ask for."""
        raise ToolError(f"{self.name} is not called; the server asks for it in the middle of a call.")
