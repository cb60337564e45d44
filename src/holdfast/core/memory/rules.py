"""What blocks and entries of memory may be, and what agents may do with a block. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.memory import MemoryAccess, MemoryBlock, MemoryEntry
from holdfast.core.domain.text import sanitize_line, without_unseen

MAX_CHARS = 1_000_000
"""Of any block's content."""
MAX_INSTRUCTIONS = 10_000
MAX_ENTRY = 10_000
MAX_TAGS = 10
MAX_TAG = 64
MAX_METADATA = 10_000
"""Characters of an entry's metadata, as JSON."""
MAX_DEPTH = 20
"""Lists and objects of the metadata in each other."""

_LONGEST_NAME = 100


def may_read(access: MemoryAccess) -> bool:
    """Says whether agents see a block."""
    return access in ("read", "read_write")


def may_write(access: MemoryAccess) -> bool:
    """Says whether agents may change a block's content."""
    return access in ("write", "read_write")


def checked_name(name: str) -> str:
    """Returns a block's name. Raises `InvalidError` (`invalid_memory`) for what cannot be one."""
    plain = _whole("name", name).strip()
    if not plain or plain != sanitize_line(plain) or "/" in plain or len(plain) > _LONGEST_NAME:
        raise _invalid("name", f"has 1 to {_LONGEST_NAME} characters on one line, and no slash")
    return plain


def checked_content(content: str, max_chars: int) -> str:
    """Returns a block's content, as far as people see it. Raises `InvalidError` (`memory_too_long`,
    `invalid_memory`)."""
    content = without_unseen(_whole("content", content))
    longest = max_chars or MAX_CHARS
    if len(content) > longest:
        raise too_long("content", len(content), longest)
    return content


def checked_instructions(instructions: str) -> str:
    """Returns what a model is told about a block. Raises as `checked_content` does."""
    instructions = without_unseen(_whole("instructions", instructions))
    if len(instructions) > MAX_INSTRUCTIONS:
        raise too_long("instructions", len(instructions), MAX_INSTRUCTIONS)
    return instructions


def checked_max_chars(max_chars: int) -> int:
    """Returns the longest content that a block is to have. Raises `InvalidError` (`invalid_memory`)."""
    if not 0 <= max_chars <= MAX_CHARS:
        raise _invalid("max_chars", f"is 0 to {MAX_CHARS}")
    return max_chars


def checked_entry(content: str) -> str:
    """Returns an entry's content, as far as people see it, without white space around it. Raises as
    `checked_content` does."""
    plain = without_unseen(_whole("content", content)).strip()
    if not plain:
        raise _invalid("content", "must say something")
    if len(plain) > MAX_ENTRY:
        raise too_long("content", len(plain), MAX_ENTRY)
    return plain


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Returns tags in the order given, each once. Raises `InvalidError` (`invalid_memory`)."""
    found = tuple(dict.fromkeys(_whole("tags", tag).strip() for tag in tags))
    if len(found) > MAX_TAGS:
        raise _invalid("tags", f"has at most {MAX_TAGS} of them")
    for tag in found:
        if not tag or len(tag) > MAX_TAG or tag != sanitize_line(tag):
            raise _invalid("tags", f"each has 1 to {MAX_TAG} characters on one line")
    return found


def checked_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Returns an entry's metadata. Raises `InvalidError` (`invalid_memory`) for what is too much or no
    JSON."""
    if _deeper(metadata, MAX_DEPTH):
        raise _invalid("metadata", f"has lists and objects at most {MAX_DEPTH} deep in each other")
    try:
        text = json.dumps(metadata, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise _invalid("metadata", f"is no JSON: {error}") from None
    if len(_whole("metadata", text)) > MAX_METADATA:
        raise _invalid("metadata", f"has at most {MAX_METADATA} characters as JSON")
    return metadata


def merged(old: MemoryEntry, new: MemoryEntry) -> dict[str, Any]:
    """Returns what changes of an entry when the same content is to be kept once more: tags and metadata are
    added, and what was pinned stays so. Empty: nothing."""
    tags = tuple(dict.fromkeys((*old.tags, *new.tags)))[:MAX_TAGS]
    wanted = {"tags": tags, "pinned": old.pinned or new.pinned, "metadata": {**old.metadata, **new.metadata}}
    return {name: value for name, value in wanted.items() if value != getattr(old, name)}


def appended(block: MemoryBlock, text: str) -> str:
    """Returns a block's content with a text behind it, on a line of its own."""
    before = block.content
    between = "" if not before or before.endswith("\n") else "\n"
    return f"{before}{between}{text}"


def too_long(field: str, length: int, longest: int) -> InvalidError:
    """Returns the error of a text that is longer than it may be."""
    return InvalidError(
        f"{field}: has {length} characters, and {longest} fit. Shorten it, or say less.",
        code="memory_too_long",
        details={"fields": [{"field": field, "message": f"has at most {longest} characters"}]},
    )


def _whole(field: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _invalid(field, "has half a character in it; write it whole") from None
    return text


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list | tuple):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(each, levels - 1) for each in inner)


def _invalid(field: str, message: str) -> InvalidError:
    return InvalidError(
        f"{field}: {message}.",
        code="invalid_memory",
        details={"fields": [{"field": field, "message": message}]},
    )
