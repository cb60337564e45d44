"""What Sage says of conversations."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "conversations_listed": ("获取会话列表成功", "The conversations were listed"),
    "messages_read": ("获取消息成功", "The messages were read"),
    "shared_messages_read": ("获取分享消息成功", "The shared messages were read"),
    "titled": ("会话 {id} 标题已更新", "The title of conversation {id} was updated"),
    "core.invalid_title": ("标题不能为空", "The title cannot be empty"),
    "conversation_deleted": ("会话 {id} 已删除", "Conversation {id} was deleted"),
    "interrupted": ("会话 {id} 已中断", "Session {id} was interrupted"),
    "tasks_read": ("获取任务状态成功", "The tasks were read"),
    "conversation_not_there": ("会话 {id} 不存在", "Conversation {id} does not exist"),
    "session_over": ("会话 {id} 已完成或者不存在", "Session {id} has completed or does not exist"),
    "nothing_to_guide": (
        "会话不存在或已结束，无法注入引导消息",
        "The session does not exist or has ended; nothing can be said to it",
    ),
    "guidance_exists": ("guidance_id={id} 已存在", "There is a guidance_id={id} already"),
    "guidance_gone": ("未找到 guidance_id={id}", "guidance_id={id} was not found"),
    "no_user_message": (
        "会话 {id} 没有可编辑的用户消息",
        "Conversation {id} has no message of a user",
    ),
}
"""By a name of ours: the text in Chinese, and in English."""
