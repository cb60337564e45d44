"""What Sage says of skills."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "skills_listed": ("获取技能列表成功", "The skills were listed"),
    "skills_available": ("获取Agent可用技能列表成功", "The skills that the agent can have were listed"),
    "skill_imported": ("技能 '{name}' 导入成功", "The skill '{name}' was imported"),
    "skills_imported": (
        "批量导入完成: 成功 {good} 个, 失败 {bad} 个",
        "{good} skills were imported, {bad} were not",
    ),
    "skill_zip_only": ("仅支持 ZIP 文件", "Only ZIP files are supported"),
    "skill_zip_invalid": ("无效的 ZIP 文件", "The file is no valid ZIP"),
    "skill_missing": (
        "未找到有效的技能结构 (缺少 SKILL.md)",
        "There is no valid skill in it (SKILL.md is missing)",
    ),
    "skill_system_import": (
        "权限不足：只有管理员可以导入系统技能",
        "Permission denied: only administrators can import system skills",
    ),
    "skill_not_imported": ("导入失败: {message}", "Import failed: {message}"),
    "skill_removed": ("技能 '{name}' 删除成功", "The skill '{name}' was removed"),
    "skill_system_remove": ("无权删除系统技能", "Not allowed to remove a system skill"),
    "skill_not_found": ("Skill '{name}' not found", "Skill '{name}' not found"),
    "skill_changed": ("技能更新成功", "The skill was changed"),
    "skill_not_changed": ("技能更新失败: {message}", "The skill was not changed: {message}"),
    "skill_system_change": (
        "Permission denied: Cannot modify system skill",
        "Permission denied: Cannot modify system skill",
    ),
    "skill_not_in_square": (
        "技能 '{name}' 在技能广场中不存在",
        "There is no skill '{name}' to be given",
    ),
    "skills_synced": ("技能同步成功", "The agent has the skills as they are now"),
}
"""By a name of ours: the text in Chinese, and in English."""
