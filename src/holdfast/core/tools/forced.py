"""Arguments that an agent's file pins: every call has them, whatever the model asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, create_model, model_validator

from holdfast.core.domain.agents import ToolAssignment
from holdfast.core.domain.tools import Besides, DoesMore, Preview, Risk, Tool, ToolContext, ToolOutput


class ForcedTool:
    """A tool some of whose arguments are pinned: policy, preview, approval and log see them as it does."""

    def __init__(self, inner: Tool, pins: Mapping[str, Any]) -> None:
        """`pins` are arguments of the tool."""
        self.inner = inner
        self.pins = dict(pins)
        self.arguments = _pinned(inner.arguments, self.pins)

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def description(self) -> str:
        return self.inner.description

    @property
    def risk(self) -> Risk:
        return self.inner.risk

    def subjects(self, arguments: Any) -> tuple[str, ...]:
        return self.inner.subjects(arguments)

    def besides(self, arguments: Any) -> tuple[Besides, ...]:
        return self.inner.besides(arguments) if isinstance(self.inner, DoesMore) else ()

    async def preview(self, arguments: Any, context: ToolContext) -> Preview:
        return await self.inner.preview(arguments, context)

    async def run(self, arguments: Any, context: ToolContext) -> ToolOutput:
        return await self.inner.run(arguments, context)


def called_with(tool: Tool, arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a call with those that are pinned."""
    return {**arguments, **tool.pins} if isinstance(tool, ForcedTool) else arguments


def forced(tools: Mapping[str, Tool], assignments: Iterable[ToolAssignment]) -> dict[str, Tool]:
    """Returns the tools of an agent with the arguments that it pins; what a tool does not know is dropped."""
    found = dict(tools)
    for each in assignments:
        tool = found.get(each.tool)
        if tool is None or not each.arguments:  # making a schema for nothing would delay every run
            continue
        known = _names(tool.arguments)
        pins = {name: value for name, value in each.arguments.items() if name in known}
        if pins:
            found[each.tool] = ForcedTool(tool, pins)
    return found


def _names(model: type[BaseModel]) -> Iterable[str]:
    properties: dict[str, Any] = model.model_json_schema().get("properties", {})
    return properties


def _pinned(model: type[BaseModel], pins: dict[str, Any]) -> type[BaseModel]:
    def pin(cls: type[BaseModel], given: Any) -> Any:
        return {**given, **pins} if isinstance(given, dict) else given

    method: Any = classmethod(pin)
    validators: dict[str, Any] = {"pin": model_validator(mode="before")(method)}
    made: type[BaseModel] = create_model(model.__name__, __base__=model, __validators__=validators)
    return made
