"""The servers of one user: a small YAML file, written by commands and open to an editor."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from holdfast.core.config.listed import write_list
from holdfast.core.config.yaml import parse_file
from holdfast.core.domain.errors import ConflictError, NotFoundError, file_mistakes
from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.domain.values import Value

MAX_SERVERS = 50
"""Of one user."""
_HEAD = "# MCP servers whose tools your agents can have. `holdfast mcp add` and `remove` rewrite this file.\n"


class _File(Value):
    servers: tuple[McpServerSpec, ...] = Field(default=(), max_length=MAX_SERVERS)


class ServersFile:
    """Reads the file anew whenever it is asked. Methods block, and raise `InvalidError` for a file with a
    mistake, which is never overwritten, and for what a file cannot say, and `OSError` from writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def read(self) -> dict[str, McpServerSpec]:
        """Returns the servers by name, in the order of the file; of two of one name the first counts."""
        try:
            value, problems = parse_file(_File, self.path)
        except FileNotFoundError:
            return {}
        if value is None:
            raise file_mistakes(problems, code="invalid_mcp_file")
        found: dict[str, McpServerSpec] = {}
        for spec in value.servers:
            found.setdefault(spec.name, spec)
        return found

    def add(self, spec: McpServerSpec) -> None:
        """Adds a server. Raises `ConflictError` when its name is taken, or there are too many."""
        with self._lock:
            known = self.read()
            if spec.name in known:
                raise ConflictError(
                    f"There is an MCP server {spec.name} already; remove it first, or choose another name.",
                    code="mcp_server_exists",
                )
            if len(known) >= MAX_SERVERS:
                raise ConflictError(
                    f"You have {MAX_SERVERS} MCP servers already.", code="too_many_mcp_servers"
                )
            self._write([*known.values(), spec])

    def replace(self, spec: McpServerSpec) -> None:
        """Changes a server. Raises `NotFoundError`."""
        with self._lock:
            known = self.read()
            find(known, spec.name)
            self._write({**known, spec.name: spec}.values())

    def remove(self, name: str) -> McpServerSpec:
        """Removes a server and returns what it was. Raises `NotFoundError`."""
        with self._lock:
            known = self.read()
            gone = find(known, name)
            self._write(spec for spec in known.values() if spec is not gone)
        return gone

    def _write(self, specs: Iterable[McpServerSpec]) -> None:
        known = tuple(specs)
        given = ({"name": spec.name, **spec.model_dump(mode="json", exclude_defaults=True)} for spec in known)
        write_list(self.path, _HEAD, "servers", given, _File(servers=known))


def find(servers: dict[str, McpServerSpec], name: str) -> McpServerSpec:
    """Returns the server of a name. Raises `NotFoundError`, which names those that there are."""
    found = servers.get(name)
    if found is None:
        known = f" There are: {', '.join(servers)}." if servers else " Add one with `holdfast mcp add`."
        raise NotFoundError(f"There is no MCP server {name[:80]!r}.{known}", code="mcp_server_not_found")
    return found
