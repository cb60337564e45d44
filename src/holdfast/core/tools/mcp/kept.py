"""What a server offered when it last ran: with it an agent has the tools of a server that does not run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from holdfast.core.config.private import write_private
from holdfast.core.tools.mcp.limits import MAX_LISTING_CHARS
from holdfast.core.tools.mcp.port import RawOffer, RawTool

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """Tools and what else there is, as the server has described them."""

    tools: tuple[RawTool, ...]
    offer: RawOffer


_KEPT = TypeAdapter(Kept)


class KeptTools:
    """A file with what a server has described: checked again whenever it is read. Methods block."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Kept | None:
        """Returns what was written; None when there is nothing that can be read."""
        try:
            return _KEPT.validate_json(self._path.read_bytes())
        except (OSError, ValueError):
            return None

    def write(self, tools: Sequence[RawTool], offer: RawOffer) -> None:
        """Keeps tools and what else there is, unless they are too many: nothing depends on it."""
        data = _KEPT.dump_json(Kept(tuple(tools), offer))
        if len(data) > 2 * MAX_LISTING_CHARS:
            return
        try:
            write_private(self._path, data.decode())
        except OSError as error:
            logger.warning("the tools of an MCP server are not kept: %s", error)

    def remove(self) -> None:
        """Forgets it all; nothing there is no error."""
        self._path.unlink(missing_ok=True)
