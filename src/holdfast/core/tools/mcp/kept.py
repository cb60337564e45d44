"""What a server offered when it last ran: with it an agent has the tools of a server that does not run."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from holdfast.core.config.private import write_private
from holdfast.core.tools.mcp.limits import MAX_LISTING_CHARS
from holdfast.core.tools.mcp.port import RawTool

_TOOLS = TypeAdapter(tuple[RawTool, ...])
logger = logging.getLogger(__name__)


class KeptTools:
    """A file with tools as the server has described them: checked again whenever they are read. Methods
    block."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[RawTool, ...] | None:
        """Returns what was written; None when there is nothing that can be read."""
        try:
            return _TOOLS.validate_json(self._path.read_bytes())
        except (OSError, ValueError):
            return None

    def write(self, tools: Sequence[RawTool]) -> None:
        """Keeps tools, unless they are too many: nothing depends on it."""
        text = json.dumps([asdict(tool) for tool in tools])
        if len(text) > 2 * MAX_LISTING_CHARS:
            return
        try:
            write_private(self._path, text)
        except OSError as error:
            logger.warning("the tools of an MCP server are not kept: %s", error)

    def remove(self) -> None:
        """Forgets the tools; none are no error."""
        self._path.unlink(missing_ok=True)
