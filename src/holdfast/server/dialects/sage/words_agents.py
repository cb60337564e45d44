"""What Sage says of agents."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "agents_listed": ("成功获取 {count} 个Agent", "{count} agents retrieved"),
    "agent_template_read": ("成功获取默认System Prompt模板", "Default system prompt template retrieved"),
    "agent_created": ("Agent '{id}' 创建成功", "Agent '{id}' created"),
    "agent_read": ("获取Agent '{id}' 成功", "Agent '{id}' retrieved"),
    "agent_updated": ("Agent '{id}' 更新成功", "Agent '{id}' updated"),
    "agent_deleted": ("Agent '{id}' 删除成功", "Agent '{id}' deleted"),
    "agent_shares_read": ("获取授权用户列表成功", "Authorized users retrieved"),
    "agent_shared": ("更新授权成功", "Authorization updated"),
    "agent_missing": ("Agent '{id}' 不存在", "Agent '{id}' does not exist"),
    "agent_name_empty": ("Agent 名称不能为空", "The agent's name cannot be empty"),
    "agent_name_taken": ("Agent '{name}' 已存在", "Agent '{name}' already exists"),
    "agent_update_forbidden": ("无权更新该Agent", "Not allowed to update this agent"),
    "agent_delete_forbidden": ("无权删除该Agent", "Not allowed to delete this agent"),
    "agent_shares_forbidden": ("无权查看授权用户", "Not allowed to see the authorized users"),
    "agent_share_forbidden": ("无权修改授权", "Not allowed to change the authorization"),
    "loops_no_number": ("最大循环次数必须为整数", "Max loop count must be an integer"),
    "loops_too_few": ("最大循环次数不能小于 1", "Max loop count cannot be less than 1"),
    "agent_description_empty": ("Agent 描述不能为空", "The agent's description cannot be empty"),
    "prompt_empty": ("系统提示词不能为空", "The system prompt cannot be empty"),
    "drafted_by_model": ("Agent 配置生成成功", "Agent configuration generated"),
    "drafted_by_template": (
        "未配置模型，已按模板生成，未经模型处理",
        "There is no model: this was made from a template, and no model has worked on it",
    ),
    "prompt_optimized": ("系统提示词优化成功", "System prompt optimized"),
    "task_submitted": ("任务已提交", "Task submitted"),
    "task_read": ("获取任务状态成功", "Task status retrieved"),
    "task_cancelled": ("任务取消请求已提交", "Task cancellation requested"),
    "task_missing": ("任务不存在", "Task not found"),
    "abilities_read": ("成功获取Agent能力列表", "Agent abilities retrieved"),
    "agent_prompt_template": (
        "## 角色\n\n你是一名可靠的助手，帮助用户完成他们交给你的工作。\n\n"
        "## 技能\n\n- 先理解目标，不清楚时提问\n- 把较大的工作分成步骤，并说明进展\n"
        "- 使用可用的工具核实事实\n\n"
        "## 限制\n\n- 不编造事实；不确定时请说明\n- 修改或删除任何内容之前先说明",
        "## Role\n\nYou are a reliable assistant that helps people with the work they give you.\n\n"
        "## Skills\n\n- Understand the goal first; ask where it is not clear\n- Take larger work in steps, "
        "and say how far you are\n- Check facts with the tools that you have\n\n"
        "## Constraints\n\n- Make up no facts; say where you are not sure\n- Say so before you change or "
        "delete anything",
    ),
    "core.agent_not_found": ("Agent 不存在", "Agent does not exist"),
    "core.agent_not_yours": ("无权访问该Agent", "Not allowed to access this agent"),
    "core.agent_readonly": ("无权更新该Agent", "Not allowed to update this agent"),
    "core.draft_not_found": ("任务不存在", "Task not found"),
}
"""By a name of ours: the text in Chinese, and in English."""
