"""Small MCP servers over stdin and stdout: programs of their own, which need nothing but Python."""

from __future__ import annotations

import sys
from pathlib import Path

_HEAD = """
import json, os, sys
CAPABLE, TOOLS, UNKNOWN = {"tools": {}}, [], {"code": -32601, "message": "unknown"}
CLIENT = {}
def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
def ask(method, params):
    send(id="ask", method=method, params=params)
    told = json.loads(sys.stdin.readline())
    return told.get("result") or told["error"]
def other(method, params):
    return None
"""
_LOOP = """
for line in sys.stdin:
    request = json.loads(line)
    id, method, params = request.get("id"), request["method"], request.get("params") or {}
    if method == "initialize":
        CLIENT.update(params["capabilities"])
        info = {"name": "small", "version": "1"}
        result = {"protocolVersion": "2025-11-25", "capabilities": CAPABLE, "serverInfo": info}
    elif method == "tools/list":
        result = {"tools": TOOLS}
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": call(params)}]}
    else:
        result = other(method, params)
    if id is not None:
        send(id=id, **({"result": result} if result else {"error": UNKNOWN}))
"""


def small_server(path: Path, body: str) -> tuple[str, ...]:
    """Writes a server and returns the command that starts it.

    `body` is Python. It sets `TOOLS`, as `tools/list` answers them, and has `call(params)`, which returns the
    text that a call results in. It may set `CAPABLE`, the capabilities, have `other(method, params)`, which
    returns the result of every other request or None, and set `UNKNOWN`, the error that None is. `ask(method,
    params)` asks the client in the middle of a call; `CLIENT` has the client's capabilities.
    """
    path.write_text(f"{_HEAD}{body}{_LOOP}")
    return (sys.executable, "-I", "-S", str(path))
