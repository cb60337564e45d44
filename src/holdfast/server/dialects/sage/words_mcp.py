"""What Sage says of MCP servers."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "mcp_added": ("MCP server {name} 添加成功", "The MCP server {name} was added"),
    "mcp_listed": ("获取MCP服务器列表成功", "The MCP servers were listed"),
    "mcp_updated": ("MCP server {name} 更新成功", "The MCP server {name} was changed"),
    "mcp_refreshed": ("MCP server {name} 刷新成功", "The MCP server {name} was started anew"),
    "mcp_not_refreshed": ("MCP server {name} 刷新失败", "The MCP server {name} does not start"),
    "mcp_enabled": ("MCP server {name} 已启用", "The MCP server {name} is enabled"),
    "mcp_disabled": ("MCP server {name} 已禁用", "The MCP server {name} is disabled"),
    "mcp_removed": ("MCP服务器 '{name}' 删除成功", "The MCP server '{name}' was removed"),
    "mcp_exists": ("MCP服务器 '{name}' 已存在", "MCP server '{name}' already exists"),
    "mcp_not_there": ("MCP服务器 '{name}' 不存在", "MCP server '{name}' does not exist"),
    "mcp_not_added": ("MCP server {name} 注册失败", "Failed to register MCP server {name}"),
    "core.mcp_program_forbidden": (
        "只有管理员可以添加 stdio 类型的 MCP 服务器",
        "Only administrators can add MCP servers of the protocol stdio",
    ),
}
"""By a name of ours: the text in Chinese, and in English; `core.CODE` is what is said of an error of ours."""
