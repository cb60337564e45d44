"""What Sage says of streams."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "messages_empty": ("消息列表不能为空", "The list of messages cannot be empty"),
    "message_says_nothing": ("消息内容不能为空", "The message says nothing"),
    "message_part_unknown": (
        "不支持的消息内容类型: {kind}",
        "Parts of the type {kind} cannot be taken; send text and image_url",
    ),
    "image_unreadable": ("图片数据无法读取", "The data of an image is no base64"),
    "agent_not_there": ("Agent 不存在", "Agent does not exist"),
    "session_running": (
        "会话正在运行中，请先调用 interrupt 或使用不同的会话ID",
        "The conversation is already running. Call interrupt first or use a different session ID",
    ),
    "session_id_invalid": (
        "会话ID无效：应为 1 到 1000 个字符",
        "The session id is invalid: it has 1 to 1000 characters",
    ),
    "model_address_elsewhere": (
        "llm_model_config 不能带 base_url 或 api_key，请先创建 Provider 并使用 provider_id",
        "llm_model_config cannot have an address or a key; make a provider and name it as provider_id",
    ),
    "request_invalid": ("请求参数 {field} 无效: {reason}", "{field} cannot be so: {reason}"),
    "server_incomplete": (
        "extra_mcp_config.{name} 无效：{reason}",
        "extra_mcp_config.{name} cannot be used: {reason}",
    ),
    "sandbox_decided": ("审批已提交", "The decision was taken"),
    "sandbox_not_decided": ("审批未生效: {status}", "Nothing was decided: {status}"),
    "sandbox_audit": ("获取审批记录成功", "The decisions were read"),
    "input_optimized": ("输入优化成功", "The input was improved"),
    "input_as_it_was": (
        "未配置模型，输入保持不变",
        "There is no model that could improve it: the input is as it was",
    ),
    "run_failed": ("工作流执行失败: {error}", "The run has failed: {error}"),
    "run_cut": ("处理失败: {error}", "Processing has failed: {error}"),
    "loop_limit": ("已达到最大循环次数", "The limit of model calls was reached"),
}
"""By a name of ours: the text in Chinese, and in English."""
