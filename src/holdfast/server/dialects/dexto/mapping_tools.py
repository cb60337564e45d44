"""Between the tools of Dexto's agents and ours. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from holdfast.core.domain.mcp import says, server_of
from holdfast.core.domain.tools import ToolInfo
from holdfast.server.dialects.dexto.mapping_mcp import reads_resources
from holdfast.server.dialects.dexto.names import ToolNames
from holdfast.server.dialects.dexto.wire_tools import (
    Category,
    Discovery,
    InternalTool,
    Provider,
    ProviderMetadata,
    Source,
    Tool,
    Tools,
)

_SOURCES: dict[str, Source] = {"custom": "custom", "mcp": "mcp"}
_ORDER: tuple[Source, ...] = ("internal", "custom", "mcp")

_PROVIDERS: tuple[tuple[Category, str, str, str], ...] = (
    ("blob", "local", "Files", "Contents of files and images, each once, in a folder of the engine."),
    ("database", "sqlite", "SQLite", "Sessions, memory and everything else, in one file of the engine."),
    (
        "compaction",
        "reactive-overflow",
        "Summary",
        "Older messages give way to a summary when the model's window would overflow.",
    ),
    ("customTools", "http", "HTTP", "A tool that asks an address."),
    ("customTools", "python", "Python", "A tool that is a function in Python, run confined."),
)


def tools(found: Iterable[ToolInfo], servers: Mapping[str, str]) -> Tools:
    """Returns tools as Dexto lists them; `servers` has what its clients call each MCP server."""
    by_name = {each.name: each for each in found if not reads_resources(each)}
    custom = [name for name, each in by_name.items() if each.source == "custom"]
    names = ToolNames(by_name, custom)
    listed = [_tool(each, names.wire(name), servers) for name, each in by_name.items()]
    listed.sort(key=lambda each: (_ORDER.index(each.source), each.name))
    counts = Counter(each.source for each in listed)
    return Tools(
        tools=listed,
        total_count=len(listed),
        internal_count=counts["internal"],
        custom_count=counts["custom"],
        mcp_count=counts["mcp"],
    )


def _tool(info: ToolInfo, name: str, servers: Mapping[str, str]) -> Tool:
    server = server_of(info.name)
    return Tool(
        id=name,
        name=name,
        description=info.description.removeprefix(says(server)) if server else info.description,
        source=_SOURCES.get(info.source, "internal"),
        server_name=servers.get(server, server) if server else None,
        input_schema=info.parameters,
    )


def discovery(builtin: Iterable[ToolInfo]) -> Discovery:
    """Returns what an agent can be built of."""

    def of(category: Category) -> list[Provider]:
        return [
            Provider(
                type=type,
                category=category,
                metadata=ProviderMetadata(display_name=title, description=description),
            )
            for each, type, title, description in _PROVIDERS
            if each == category
        ]

    return Discovery(
        blob=of("blob"),
        database=of("database"),
        compaction=of("compaction"),
        custom_tools=of("customTools"),
        internal_tools=[
            InternalTool(name=each.name, description=each.description)
            for each in builtin
            if each.source == "builtin"
        ],
    )
