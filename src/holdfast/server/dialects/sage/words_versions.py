"""What Sage says of versions of its desktop program."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "version_created": ("版本创建成功", "Version created"),
    "version_deleted": ("版本删除成功", "Version deleted"),
    "version_exists": ("版本已存在", "Version already exists"),
    "version_not_found": ("未找到版本", "Version not found"),
    "version_not_imported": ("从 GitHub 获取版本失败", "Failed to fetch the version from GitHub"),
    "jaeger_local_only": ("Jaeger 仅支持本地管理员登录", "Jaeger only supports local administrators"),
}
"""By a name of ours: the text in Chinese, and in English."""
