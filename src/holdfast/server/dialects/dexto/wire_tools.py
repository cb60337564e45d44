"""Tools, and what an agent can be built of, as Dexto's clients read them."""

from __future__ import annotations

from typing import Any, Literal

from holdfast.server.dialects.dexto.wire import Said, absent

Source = Literal["internal", "custom", "mcp"]
Category = Literal["blob", "database", "compaction", "customTools"]


class Tool(Said):
    """A tool of the active agent."""

    id: str
    name: str
    description: str
    source: Source
    server_name: str | None = absent()
    input_schema: dict[str, Any] | None = absent()


class Tools(Said):
    tools: list[Tool]
    total_count: int
    internal_count: int
    custom_count: int
    mcp_count: int


class ProviderMetadata(Said):
    display_name: str | None = absent()
    description: str | None = absent()


class Provider(Said):
    """One way in which something can be done."""

    type: str
    category: Category
    metadata: ProviderMetadata | None = absent()


class InternalTool(Said):
    name: str
    description: str


class Discovery(Said):
    """What an agent can be built of."""

    blob: list[Provider]
    database: list[Provider]
    compaction: list[Provider]
    custom_tools: list[Provider]
    internal_tools: list[InternalTool]
