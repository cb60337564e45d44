"""Run by `test_powabase_examples.py` in the client's environment: `use_powabase.py URL KEY MODEL`.

Asks what the documentation of Powabase's agents asks, in its order, with `requests`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import requests

_, BASE_URL, KEY, MODEL = sys.argv
headers = {"apikey": KEY, "Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
said: dict[str, Any] = {}


def ask(name: str, method: str, path: str, body: Any = None) -> Any:
    response = requests.request(method, f"{BASE_URL}{path}", headers=headers, json=body, timeout=30)
    said[name] = {"status": response.status_code, "body": response.json()}
    return response.json()


def stream(name: str, path: str, body: Any) -> list[dict[str, Any]]:
    """Reads a stream as the documentation does; a call that waits is approved."""
    response = requests.post(f"{BASE_URL}{path}", headers=headers, json=body, stream=True, timeout=60)
    events = []
    for line in response.iter_lines():
        if line and line.decode().startswith("data: "):
            event = json.loads(line.decode()[6:])
            events.append(event)
            if event["event"] == "approval_requested":
                ask("approve", "POST", f"/api/agents/runs/{event['run_id']}/approve", {"approved": True})
    said[name] = {"status": response.status_code, "body": events}
    return events


new = {
    "name": "My Agent",
    "model": "gpt-4o",
    "system_prompt": "You are helpful.",
    "settings": {"temperature": 0.7},
}
agent = f"/api/agents/{ask('create', 'POST', '/api/agents', new)['id']}"
ask("list", "GET", "/api/agents")
ask("get", "GET", agent)
ask("update", "PATCH", agent, {"settings": {"temperature": 0.5}})

tool = ask("assign", "POST", f"{agent}/tools", {"tool_name": "database_query"})
ask("tools", "GET", f"{agent}/tools")
override = {"config_override": {"schemas": {"public": ["users", "orders"]}}}
ask("override", "PATCH", f"{agent}/tools/{tool['id']}", override)
ask("typo", "PATCH", f"{agent}/tools/{tool['id']}", {"config": {"schemas": {}}})
wrong = {"config_override": {"schemas": {"auth": ["users"]}}}
ask("system", "PATCH", f"{agent}/tools/{tool['id']}", wrong)
ask("unassign", "DELETE", f"{agent}/tools/{tool['id']}")

base = ask("base", "POST", "/api/knowledge-bases", {"name": "prices"})
link = ask("link", "POST", f"{agent}/knowledge-bases", {"knowledge_base_id": base["id"]})
ask("again", "POST", f"{agent}/knowledge-bases", {"knowledge_base_id": base["id"]})
ask("linked", "GET", f"{agent}/knowledge-bases")
ask("unlink", "DELETE", f"{agent}/knowledge-bases/{link['id']}")

mcp = {"url": "https://mcp.example.com", "transport": "http", "name": "My MCP"}
server = ask("server", "POST", f"{agent}/mcp-servers", mcp)
ask("taken", "POST", f"{agent}/mcp-servers", mcp)
ask("servers", "GET", f"{agent}/mcp-servers")
ask("move", "PUT", f"{agent}/mcp-servers/{server['id']}", {"url": "https://new-url.com"})
ask("remove", "DELETE", f"{agent}/mcp-servers/{server['id']}")

webhook = {"event": "before_run", "type": "webhook", "config": {"url": "https://example.com/hook"}}
hook = ask("hook", "POST", f"{agent}/hooks", webhook)
ask("hooks", "GET", f"{agent}/hooks")
ask("unhook", "DELETE", f"{agent}/hooks/{hook['id']}")

ask("model", "PATCH", agent, {"model": MODEL})
ask("writer", "POST", f"{agent}/tools", {"tool_name": "write_file"})
first = ask("run", "POST", f"{agent}/run", {"message": "Hello", "citations_enabled": False})
asked = {"message": "Go on", "session_id": first["session_id"], "reasoning_requested": True}
events = stream("stream", f"{agent}/run/stream", asked)
ask("record", "GET", f"/api/agents/runs/{events[0]['run_id']}")
ask("sessions", "GET", f"{agent}/sessions")
two = {"message": "x", "context_override": "a", "context_items": [{"id": "b"}]}
ask("two", "POST", f"{agent}/run", two)
ask("delete", "DELETE", agent)
ask("gone", "GET", agent)
print(json.dumps(said))
