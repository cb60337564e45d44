"""Which things stand in the paths of dialects."""

from __future__ import annotations

import re

_KNOWN = {
    r"/agents/runs/{\w+}": "run",
    r"/api/agents?/{\w+}": "agent",
    r"/(chats|sessions|queue|tasks)/{\w+}": "session",
    r"/(collections|knowledge-bases)/{\w+}": "collection",
    r"/documents/{\w+}": "document",
    r"/context-handlers/{\w+}": "context",
    r"/jobs/{\w+}": "job",
    r"/messages/{\w+}": "message",
    r"/memory_blocks/{\w+}": "block",
    r"/api/memory/{\w+}": "entry",
    r"/api/webhooks/{\w+}": "webhook",
    r"/api/mcp/servers/{\w+}": "server",
    r"/api/mcp/{\w+}": "server",
    r"/api/prompts/(custom/)?{\w+}": "prompt",
}
"""What the first parameter means in paths that have this."""


def fill(path: str, ids: dict[str, str]) -> dict[str, str]:
    """Returns what the parameters of a path stand for, by `ids` of each kind; empty when that is not known.
    Those behind the first are the id of a run, which is none of theirs."""
    for pattern, kind in _KNOWN.items():
        found = re.search(pattern, path)
        if found is not None and kind in ids:
            names = re.findall(r"{(\w+)}", path)
            return dict.fromkeys(names, ids["run"]) | {names[0]: ids[kind]}
    return {}
