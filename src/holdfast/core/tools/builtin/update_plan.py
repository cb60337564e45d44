"""Shows the agent's plan."""

from __future__ import annotations

from pydantic import Field

from holdfast.core.domain.tools import PlanBlock, PlanItem, Preview, Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool


class UpdatePlanArguments(Arguments):
    items: tuple[PlanItem, ...] = Field(
        max_length=100, description="The whole plan in order, each step with its status"
    )


class UpdatePlan(BuiltinTool):
    name = "update_plan"
    risk = Risk.READ
    arguments = UpdatePlanArguments

    async def preview(self, arguments: UpdatePlanArguments, context: ToolContext) -> Preview:
        return Preview(blocks=(PlanBlock(items=arguments.items),))

    async def run(self, arguments: UpdatePlanArguments, context: ToolContext) -> ToolOutput:
        done = sum(item.status == "completed" for item in arguments.items)
        return ToolOutput.text(
            f"Plan updated: {done} of {len(arguments.items)} steps completed.",
            PlanBlock(items=arguments.items),
        )
