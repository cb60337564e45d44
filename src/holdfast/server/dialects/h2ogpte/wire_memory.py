"""What h2oGPTe says of memory blocks on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from holdfast.server.dialects.h2ogpte.wire import PageQuery, Wire

InjectionMode = Literal["system_prompt", "user_instruction", "agent_file"]
AccessMode = Literal["read", "write", "read_write"]
DefaultScope = Literal["llm", "agent"]
Permission = Literal["h2ogpte/memory_block/read", "h2ogpte/memory_block/edit"]

READ: Permission = "h2ogpte/memory_block/read"
EDIT: Permission = "h2ogpte/memory_block/edit"


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


Permissions = Annotated[tuple[Permission, ...], BeforeValidator(_listed), Field(max_length=20)]
"""Whoever may edit may read. A form has one of them as a text."""
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
MaxLength = Annotated[int, Field(ge=0, le=1_000_000)]


class MemoryBlock(Wire):
    id: str
    name: str
    content: str
    system_prompt_amendment: str
    injection_mode: InjectionMode
    access_mode: AccessMode
    user_id: str
    """The owner's."""
    username: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    is_public: bool
    is_owner: bool
    can_edit: bool
    max_content_length: int
    """Characters; 0: as many as any may have."""
    is_auto: bool = False
    user_count: int
    """Users whom it is shared with."""
    group_count: int = 0


class MemoryBlockBody(Wire):
    name: Name
    content: str = ""
    system_prompt_amendment: str = ""
    injection_mode: InjectionMode = "system_prompt"
    access_mode: AccessMode = "read_write"
    max_content_length: MaxLength = 10_000


class MemoryBlockChanges(Wire):
    """What is left out stays as it is."""

    name: Name | None = None
    content: str | None = None
    system_prompt_amendment: str | None = None
    injection_mode: InjectionMode | None = None
    access_mode: AccessMode | None = None
    max_content_length: MaxLength | None = None


class MemoryBlockQuery(PageQuery):
    name_filter: Annotated[str, Field(max_length=200)] = ""
    updated_after: AwareDatetime | None = None


class MemoryBlocks(Wire):
    items: tuple[MemoryBlock, ...]
    total: int
    """Of all pages."""


class ShareBody(Wire):
    permissions: Permissions | None = None
    """None: to read."""


class PrivacyBody(Wire):
    is_public: bool
    permissions: Permissions | None = None


class SharePermission(Wire):
    username: str
    permissions: tuple[str, ...]


class Defaults(Wire):
    llm: MemoryBlock | None
    agent: MemoryBlock | None


class DefaultsAnswer(Wire):
    defaults: Defaults


class DefaultBody(Wire):
    scope: DefaultScope
    memory_block_id: str | None = None
    """None: there is to be none."""


class DefaultAnswer(Wire):
    scope: DefaultScope
    memory_block: MemoryBlock | None
