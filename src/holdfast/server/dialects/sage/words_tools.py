"""What Sage says of tools."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "tools_listed": ("获取工具列表成功", "The tools were listed"),
    "tool_executed": ("工具执行成功", "The tool was executed"),
    "tool_not_found": ("工具不存在", "Tool not found"),
    "tool_failed": ("工具执行失败", "Tool execution failed"),
    "tool_denied": ("无权使用该工具: {reason}", "Not allowed to use this tool: {reason}"),
}
"""By a name of ours: the text in Chinese, and in English."""
