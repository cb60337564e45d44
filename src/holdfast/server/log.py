"""The engine's log: lifecycle and bugs. No contents of messages and no secrets are written to it."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

MAX_BYTES = 1024 * 1024
BACKUPS = 3


def open_log(path: Path) -> logging.Logger:
    """Returns the logger of everything in Holdfast, writing to `path`; the file is rotated by size."""
    path.touch(mode=0o600, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log = logging.getLogger("holdfast")
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    for name in ("uvicorn.error", "asyncio"):
        other = logging.getLogger(name)
        other.setLevel(logging.WARNING)
        other.addHandler(handler)
    return log
