"""The engine's log: lifecycle and bugs. No contents of messages and no secrets are written to it."""

from __future__ import annotations

import logging
import logging.handlers
import os
from io import TextIOWrapper
from pathlib import Path

from holdfast.core.domain.logs import without_keys
from holdfast.core.domain.text import sanitize

MAX_BYTES = 1024 * 1024
BACKUPS = 3


class PlainFormatter(logging.Formatter):
    """Writes a record so that nothing in it, as a path or a name that came from outside, can pass for another
    record, be a key, or do something to a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return sanitize(without_keys(super().format(record))).replace("\n", "\n  ")


class PrivateFile(logging.handlers.RotatingFileHandler):
    """A file for the user alone, each of its successors too; it is rotated by size."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        file = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return os.fdopen(file, "a", encoding="utf-8", errors="backslashreplace")


def open_log(path: Path) -> logging.Logger:
    """Returns the logger of everything in Holdfast, writing to `path`; the file is rotated by size."""
    handler = PrivateFile(path)
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log = logging.getLogger("holdfast")
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    # What clients of the MCP server do wrong is no news, and a warning may quote them.
    for name, level in (
        ("uvicorn.error", logging.WARNING),
        ("asyncio", logging.WARNING),
        ("mcp.server", logging.ERROR),
    ):
        other = logging.getLogger(name)
        other.setLevel(level)
        other.addHandler(handler)
    return log
