"""What tools are called in Dexto: `internal--X`, `custom--X`, and `mcp--X` for one of an MCP server. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from holdfast.core.domain.mcp import PREFIX, server_of

INTERNAL, CUSTOM, MCP = "internal--", "custom--", "mcp--"


class ToolNames:
    """Names of tools in Dexto. Tools of MCP servers that have the same name are told apart by their
    servers."""

    def __init__(self, names: Iterable[str] = (), custom: Iterable[str] = ()) -> None:
        """`names` are those of all tools that there are, `custom` those of the user's own."""
        self._custom = frozenset(custom)
        self._taken: Mapping[str, int] = Counter(_part(name) for name in set(names) if server_of(name))

    def wire(self, name: str) -> str:
        """Returns what a tool of ours is called in Dexto."""
        server = server_of(name)
        if server is None:
            return (CUSTOM if name in self._custom else INTERNAL) + name
        part = _part(name)
        return MCP + (part if self._taken.get(part, 0) < 2 else f"{server}--{part}")


def _part(name: str) -> str:
    """Returns what the server itself calls its tool."""
    return name.removeprefix(PREFIX).partition("__")[2]
