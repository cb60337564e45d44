"""What Sage says to people, in Chinese and in English."""

from __future__ import annotations

from typing import Literal

from starlette.datastructures import Headers

from holdfast.server.dialects.sage import (
    words_accounts,
    words_agents,
    words_conversations,
    words_knowledge,
    words_mcp,
    words_oauth,
    words_providers,
    words_skills,
    words_storage,
    words_streams,
    words_system,
    words_tools,
    words_upstream,
    words_versions,
    words_workspaces,
)

Locale = Literal["zh", "en"]

WORDS: dict[str, tuple[str, str]] = {
    "": ("", ""),
    "unauthorized": ("未授权", "Unauthorized"),
    "invalid_token": ("Token非法", "Invalid token"),
    "session_expired": ("登录过期", "Session expired"),
    "permission_denied": ("权限不足", "Permission denied"),
    "failed": ("操作失败", "Operation failed"),
    "internal": ("内部服务器错误", "Internal server error"),
    **words_accounts.WORDS,
    **words_upstream.WORDS,
    **words_oauth.WORDS,
    **words_streams.WORDS,
    **words_conversations.WORDS,
    **words_agents.WORDS,
    **words_workspaces.WORDS,
    **words_knowledge.WORDS,
    **words_tools.WORDS,
    **words_skills.WORDS,
    **words_mcp.WORDS,
    **words_providers.WORDS,
    **words_system.WORDS,
    **words_storage.WORDS,
    **words_versions.WORDS,
}
"""By a name of ours: the text in Chinese, and in English; `{name}` stands for a value. `core.CODE` is what is
said of an error of that code of Holdfast's own."""


def locale_of(headers: Headers) -> Locale:
    """Returns the language that a request wants: `X-Sage-Locale`, else `Accept-Language`, else Chinese."""
    for name in ("x-sage-locale", "accept-language"):
        for wanted in headers.get(name, "").lower().split(","):
            if wanted.strip().startswith("en"):
                return "en"
            if wanted.strip().startswith("zh"):
                return "zh"
    return "zh"


def worded(name: str, locale: Locale, values: dict[str, object] | None = None) -> str:
    """Returns the text of this name."""
    return WORDS[name][0 if locale == "zh" else 1].format(**(values or {}))
