"""What an error of the database means to a person."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from holdfast.core.domain.errors import StoreError


def translate(error: sqlite3.Error, path: Path) -> StoreError:
    """Returns what an error of the database means to a person."""
    text = str(error)
    if "full" in text:
        return StoreError(
            f"The disk is full: {path} cannot grow. Free some space; nothing is lost.", code="disk_full"
        )
    if "readonly" in text or "unable to open" in text:
        return StoreError(
            f"{path} cannot be written ({text}). Check the permissions of the folder, or set HOLDFAST_HOME.",
            code="store_read_only",
        )
    if "locked" in text:
        return StoreError(
            f"{path} is locked by another program. Close it and try again.", code="store_locked"
        )
    if "malformed" in text or "not a database" in text:
        return StoreError(
            f"{path} is damaged ({text}). Run `holdfast doctor` to see what can be saved.",
            code="store_damaged",
        )
    return StoreError(f"The database {path} failed: {text}")
