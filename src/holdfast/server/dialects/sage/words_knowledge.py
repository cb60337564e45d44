"""What Sage says of knowledge."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "core.collection_not_found": ("知识库不存在", "Knowledge base not found"),
    "core.document_not_found": ("知识库文档不存在", "Knowledge base document not found"),
    "core.document_waiting": (
        "文档正在处理中，请稍后重试",
        "The document is being processed. Try again later",
    ),
    "core.original_gone": ("文档原文件已不存在", "The original file of the document is no longer kept"),
    "not_a_table": (
        "QA知识库仅支持CSV或Excel文件: {name}",
        "A QA knowledge base only supports CSV or Excel files: {name}",
    ),
}
"""By a name of ours: the text in Chinese, and in English."""
