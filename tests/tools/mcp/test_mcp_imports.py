from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import holdfast.core.services.local, holdfast.core.tools.mcp.hub, holdfast.cli.commands.mcp
print(sorted({"mcp", "mcp_types", "httpx2", "anyio", "jsonschema"} & set(sys.modules)))
"""


def test_an_engine_without_servers_does_not_load_the_library() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
