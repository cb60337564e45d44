"""What Sage says of oauth."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "oauth.title": ("允许 {client} 登录？", "Let {client} in?"),
    "oauth.wants": ("{client} 想知道您是谁，它将看到：", "{client} wants to know who you are. It will see:"),
    "oauth.openid": ("您的用户标识、用户名和角色", "your user id, your user name and your role"),
    "oauth.profile": ("您的显示名称", "your display name"),
    "oauth.email": ("您的邮箱地址", "your e-mail address"),
    "oauth.signed_in": ("您当前以 {user} 的身份登录。", "You are signed in as {user}."),
    "oauth.goes_to": ("之后您将前往 {place}。", "Afterwards you go to {place}."),
    "oauth.deny": ("拒绝", "Deny"),
    "oauth.allow": ("允许", "Allow"),
}
"""By a name of ours: the text in Chinese, and in English."""
