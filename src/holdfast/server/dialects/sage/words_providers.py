"""What Sage says of providers."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "provider_verified": ("验证成功", "Verification succeeded"),
    "provider_failed": ("验证失败: {message}", "Verification failed: {message}"),
    "provider_sees": ("多模态验证成功", "Multimodal verification succeeded"),
    "provider_sees_not": ("该模型不支持多模态", "This model does not support multimodal input"),
    "provider_abilities": ("能力验证成功", "Capability verification succeeded"),
    "provider_not_found": ("Provider not found", "Provider not found"),
    "provider_refused": ("{message}", "{message}"),
    "provider_system": ("Cannot modify system default provider", "Cannot modify system default provider"),
    "provider_default": ("Cannot delete default provider", "Cannot delete default provider"),
}
"""By a name of ours: the text in Chinese, and in English."""
