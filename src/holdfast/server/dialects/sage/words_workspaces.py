"""What Sage says of the files of agents."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "files_listed": ("获取文件列表成功", "Files listed"),
    "workspace_empty": ("工作空间为空", "Workspace is empty"),
    "path_missing": ("缺少必要的路径参数", "Required path parameters are missing"),
    "file_missing": ("文件不存在: {path}", "File not found: {path}"),
    "path_no_folder": ("路径不是目录", "The path is not a directory"),
    "path_outside": (
        "访问被拒绝：文件路径超出工作空间范围",
        "Access denied: file path is outside the workspace",
    ),
    "file_name_invalid": ("非法文件名", "Invalid file name"),
    "file_uploaded": ("文件 {name} 上传成功", "File {name} uploaded"),
    "file_deleted": ("文件 {path} 已删除", "File {path} deleted"),
    "workspace_deleted": ("工作空间已删除", "Workspace deleted"),
    "workspace_forbidden": ("无权访问", "Not allowed to access this workspace"),
}
"""By a name of ours: the text in Chinese, and in English."""
