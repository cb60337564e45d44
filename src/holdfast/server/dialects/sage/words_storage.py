"""What Sage says of storage."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "core.objects_package_missing": ("S3 配置缺失", "S3 configuration is missing"),
    "core.invalid_objects_url": ("S3 配置缺失", "S3 configuration is missing"),
    "storage_gone": ("文件不存在", "File not found"),
    "storage_no_file": ("缺少文件", "The form has no file"),
    "storage_down": ("RustFS 未配置或未初始化", "RustFS is not configured or initialized"),
}
"""By a name of ours: the text in Chinese, and in English."""
