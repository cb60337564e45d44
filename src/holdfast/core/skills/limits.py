"""How large a skill may be."""

from __future__ import annotations

MAX_FILES = 500
"""Files and folders in one skill."""
MAX_BYTES = 20 * 2**20
"""Bytes of all files of one skill."""
MAX_PACKED_BYTES = 20 * 2**20
"""Bytes of an archive that skills come in."""
MAX_RATIO = 200
"""How many times larger a file may be than it is packed; small files may be more."""
MAX_DEPTH = 12
"""Folders in folders."""
MAX_PATH = 240
"""Characters of a path in a skill."""
MAX_SKILLS = 500
"""Skills of one folder that are looked at, and that a user can have."""
