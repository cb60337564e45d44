"""Between Powabase's words and ours: names of tools and of ways to retrieve."""

from __future__ import annotations

from holdfast.core.domain.knowledge import Method

TOOLS: dict[str, tuple[str, ...]] = {
    "database_query": ("sql_query",),
    "database_write": ("sql_write",),
    "http_request": ("http_request",),
    "code_execute": ("run_python", "run_javascript"),
    "storage_read": ("read_bucket", "list_bucket"),
    "storage_write": ("write_bucket",),
    "web_search": ("web_search",),
    "web_scrape": ("web_scrape",),
}
"""Powabase's built-in tools, each with those here that do the same together."""

_WIRE = {
    **{core: wire for wire, parts in TOOLS.items() for core in parts},
    "search_knowledge": "knowledge_search",
}


def wire_tool(name: str) -> str:
    """Returns what Powabase calls one of our tools, as events and lists of assignments name it; a tool that
    it does not have keeps its name."""
    return _WIRE.get(name, name)


def core_tools(name: str) -> tuple[str, ...]:
    """Returns the tools here that a name of Powabase's stands for; any other name stands for itself."""
    return TOOLS.get(name, (name,))


MATCHERS: dict[str, str] = {"code_execute": "run_[pj]*", "storage_read": "[lr]*_bucket"}
"""Patterns of rules that mean all parts of a tool that is several here, and no others."""


def core_matcher(name: str) -> str:
    """Returns the pattern of rules that means a tool by Powabase's name."""
    named = {wire: core for core, wire in _WIRE.items()}
    return MATCHERS.get(name) or named.get(name, name)


METHODS: dict[str, Method] = {
    "vector_search": "vector",
    "full_text": "lexical",
    "hybrid": "hybrid",
    "tree_search": "agentic",
}
"""Powabase's ways to retrieve, and ours."""
METHOD_NAMES = {ours: wire for wire, ours in METHODS.items()}
